import APIMachinery
import CRI
import Codec
import NIOPosix
import Synchronization

/// What the node, its pods and containers use now.
struct NodeStatistics: Sendable {
    struct Sample: Sendable {
        var machine: MachineUsage
        /// Cores in use times 10⁹, since the sample before; nil for the first one.
        var machineNanoCores: UInt64?
        var containers: [ContainerStats]
        var takenAt: MicroTime
    }

    private final class Last: Sendable {
        let value: Mutex<(cpu: UInt64, at: ContinuousClock.Instant)?> = Mutex(nil)
    }

    let nodeName: String
    private let runtime: any RuntimeService
    private let last = Last()

    init(nodeName: String, runtime: any RuntimeService) {
        self.nodeName = nodeName
        self.runtime = runtime
    }

    func sample() async throws(KubeletFailure) -> Sample {
        let stats: [ContainerStats]
        do throws(CRIError) {
            stats = try await runtime.listContainerStats(ListContainerStatsRequest()).stats
        } catch {
            throw KubeletFailure(error)
        }
        let machine: MachineUsage = (try? await NIOThreadPool.singleton.runIfActive { MachineUsage.read() }) ?? .init()
        let now: ContinuousClock.Instant = .now
        let rate: UInt64? = last.value.withLock { last in
            defer { last = (machine.cpuNanoseconds, now) }
            guard let before = last, machine.cpuNanoseconds >= before.cpu else { return nil }
            let span: Duration = before.at.duration(to: now)
            let nanoseconds: Double =
                Double(span.components.seconds) * 1e9 + Double(span.components.attoseconds) / 1e9
            return nanoseconds > 0 ? UInt64(Double(machine.cpuNanoseconds - before.cpu) / nanoseconds * 1e9) : nil
        }
        return Sample(
            machine: machine, machineNanoCores: rate, containers: stats, takenAt: SystemWallClock().nowMicro)
    }
}

extension ContainerStats {
    private func label(_ name: String) -> String { attributes?.labels[name] ?? "" }

    var podName: String { label("io.kubernetes.pod.name") }
    var podNamespace: String { label("io.kubernetes.pod.namespace") }
    var podUID: String { label("io.kubernetes.pod.uid") }
    var containerName: String { attributes?.metadata?.name ?? "" }
    var cpuNanoseconds: UInt64 { cpu?.usageCoreNanoSeconds?.value ?? 0 }
    var workingSet: UInt64 { memory?.workingSetBytes?.value ?? 0 }
}
