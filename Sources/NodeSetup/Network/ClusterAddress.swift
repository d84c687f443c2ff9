/// An address of the cluster that this machine answers itself: the DNS server's. It is the machine's own then, so that
/// pods' packets to it are taken in here, whatever the rules for Services say.
///
/// It is on the loopback interface (not every kernel has dummy ones), with a label by which it is known as ours, and with
/// host scope, so that nothing is ever sent from it that was not asked of it.
package enum ClusterAddress {
    static let label = "lo:swiftlet-dns"
    private static let fileName = "/cluster-address"

    /// Adds the address, and notes it for the reset. It may be there already. Blocks.
    package static func install(_ address: String, paths: NodePaths) throws(Error) {
        do throws(SystemError) {
            try Files.makeDirectory(paths.runDirectory)
            try Files.replace(paths.runDirectory + fileName, with: Array(address.utf8))
        } catch {
            throw .note(error)
        }
        do throws(Subprocess.Error) {
            try Subprocess.run(
                // Only addresses of IPv4 have labels.
                isIPv6(address)
                    ? ["ip", "address", "replace", address + "/128", "dev", "lo", "scope", "host", "nodad"]
                    : ["ip", "address", "replace", address + "/32", "dev", "lo", "label", label, "scope", "host"],
                timeout: .seconds(10))
        } catch {
            throw .address(error)
        }
    }

    package enum Error: Swift.Error, Equatable, CustomStringConvertible {
        case note(SystemError)
        case address(Subprocess.Error)

        package var description: String {
            switch self {
            case .note(let error): error.description
            case .address(let error): error.description
            }
        }
    }

    /// The address that a cluster with these directories added, if it is there.
    static func installed(_ paths: NodePaths) -> String? {
        guard let address = Files.text(paths.runDirectory + fileName), !address.isEmpty else { return nil }
        let selector = isIPv6(address) ? [] : ["label", label]
        guard
            let output = try? Subprocess.run(
                ["ip", "-o", "address", "show", "dev", "lo"] + selector, timeout: .seconds(10))
        else { return nil }
        let isThere = String(decoding: output, as: UTF8.self).split(separator: "\n").contains { line in
            line.split(separator: " ").contains { $0 == address + prefix(address) }
        }
        return isThere ? address : nil
    }

    private static func isIPv6(_ address: String) -> Bool { address.utf8.contains(UInt8(ascii: ":")) }
    private static func prefix(_ address: String) -> String { isIPv6(address) ? "/128" : "/32" }

    static func remove(_ address: String) throws(Subprocess.Error) {
        try Subprocess.run(["ip", "address", "delete", address + prefix(address), "dev", "lo"], timeout: .seconds(10))
    }
}
