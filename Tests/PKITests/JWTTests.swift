import Foundation
import Testing

@testable import PKI

@Suite struct JWTTests {
    let key: SigningKey = .generate()
    let payload: [UInt8] = Array("{\"sub\":\"system:serviceaccount:a:b\"}".utf8)

    private func encode(_ text: String) -> String { Base64.encodeURL(Array(text.utf8)) }

    @Test func `a token is believed by its key, and by no other`() throws {
        let token: String = try JWTSigner(key).sign(payload: payload)
        #expect(try JWTVerifier([SigningKey.generate().verifyingKey, key.verifyingKey]).verify(token) == payload)
        #expect(throws: JWTError.unknownKey) { try JWTVerifier([SigningKey.generate().verifyingKey]).verify(token) }
        #expect(throws: JWTError.unknownKey) { try JWTVerifier([]).verify(token) }
        let read: VerifyingKey = try VerifyingKey(pem: key.verifyingKey.pem)
        #expect(read.id == key.verifyingKey.id && read.id.count == 43)
    }

    @Test func `a token that was tampered with is refused`() throws {
        let token: String = try JWTSigner(key).sign(payload: payload)
        let verifier: JWTVerifier = JWTVerifier([key.verifyingKey])
        let parts: [String] = token.split(separator: ".").map(String.init)
        let (header, body, signature): (String, String, String) = (parts[0], parts[1], parts[2])
        let id: String = key.verifyingKey.id
        let table: [(String, JWTError)] = [
            ("\(header).\(encode("{\"sub\":\"admin\"}")).\(signature)", .badSignature),
            ("\(encode("{\"alg\":\"none\"}")).\(body).", .unsupportedAlgorithm),
            ("\(encode("{\"alg\":\"HS256\",\"kid\":\"\(id)\"}")).\(body).\(signature)", .unsupportedAlgorithm),
            ("\(encode("{\"kid\":\"\(id)\"}")).\(body).\(signature)", .unsupportedAlgorithm),
            ("\(encode("{\"alg\":\"ES256\",\"crit\":[\"b64\"]}")).\(body).\(signature)", .unsupportedAlgorithm),
            ("\(encode("{\"alg\":\"ES256\",\"alg\":\"none\"}")).\(body).\(signature)", .malformed),
            ("\(encode("{\"alg\":\"ES256\"} x")).\(body).\(signature)", .malformed),
            ("\(encode("{\"alg\":\"E\\u0053256\"}")).\(body).\(signature)", .malformed),
            ("\(encode("{\"alg\":\"ES256\"}")).\(body).\(signature)", .badSignature),
            ("\(header).\(body)", .malformed),
            ("\(header).\(body).\(signature).x", .malformed),
            ("\(header).\(body).\(signature)=", .malformed),
            ("\(header).\(body) .\(signature)", .malformed),
            ("\(header).\(body).", .badSignature),
            ("\(header).\(body).\(Base64.encodeURL([UInt8](repeating: 0, count: 64)))", .badSignature),
            (token + String(repeating: "A", count: 16_384), .tooLarge),
            ("", .malformed),
        ]
        for (forged, error) in table {
            #expect(throws: error, "\(forged)") { try verifier.verify(forged) }
        }
        for index in token.indices where token[index] != "." {
            var changed: String = token
            changed.replaceSubrange(index...index, with: token[index] == "A" ? "B" : "A")
            #expect(throws: JWTError.self) { try verifier.verify(changed) }
        }
    }

    @Test func `the key set is what clients of OpenID expect`() throws {
        let object = try JSONSerialization.jsonObject(with: Data(JWTVerifier([key.verifyingKey]).jwks()))
        let keys = try #require((object as? [String: Any])?["keys"] as? [[String: String]])
        #expect(keys.count == 1 && keys[0]["kid"] == key.verifyingKey.id && keys[0]["crv"] == "P-256")
        #expect(Base64.decodeURL(try #require(keys[0]["x"]).utf8)?.count == 32)
        #expect(Base64.decodeURL(try #require(keys[0]["y"]).utf8)?.count == 32)
    }

    @Test func `base64 is what Foundation makes of it`() {
        for count in 0..<70 {
            let bytes: [UInt8] = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ count) }
            #expect(Base64.encode(bytes) == Data(bytes).base64EncodedString())
            #expect(Base64.decodeURL(Base64.encodeURL(bytes).utf8) == bytes)
        }
    }
}
