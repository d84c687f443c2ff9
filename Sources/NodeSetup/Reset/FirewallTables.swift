/// Tables of the firewall that CNI plugins make through iptables the first time they need one, and that nobody takes
/// away again. A table that was there before our node came stays, and so does one that somebody uses.
package struct FirewallTable: Hashable, Sendable {
    package var family: String
    package var name: String

    package init(_ family: String, _ name: String) {
        self.family = family
        self.name = name
    }

    /// Those that iptables would make for plugins and for us.
    static let shared: [FirewallTable] = ["nat", "filter"].flatMap { name in
        ["ip", "ip6"].map { FirewallTable($0, name) }
    }

    /// What `nft list tables` writes: lines of `table ip nat`.
    static func list(_ text: String) -> [FirewallTable] {
        text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ").map(String.init)
            return words.count == 3 && words[0] == "table" ? FirewallTable(words[1], words[2]) : nil
        }
    }

    /// Whether `nft list table` shows nothing but the chains that iptables puts into every table, without a rule and
    /// without a policy of somebody's choice.
    static func isUnused(_ text: String) -> Bool {
        let builtIn: Set<Substring> = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"]
        return text.split(separator: "\n").allSatisfy { line in
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            switch words.first {
            case nil, "}", "table", "#": return true
            case "chain": return words.count == 3 && builtIn.contains(words[1])
            case "type": return words.suffix(2) == ["policy", "accept;"]
            default: return false
            }
        }
    }
}

/// Which tables there were before our node came, kept where a reboot forgets it like the tables themselves.
enum FirewallNote {
    private static func path(_ paths: NodePaths) -> String { paths.runDirectory + "/firewall-before" }

    /// Notes what is there, unless it was noted before: an earlier life may have changed it since.
    static func take(_ paths: NodePaths) throws(SystemError) {
        guard !Files.exists(path(paths)),
            let output = try? Subprocess.run(["nft", "list", "tables"], timeout: .seconds(10))
        else { return }
        try Files.makeDirectory(paths.runDirectory)
        try Files.replace(path(paths), with: output)
    }

    /// nil: nobody noted, so nothing may be concluded.
    static func read(_ paths: NodePaths) -> [FirewallTable]? {
        Files.text(path(paths)).map(FirewallTable.list)
    }
}
