import Glibc

/// Lets one thread of ours sleep until another thread wakes it.
///
/// Only threads that the store owns may wait: waiting blocks. A wake-up that comes first is kept.
final class ThreadSignal: @unchecked Sendable {  // tidy:allow @unchecked: sem_t is made for concurrent use
    private let semaphore: UnsafeMutablePointer<sem_t>

    init() {
        semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
        let result = sem_init(semaphore, 0, 0)
        precondition(result == 0, "sem_init failed with \(errno)")
    }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func wake() {
        let result = sem_post(semaphore)
        precondition(result == 0, "sem_post failed with \(errno)")
    }

    func wait() {
        while sem_wait(semaphore) != 0 {
            precondition(errno == EINTR, "sem_wait failed with \(errno)")
        }
    }
}
