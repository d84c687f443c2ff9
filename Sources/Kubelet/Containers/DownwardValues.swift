package import API
package import APIMachinery
package import Codec

/// Values that containers are told of their pod: the downward API, for environments and volumes.
package enum DownwardValues {
    package struct Failure: Error, Sendable, Equatable {
        package var message: String
    }

    /// A field of the pod as text. Its addresses are given, for the pod's status may not have them yet.
    package static func field(
        _ path: String, of pod: Pod, addresses: [String], nodeAddresses: [String]
    ) throws(Failure) -> String {
        switch path {
        case "metadata.name": return pod.metadata.name
        case "metadata.namespace": return pod.metadata.namespace
        case "metadata.uid": return pod.metadata.uid
        case "metadata.labels": return lines(pod.metadata.labels)
        case "metadata.annotations": return lines(pod.metadata.annotations)
        case "spec.nodeName": return pod.spec.nodeName
        case "spec.serviceAccountName": return pod.spec.serviceAccountName
        case "status.hostIP": return nodeAddresses.first ?? ""
        case "status.hostIPs": return nodeAddresses.joined(separator: ",")
        case "status.podIP": return (pod.spec.hostNetwork ? nodeAddresses : addresses).first ?? ""
        case "status.podIPs": return (pod.spec.hostNetwork ? nodeAddresses : addresses).joined(separator: ",")
        default: break
        }
        if let key = subscripted(path, "metadata.labels") { return pod.metadata.labels[key] ?? "" }
        if let key = subscripted(path, "metadata.annotations") { return pod.metadata.annotations[key] ?? "" }
        throw Failure(message: "unsupported fieldPath: \(path)")
    }

    /// `metadata.labels['app']` → `app`
    private static func subscripted(_ path: String, _ field: String) -> String? {
        guard path.hasPrefix(field + "['"), path.hasSuffix("']"), path.count > field.count + 4 else { return nil }
        return String(path.dropFirst(field.count + 2).dropLast(2))
    }

    /// `key="value"` per line, sorted; values quoted as Go does.
    private static func lines(_ map: StringMap<String>) -> String {
        map.map { "\($0.key)=\(quoted($0.value))" }.joined(separator: "\n")
    }

    /// As Go's `%q` for text without exotic characters.
    static func quoted(_ text: String) -> String {
        var result: String = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case "\r": result += "\\r"
            default:
                if scalar.value < 0x20 || scalar.value == 0x7f {
                    let digits: String = String(scalar.value, radix: 16)
                    result += "\\x" + (digits.count == 1 ? "0" + digits : digits)
                } else {
                    result.unicodeScalars.append(scalar)
                }
            }
        }
        return result + "\""
    }

    /// A container's request or limit as a number, divided and rounded up. A limit that is not set is what the node
    /// can give.
    package static func resource(
        _ selector: ResourceFieldSelector, of container: Container, allocatable: StringMap<Quantity>
    ) throws(Failure) -> String {
        let parts: [Substring] = selector.resource.split(separator: ".", maxSplits: 1)
        guard parts.count == 2, parts[0] == "limits" || parts[0] == "requests" else {
            throw Failure(message: "unsupported container resource : \(selector.resource)")
        }
        let name: String = String(parts[1])
        guard name == "cpu" || name == "memory" || name == "ephemeral-storage" || name.hasPrefix("hugepages-") else {
            throw Failure(message: "unsupported container resource : \(selector.resource)")
        }
        let limit: Quantity? = container.resources.limits[name].flatMap { $0.isZero ? nil : $0 }
        let quantity: Quantity
        if parts[0] == "limits" {
            quantity = limit ?? allocatable[name] ?? Quantity()
        } else {
            quantity = container.resources.requests[name] ?? Quantity()
        }
        let isCPU: Bool = name == "cpu"
        let divisor: Quantity = selector.divisor.isZero ? Quantity(1) : selector.divisor
        let value: Int = isCPU ? quantity.milliValue : quantity.value
        let unit: Int = max(1, isCPU ? divisor.milliValue : divisor.value)
        return String(value / unit + (value % unit > 0 ? 1 : 0))
    }
}
