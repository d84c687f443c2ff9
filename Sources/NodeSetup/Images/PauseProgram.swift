/// The program that holds a pod's namespaces open: some hundred bytes of machine code, built from
/// `dev/pause/pause.c`, so that a node needs no registry and no other package to start its first pod.
package enum PauseProgram {
    /// The names that images use for the architectures that have one.
    package static let architectures: [String: String] = ["x86_64": "amd64", "aarch64": "arm64"]

    /// The program for a machine as `uname -m` names it; nil when there is none.
    package static func bytes(machine: String) -> [UInt8]? {
        programs[machine].map { lines in lines.flatMap { decode($0) } }
    }

    private static func decode(_ digits: String) -> [UInt8] {
        let values = digits.utf8.map { $0 < 58 ? $0 - 48 : $0 - 87 }
        return stride(from: 0, to: values.count, by: 2).map { values[$0] << 4 | values[$0 + 1] }
    }
}
