import Testing

@testable import APIMachinery

@Suite struct OptionsTests {
    private static func pairs(_ text: String) -> [(name: String, value: String)] {
        text.split(separator: "&").map { pair in
            let parts: [Substring] = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
        }
    }

    @Test func `a list's options are read, and written back`() throws {
        let options = try ListOptions(
            query: Self.pairs(
                "labelSelector=app=web&fieldSelector=metadata.name=x&limit=50&continue=abc&resourceVersion=7"
                    + "&timeoutSeconds=9&pretty=true"))
        #expect(options.labels.description == "app=web")
        #expect(options.fields.requiredValue(of: "metadata.name") == "x")
        #expect(options.limit == 50)
        #expect(options.continueToken == "abc")
        #expect(try options.revision(for: StatusErrorTests.pod) == 7)
        #expect(try ListOptions(query: options.query) == options)
        let watch = try ListOptions(
            query: Self.pairs("watch=1&allowWatchBookmarks&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"))
        #expect(watch.isWatch && watch.allowWatchBookmarks && watch.sendInitialEvents == true)
        #expect(try ListOptions(query: watch.query) == watch)
        #expect(try !ListOptions(query: Self.pairs("watch=false")).isWatch)
    }

    @Test(arguments: [
        ("limit=x", 400, #"strconv.ParseInt: parsing "x": invalid syntax"#),
        ("limit=99999999999999999999", 400, #"strconv.ParseInt: parsing "99999999999999999999": value out of range"#),
        ("labelSelector=a b", 400, "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("fieldSelector=a", 400, "invalid selector: 'a'; can't understand 'a'"),
        (
            "resourceVersionMatch=Exact", 422,
            #"ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: "#
                + "resourceVersionMatch is forbidden unless resourceVersion is provided"
        ),
        (
            "resourceVersionMatch=Near&resourceVersion=1", 422,
            #"ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Unsupported value: "Near": "#
                + #"supported values: "Exact", "NotOlderThan", """#
        ),
        (
            "resourceVersionMatch=Exact&resourceVersion=0", 422,
            #"ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: "#
                + #"resourceVersionMatch "exact" is forbidden for resourceVersion "0""#
        ),
        (
            "sendInitialEvents=true", 422,
            #"ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: "#
                + "sendInitialEvents is forbidden for list"
        ),
        (
            "watch=true&sendInitialEvents=true", 422,
            #"ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: "#
                + "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        ),
    ])
    func `wrong list options are refused`(query: String, code: Int, message: String) {
        let error = #expect(throws: StatusError.self) { try ListOptions(query: Self.pairs(query)) }
        #expect(error?.code == code)
        #expect(error?.message == message)
    }

    @Test func `a resource version must be a number`() throws {
        let options = try ListOptions(query: Self.pairs("resourceVersion=abc"))
        let error = #expect(throws: StatusError.self) { try options.revision(for: StatusErrorTests.pod) }
        #expect(error?.code == 422)
    }

    @Test func `write options are read`() throws {
        let options = try WriteOptions(
            query: Self.pairs("dryRun=All&fieldManager=me&fieldValidation=Strict&force=true"), for: .apply)
        #expect(options.isDryRun && options.force && options.fieldManager == "me" && options.fieldValidation == .strict)
        #expect(try WriteOptions(query: options.query, for: .apply) == options)
        #expect(try WriteOptions(query: [], for: .create) == WriteOptions())
    }

    @Test(arguments: [
        (
            "dryRun=Some", WriteOptions.Action.create,
            #"CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All""#
        ),
        (
            "", .apply,
            #"PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch"#
        ),
        (
            "force=true", .patch,
            #"PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch"#
        ),
        (
            "fieldValidation=x", .update,
            #"UpdateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "x": "#
                + #"supported values: "", "Ignore", "Strict", "Warn""#
        ),
        (
            "fieldManager=a\u{7}", .update,
            #"UpdateOptions.meta.k8s.io "" is invalid: fieldManager: Invalid value: "a\a": "#
                + "invalid character U+0007 (at position 1)"
        ),
    ])
    func `wrong write options are refused`(query: String, action: WriteOptions.Action, message: String) {
        let error = #expect(throws: StatusError.self) { try WriteOptions(query: Self.pairs(query), for: action) }
        #expect(error?.code == 422)
        #expect(error?.message == message)
    }

    @Test func `delete options are read and checked`() throws {
        var options = try DeleteOptions(
            query: Self.pairs("gracePeriodSeconds=0&propagationPolicy=Foreground&dryRun=All"))
        #expect(options.gracePeriodSeconds == 0 && options.propagation == .foreground && options.isDryRun)
        try options.check()
        options.orphanDependents = true
        #expect(
            options.validate().description
                == #"propagationPolicy: Invalid value: "Foreground": orphanDependents and deletionPropagation "#
                + "cannot be both set")
        options.orphanDependents = nil
        options.propagationPolicy = "Sideways"
        let error = #expect(throws: StatusError.self) { try options.check() }
        #expect(
            error?.message
                == #"DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Sideways": "#
                + #"supported values: "Foreground", "Background", "Orphan", "nil""#)
        #expect(throws: StatusError.self) { try DeleteOptions(query: Self.pairs("gracePeriodSeconds=soon")) }
    }

    @Test func `preconditions are compared with the object`() {
        var meta = ObjectMeta()
        meta.uid = "1"
        meta.resourceVersion = "5"
        var wanted = Preconditions()
        #expect(wanted.violation(by: meta) == nil)
        wanted.uid = "1"
        wanted.resourceVersion = "6"
        #expect(
            wanted.violation(by: meta)
                == "Precondition failed: ResourceVersion in precondition: 6, ResourceVersion in object meta: 5")
        wanted.uid = "2"
        #expect(wanted.violation(by: meta) == "Precondition failed: UID in precondition: 2, UID in object meta: 1")
    }

    @Test func `answers are indented for people`() {
        #expect(PrettyPrinting.isWanted(query: [], userAgent: "curl/8"))
        #expect(!PrettyPrinting.isWanted(query: [("pretty", "false")], userAgent: "curl/8"))
        #expect(PrettyPrinting.isWanted(query: [("pretty", "1")], userAgent: "kubectl"))
        #expect(!PrettyPrinting.isWanted(query: [], userAgent: "kubectl"))
    }
}

@Suite struct NameGeneratorTests {
    @Test func `generated names keep the base and end in five characters of the alphabet`() {
        var generator = SeededGenerator(seed: 1)
        var seen: Set<String> = []
        for _ in 0..<200 {
            let name: String = NameGenerator.name(base: "web-", using: &generator)
            #expect(name.hasPrefix("web-") && name.count == 9)
            #expect(name.utf8.dropFirst(4).allSatisfy { NameGenerator.alphabet.contains($0) })
            seen.insert(name)
        }
        #expect(seen.count > 190)
        let long: String = NameGenerator.name(base: String(repeating: "a", count: 80), using: &generator)
        #expect(long.utf8.count == 63)
    }

    @Test func `UUIDs are of version four`() {
        var generator = SeededGenerator(seed: 2)
        for _ in 0..<200 {
            let uuid: String = NameGenerator.uuid(using: &generator)
            #expect(NameRules.isUUID(uuid))
            let bytes: [UInt8] = Array(uuid.utf8)
            #expect(bytes[14] == UInt8(ascii: "4"))
            #expect(Array("89ab".utf8).contains(bytes[19]))
        }
    }

    @Test func `hashes are FNV-1a`() {
        #expect(FNV1a.hash("") == 0x811C_9DC5)
        #expect(FNV1a.hash("a") == 0xE40C_292C)
        #expect(FNV1a.hash("foobar") == 0xBF9C_F968)
        #expect(NameGenerator.safelyEncoded("0123456789") == "bcdfghjklm".replacingAlphabet)
    }
}

extension String {
    /// The digits' bytes begin at 48, and 48 modulo 27 is 21.
    fileprivate var replacingAlphabet: String {
        let bytes: [UInt8] = utf8.indices.enumerated().map { NameGenerator.alphabet[(21 + $0.offset) % 27] }
        return String(decoding: bytes, as: UTF8.self)
    }
}
