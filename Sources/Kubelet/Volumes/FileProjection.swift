package import API
package import APIMachinery

/// Makes a volume's files out of API objects. Pure; the wording of failures is that of upstream's events.
package enum FileProjection {
    /// Everything that projections of a pod need to know.
    package struct Inputs: Sendable {
        package var pod: Pod
        /// nil: there is no such object.
        package var configMaps: [String: ConfigMap] = [:]
        package var secrets: [String: Secret] = [:]
        /// By `TokenKey`, for this pod.
        package var tokens: [TokenKey: String] = [:]
        /// What pods may use of the node.
        package var allocatable: StringMap<Quantity> = [:]

        package init(pod: Pod) {
            self.pod = pod
        }
    }

    package typealias Failure = VolumeFiles.Refusal

    package static func files(_ plan: FilesPlan, _ inputs: Inputs) throws(Failure) -> VolumeFiles {
        var result = VolumeFiles()
        for source in plan.sources {
            let part: VolumeFiles
            switch source {
            case .configMap(let name, let items, let isOptional):
                part = try configMap(inputs.configMaps[name], name, items, isOptional, mode: plan.defaultMode)
            case .secret(let name, let items, let isOptional):
                part = try secret(inputs.secrets[name], name, items, isOptional, mode: plan.defaultMode)
            case .downward(let items):
                part = try downward(items, inputs, mode: plan.defaultMode)
            case .token(let projection):
                part = try token(projection, inputs, mode: plan.defaultMode)
            case .unsupported(let kind):
                throw Failure(message: "projected source \(kind) is not supported by this node")
            }
            result.add(part)
        }
        try result.checkConflicts()
        return result
    }

    private static func configMap(
        _ object: ConfigMap?, _ name: String, _ items: [KeyToPath], _ isOptional: Bool, mode: UInt32
    ) throws(Failure) -> VolumeFiles {
        guard let object else {
            if isOptional { return VolumeFiles() }
            throw Failure(message: "configmap \"\(name)\" not found")
        }
        var contents: [String: [UInt8]] = [:]
        for (key, value) in object.data { contents[key] = Array(value.utf8) }
        for (key, value) in object.binaryData { contents[key] = value }
        return try select(
            contents, items, isOptional, mode: mode, missing: "configmap references non-existent config key")
    }

    private static func secret(
        _ object: Secret?, _ name: String, _ items: [KeyToPath], _ isOptional: Bool, mode: UInt32
    ) throws(Failure) -> VolumeFiles {
        guard let object else {
            if isOptional { return VolumeFiles() }
            throw Failure(message: "secret \"\(name)\" not found")
        }
        var contents: [String: [UInt8]] = [:]
        for (key, value) in object.data { contents[key] = value }
        return try select(contents, items, isOptional, mode: mode, missing: "references non-existent secret key")
    }

    /// All keys, or those that are asked for.
    private static func select(
        _ contents: [String: [UInt8]], _ items: [KeyToPath], _ isOptional: Bool, mode: UInt32, missing: String
    ) throws(Failure) -> VolumeFiles {
        var files = VolumeFiles()
        if items.isEmpty {
            for (key, bytes) in contents { try files.add(key, VolumeFiles.File(bytes, mode: mode)) }
            return files
        }
        for item in items {
            guard let bytes = contents[item.key] else {
                if isOptional { continue }
                throw Failure(message: "\(missing): \(item.key)")
            }
            try files.add(item.path, VolumeFiles.File(bytes, mode: Self.mode(item.mode, mode)))
        }
        return files
    }

    private static func downward(
        _ items: [DownwardAPIVolumeFile], _ inputs: Inputs, mode: UInt32
    ) throws(Failure) -> VolumeFiles {
        var files = VolumeFiles()
        for item in items {
            guard let text = try downwardText(item, inputs) else { continue }
            try files.add(item.path, VolumeFiles.File(Array(text.utf8), mode: Self.mode(item.mode, mode)))
        }
        return files
    }

    private static func downwardText(
        _ item: DownwardAPIVolumeFile, _ inputs: Inputs
    ) throws(Failure) -> String? {
        do throws(DownwardValues.Failure) {
            if let field = item.fieldRef {
                return try DownwardValues.field(field.fieldPath, of: inputs.pod, addresses: [], nodeAddresses: [])
            }
            guard let selector = item.resourceFieldRef else { return nil }
            let all: [Container] = inputs.pod.spec.containers + inputs.pod.spec.initContainers
            guard let container = all.first(where: { $0.name == selector.containerName }) else {
                throw DownwardValues.Failure(message: "container \(selector.containerName) not found")
            }
            return try DownwardValues.resource(selector, of: container, allocatable: inputs.allocatable)
        } catch {
            throw Failure(message: error.message)
        }
    }

    private static func token(
        _ projection: ServiceAccountTokenProjection, _ inputs: Inputs, mode: UInt32
    ) throws(Failure) -> VolumeFiles {
        guard let text = inputs.tokens[TokenKey(projection, of: inputs.pod)] else {
            throw Failure(message: "failed to fetch token: none was issued for audience \"\(projection.audience)\"")
        }
        // Where the one user or group is known that needs it, nobody else may read a token.
        let owner: UInt32? = user(of: inputs.pod)
        let isPrivate: Bool = owner != nil || inputs.pod.spec.securityContext?.fsGroup != nil
        var files = VolumeFiles()
        try files.add(
            projection.path, VolumeFiles.File(Array(text.utf8), mode: isPrivate ? 0o600 : mode, owner: owner))
        return files
    }

    /// The user that all containers run as, if it is one.
    static func user(of pod: Pod) -> UInt32? {
        var users: Set<Int?> = []
        for container in pod.spec.initContainers + pod.spec.containers {
            users.insert(container.securityContext?.runAsUser ?? pod.spec.securityContext?.runAsUser)
        }
        guard users.count == 1, let user = users.first ?? nil else { return nil }
        return UInt32(exactly: user)
    }

    private static func mode(_ own: Int?, _ common: UInt32) -> UInt32 {
        own.map { UInt32(truncatingIfNeeded: $0) & 0o7777 } ?? common
    }
}
