/// Everything before the first pod, in order: looks at the machine, prepares the network, and says with what
/// configuration containerd runs.
package enum NodePreparation {
    package enum Error: Swift.Error, Equatable, CustomStringConvertible {
        case prerequisites([Prerequisites.Item])
        case dataDirectory(SystemError)
        case network(SystemError)
        case cgroups(Cgroups.Error)

        package var description: String {
            switch self {
            case .prerequisites(let items):
                "failed to prepare the node: "
                    + items.map { "\($0.name): \($0.detail) (\($0.remedy))" }.joined(separator: "; ")
            case .dataDirectory(let error): "failed to prepare the data directory: \(error)"
            case .network(let error): "failed to prepare the pod network: \(error)"
            case .cgroups(let error): error.description
            }
        }
    }

    package struct Prepared: Sendable {
        package var containerd: ContainerdConfiguration
        package var cgroups: Cgroups
        package var network: NodeNetwork.Report
    }

    /// Runs on a thread of its own; takes some tenths of a second.
    package static func prepare(
        _ paths: NodePaths, network: PodNetworkConfiguration = .init(), podsRoot: String = "/kubepods"
    ) async throws(Error) -> Prepared {
        let result = await OwnedThread.run {
            Result { () throws(Error) in try prepareBlocking(paths, network: network, podsRoot: podsRoot) }
        }
        return try result.get()
    }

    private static func prepareBlocking(
        _ paths: NodePaths, network: PodNetworkConfiguration, podsRoot: String
    ) throws(Error) -> Prepared {
        do throws(SystemError) {
            try DataDirectory.claim(paths)
        } catch {
            throw .dataDirectory(error)
        }
        let facts = MachineFacts.gather(paths)
        let missing = Prerequisites(facts).items.filter { $0.verdict == .missing }
        guard missing.isEmpty, let plugins = facts.pluginDirectory, let cgroups = Cgroups.detect(podsRoot: podsRoot)
        else { throw .prerequisites(missing) }
        var report = NodeNetwork.Report()
        var containerd = ContainerdConfiguration(paths: paths, networkPlugins: plugins)
        do throws(SystemError) {
            containerd.networkConfiguration = try NodeNetwork.prepare(network, paths: paths, report: &report)
        } catch {
            throw .network(error)
        }
        do throws(Cgroups.Error) {
            try cgroups.prepare()
        } catch {
            throw .cgroups(error)
        }
        containerd.snapshotter = facts.overlayWorks ? .overlayfs : .native
        containerd.restrictsOOMScore = !facts.mayLowerOOMScore
        return Prepared(containerd: containerd, cgroups: cgroups, network: report)
    }
}
