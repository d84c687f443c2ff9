import NIOCore

/// Runs the steps of tasks on a connection's event loop, between its other work.
///
/// A step that only hands bytes to the connection costs less there than a thread that has to be woken for it, and the
/// steps of many tasks in one turn of the loop become one flush.
final class LoopExecutor: TaskExecutor {
    private let eventLoop: any EventLoop

    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        eventLoop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
