import APICore
import APIMachinery
import Testing

@testable import KubeletServer

@Suite struct LogTests {
    private static let file: String = """
        2016-10-06T00:17:09.1Z stdout F one
        2016-10-06T00:17:10.669794202Z stderr P tw
        2016-10-06T00:17:11.669794203Z stderr F o
        this is no line of a runtime
        2016-10-06T00:17:12+02:00 stdout F:x three

        """

    private func format(_ formatter: LogFormatter, step: Int = 1_000, _ text: String = file) -> String {
        var formatter: LogFormatter = formatter
        var out: [UInt8] = []
        let bytes: [UInt8] = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: step) {
            out += formatter.receive(Array(bytes[start..<min(bytes.count, start + step)]))
        }
        out += formatter.finish()
        return String(decoding: out, as: UTF8.self)
    }

    @Test(arguments: [1, 2, 5, 13, 1_000])
    func `lines come out whole, wherever the file is cut`(step: Int) {
        #expect(format(LogFormatter(), step: step) == "one\ntwo\nthree\n")
        #expect(
            format(LogFormatter(timestamps: true), step: step) == """
                2016-10-06T00:17:09.100000000Z one
                2016-10-06T00:17:10.669794202Z two
                2016-10-06T00:17:12.000000000+02:00 three

                """)
    }

    @Test func `what is older, or beyond the limit, is left out`() {
        #expect(format(LogFormatter(since: MicroTime("2016-10-06T00:17:11Z"))) == "o\n")
        #expect(format(LogFormatter(limitBytes: 6)) == "one\ntw")
        #expect(format(LogFormatter(timestamps: true, limitBytes: 4)) == "2016")
        var full = LogFormatter(limitBytes: 2)
        _ = full.receive(Array(Self.file.utf8))
        #expect(full.isFull)
    }

    @Test func `a last line without its end counts`() {
        #expect(format(LogFormatter(), "2016-10-06T00:17:09.1Z stdout F one") == "one")
        #expect(format(LogFormatter(), "2016-10-06T00:17:09.1Z stdout F \n") == "\n")
    }

    @Test func `the tail begins at the right line, whatever the block`() throws {
        try withLogFile { path in
            let lines: [String] = (0..<50).map { "line \($0)\n" }
            try write(lines.joined(), to: path)
            for (count, block) in [(0, 7), (1, 7), (3, 1), (3, 1_000), (49, 64), (50, 64), (90, 10)] {
                guard let file = LogFile(path) else {
                    Issue.record("no file")
                    return
                }
                let start: Int = file.tailStart(lines: count, block: block)
                let rest = String(decoding: file.read(at: start, count: 10_000), as: UTF8.self)
                #expect(rest == lines.suffix(count).joined(), "\(count) lines, blocks of \(block)")
            }
        }
    }

    // MARK: - Which container

    private func pod(_ fill: (inout APICore.ContainerStatus) -> Void) -> Pod {
        Pod.with { pod in
            pod.metadata.name = "web"
            pod.spec.containers = [APICore.Container.with { $0.name = "c" }]
            pod.status.containerStatuses = [
                APICore.ContainerStatus.with {
                    $0.name = "c"
                    fill(&$0)
                }
            ]
        }
    }

    private func answer(_ pod: Pod, previous: Bool = false) -> String {
        do throws(LogTarget.Refusal) {
            return try LogTarget.containerID(pod: pod, container: "c", previous: previous)
        } catch {
            return error.text
        }
    }

    @Test func `the state decides whose log it is, and the words are upstream's`() {
        let running: Pod = pod {
            $0.containerID = "containerd://now"
            $0.state.running = ContainerStateRunning()
            $0.lastState.terminated = ContainerStateTerminated.with { $0.containerID = "containerd://before" }
        }
        #expect(answer(running) == "now")
        #expect(answer(running, previous: true) == "before")
        let ended: Pod = pod { $0.state.terminated = ContainerStateTerminated.with { $0.containerID = "x://old" } }
        #expect(answer(ended) == "old")
        #expect(answer(ended, previous: true) == "previous terminated container \"c\" in pod \"web\" not found")
        let crashing: Pod = pod {
            $0.state.waiting = ContainerStateWaiting.with { $0.reason = "CrashLoopBackOff" }
            $0.lastState.terminated = ContainerStateTerminated.with { $0.containerID = "x://before" }
        }
        #expect(answer(crashing) == "before")
        func waiting(_ reason: String) -> String {
            answer(pod { $0.state.waiting = ContainerStateWaiting.with { $0.reason = reason } })
        }
        let start: String = "container \"c\" in pod \"web\" is waiting to start: "
        #expect(waiting("ContainerCreating") == start + "ContainerCreating")
        #expect(waiting("ErrImagePull") == start + "image can't be pulled")
        #expect(waiting("ImagePullBackOff") == start + "trying and failing to pull image")
        #expect(answer(Pod.with { $0.metadata.name = "web" }) == "container \"c\" in pod \"web\" is not available")
        #expect(answer(pod { _ in }) == "container \"c\" in pod \"web\" is waiting to start - no logs yet")
    }

    // MARK: - Routes

    @Test func `paths lead where upstream's do, and need what upstream asks`() {
        let target = KubeletRoute.Target(namespace: "ns", pod: "web", container: "c d")
        #expect(KubeletRoute(path: "/containerLogs/ns/web/c%20d") == .logs(target))
        #expect(KubeletRoute(path: "/exec/ns/web/c%20d") == .exec(target))
        #expect(
            KubeletRoute(path: "/attach/ns/web/uid/c")
                == .attach(KubeletRoute.Target(namespace: "ns", pod: "web", uid: "uid", container: "c")))
        #expect(
            KubeletRoute(path: "/portForward/ns/web")
                == .portForward(KubeletRoute.Target(namespace: "ns", pod: "web", container: "")))
        #expect(KubeletRoute(path: "/stats/summary") == .summary)
        #expect(KubeletRoute(path: "/exec/ns") == nil)
        #expect(KubeletRoute.subresource(path: "/metrics/resource") == "metrics")
        #expect(KubeletRoute.subresource(path: "/statsx") == "proxy")
        #expect(KubeletRoute.subresource(path: "/exec/a/b/c") == "proxy")
        #expect(KubeletRoute.verb(method: "POST") == "create")
    }

    @Test func `the machine's usage is read as the kernel writes it`() {
        let usage = MachineUsage(
            stat: "cpu  100 0 50 1000 7 1 2 0 0 0\ncpu0 1 1 1 1\nbtime 1700000000\n",
            meminfo:
                "MemTotal: 1000 kB\nMemFree: 400 kB\nMemAvailable: 700 kB\nInactive(file): 100 kB\nAnonPages: 50 kB\n",
            ticksPerSecond: 100)
        #expect(usage.cpuNanoseconds == 1_530_000_000)
        #expect(usage.workingSet == 500 * 1024)
        #expect(usage.bootTime == 1_700_000_000)
    }
}
