import APIMachinery
import APIServer
import APIServerHTTP
import ChildProcesses
import Codec
import Foundation
import HTTPServer

/// What curl brought back.
struct CurlAnswer: Sendable {
    var code: Int = 0
    var fields: [String: String] = [:]
    var body: String = ""
    /// The body as it came.
    var bytes: [UInt8] = []

    var json: JSONValue { (try? JSONValue(parsing: body)) ?? .null }
    var message: String { json["message"]?.string ?? "" }
}

/// Calls curl; bounded by its own time limit.
func curl(_ arguments: [String]) async throws -> CurlAnswer {
    let command = Command("/usr/bin/curl", ["-s", "-i", "--path-as-is", "--max-time", "60"] + arguments)
    let data = Data(try await command.run().output)
    let text = String(decoding: data, as: UTF8.self)
    var answer = CurlAnswer()
    let parts: [String] = text.components(separatedBy: "\r\n\r\n")
    let lines: [String] = (parts.first ?? "").components(separatedBy: "\r\n")
    answer.code = Int(lines.first?.split(separator: " ").dropFirst().first ?? "") ?? 0
    for line in lines.dropFirst() {
        guard let colon = line.firstIndex(of: ":") else { continue }
        answer.fields[line[..<colon].lowercased()] =
            line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
    }
    if let end = data.range(of: Data("\r\n\r\n".utf8)) { answer.bytes = Array(data[end.upperBound...]) }
    answer.body = parts.dropFirst().joined(separator: "\r\n\r\n")
    return answer
}

/// Tokens are names of users; `bad` is none.
struct NameTokens: Authenticator {
    func authenticate(_ credentials: Credentials) -> AuthenticationResult {
        switch credentials.bearerToken {
        case nil: .unknown
        case "bad": .failure("bad token")
        case let name?: .authenticated(UserInfo(name: name, groups: name == "root" ? ["system:masters"] : []))
        }
    }
}

func withHTTP(
    authorizer: any Authorizer = MastersAuthorizer(),
    _ body: @Sendable @escaping (TestServer, String) async throws -> Void
) async throws {
    try await withServer(authorizer: authorizer) { server in
        var configuration = APIHTTPHandler.Configuration(authenticator: NameTokens())
        // Upstream's default: what nobody may do is decided by authorization.
        configuration.anonymous = .everything
        let handler = APIHTTPHandler(
            core: server.core, configuration: configuration)
        let loops = EventLoops(count: 1)
        let http = HTTPServer(
            configuration: HTTPServerConfiguration(host: "127.0.0.1", port: 0), loops: loops, handler: handler)
        let port: Int = try await http.start()
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(server, "http://127.0.0.1:\(port)"))
        } catch {
            result = .failure(error)
        }
        await http.shutdown(within: .seconds(1))
        await loops.shutdown()
        try result.get()
    }
}

let root: [String] = ["-H", "Authorization: Bearer root"]

/// A file of bytes that is gone after the test, for curl to send.
func withFile<T>(_ bytes: [UInt8], _ body: (String) async throws -> T) async throws -> T {
    try await withDirectory { directory in
        let path: String = directory + "/body"
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return try await body(path)
    }
}
