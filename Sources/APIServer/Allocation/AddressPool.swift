import APIMachinery

/// The cluster IPs of one range. Neither the network's own address nor, for IPv4, the broadcast address is used.
struct AddressPool: Sendable {
    let range: CIDR
    /// Whether addresses are given out; one that is going only knows what is taken.
    var isOpen: Bool = true
    private let first: IPAddress
    private var numbers: NumberPool
    /// More addresses than this are not kept apart; upstream's limit for IPv6 ranges.
    private static let largest: Int = 1 << 16

    init(_ range: CIDR) {
        self.range = range
        let family: IPAddress.Family = range.address.family
        let hostBits: Int = family.bitCount - range.prefixLength
        let total: Int = hostBits >= 16 ? Self.largest : 1 << hostBits
        let unused: Int = family == .v4 ? 2 : 1
        first = range.network.advanced(by: 1) ?? range.network
        let size: Int = max(0, total - unused)
        numbers = NumberPool(size: size, reserved: min(size, Self.staticBand(total)))
    }

    /// How many addresses at the front are kept for services that ask for a certain one; upstream's rule.
    private static func staticBand(_ total: Int) -> Int {
        total < 16 ? 0 : min(max(16, total / 16), 256)
    }

    enum Refusal {
        case taken
        case outOfRange
    }

    /// Whether it is one of the addresses that can be given out.
    func has(_ address: IPAddress) -> Bool { number(of: address) != nil }

    private func number(of address: IPAddress) -> Int? {
        guard range.contains(address), address.bits >= first.bits else { return nil }
        let number = Int(clamping: address.bits - first.bits)
        return number < numbers.size ? number : nil
    }

    /// Why not, if it cannot be taken.
    mutating func take(_ address: IPAddress) -> Refusal? {
        guard let number = number(of: address) else { return .outOfRange }
        return numbers.take(number) ? nil : .taken
    }

    /// Nil: the range is full.
    mutating func takeAny(random: UInt64) -> IPAddress? {
        numbers.takeAny(random: random).flatMap { first.advanced(by: $0) }
    }

    mutating func release(_ address: IPAddress) {
        if let number = number(of: address) { numbers.release(number) }
    }

    func isTaken(_ address: IPAddress) -> Bool {
        number(of: address).map { numbers.isTaken($0) } ?? false
    }

    var taken: [IPAddress] { numbers.taken.compactMap { first.advanced(by: $0) } }
    var takenCount: Int { numbers.takenCount }
    var size: Int { numbers.size }
}
