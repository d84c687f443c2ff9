package import APICore
package import APIMachinery
import Codec

extension Pod {
    /// What a client should know about a new pod.
    package var warnings: [String] {
        PodWarnings.of(spec, metadata, spec: FieldPath("spec"), metadata: FieldPath("metadata"))
    }
}

extension PodTemplateSpec {
    package func warnings(at path: FieldPath) -> [String] {
        PodWarnings.of(spec, metadata, spec: path.child("spec"), metadata: path.child("metadata"))
    }
}

/// Warnings of names that are allowed and surprising.
package enum NameWarnings {
    package static func pod(_ name: String) -> [String] { of(name, usedIn: "the Pod's hostname") }

    /// For kinds whose pods have names that begin with theirs.
    package static func owner(_ name: String) -> [String] { of(name, usedIn: "Pod names and hostnames") }

    private static func of(_ name: String, usedIn place: String) -> [String] {
        let messages: [String] = NameRules.dns1123Label(name)
        if messages.isEmpty { return [] }
        return [
            "metadata.name: this is used in \(place), which can result in surprising behavior; "
                + "a DNS label is recommended: [\(messages.joined(separator: " "))]"
        ]
    }
}

enum PodWarnings {
    private static let labels: [(old: String, text: String)] = [
        ("beta.kubernetes.io/arch", "deprecated since v1.14; use \"kubernetes.io/arch\" instead"),
        ("beta.kubernetes.io/os", "deprecated since v1.14; use \"kubernetes.io/os\" instead"),
        (
            "failure-domain.beta.kubernetes.io/region",
            "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead"
        ),
        (
            "failure-domain.beta.kubernetes.io/zone",
            "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead"
        ),
        (
            "beta.kubernetes.io/instance-type",
            "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead"
        ),
    ]

    static func of(_ spec: PodSpec, _ metadata: ObjectMeta, spec path: FieldPath, metadata metaPath: FieldPath)
        -> [String]
    {
        var warnings: [String] = []
        for (label, text) in labels where spec.nodeSelector[label] != nil {
            warnings.append("\(path.child("nodeSelector").key(label)): \(text)")
        }
        for (key, _) in metadata.annotations {
            let field: FieldPath = metaPath.child("annotations").key(key)
            if key.hasPrefix("seccomp.security.alpha.kubernetes.io/pod")
                || key.hasPrefix("container.seccomp.security.alpha.kubernetes.io/")
            {
                warnings.append("\(field): non-functional in v1.27+; use the \"seccompProfile\" field instead")
            } else if key.hasPrefix("container.apparmor.security.beta.kubernetes.io/") {
                warnings.append("\(field): deprecated since v1.30; use the \"appArmorProfile\" field instead")
            }
        }
        warnings += volumes(spec, path.child("volumes"))
        for (index, secret) in spec.imagePullSecrets.enumerated() where secret.name.isEmpty {
            let field: FieldPath = path.child("imagePullSecrets").index(index).child("name")
            warnings.append("\(field): invalid empty name \"\"")
        }
        for (index, container) in spec.initContainers.enumerated() {
            warnings += self.container(container, path.child("initContainers").index(index))
        }
        for (index, container) in spec.containers.enumerated() {
            warnings += self.container(container, path.child("containers").index(index))
        }
        if let seconds = spec.terminationGracePeriodSeconds, seconds < 0 {
            let field: FieldPath = path.child("terminationGracePeriodSeconds")
            warnings.append("\(field): must be >= 0; negative values are invalid and will be treated as 1")
        }
        return warnings
    }

    private static func volumes(_ spec: PodSpec, _ path: FieldPath) -> [String] {
        var warnings: [String] = []
        for (index, volume) in spec.volumes.enumerated() {
            let place: FieldPath = path.index(index)
            if volume.gitRepo != nil {
                warnings.append(
                    "\(place.child("gitRepo")): deprecated in v1.11, and disabled by default in v1.33+")
            }
            if volume.scaleIO != nil {
                warnings.append("\(place.child("scaleIO")): deprecated in v1.16, non-functional in v1.22+")
            }
            if volume.flocker != nil {
                warnings.append("\(place.child("flocker")): deprecated in v1.22, non-functional in v1.25+")
            }
            if volume.storageos != nil {
                warnings.append("\(place.child("storageOS")): deprecated in v1.22, non-functional in v1.25+")
            }
            if volume.quobyte != nil {
                warnings.append("\(place.child("quobyte")): deprecated in v1.22, non-functional in v1.25+")
            }
            if volume.glusterfs != nil {
                warnings.append("\(place.child("glusterfs")): deprecated in v1.25, non-functional in v1.26+")
            }
            if volume.cephfs != nil {
                warnings.append("\(place.child("cephfs")): deprecated in v1.28, non-functional in v1.31+")
            }
            if volume.rbd != nil {
                warnings.append("\(place.child("rbd")): deprecated in v1.28, non-functional in v1.31+")
            }
        }
        return warnings
    }

    private static func container(_ container: Container, _ path: FieldPath) -> [String] {
        var warnings: [String] = []
        var names: Set<String> = []
        for (index, variable) in container.env.enumerated() where !names.insert(variable.name).inserted {
            let field: FieldPath = path.child("env").index(index)
            warnings.append(
                "\(field): hides previous definition of \"\(variable.name)\", "
                    + "which may be dropped when using apply")
        }
        var ports: [String: Int] = [:]
        for (index, port) in container.ports.enumerated() {
            let key: String = "\(port.containerPort)/\(port.protocol)/\(port.hostPort)/\(port.hostIP)"
            if let first = ports[key] {
                let field: FieldPath = path.child("ports").index(index)
                warnings.append("\(field): duplicate port definition with \(path.child("ports").index(first))")
            } else {
                ports[key] = index
            }
        }
        let amounts: [(String, StringMap<Quantity>)] = [
            ("limits", container.resources.limits), ("requests", container.resources.requests),
        ]
        for (name, map) in amounts {
            for resource in ["memory", "ephemeral-storage"] {
                guard let amount = map[resource], amount.milliValue % 1_000 != 0 else { continue }
                let field: FieldPath = path.child("resources", name).key(resource)
                warnings.append(
                    "\(field): fractional byte value \"\(amount)\" is invalid, must be an integer")
            }
        }
        return warnings
    }
}
