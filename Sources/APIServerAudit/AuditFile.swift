package import APIMachinery
import APIServer
import Glibc
import Store

/// The audit log as a file of JSON lines, turned over when it is large. Written by a thread of its own.
package final class AuditFile: AuditSink {
    /// Lines that wait for the disk; what comes while there are so many is lost and counted.
    private static let mostWaiting: Int = 10_000

    package struct Settings: Sendable {
        /// `-` is standard output.
        package var path: String
        /// Megabytes after which a new file is begun; 0: upstream's 100.
        package var maxSize: Int = 0
        /// Old files to keep; 0: all.
        package var maxBackups: Int = 0
        /// Days to keep old files; 0: for ever.
        package var maxAge: Int = 0

        package init(path: String) {
            self.path = path
        }
    }

    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    private let inbox = Inbox<[UInt8]>(capacity: AuditFile.mostWaiting)
    private let finished = Inbox<Bool>(capacity: 1)

    /// Opens the file. `complain` is told, on the thread, what cannot be written.
    package init(_ settings: Settings, clock: any WallClock, complain: @escaping @Sendable (String) -> Void)
        throws(Failure)
    {
        let writer = try AuditFileWriter(settings, clock: clock)
        let inbox: Inbox<[UInt8]> = inbox
        let finished: Inbox<Bool> = finished
        StoreThread.start(name: "audit") {
            while let lines = inbox.receive() {
                do throws(Failure) {
                    try writer.write(lines)
                } catch {
                    complain(error.description)
                }
            }
            finished.close()
        }
    }

    package func append(_ line: [UInt8]) -> Bool {
        do throws(Inbox<[UInt8]>.Refusal) {
            try inbox.send(line)
            return true
        } catch {
            return false
        }
    }

    /// Writes what waits and ends the thread; blocks until that is done.
    package func close() {
        inbox.close()
        while finished.receive() != nil {}
    }
}

/// On the audit thread only, but for its making.
private final class AuditFileWriter: Sendable {
    private let settings: AuditFile.Settings
    private let clock: any WallClock
    private let limit: Int

    init(_ settings: AuditFile.Settings, clock: any WallClock) throws(AuditFile.Failure) {
        self.settings = settings
        self.clock = clock
        limit = (settings.maxSize > 0 ? settings.maxSize : 100) << 20
        // Found out now, when somebody still looks.
        if settings.path != "-" { Glibc.close(try Self.open(settings.path)) }
    }

    /// The file is opened for each batch: it may have been moved away by somebody.
    func write(_ lines: [[UInt8]]) throws(AuditFile.Failure) {
        guard settings.path != "-" else {
            try Self.write(lines[...], to: STDOUT_FILENO)
            return
        }
        var rest: ArraySlice<[UInt8]> = lines[...]
        while !rest.isEmpty {
            let descriptor: Int32 = try Self.open(settings.path)
            defer { Glibc.close(descriptor) }
            var size: Int = max(0, Int(lseek(descriptor, 0, SEEK_END)))
            if size > 0, size + (rest.first?.count ?? 0) + 1 > limit {
                try turnOver()
                continue
            }
            var count: Int = 0
            for line in rest {
                size += line.count + 1
                if count > 0, size > limit { break }
                count += 1
            }
            try Self.write(rest.prefix(count), to: descriptor)
            rest = rest.dropFirst(count)
        }
    }

    private static func open(_ path: String) throws(AuditFile.Failure) -> Int32 {
        let descriptor: Int32 = Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw AuditFile.Failure(
                description: "failed to open the audit log \(path): \(String(cString: strerror(errno)))")
        }
        return descriptor
    }

    private static func write(_ lines: ArraySlice<[UInt8]>, to descriptor: Int32) throws(AuditFile.Failure) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(lines.reduce(0) { $0 + $1.count + 1 })
        for line in lines {
            bytes += line
            bytes.append(0x0A)
        }
        var done: Int = 0
        while done < bytes.count {
            let (written, code): (Int, Int32) = bytes.withUnsafeBytes { buffer in
                let result: Int = Glibc.write(descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done)
                return (result, errno)
            }
            if written < 0, code == EINTR { continue }
            guard written > 0 else {
                throw AuditFile.Failure(
                    description: "failed to write the audit log: \(String(cString: strerror(code)))")
            }
            done += written
        }
    }

    // MARK: - Old files

    private var directory: String {
        guard let slash = settings.path.lastIndex(of: "/") else { return "." }
        return slash == settings.path.startIndex ? "/" : String(settings.path[..<slash])
    }

    /// `audit` and `.log` of `/var/log/audit.log`.
    private var nameParts: (stem: String, suffix: String) {
        let name: Substring =
            settings.path.lastIndex(of: "/").map { settings.path[settings.path.index(after: $0)...] }
            ?? settings.path[...]
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return (String(name), "") }
        return (String(name[..<dot]), String(name[dot...]))
    }

    /// `2026-01-31T12-00-00.000`.
    private static func stamp(_ time: MicroTime) -> String {
        String(time.description.prefix(23)).replacing(":", with: "-")
    }

    private func turnOver() throws(AuditFile.Failure) {
        let (stem, suffix): (String, String) = nameParts
        let target: String = "\(directory)/\(stem)-\(Self.stamp(clock.nowMicro))\(suffix)"
        guard rename(settings.path, target) == 0 else {
            throw AuditFile.Failure(
                description: "failed to rename the audit log to \(target): \(String(cString: strerror(errno)))")
        }
        prune()
    }

    /// Removes old files that are too many or too old.
    private func prune() {
        let (stem, suffix): (String, String) = nameParts
        guard settings.maxBackups > 0 || settings.maxAge > 0, let stream = opendir(directory) else { return }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name: String = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            let isOld: Bool =
                name.hasPrefix(stem + "-") && name.hasSuffix(suffix)
                && name.utf8.count == stem.utf8.count + 24 + suffix.utf8.count
            if isOld { names.append(name) }
        }
        names.sort(by: >)
        let oldest = MicroTime(Time(seconds: clock.now.seconds - Int64(settings.maxAge) * 86_400))
        for (index, name) in names.enumerated() {
            let isTooMany: Bool = settings.maxBackups > 0 && index >= settings.maxBackups
            let stamp: Substring = name.dropFirst(stem.count + 1).prefix(23)
            let isTooOld: Bool = settings.maxAge > 0 && String(stamp) < Self.stamp(oldest)
            if isTooMany || isTooOld { unlink("\(directory)/\(name)") }
        }
    }
}
