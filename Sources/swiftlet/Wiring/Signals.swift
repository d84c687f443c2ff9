import Glibc
import NodeSetup
import Synchronization

/// SIGINT and SIGTERM as something to wait for.
enum Signals {
    /// Where the handler writes; -1 before `wait`. An atomic, since a handler may run on any thread at any moment.
    private static let pipe = Atomic<Int32>(-1)

    /// Returns the first SIGINT or SIGTERM, or nil when the task is cancelled. A second one ends the process at once.
    static func wait() async -> Int32? {
        var ends: [Int32] = [0, 0]
        guard Glibc.pipe(&ends) == 0 else { return nil }
        let (reader, writer): (Int32, Int32) = (ends[0], ends[1])
        pipe.store(writer, ordering: .sequentiallyConsistent)
        Glibc.signal(SIGPIPE, SIG_IGN)
        for number in [SIGINT, SIGTERM] {
            Glibc.signal(number) { number in
                var byte = UInt8(truncatingIfNeeded: number)
                _ = write(Signals.pipe.load(ordering: .sequentiallyConsistent), &byte, 1)
                Glibc.signal(number, SIG_DFL)
            }
        }
        return await withTaskCancellationHandler {
            await OwnedThread.run {
                var byte: UInt8 = 0
                let count: Int = read(reader, &byte, 1)
                return count == 1 && byte != 0 ? Int32(byte) : nil
            }
        } onCancel: {
            var nothing: UInt8 = 0
            _ = write(writer, &nothing, 1)
        }
    }
}
