/// Tells at once when a container's first process ends. An adapter over pidfds, with a thread of its own.
package protocol ProcessExits: Sendable {
    /// Calls `notify` once, when the process has ended; from any thread, so it must not block. When the process has
    /// ended already, or the number belongs to another process by now (one that is not in a cgroup named after the
    /// container), it is called at once. It may be called from within.
    func watch(processID: Int32, containerID: String, notify: @escaping @Sendable () -> Void)
}
