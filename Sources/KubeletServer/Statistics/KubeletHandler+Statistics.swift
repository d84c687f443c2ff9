import APICore
import APIMachinery
import CRI
import Codec

extension KubeletHandler {
    // MARK: - /stats/summary

    /// Upstream's `Summary`, with the numbers that we have.
    func summary() async throws(KubeletFailure) -> [UInt8] {
        let sample: NodeStatistics.Sample = try await statistics.sample()
        var writer = JSONWriter(capacity: 4096)
        writer.beginObject()
        writer.key("node")
        writeNode(sample, &writer)
        writer.key("pods")
        writer.beginArray()
        let groups: [String: [ContainerStats]] = Dictionary(grouping: sample.containers) { $0.podUID }
        for uid in groups.keys.sorted() {
            writer.element()
            Self.writePod(groups[uid] ?? [], sample.takenAt, &writer)
        }
        writer.endArray()
        writer.endObject()
        return writer.finish()
    }

    private func writeNode(_ sample: NodeStatistics.Sample, _ writer: inout JSONWriter) {
        let machine: MachineUsage = sample.machine
        let time: String = sample.takenAt.time.description
        writer.beginObject()
        writer.key("nodeName")
        writer.string(statistics.nodeName)
        writer.key("startTime")
        writer.string(Time(seconds: Int64(machine.bootTime)).description)
        writer.key("cpu")
        Self.write(
            time, [("usageNanoCores", sample.machineNanoCores), ("usageCoreNanoSeconds", machine.cpuNanoseconds)],
            &writer)
        writer.key("memory")
        Self.write(
            time,
            [
                ("availableBytes", machine.memoryTotal - min(machine.memoryTotal, machine.workingSet)),
                ("usageBytes", machine.memoryTotal - min(machine.memoryTotal, machine.memoryFree)),
                ("workingSetBytes", machine.workingSet), ("rssBytes", machine.memoryRSS),
            ], &writer)
        writer.key("fs")
        Self.write(
            time,
            [
                ("availableBytes", machine.fsAvailable), ("capacityBytes", machine.fsCapacity),
                ("usedBytes", machine.fsUsed), ("inodesFree", machine.inodesFree), ("inodes", machine.inodes),
                ("inodesUsed", machine.inodes - min(machine.inodes, machine.inodesFree)),
            ], &writer)
        writer.endObject()
    }

    private static func writePod(_ containers: [ContainerStats], _ now: MicroTime, _ writer: inout JSONWriter) {
        guard let first = containers.first else { return }
        writer.beginObject()
        writer.key("podRef")
        writer.beginObject()
        writer.key("name")
        writer.string(first.podName)
        writer.key("namespace")
        writer.string(first.podNamespace)
        writer.key("uid")
        writer.string(first.podUID)
        writer.endObject()
        writer.key("containers")
        writer.beginArray()
        for container in containers {
            writer.element()
            writer.beginObject()
            writer.key("name")
            writer.string(container.containerName)
            writeUsage([container], now, &writer)
            if let layer = container.writableLayer {
                writer.key("rootfs")
                write(
                    text(layer.timestamp, now),
                    [("usedBytes", layer.usedBytes?.value), ("inodesUsed", layer.inodesUsed?.value)], &writer)
            }
            writer.endObject()
        }
        writer.endArray()
        writeUsage(containers, now, &writer)
        writer.endObject()
    }

    private static func writeUsage(_ stats: [ContainerStats], _ now: MicroTime, _ writer: inout JSONWriter) {
        func sum(_ value: (ContainerStats) -> UInt64?) -> UInt64? {
            let known: [UInt64] = stats.compactMap { value($0) }
            return known.isEmpty ? nil : known.reduce(0, &+)
        }
        let cpuTime: Int = stats.compactMap { $0.cpu?.timestamp }.max() ?? 0
        let memoryTime: Int = stats.compactMap { $0.memory?.timestamp }.max() ?? 0
        writer.key("cpu")
        write(
            text(cpuTime, now),
            [
                ("usageNanoCores", sum { $0.cpu?.usageNanoCores?.value }),
                ("usageCoreNanoSeconds", sum { $0.cpu?.usageCoreNanoSeconds?.value }),
            ], &writer)
        writer.key("memory")
        write(
            text(memoryTime, now),
            [
                ("availableBytes", sum { $0.memory?.availableBytes?.value }),
                ("usageBytes", sum { $0.memory?.usageBytes?.value }),
                ("workingSetBytes", sum { $0.memory?.workingSetBytes?.value }),
                ("rssBytes", sum { $0.memory?.rssBytes?.value }),
                ("pageFaults", sum { $0.memory?.pageFaults?.value }),
                ("majorPageFaults", sum { $0.memory?.majorPageFaults?.value }),
            ], &writer)
    }

