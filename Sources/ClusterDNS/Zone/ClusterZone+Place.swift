extension ClusterZone {
    /// What a name is to the zone.
    enum Place: Equatable {
        /// Somebody else's.
        case foreign
        /// Ours, but there is none, or not known yet.
        case missing
        case unknown
        /// There is something below it, but nothing at it.
        case hollow
        /// An entry of `names`.
        case records(Int)
        case apex
        /// `dns-version.<domain>`
        case version
        /// `ns.dns.<domain>`
        case server
        /// `1-2-3-4.<namespace>.pod.<domain>`: told back without looking, as CoreDNS' `pods insecure`.
        case pod(InternetAddress)
        /// The name of an address, with the names of who has it; empty: nobody whom we know.
        case reverse(InternetAddress)
    }

    /// - Parameter labels: where the labels of `name` begin, without the root.
    func place(of name: [UInt8], labels: [Int]) -> Place {
        let domain: [UInt8] = configuration.domain.wire
        let offset: Int = name.count - domain.count
        guard offset >= 0, Self.ends(name, with: domain, at: offset), let depth = depth(of: offset, labels) else {
            return reversePlace(name, labels)
        }
        guard depth > 0 else { return .apex }
        let branch: Range<Int> = labels[depth - 1]..<offset
        if Self.matches(name, branch, "svc") {
            return depth == 1 ? .hollow : servicePlace(name, labels, depth)
        }
        if Self.matches(name, branch, "pod") {
            return depth == 1 ? .hollow : podPlace(name, labels, depth)
        }
        if Self.matches(name, branch, "dns-version") { return depth == 1 ? .version : .missing }
        if Self.matches(name, branch, "dns") {
            if depth == 1 { return .hollow }
            return depth == 2 && Self.matches(name, labels[0]..<labels[1], "ns") ? .server : .missing
        }
        return .missing
    }

    /// How many labels are before the domain; nil: it begins within a label.
    private func depth(of offset: Int, _ labels: [Int]) -> Int? {
        if configuration.domain.wire.count == 1 { return labels.count }
        return labels.lastIndex(of: offset)
    }

    private static func ends(_ name: [UInt8], with domain: [UInt8], at offset: Int) -> Bool {
        var index: Int = 0
        while index < domain.count {
            if name[offset + index] != domain[index] { return false }
            index += 1
        }
        return true
    }

    /// Whether the label in this range says that.
    private static func matches(_ name: [UInt8], _ range: Range<Int>, _ label: StaticString) -> Bool {
        guard range.count == label.utf8CodeUnitCount + 1, Int(name[range.lowerBound]) == range.count - 1 else {
            return false
        }
        return label.withUTF8Buffer { text in
            for index in 0..<text.count where text[index] != name[range.lowerBound + 1 + index] { return false }
            return true
        }
    }

    private func servicePlace(_ name: [UInt8], _ labels: [Int], _ depth: Int) -> Place {
        let end: Int = labels[depth - 1]
        if depth == 2 {
            if namespaces.find(name, in: labels[0]..<end) != nil { return .hollow }
        } else if let index = names.find(name, in: 0..<end) {
            return .records(index)
        }
        return isComplete ? .missing : .unknown
    }

    private func podPlace(_ name: [UInt8], _ labels: [Int], _ depth: Int) -> Place {
        let namespace: Range<Int> = labels[depth - 2]..<labels[depth - 1]
        guard depth <= 3, namespaces.find(name, in: namespace) != nil else { return isComplete ? .missing : .unknown }
        if depth == 2 { return .hollow }
        let text = String(decoding: name[1..<labels[1]], as: UTF8.self)
        let isFour: Bool = text.utf8.count(where: { $0 == UInt8(ascii: "-") }) == 3 && !text.contains("--")
        let address: String = String(text.map { $0 == "-" ? (isFour ? "." : ":") : $0 })
        return InternetAddress(address).map { .pod($0) } ?? .missing
    }

    // MARK: - Addresses

    private func reversePlace(_ name: [UInt8], _ labels: [Int]) -> Place {
        guard labels.count == 6 || labels.count == 34, let address = Self.address(name, labels) else { return .foreign }
        if reverse[address] != nil { return .reverse(address) }
        guard configuration.ownRanges.contains(where: { $0.contains(address) }) else { return .foreign }
        return isComplete ? .missing : .unknown
    }

    /// The address in `4.3.2.1.in-addr.arpa` or its IPv6 sister (RFC 3596 §2.5).
    private static func address(_ name: [UInt8], _ labels: [Int]) -> InternetAddress? {
        let count: Int = labels.count - 2
        guard matches(name, labels[count + 1]..<name.count - 1, "arpa") else { return nil }
        let branch: Range<Int> = labels[count]..<labels[count + 1]
        let parts: [String] = (0..<count).map { index in
            String(decoding: name[labels[index] + 1..<labels[index + 1]], as: UTF8.self)
        }
        if count == 4 {
            guard matches(name, branch, "in-addr") else { return nil }
            return InternetAddress(parts.reversed().joined(separator: "."))
        }
        guard matches(name, branch, "ip6") else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: count - 1, to: 0, by: -2) {
            guard parts[index].utf8.count == 1, parts[index - 1].utf8.count == 1,
                let byte = UInt8(parts[index] + parts[index - 1], radix: 16)
            else { return nil }
            bytes.append(byte)
        }
        return InternetAddress(bytes: bytes)
    }
}
