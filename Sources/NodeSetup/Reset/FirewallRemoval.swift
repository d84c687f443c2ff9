/// Finds, in what `iptables-save` writes, the rules that CNI plugins made for a network, and makes the script
/// that takes them away. Plugins name the network in a comment on the rule that jumps to a chain of the
/// container's own:
///
///     -A POSTROUTING -s 10.244.0.5/32 -m comment --comment "name: \"swiftlet\" id: \"8f…\"" -j CNI-a1b2…
///     -A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \"swiftlet\" id: \"8f…\"" … -j CNI-DN-c3d4…
///
/// The chains `CNI-HOSTPORT-…` are shared by all networks, and portmap leaves them behind with its last pod; they go when
/// nobody uses them any more. It makes them again when it needs them.
package struct FirewallRemoval: Equatable, Sendable {
    /// For `iptables-restore --noflush`: one transaction per table. Empty when there is nothing to do.
    package private(set) var script = ""
    /// Rules and chains that go.
    package private(set) var count = 0

    private static let sharedChains = ["CNI-HOSTPORT-DNAT", "CNI-HOSTPORT-MASQ", "CNI-HOSTPORT-SETMARK"]

    package init(saved text: String, network: String) {
        var table = ""
        var lines: [Substring] = []
        for line in text.split(separator: "\n") {
            if line.hasPrefix("*") {
                table = String(line.dropFirst())
                lines = []
            } else if line == "COMMIT" {
                appendTable(table, lines, network: network)
            } else {
                lines.append(line)
            }
        }
    }

    private mutating func appendTable(_ table: String, _ lines: [Substring], network: String) {
        let rules = lines.filter { $0.hasPrefix("-A ") }
        let chains = Set(lines.filter { $0.hasPrefix(":") }.compactMap { $0.dropFirst().split(separator: " ").first })
        let marks = ["name: \\\"\(network)\\\" id:", "--comment \"\(NodeNetwork.forwardComment(network))\""]
        let ours = rules.filter { rule in marks.contains { rule.contains($0) } }
        // The rules in a container's own chain go with the chain.
        let privateChains = Set(ours.compactMap(Self.target)).filter {
            $0.hasPrefix("CNI-") && !Self.sharedChains.contains(String($0))
        }
        var deleted = ours.filter { rule in !privateChains.contains { rule.hasPrefix("-A \($0) ") } }
        let dnatIsUsed = rules.contains { $0.hasPrefix("-A CNI-HOSTPORT-DNAT ") && !ours.contains($0) }
        var goingChains = privateChains.filter(chains.contains).sorted()
        if !dnatIsUsed {
            let shared = Self.sharedChains.map { Substring($0) }.filter(chains.contains)
            deleted += rules.filter { rule in
                !ours.contains(rule) && Self.target(rule).map(shared.contains) == true
                    && !(shared + goingChains).contains { rule.hasPrefix("-A \($0) ") }
            }
            goingChains += shared
        }
        guard !deleted.isEmpty || !goingChains.isEmpty else { return }
        script += "*\(table)\n"
        for rule in deleted { script += "-D" + rule.dropFirst(2) + "\n" }
        for chain in goingChains { script += "-F \(chain)\n" }
        for chain in goingChains { script += "-X \(chain)\n" }
        script += "COMMIT\n"
        count += deleted.count + goingChains.count
    }

    /// The chain a rule jumps to.
    private static func target(_ rule: Substring) -> Substring? {
        let words = rule.split(separator: " ")
        guard let jump = words.lastIndex(of: "-j"), jump + 1 < words.count else { return nil }
        return words[jump + 1]
    }
}