    /// A runtime's time, in nanoseconds; now if it gave none.
    private static func text(_ nanoseconds: Int, _ now: MicroTime) -> String {
        nanoseconds > 0 ? Time(seconds: Int64(nanoseconds / 1_000_000_000)).description : now.time.description
    }

    private static func write(
        _ time: String, _ values: [(name: StaticString, value: UInt64?)], _ writer: inout JSONWriter
    ) {
        writer.beginObject()
        writer.key("time")
        writer.string(time)
        for (name, value) in values {
            guard let value else { continue }
            writer.key(name)
            writer.int(Int(clamping: value))
        }
        writer.endObject()
    }

    // MARK: - /metrics

    /// Upstream's `/metrics/resource`, which metrics-server reads.
    func resourceMetrics() async throws(KubeletFailure) -> String {
        let sample: NodeStatistics.Sample = try await statistics.sample()
        let now: Int64 = sample.takenAt.microseconds / 1000
        var text = MetricsText()
        text.family("container_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed by the container")
        for stats in sample.containers {
            text.line(
                Self.labels(stats, hasContainer: true), Self.seconds(stats.cpuNanoseconds),
                Self.at(stats.cpu?.timestamp, now))
        }
        text.family("container_memory_working_set_bytes", "gauge", "Current working set of the container in bytes")
        for stats in sample.containers {
            text.line(
                Self.labels(stats, hasContainer: true), String(stats.workingSet), Self.at(stats.memory?.timestamp, now))
        }
        text.family("node_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed by the node")
        text.line("", Self.seconds(sample.machine.cpuNanoseconds), now)
        text.family("node_memory_working_set_bytes", "gauge", "Current working set of the node in bytes")
        text.line("", String(sample.machine.workingSet), now)
        let pods: [[ContainerStats]] = Dictionary(grouping: sample.containers) { $0.podUID }
            .sorted { $0.key < $1.key }.map { $0.value }
        text.family("pod_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed by the pod")
        for pod in pods {
            text.line(
                Self.labels(pod[0], hasContainer: false), Self.seconds(pod.reduce(0) { $0 + $1.cpuNanoseconds }), now)
        }
        text.family("pod_memory_working_set_bytes", "gauge", "Current working set of the pod in bytes")
        for pod in pods {
            text.line(Self.labels(pod[0], hasContainer: false), String(pod.reduce(0) { $0 + $1.workingSet }), now)
        }
        text.family(
            "resource_scrape_error", "gauge", "1 if there was an error while getting container metrics, 0 otherwise")
        text.line("", "0", nil)
        return text.text
    }

    /// Our own numbers.
    func metricsText() -> String {
        let pods: [Pod] = configuration.directory.pods()
        var text = MetricsText()
        text.family("kubelet_running_pods", "gauge", "Number of pods that have a running pod sandbox")
        text.line("", String(pods.count { $0.status.phase == "Running" }), nil)
        text.family("kubelet_running_containers", "gauge", "Number of containers currently running")
        let running: Int = pods.reduce(0) { $0 + $1.status.containerStatuses.count { $0.state.running != nil } }
        text.line("{container_state=\"running\"}", String(running), nil)
        text.family("kubelet_node_name", "gauge", "The node's name. The count is always 1.")
        text.line("{node=\"\(MetricsText.escaped(configuration.nodeName))\"}", "1", nil)
        return text.text + configuration.metrics()
    }

    private static func at(_ nanoseconds: Int?, _ now: Int64) -> Int64 {
        guard let nanoseconds, nanoseconds > 0 else { return now }
        return Int64(nanoseconds / 1_000_000)
    }

    private static func seconds(_ nanoseconds: UInt64) -> String { String(Double(nanoseconds) / 1e9) }

    private static func labels(_ stats: ContainerStats, hasContainer: Bool) -> String {
        let container: String =
            hasContainer ? "container=\"\(MetricsText.escaped(stats.containerName))\"," : ""
        return "{\(container)namespace=\"\(MetricsText.escaped(stats.podNamespace))\","
            + "pod=\"\(MetricsText.escaped(stats.podName))\"}"
    }
}

/// Prometheus' text format.
struct MetricsText {
    private(set) var text: String = ""
    private var name: String = ""

    mutating func family(_ name: String, _ type: String, _ help: String) {
        self.name = name
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    /// - Parameter milliseconds: since 1970.
    mutating func line(_ labels: String, _ value: String, _ milliseconds: Int64?) {
        text += name + labels + " " + value
        if let milliseconds { text += " \(milliseconds)" }
        text += "\n"
    }

    static func escaped(_ value: String) -> String {
        var out: String = ""
        for character in value {
            switch character {
            case "\\": out += "\\\\"
            case "\"": out += "\\\""
            case "\n": out += "\\n"
            default: out.append(character)
            }
        }
        return out
    }
}
