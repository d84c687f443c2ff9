import Codec

/// One block of a PEM text (RFC 7468).
package struct PEMBlock: Sendable, Equatable {
    /// `CERTIFICATE`, `CERTIFICATE REQUEST`, …
    package var label: String
    package var hasHeaders: Bool
    package var bytes: [UInt8]

    /// All blocks of a text. What stands around them is ignored, and so is a block that is broken, as in Go.
    package static func all(in text: [UInt8]) -> [PEMBlock] {
        var blocks: [PEMBlock] = []
        var label: String?
        var body: [UInt8] = []
        var hasHeaders: Bool = false
        for part in text.split(separator: 0x0A, omittingEmptySubsequences: true) {
            let line: Substring = Self.trimmed(part)
            if let name = Self.name(line, after: "-----BEGIN ") {
                (label, body, hasHeaders) = (name, [], false)
            } else if let name = Self.name(line, after: "-----END ") {
                if name == label, let bytes = body.withUnsafeBufferPointer({ Base64.decode($0) }), !bytes.isEmpty {
                    blocks.append(PEMBlock(label: name, hasHeaders: hasHeaders, bytes: bytes))
                }
                label = nil
            } else if label != nil {
                if line.contains(":") { hasHeaders = true } else { body += line.utf8 }
            }
        }
        return blocks
    }

    private static func trimmed(_ line: ArraySlice<UInt8>) -> Substring {
        var text: Substring = Substring(decoding: line, as: UTF8.self)
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return text
    }

    private static func name(_ line: Substring, after prefix: String) -> String? {
        guard line.hasPrefix(prefix), line.hasSuffix("-----"), line.utf8.count > prefix.utf8.count + 5 else {
            return nil
        }
        return String(line.dropFirst(prefix.count).dropLast(5))
    }
}

/// Reads X.509, which is too much for this module: the wiring hands in one that can.
package protocol CertificateInspector: Sendable {
    /// What is wrong with a PKCS#10 request, its signature included; nil if nothing is.
    func fault(ofRequest der: [UInt8]) -> String?
    /// What is wrong with a certificate; nil if nothing is.
    func fault(ofCertificate der: [UInt8]) -> String?
}

/// Looks at the outermost structure only: one DER sequence that fills the bytes.
package struct OutlineInspector: CertificateInspector {
    package init() {}

    package func fault(ofRequest der: [UInt8]) -> String? { Self.fault(der) }
    package func fault(ofCertificate der: [UInt8]) -> String? { Self.fault(der) }

    private static func fault(_ der: [UInt8]) -> String? {
        guard der.count >= 2, der[0] == 0x30 else { return "asn1: structure error: not a sequence" }
        var length = Int(der[1])
        var header: Int = 2
        if length >= 0x80 {
            let octets: Int = length & 0x7F
            guard octets >= 1, octets <= 4, der.count >= 2 + octets else { return "asn1: syntax error: bad length" }
            length = der[2..<(2 + octets)].reduce(0) { $0 << 8 | Int($1) }
            header += octets
        }
        if header + length > der.count { return "asn1: syntax error: data truncated" }
        return header + length < der.count ? "asn1: syntax error: trailing data" : nil
    }
}
