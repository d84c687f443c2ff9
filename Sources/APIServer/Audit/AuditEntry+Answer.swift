package import APIMachinery
import Codec

extension AuditEntry {
    /// Longer lists are not kept: they would hold up the event loop.
    private static let longestAnswer: Int = 1 << 20

    package func answered(_ response: APIResponse, of resource: (any ServedResource)?, at time: MicroTime) {
        var outcome = Outcome(code: response.code)
        switch response.body {
        case .object(let snapshot): outcome.name = snapshot.name
        case .json(let json): outcome.status = Self.status(json)
        case .list: break
        }
        if wantsAnswers { outcome.object = Self.json(response, resource, at: time) }
        complete(outcome, at: time)
    }

    package func failed(_ error: StatusError, at time: MicroTime) {
        let code: Int = error.code == 0 ? 500 : error.code
        complete(Outcome(code: code, status: error.status, object: wantsAnswers ? error.body : nil), at: time)
    }

    /// Something that is no object, such as metrics.
    package func answered(code: Int, at time: MicroTime) {
        complete(Outcome(code: code), at: time)
    }

    private static func status(_ json: [UInt8]) -> Status? {
        guard json.count < 4096, (try? PartialObject.type(of: json))?.kind == "Status" else { return nil }
        return try? JSONReader.decode(Status.self, from: json)
    }

    private static func json(_ response: APIResponse, _ resource: (any ServedResource)?, at time: MicroTime) -> [UInt8]?
    {
        guard let encoded = try? ResponseEncoder(Negotiation(), now: time.time).encode(response.body, of: resource)
        else {
            return nil
        }
        switch encoded.body {
        case .whole(let bytes): return bytes
        case .parts(var parts):
            guard parts.estimatedSize <= longestAnswer else { return nil }
            var bytes: [UInt8] = []
            while let part = parts.nextPart() { bytes += part }
            return bytes
        }
    }
}
