package import API
import APIMachinery
import Codec

/// Reads a file that describes a static pod, and makes the pod that this node runs of it. Pure.
package enum StaticPodManifest {
    /// Why a file is of no use, and what to do about it.
    package struct Problem: Error, Sendable, Equatable {
        package var what: String
        package var fix: String
    }

    /// What the API server would do to a pod that is created; static pods do not pass through it.
    package struct Rules: Sendable {
        /// Fills in defaults.
        package var fill: @Sendable (inout Pod) -> Void
        /// What is wrong with a pod, in words; empty: nothing.
        package var check: @Sendable (Pod) -> [String]

        package init(fill: @escaping @Sendable (inout Pod) -> Void, check: @escaping @Sendable (Pod) -> [String]) {
            self.fill = fill
            self.check = check
        }
    }

    package static let sourceAnnotation: String = "kubernetes.io/config.source"
    package static let hashAnnotation: String = "kubernetes.io/config.hash"
    package static let mirrorAnnotation: String = "kubernetes.io/config.mirror"

    /// Larger files are refused.
    package static let longestFile: Int = 1 << 20

    /// The pod of a file: JSON, or one document of YAML.
    package static func pod(
        _ bytes: [UInt8], file: String, node: String, rules: Rules
    ) throws(Problem) -> Pod {
        let value: JSONValue = try document(bytes)
        try checkKind(value)
        var pod: Pod = try decode(value)
        try checkNames(pod)
        // Of the content as it was written: a change of it is another pod.
        let hash: String = hash(value.jsonBytes, file: file, node: node)
        pod.metadata.uid = hash
        pod.metadata.name = "\(pod.metadata.name)-\(node.lowercased())"
        if pod.metadata.namespace.isEmpty { pod.metadata.namespace = "default" }
        pod.metadata.annotations[sourceAnnotation] = "file"
        pod.metadata.annotations[hashAnnotation] = hash
        pod.metadata.annotations[mirrorAnnotation] = nil
        pod.metadata.resourceVersion = ""
        pod.metadata.deletionTimestamp = nil
        pod.metadata.ownerReferences = []
        pod.spec.nodeName = node
        // No taint sends away what only this node's files can bring back.
        let toleration: Toleration = .with {
            $0.operator = "Exists"
            $0.effect = "NoExecute"
        }
        if !pod.spec.tolerations.contains(toleration) { pod.spec.tolerations.append(toleration) }
        rules.fill(&pod)
        pod.status = PodStatus.with { $0.phase = "Pending" }
        let problems: [String] = rules.check(pod)
        guard problems.isEmpty else {
            throw Problem(what: problems.joined(separator: "; "), fix: "correct these fields of the pod")
        }
        return pod
    }

    /// What the API server shows of a static pod.
    package static func mirror(of pod: Pod, node: String, nodeUID: String) -> Pod {
        var mirror: Pod = pod
        mirror.metadata.uid = ""
        mirror.metadata.annotations[mirrorAnnotation] = pod.metadata.annotations[hashAnnotation] ?? pod.metadata.uid
        mirror.metadata.ownerReferences = [
            OwnerReference.with {
                $0.apiVersion = "v1"
                $0.kind = "Node"
                $0.name = node
                $0.uid = nodeUID
                $0.controller = true
            }
        ]
        return mirror
    }

    private static func document(_ bytes: [UInt8]) throws(Problem) -> JSONValue {
        guard bytes.count <= longestFile else {
            throw Problem(what: "larger than \(longestFile) bytes", fix: "make it smaller")
        }
        if bytes.first(where: { $0 != 0x20 && $0 != 0x0A && $0 != 0x0D && $0 != 0x09 }) == UInt8(ascii: "{"),
            let value = try? JSONReader.decode(JSONValue.self, from: bytes)
        {
            return value
        }
        let documents: [JSONValue]
        do throws(YAMLError) {
            documents = try YAML.decode(bytes)
        } catch {
            throw Problem(what: "neither YAML nor JSON: \(error.message)", fix: "correct the line")
        }
        guard let first = documents.first else {
            throw Problem(what: "empty", fix: "write a v1 Pod into it, or remove it")
        }
        guard documents.count == 1 else {
            throw Problem(what: "has \(documents.count) documents", fix: "put each pod into a file of its own")
        }
        return first
    }

    private static func checkKind(_ value: JSONValue) throws(Problem) {
        let kind: String = value["kind"]?.string ?? ""
        let version: String = value["apiVersion"]?.string ?? ""
        guard kind == "Pod" && version == "v1" else {
            throw Problem(
                what: "describes apiVersion \"\(version)\", kind \"\(kind)\"",
                fix: "only v1 Pods can be static; create other objects through the API server")
        }
    }

    private static func decode(_ value: JSONValue) throws(Problem) -> Pod {
        var unknown: [FieldProblem] = []
        let pod: Pod
        do throws(JSONError) {
            var options = JSONReader.Options()
            options.strict = true
            pod = try JSONReader.decode(Pod.self, from: value.jsonBytes, options: options, problems: &unknown)
        } catch {
            throw Problem(what: error.message, fix: "correct the field")
        }
        guard unknown.isEmpty else {
            throw Problem(
                what: unknown.map(\.message).joined(separator: ", "), fix: "correct the spelling, or remove the fields")
        }
        return pod
    }

    private static func checkNames(_ pod: Pod) throws(Problem) {
        let name: String = pod.metadata.name
        guard !name.isEmpty else {
            throw Problem(what: "the pod has no name", fix: "set metadata.name")
        }
        let problems: [String] = NameRules.dns1123Subdomain(name)
        guard problems.isEmpty else {
            throw Problem(what: "metadata.name: \(problems.joined(separator: "; "))", fix: "choose another name")
        }
        let namespace: String = pod.metadata.namespace
        guard namespace.isEmpty || NameRules.dns1123Label(namespace).isEmpty else {
            throw Problem(what: "metadata.namespace \"\(namespace)\" is no name of a namespace", fix: "correct it")
        }
    }

    /// 32 hexadecimal digits: enough that no two manifests of a node meet.
    private static func hash(_ bytes: [UInt8], file: String, node: String) -> String {
        let offsets: [UInt64] = [0xcbf2_9ce4_8422_2325, 0x6c62_272e_07bb_0142]
        return offsets.map { offset in
            var value: UInt64 = offset
            func combine(_ bytes: some Sequence<UInt8>) {
                for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
                value = (value ^ 0xFF) &* 0x100_0000_01b3
            }
            combine("host:\(node)".utf8)
            combine("file:\(file)".utf8)
            combine(bytes)
            let digits: String = String(value, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}

extension Pod {
    /// Stands in the API server for a static pod of its node.
    package var isMirror: Bool { metadata.annotations[StaticPodManifest.mirrorAnnotation] != nil }

    /// Comes from a file of this node. Upstream's rule.
    package var isStatic: Bool {
        guard let source = metadata.annotations[StaticPodManifest.sourceAnnotation] else { return false }
        return source != "api" && !isMirror
    }
}
