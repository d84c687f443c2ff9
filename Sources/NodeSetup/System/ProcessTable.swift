import CNodeSetup
import Glibc

/// A process as `/proc` shows it.
package struct ProcessEntry: Equatable, Sendable {
    package var id: Int32
    package var parent: Int32
    /// Its command line; empty for kernel threads and zombies.
    package var arguments: [String]
}

/// The processes of this machine. A snapshot: entries may be gone when they are used.
package enum ProcessTable {
    package static func read() -> [ProcessEntry] {
        Files.entries("/proc").compactMap { Int32($0) }.compactMap(entry)
    }

    package static func entry(_ id: Int32) -> ProcessEntry? {
        guard let status = Files.text("/proc/\(id)/stat"),
            let command = try? Files.read("/proc/\(id)/cmdline"),
            // The name in brackets may contain anything; the fields after the last bracket are regular.
            let bracket = status.lastIndex(of: ")")
        else { return nil }
        let fields = status[status.index(after: bracket)...].split(separator: " ")
        guard fields.count > 2, fields[0] != "Z", let parent = Int32(fields[1]) else { return nil }
        let arguments = command.split(separator: 0, omittingEmptySubsequences: false).dropLast()
        return ProcessEntry(
            id: id, parent: parent, arguments: arguments.map { String(decoding: $0, as: UTF8.self) })
    }

    /// The paths of a process's cgroups, over all hierarchies.
    package static func cgroups(of id: Int32) -> [String] {
        guard let text = Files.text("/proc/\(id)/cgroup") else { return [] }
        return text.split(separator: "\n").compactMap { line in
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            return parts.count == 3 ? String(parts[2]) : nil
        }
    }

    /// The processes and all that descend from them.
    package static func descendants(of roots: Set<Int32>, in processes: [ProcessEntry]) -> Set<Int32> {
        var children: [Int32: [Int32]] = [:]
        for process in processes { children[process.parent, default: []].append(process.id) }
        var found = roots
        var open = Array(roots)
        while let next = open.popLast() {
            for child in children[next] ?? [] where found.insert(child).inserted { open.append(child) }
        }
        return found
    }

    /// Sends a signal, and waits until all are gone or the time is over; returns those that are left.
    /// Blocks. Uses pidfds, so a process id that is reused meanwhile is never waited for.
    package static func signal(_ ids: [Int32], _ number: Int32, waitMilliseconds: Int) -> [Int32] {
        var waiting: [(id: Int32, descriptor: Int32)] = []
        for id in ids {
            let descriptor = nodesetup_pidfd_open(id)
            guard descriptor >= 0 else { continue }
            if nodesetup_pidfd_signal(descriptor, number) < 0 {
                close(descriptor)
            } else {
                waiting.append((id, descriptor))
            }
        }
        let deadline = Monotonic.now() + .milliseconds(waitMilliseconds)
        while !waiting.isEmpty {
            let left = Monotonic.milliseconds(deadline - Monotonic.now())
            if left <= 0 { break }
            var polls = waiting.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
            guard poll(&polls, nfds_t(polls.count), left) > 0 else { continue }
            for (index, entry) in polls.enumerated().reversed() where entry.revents != 0 {
                // Ours to reap when it is our child; else an error that means nothing.
                waitpid(waiting[index].id, nil, WNOHANG)
                close(waiting[index].descriptor)
                waiting.remove(at: index)
            }
        }
        for entry in waiting { close(entry.descriptor) }
        return waiting.map(\.id)
    }
}

/// The kernel's monotonic clock, as time since boot.
package enum Monotonic {
    package static func now() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    /// Whole milliseconds, rounded up, as `poll` wants them.
    static func milliseconds(_ duration: Duration) -> Int32 {
        let (seconds, attoseconds) = duration.components
        let value = seconds * 1_000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
        return Int32(clamping: value)
    }
}
