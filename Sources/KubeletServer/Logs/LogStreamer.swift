import APIMachinery
package import HTTPServer
import NIOPosix
import Synchronization

/// Sends one container's log to one client.
///
/// The file is read on threads that may block, in pieces, as fast as the client takes them. While following, a change
/// in the directory wakes it; each second without one it asks whether the container still runs, and ends when it does not.
package struct LogStreamer: Sendable {
    private static let pieceBytes: Int = 64 * 1024
    private static let patience: Duration = .seconds(1)

    private let path: String
    private let follow: Bool
    private let tailLines: Int?
    private let isRunning: @Sendable () async -> Bool
    private let changes: FileChanges

    package init(
        path: String, follow: Bool, tailLines: Int?, changes: FileChanges = .shared,
        isRunning: @escaping @Sendable () async -> Bool
    ) {
        self.path = path
        self.follow = follow
        self.tailLines = tailLines
        self.changes = changes
        self.isRunning = isRunning
    }

    /// The open file, shared by the pieces of work on threads. One of them at a time.
    private final class Handle: Sendable {
        private let file: Mutex<LogFile?>

        init(_ file: consuming LogFile) {
            self.file = Mutex(file)
        }

        func tailStart(_ lines: Int) -> Int { file.withLock { $0?.tailStart(lines: lines) ?? 0 } }
        var facts: LogFile.Facts? { file.withLock { $0?.facts } }
        func read(at position: Int) -> [UInt8] {
            file.withLock { $0?.read(at: position, count: LogStreamer.pieceBytes) ?? [] }
        }
    }

    /// The file at its beginning; nil: there is none.
    private func open() async -> Handle? {
        let path: String = self.path
        return await blocking {
            guard let file = LogFile(path) else { return nil }
            return Handle(file)
        }
    }

    private func blocking<Value: Sendable>(_ body: @escaping @Sendable () -> Value?) async -> Value? {
        try? await NIOThreadPool.singleton.runIfActive { body() }
    }

    /// False: there is no file, and nothing was sent.
    package func run(_ formatter: LogFormatter, begin: () -> HTTPBodyWriter?) async -> Bool {
        let directory: String = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let watch: Int32? = follow ? changes.watch(directory: directory) : nil
        defer { if let watch { changes.unwatch(watch) } }
        guard let handle = await open() else { return false }
        guard let writer = begin() else { return true }
        let tailLines: Int? = self.tailLines
        let start: Int = await blocking { tailLines.map { handle.tailStart($0) } ?? 0 } ?? 0
        if await send(handle, from: start, formatter, writer, watch) { writer.finish() }
        return true
    }

    /// True: everything was sent that the client asked for.
    private func send(
        _ first: Handle, from start: Int, _ formatter: LogFormatter, _ writer: HTTPBodyWriter, _ watch: Int32?
    ) async -> Bool {
        var formatter: LogFormatter = formatter
        var handle: Handle = first
        var position: Int = start
        var isOver: Bool = !follow
        var wasAsked: Bool = false
        while !Task.isCancelled {
            let known: UInt64 = changes.changes(watch)
            let (current, place): (Handle, Int) = (handle, position)
            let piece: [UInt8] = await blocking { current.read(at: place) } ?? []
            if !piece.isEmpty {
                position += piece.count
                guard await Self.write(formatter.receive(piece), writer) else { return false }
                if formatter.isFull { return true }
                continue
            }
            if isOver { return await Self.write(formatter.finish(), writer) }
            switch await replacement(of: handle, position) {
            case .none: break
            case .truncated:
                position = 0
                formatter.restart()
                continue
            case .other(let next):
                // What the runtime still wrote into the old file before it took the new one.
                let last: [UInt8] = await blocking { current.read(at: place) } ?? []
                if !last.isEmpty { continue }
                guard await Self.write(formatter.finish(), writer) else { return false }
                (handle, position) = (next, 0)
                continue
            }
            if !wasAsked {
                wasAsked = true
                isOver = !(await isRunning())
                if isOver { continue }
            }
            await changes.wait(watch, beyond: known, timeout: Self.patience)
            if writer.closeReason != nil { return false }
            if changes.changes(watch) == known { wasAsked = false }
        }
        return false
    }

    private enum Replacement: Sendable {
        case none
        case truncated
        case other(Handle)
    }

    /// Whether the log was rotated: another file is at its path.
    private func replacement(of handle: Handle, _ position: Int) async -> Replacement {
        let path: String = self.path
        return await blocking { () -> Replacement in
            guard let mine = handle.facts else { return .none }
            if mine.size < position { return .truncated }
            guard let now = LogFile.Facts.at(path), !now.isSameFile(mine), let next = LogFile(path) else {
                return .none
            }
            return .other(Handle(next))
        } ?? .none
    }

    /// False: the client left.
    private static func write(_ bytes: [UInt8], _ writer: HTTPBodyWriter) async -> Bool {
        guard !bytes.isEmpty else { return writer.closeReason == nil }
        while true {
            switch writer.write(bytes) {
            case .accepted:
                if !writer.isWritable { _ = await writer.writable() }
                return writer.closeReason == nil
            case .full: if await !writer.writable() { return false }
            case .closed: return false
            }
        }
    }
}
