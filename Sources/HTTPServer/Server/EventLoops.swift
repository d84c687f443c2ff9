import NIOCore
import NIOPosix

/// Threads that serve connections; several servers may share them.
package final class EventLoops: Sendable {
    let group: MultiThreadedEventLoopGroup
    package let count: Int

    /// `count` nil: one per core, at least 2.
    package init(count: Int? = nil) {
        self.count = max(1, count ?? max(2, System.coreCount))
        group = MultiThreadedEventLoopGroup(numberOfThreads: self.count)
    }

    /// Ends the threads, once every server on them is shut down.
    package func shutdown() async {
        try? await group.shutdownGracefully()
    }
}
