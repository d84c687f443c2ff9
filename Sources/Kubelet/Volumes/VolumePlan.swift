package import API
package import APIMachinery

/// What one volume of a pod is, as this node can make it. Pure: nothing has been looked up yet.
package enum VolumePlan: Sendable, Equatable {
    /// A directory on the node's disk.
    case directory
    /// A file system in memory. nil: as large as the kernel likes.
    case memory(sizeBytes: Int?)
    /// Huge pages; `pageBytes` 0: the only size that the pod asks for, and it asks for several or none.
    case hugePages(pageBytes: Int)
    /// Something of the node itself.
    case host(path: String, type: String)
    /// Files that the kubelet writes and keeps up to date.
    case files(FilesPlan)
    /// `owned`: the claim was made for this pod and must belong to it.
    case claim(name: String, readOnly: Bool, owned: Bool)
    /// A kind that this node cannot provide, by its field name in the API.
    case unsupported(kind: String)

    /// The name of upstream's plugin, which is part of the volume's directory; nil: the volume has none here.
    package var plugin: String? {
        switch self {
        case .directory, .memory, .hugePages: "empty-dir"
        case .files(let files): files.plugin
        case .host, .claim, .unsupported: nil
        }
    }
}

/// Files from the API, in a volume.
package struct FilesPlan: Sendable, Equatable {
    package enum Source: Sendable, Equatable {
        case configMap(name: String, items: [KeyToPath], isOptional: Bool)
        case secret(name: String, items: [KeyToPath], isOptional: Bool)
        case downward([DownwardAPIVolumeFile])
        case token(ServiceAccountTokenProjection)
        case unsupported(kind: String)
    }

    /// `configmap`, `secret`, `projected`, `downward-api`.
    package var plugin: String
    /// Later sources win where two write the same file.
    package var sources: [Source]
    package var defaultMode: UInt32
    /// All but config maps never touch a disk.
    package var isInMemory: Bool { plugin != "configmap" }

    init(_ plugin: String, _ sources: [Source], mode: Int?) {
        self.plugin = plugin
        self.sources = sources
        defaultMode = UInt32(truncatingIfNeeded: mode ?? 0o644) & 0o7777
    }
}

extension VolumePlan {
    /// Decides what a volume is. `nodeMemory` is what pods may use of the node; nil: not known.
    package init(_ volume: Volume, of pod: Pod, nodeMemory: Quantity? = nil) {
        if let source = volume.emptyDir {
            self = .empty(source, of: pod, nodeMemory: nodeMemory)
        } else if let source = volume.hostPath {
            self = .host(path: source.path, type: source.type ?? "")
        } else if let source = volume.configMap {
            self = .files(
                FilesPlan(
                    "configmap",
                    [.configMap(name: source.name, items: source.items, isOptional: source.optional ?? false)],
                    mode: source.defaultMode))
        } else if let source = volume.secret {
            self = .files(
                FilesPlan(
                    "secret",
                    [.secret(name: source.secretName, items: source.items, isOptional: source.optional ?? false)],
                    mode: source.defaultMode))
        } else if let source = volume.downwardAPI {
            self = .files(FilesPlan("downward-api", [.downward(source.items)], mode: source.defaultMode))
        } else if let source = volume.projected {
            let sources: [FilesPlan.Source] = source.sources.compactMap { FilesPlan.Source($0) }
            self = .files(FilesPlan("projected", sources, mode: source.defaultMode))
        } else if let source = volume.persistentVolumeClaim {
            self = .claim(name: source.claimName, readOnly: source.readOnly, owned: false)
        } else if volume.ephemeral != nil {
            self = .claim(name: "\(pod.metadata.name)-\(volume.name)", readOnly: false, owned: true)
        } else {
            self = .other(volume)
        }
    }

