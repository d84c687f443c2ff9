/// Whose a data directory is. A reset deletes the whole directory only when Swiftlet made it: nobody's home
/// goes because somebody once said `--data-dir /home`.
package enum DataDirectory {
    private static let marker = ".swiftlet"

    /// Makes the directory, and marks it as ours when it was not there or empty. To be called before anything
    /// is written below it; safe to repeat. False when it is somebody else's: then a reset takes only
    /// what it knows from it.
    @discardableResult
    package static func claim(_ paths: NodePaths) throws(SystemError) -> Bool {
        if isClaimed(paths) { return true }
        // Secrets are in the files below, some of which libraries make readable for everybody.
        try Files.makeDirectory(paths.dataDirectory, mode: 0o700)
        guard Files.entries(paths.dataDirectory).isEmpty else { return false }
        let text = "Made by Swiftlet. With this file in it, `swiftlet reset` deletes the whole directory.\n"
        try Files.replace(paths.dataDirectory + "/" + marker, with: Array(text.utf8))
        return true
    }

    package static func isClaimed(_ paths: NodePaths) -> Bool {
        Files.exists(paths.dataDirectory + "/" + marker)
    }
}
