package import APIMachinery

extension APIRequest {
    /// The HTTP method.
    package var method: String {
        switch verb {
        case .get, .list, .watch: "GET"
        case .create: "POST"
        case .update: "PUT"
        case .patch: "PATCH"
        case .delete, .deletecollection: "DELETE"
        }
    }

    /// `/api/v1/namespaces/default/pods/web?watch=true&…`
    package var pathAndQuery: String {
        var path: String = resource.pathPrefix
        if !namespace.isEmpty { path += "/namespaces/" + PercentEncoding.segment(namespace) }
        path += "/" + PercentEncoding.segment(resource.resource)
        if !name.isEmpty { path += "/" + PercentEncoding.segment(name) }
        if !subresource.isEmpty {
            path += "/" + subresource.split(separator: "/").map { PercentEncoding.segment($0) }.joined(separator: "/")
        }
        var parameters: [(name: String, value: String)] = query
        if verb == .watch { parameters.append(("watch", "true")) }
        return path + PercentEncoding.query(parameters)
    }
}

/// RFC 3986, as strict as Go's.
package enum PercentEncoding {
    package static func segment(_ text: some StringProtocol) -> String { encode(text, keeping: "$&+=:@") }

    /// With the question mark; empty without parameters.
    package static func query(_ parameters: [(name: String, value: String)]) -> String {
        guard !parameters.isEmpty else { return "" }
        let parts: [String] = parameters.map { encode($0.name, keeping: "") + "=" + encode($0.value, keeping: "") }
        return "?" + parts.joined(separator: "&")
    }

    private static func encode(_ text: some StringProtocol, keeping: String) -> String {
        var out: [UInt8] = []
        out.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E:
                out.append(byte)
            case _ where keeping.utf8.contains(byte):
                out.append(byte)
            default:
                out.append(0x25)
                let digits: String = String(byte, radix: 16, uppercase: true)
                if digits.utf8.count == 1 { out.append(0x30) }
                out += digits.utf8
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