    private static func empty(_ source: EmptyDirVolumeSource, of pod: Pod, nodeMemory: Quantity?) -> VolumePlan {
        switch source.medium {
        case "Memory": return .memory(sizeBytes: memorySize(source.sizeLimit, of: pod, nodeMemory: nodeMemory))
        case "": return .directory
        case "HugePages": return .hugePages(pageBytes: pageSize(source.medium, of: pod))
        default:
            guard source.medium.hasPrefix("HugePages-") else {
                return .unsupported(kind: "emptyDir with medium \(source.medium)")
            }
            return .hugePages(pageBytes: pageSize(source.medium, of: pod))
        }
    }

    /// The smallest of the node's memory, the pod's memory limit (if all its containers have one) and the volume's own
    /// limit, as upstream sizes volumes in memory.
    private static func memorySize(_ limit: Quantity?, of pod: Pod, nodeMemory: Quantity?) -> Int? {
        var sizes: [Int] = []
        if let nodeMemory, nodeMemory.sign > 0 { sizes.append(nodeMemory.value) }
        if let limit, limit.sign > 0 { sizes.append(limit.value) }
        let limits: [Quantity] = pod.spec.containers.compactMap { $0.resources.limits["memory"] }
        if !limits.isEmpty && limits.count == pod.spec.containers.count {
            let sum: Int = limits.map(\.value).reduce(0, +)
            let first: Int = pod.spec.initContainers.compactMap { $0.resources.limits["memory"]?.value }.max() ?? 0
            sizes.append(max(sum, first))
        }
        return sizes.min()
    }

    private static func pageSize(_ medium: String, of pod: Pod) -> Int {
        if medium != "HugePages" { return quantity(String(medium.dropFirst("HugePages-".count))) }
        var sizes: Set<Int> = []
        for container in pod.spec.containers + pod.spec.initContainers {
            for name in container.resources.requests.keys where name.hasPrefix("hugepages-") {
                sizes.insert(quantity(String(name.dropFirst("hugepages-".count))))
            }
        }
        return sizes.count == 1 ? sizes.first ?? 0 : 0
    }

    private static func quantity(_ text: String) -> Int {
        do { return try Quantity(text).value } catch { return 0 }
    }

    private static func other(_ volume: Volume) -> VolumePlan {
        let kinds: [(name: String, isThere: Bool)] = [
            ("awsElasticBlockStore", volume.awsElasticBlockStore != nil), ("azureDisk", volume.azureDisk != nil),
            ("azureFile", volume.azureFile != nil), ("cephfs", volume.cephfs != nil),
            ("cinder", volume.cinder != nil), ("csi", volume.csi != nil), ("fc", volume.fc != nil),
            ("flexVolume", volume.flexVolume != nil), ("flocker", volume.flocker != nil),
            ("gcePersistentDisk", volume.gcePersistentDisk != nil), ("gitRepo", volume.gitRepo != nil),
            ("glusterfs", volume.glusterfs != nil), ("image", volume.image != nil), ("iscsi", volume.iscsi != nil),
            ("nfs", volume.nfs != nil), ("photonPersistentDisk", volume.photonPersistentDisk != nil),
            ("portworxVolume", volume.portworxVolume != nil), ("quobyte", volume.quobyte != nil),
            ("rbd", volume.rbd != nil), ("scaleIO", volume.scaleIO != nil), ("storageos", volume.storageos != nil),
            ("vsphereVolume", volume.vsphereVolume != nil),
        ]
        // A volume without any source is an emptyDir by default.
        return kinds.first(where: \.isThere).map { .unsupported(kind: $0.name) } ?? .directory
    }
}

extension FilesPlan.Source {
    /// nil: a projection without content.
    init?(_ projection: VolumeProjection) {
        if let source = projection.configMap {
            self = .configMap(name: source.name, items: source.items, isOptional: source.optional ?? false)
        } else if let source = projection.secret {
            self = .secret(name: source.name, items: source.items, isOptional: source.optional ?? false)
        } else if let source = projection.downwardAPI {
            self = .downward(source.items)
        } else if let source = projection.serviceAccountToken {
            self = .token(source)
        } else if projection.clusterTrustBundle != nil {
            self = .unsupported(kind: "clusterTrustBundle")
        } else if projection.podCertificate != nil {
            self = .unsupported(kind: "podCertificate")
        } else {
            return nil
        }
    }
}
