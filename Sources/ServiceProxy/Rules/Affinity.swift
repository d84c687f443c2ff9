import Netfilter

/// The chains of a group of backends whose clients stay with one of them (session affinity ClientIP).
///
///     chain stay-7 { saddr @clients-7-10.0.0.1.80 → goto stay-7-10.0.0.1.80; …; 1 of 2 → goto …; goto … }
///     chain stay-7-10.0.0.1.80 { update @clients-7-10.0.0.1.80 { saddr timeout 3h }; dnat to 10.0.0.1:80 }
///
/// A backend that goes takes its set of clients along, so nobody is led to where nobody is.
struct AffinityGroup: Hashable, Sendable {
    var number: UInt32
    var seconds: Int
    var backends: [Backend]

    var chain: String { Self.chain(number) }

    static func chain(_ number: UInt32) -> String { "stay-\(number)" }

    private func suffix(_ backend: Backend) -> String {
        let address: String = backend.address.description.replacing(":", with: ".")
        return "\(number)-\(address).\(backend.port)"
    }

    private func clients(_ backend: Backend) -> String { "clients-" + suffix(backend) }
    private func chain(_ backend: Backend) -> String { "stay-" + suffix(backend) }

    /// What leads from the old group (nil: there was none) to this one. Done before elements lead to it.
    func appear(_ old: AffinityGroup?, _ table: ProxyTable, _ transaction: inout TableTransaction) {
        let target: Table = table.table
        let address: FieldType = .address(table.family)
        if old == nil { transaction.append(.addChain(chain, nil), in: target) }
        let known: Set<Backend> = Set(old?.backends ?? [])
        for backend in backends {
            let isNew: Bool = !known.contains(backend)
            if isNew {
                transaction.append(.addSet(SetDefinition(clients(backend), [address], isDynamic: true)), in: target)
                transaction.append(.addChain(chain(backend), nil), in: target)
            } else if old?.seconds != seconds {
                transaction.append(.flushChain(chain(backend)), in: target)
            } else {
                continue
            }
            let time: Expression = .remember(
                set: clients(backend), Register(0), milliseconds: UInt64(seconds) * 1000)
            transaction.append(.addRule(chain: chain(backend), table.source(0) + [time], comment: ""), in: target)
            let lead: [Expression] = [
                .immediate(Register(0), backend.address.bytes),
                .immediate(Register(4), [UInt8(backend.port >> 8), UInt8(backend.port & 0xff)]),
                .destinationNAT(table.family, address: Register(0), port: Register(4)),
            ]
            transaction.append(.addRule(chain: chain(backend), lead, comment: ""), in: target)
        }
        guard old?.backends != backends else { return }
        if old != nil { transaction.append(.flushChain(chain), in: target) }
        for backend in backends {
            let rule: [Expression] =
                table.source(0) + [.lookup(set: clients(backend), Register(0)), .verdict(.goto(chain(backend)))]
            transaction.append(.addRule(chain: chain, rule, comment: ""), in: target)
        }
        for (index, backend) in backends.enumerated() {
            let left: Int = backends.count - index
            let draw: [Expression] =
                left == 1
                ? []
                : [
                    .random(modulus: left, Register(0)),
                    .compare(Register(0), .equal, RegisterBytes.number(0)),
                ]
            transaction.append(
                .addRule(chain: chain, draw + [.verdict(.goto(chain(backend)))], comment: ""), in: target)
        }
    }

    /// Removes what the new group (nil: there is none) has no more. Done after no element leads to it.
    func disappear(_ new: AffinityGroup?, _ table: ProxyTable, _ transaction: inout TableTransaction) {
        let target: Table = table.table
        if new == nil {
            transaction.append(.flushChain(chain), in: target)
            transaction.append(.deleteChain(chain), in: target)
        }
        let kept: Set<Backend> = Set(new?.backends ?? [])
        for backend in backends where !kept.contains(backend) {
            transaction.append(.flushChain(chain(backend)), in: target)
            transaction.append(.deleteChain(chain(backend)), in: target)
            transaction.append(.deleteSet(clients(backend)), in: target)
        }
    }
}
