import APICore
import APIMachinery
import Codec

enum PortRules {
    static let protocols: [String] = ["SCTP", "TCP", "UDP"]

    static func containerPorts(_ ports: [ContainerPort], _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        var names: Set<String> = []
        for (index, port) in ports.enumerated() {
            let place: FieldPath = path.index(index)
            if !port.name.isEmpty {
                let messages: [String] = NameRules.portName(port.name)
                errors.append(place.child("name"), port.name, invalid: messages)
                if messages.isEmpty, !names.insert(port.name).inserted {
                    errors.append(.duplicate(place.child("name"), port.name))
                }
            }
            if port.containerPort == 0 {
                errors.append(.required(place.child("containerPort")))
            } else {
                errors += Rule.portNumber(port.containerPort, place.child("containerPort"))
            }
            if port.hostPort != 0 { errors += Rule.portNumber(port.hostPort, place.child("hostPort")) }
            errors += Rule.choice(port.protocol, protocols, place.child("protocol"))
        }
        return errors
    }

    static func hostNetwork(_ ports: [ContainerPort], _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        for (index, port) in ports.enumerated() where port.hostPort != 0 && port.hostPort != port.containerPort {
            let text: String = "must match `hostPort` when `hostNetwork` is true"
            errors.append(.invalid(path.index(index).child("containerPort"), port.containerPort, text))
        }
        return errors
    }

    /// A port of the host can be had once per pod.
    static func hostPortConflicts(_ containers: [Container], _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        var taken: Set<String> = []
        for (index, container) in containers.enumerated() {
            for (number, port) in container.ports.enumerated() where port.hostPort != 0 {
                let text: String = "\(port.protocol)/\(port.hostIP)/\(port.hostPort)"
                let field: FieldPath = path.index(index).child("ports").index(number).child("hostPort")
                if !taken.insert(text).inserted { errors.append(.duplicate(field, text)) }
            }
        }
        return errors
    }
}
