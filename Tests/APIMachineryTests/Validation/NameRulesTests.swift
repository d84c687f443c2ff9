import Testing

@testable import APIMachinery

@Suite struct NameRulesTests {
    private static let a63 = String(repeating: "a", count: 63)

    @Test(arguments: ["a", "a-b", "0", "a0", a63])
    func `good labels`(value: String) {
        #expect(NameRules.dns1123Label(value).isEmpty)
        #expect(NameRules.dns1123Subdomain(value).isEmpty)
        #expect(NameRules.labelValue(value).isEmpty)
        #expect(NameRules.qualifiedName(value).isEmpty)
    }

    @Test(arguments: ["", "-a", "a-", "A", "a_b", "a b", "é", "a/b"])
    func `bad labels`(value: String) {
        #expect(
            NameRules.dns1123Label(value) == [
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start "
                    + "and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for "
                    + "validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
            ])
    }

    @Test func `labels are limited and have no dots`() {
        #expect(NameRules.dns1123Label("a.b") == ["must not contain dots"])
        #expect(NameRules.dns1123Label(Self.a63 + "a") == ["must be no more than 63 characters"])
        #expect(
            NameRules.dns1123Subdomain(String(repeating: "a.", count: 126) + "aa") == [
                "must be no more than 253 characters"
            ])
    }

    @Test(arguments: [
        ("a.b.c", true), ("a-b.c0", true), ("", false), (".a", false), ("a.", false), ("a..b", false), ("a.-b", false),
        ("a-.b", false), ("A.b", false), ("a_b", false),
    ])
    func `subdomains`(value: String, isGood: Bool) {
        #expect(NameRules.dns1123Subdomain(value).isEmpty == isGood)
    }

    @Test(arguments: [
        ("_srv._tcp.a", true), ("a_b.c", true), ("__a", false), ("_-a", false), ("a_", false), ("_", false),
        ("_.a", false),
    ])
    func `search domains`(value: String, isGood: Bool) {
        #expect(NameRules.dns1123SubdomainWithUnderscore(value).isEmpty == isGood)
    }

    @Test(arguments: [
        ("app", true), ("a/b", true), ("example.com/My_Name.1", true), ("", false), ("/a", false), ("a/", false),
        ("a/b/c", false), ("Example/b", false), ("-a", false), ("a_", false), (a63, true), (a63 + "b", false),
    ])
    func `qualified names`(value: String, isGood: Bool) {
        #expect(NameRules.qualifiedName(value).isEmpty == isGood)
    }

    @Test func `qualified names say which part is wrong`() {
        #expect(NameRules.qualifiedName("/a") == ["prefix part must be non-empty"])
        #expect(NameRules.qualifiedName("a/").first == "name part must be non-empty")
        #expect(NameRules.qualifiedName("a/b/c").first?.hasPrefix("a valid label key must consist of") == true)
        #expect(NameRules.qualifiedName("X_/a").first?.hasPrefix("prefix part a lowercase RFC 1123 subdomain") == true)
    }

    @Test(
        arguments: [
            ("http", []), ("a-1", []), ("1", ["must contain at least one letter (a-z)"]),
            ("a--b", ["must not contain consecutive hyphens"]), ("-a", ["must not begin or end with a hyphen"]),
            ("abcdefghijklmnop", ["must be no more than 15 characters"]),
            ("aA", ["must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"]),
            (
                "",
                [
                    "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
                    "must contain at least one letter (a-z)",
                ]
            ),
        ] as [(String, [String])])
    func `port names`(value: String, messages: [String]) {
        #expect(NameRules.portName(value) == messages)
    }

    @Test func `other formats`() {
        #expect(NameRules.dns1035Label("web").isEmpty && !NameRules.dns1035Label("1web").isEmpty)
        #expect(
            NameRules.wildcardDNS1123Subdomain("*.a.b").isEmpty && !NameRules.wildcardDNS1123Subdomain("a.b").isEmpty)
        #expect(NameRules.labelValue("").isEmpty && !NameRules.labelValue("a b").isEmpty)
        #expect(NameRules.configMapKey("a.B-c_1").isEmpty)
        #expect(NameRules.configMapKey("..") == ["must not be '..'"])
        #expect(NameRules.configMapKey("..a") == ["must not start with '..'"])
        #expect(!NameRules.configMapKey("a/b").isEmpty && !NameRules.configMapKey("").isEmpty)
        #expect(NameRules.environmentVariableName("a b-1.").isEmpty)
        #expect(!NameRules.environmentVariableName("a=b").isEmpty && !NameRules.environmentVariableName("é").isEmpty)
        #expect(NameRules.environmentVariableName("") == ["environment variable name must be non-empty"])
        #expect(NameRules.httpHeaderName("X-Y").isEmpty && !NameRules.httpHeaderName("X_Y").isEmpty)
        #expect(NameRules.httpPath("/a%20b?").count == 1 && NameRules.httpPath("/a-b").isEmpty)
        #expect(NameRules.cIdentifier("_a1").isEmpty && !NameRules.cIdentifier("1a").isEmpty)
        #expect(NameRules.percentage("25%").isEmpty && !NameRules.percentage("%").isEmpty)
        #expect(NameRules.conditionReason("MyReason:A").isEmpty && !NameRules.conditionReason("1").isEmpty)
        #expect(NameRules.portNumber(0) == ["must be between 1 and 65535, inclusive"])
        #expect(NameRules.pathSegment("a/b%") == ["may not contain '/'", "may not contain '%'"])
        #expect(NameRules.isUUID("01234567-89ab-CDEF-0123-456789abcdef"))
        #expect(!NameRules.isUUID("01234567089ab-cdef-0123-456789abcdef") && !NameRules.isUUID(""))
        #expect(NameRules.fullyQualifiedName("a.b", at: .root).count == 1)
        #expect(NameRules.domainPrefixedPath("acme.io/foo", at: .root).isEmpty)
        #expect(NameRules.domainPrefixedPath("acme.io", at: .root).count == 1)
    }
}

