import Netfilter
import Testing

@Suite struct AddressTests {
    @Test(arguments: [
        "0.0.0.0", "10.96.0.1", "255.255.255.255", "::", "::1", "fd00:244::1", "2001:db8::8:800:200c:417a", "1::",
        "1:2:3:4:5:6:7:8",
        "2001:0:0:1::1",
    ])
    func `addresses are read and written as they were`(text: String) throws {
        let address = try #require(InternetAddress(text))
        #expect(address.description == text)
        #expect(InternetAddress(bytes: address.bytes) == address)
        #expect(address.bytes.count == address.family.byteCount)
    }

    @Test(arguments: [
        "", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", "1:2", "1::2::3", "12345::", ":::",
        "1:2:3:4:5:6:7:8:9", "g::",
        "+1::2", "1:2:3:4:5:6:7::8", "::1.2.3", "a.b.c.d", "1.2.3.4::",
    ])
    func `what is no address is refused`(text: String) {
        #expect(InternetAddress(text) == nil)
    }

    @Test func `an IPv4 address within IPv6 is IPv6`() throws {
        #expect(try #require(InternetAddress("::ffff:10.0.0.1")).bytes.suffix(6) == [255, 255, 10, 0, 0, 1])
    }

    @Test func `prefixes contain what begins like them`() throws {
        let four = try #require(IPPrefix("10.244.1.2/16"))
        #expect(four.description == "10.244.0.0/16" && four.mask == [255, 255, 0, 0])
        #expect(try four.contains(#require(InternetAddress("10.244.255.255"))))
        #expect(try !four.contains(#require(InternetAddress("10.245.0.0"))))
        #expect(try !four.contains(#require(InternetAddress("::ffff:10.244.0.1"))))
        let six = try #require(IPPrefix("2001:db8:ffff::/33"))
        #expect(six.description == "2001:db8:8000::/33")
        #expect(try six.contains(#require(InternetAddress("2001:db8:8fff::1"))))
        #expect(try !six.contains(#require(InternetAddress("2001:db8:7fff::1"))))
        #expect(try #require(IPPrefix("::/0")).contains(#require(InternetAddress("ffff::"))))
        for text in ["10.0.0.0", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "x/8", "::/129", "10.0.0.0/8/8"] {
            #expect(IPPrefix(text) == nil)
        }
    }
}