@Suite struct IPAddressTests {
    @Test(arguments: [
        ("10.0.0.1", "10.0.0.1"), ("010.0.0.1", "10.0.0.1"), ("::", "::"), ("::1", "::1"), ("1::", "1::"),
        ("2001:DB8::0:1", "2001:db8::1"), ("1:0:0:2:0:0:0:3", "1:0:0:2::3"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
        ("0:0:0:0:0:0:0:0", "::"), ("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"), ("::ffff:1.2.3.4", "1.2.3.4"),
        ("64:ff9b::1.2.3.4", "64:ff9b::102:304"), ("fe80::", "fe80::"),
    ])
    func `is read, and written canonically`(text: String, canonical: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == canonical)
        #expect(IPAddress(canonical) == address)
        #expect(IPAddress(bytes: address.bytes) == address)
    }

    @Test(arguments: [
        "", "1.2.3", "1.2.3.4.5", "256.0.0.1", "1.2.3.a", "1..2.3", ":", ":::", "1::2::3", "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7::8:9", "12345::", "g::", "fe80::1%eth0", "1:", ":1", "1.2.3.4::",
        " 1.2.3.4",
        "1:2:3:4:5:6:7:1.2.3.4", "1:2:3:4:5:6:7:8::",
    ])
    func `other texts are refused`(text: String) {
        #expect(IPAddress(text) == nil)
        #expect(NameRules.ipAddress(text, at: FieldPath("ip")).count == 1)
    }

    @Test func `networks contain their addresses`() throws {
        let net = try #require(CIDR("10.244.3.7/16"))
        #expect(net.description == "10.244.0.0/16")
        #expect(net.last.description == "10.244.255.255")
        #expect(!net.isCanonical)
        #expect(net.contains(try #require(IPAddress("10.244.9.9"))))
        #expect(!net.contains(try #require(IPAddress("10.245.0.0"))))
        #expect(!net.contains(try #require(IPAddress("::1"))))
        let v6 = try #require(CIDR("fd00::/8"))
        #expect(v6.last.description == "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")
        #expect(try #require(CIDR("::/0")).contains(try #require(IPAddress("abcd::1"))))
        #expect(try #require(CIDR("0.0.0.0/0")).overlaps(net))
        #expect(!v6.overlaps(net))
        #expect(try #require(CIDR("1.2.3.4/32")).last.description == "1.2.3.4")
        for bad in ["10.0.0.0", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "/8", "10.0.0.0/8/8"] {
            #expect(CIDR(bad) == nil, "\(bad)")
        }
    }

    @Test func `addresses are counted within their family`() throws {
        let last = try #require(IPAddress("255.255.255.255"))
        #expect(last.advanced(by: 1) == nil)
        #expect(last.advanced(by: -255)?.description == "255.255.255.0")
        #expect(try #require(IPAddress("::")).advanced(by: -1) == nil)
        #expect(try #require(IPAddress("127.0.0.5")).isLoopback)
        #expect(try #require(IPAddress("::1")).isLoopback)
        #expect(try #require(IPAddress("169.254.1.1")).isLinkLocalUnicast)
        #expect(try #require(IPAddress("fe80::1")).isLinkLocalUnicast)
        #expect(try #require(IPAddress("224.0.0.5")).isLinkLocalMulticast)
        #expect(try #require(IPAddress("ff02::1")).isLinkLocalMulticast)
    }
}
