package import Netfilter
import Synchronization

/// The kernel's tables and tracked connections. One caller at a time; everything blocks.
package final class KernelNetfilter: Sendable {
    package typealias Error = NetlinkSocket.Error

    private struct State: ~Copyable {
        var socket: NetlinkSocket
    }

    private let state: Mutex<State>

    /// In the network namespace of the calling thread, for good.
    package init() throws(Error) {
        state = Mutex(State(socket: try NetlinkSocket()))
    }

    /// Makes the changes, all or none.
    package func apply(_ transaction: TableTransaction) throws(Error) {
        guard !transaction.isEmpty else { return }
        let result: Result<Void, Error> = state.withLock { state in
            Result { () throws(Error) in try Self.apply(transaction, &state.socket) }
        }
        try result.get()
    }

    private static func apply(_ transaction: TableTransaction, _ socket: inout NetlinkSocket) throws(Error) {
        let first: UInt32 = socket.nextSequence(transaction.steps.count + transaction.elementCount / 100 + 1000)
        let encoded: TableTransaction.Encoded = transaction.encoded(firstSequence: first)
        try socket.send(encoded.bytes)
        // The kernel works within the call; all answers are there when it returns.
        var isDone: Bool = false
        var failure: Error?
        while true {
            let answer: [UInt8] = try socket.receive(waiting: false)
            if answer.isEmpty { break }
            for message in NetlinkReader.messages(answer) {
                guard let answer = NetlinkReader.acknowledgement(message) else { continue }
                guard answer.sequence >= first else { continue }
                if answer.errorNumber == 0 {
                    isDone = true
                } else if failure == nil {
                    let step: String =
                        encoded.step(answer.sequence).map { describe(transaction.steps[$0]) } ?? "the batch"
                    failure = Error(operation: "change " + step, errorNumber: answer.errorNumber, detail: answer.text)
                }
            }
        }
        if let failure { throw failure }
        if !isDone { throw Error(operation: "change tables", errorNumber: 5, detail: "the kernel did not answer") }
    }

    private static func describe(_ step: TableTransaction.Step) -> String {
        let what: String =
            switch step.operation {
            case .addTable: "add"
            case .deleteTable: "delete"
            case .addChain(let name, _): "add chain \(name)"
            case .deleteChain(let name): "delete chain \(name)"
            case .flushChain(let name): "flush chain \(name)"
            case .addRule(let chain, _, let comment): "add rule to \(chain) \(comment)"
            case .addSet(let set): "add set \(set.name)"
            case .deleteSet(let name): "delete set \(name)"
            case .addElements(let set, _): "add elements to \(set)"
            case .deleteElements(let set, _): "delete elements of \(set)"
            }
        return "table \(step.table): \(what)"
    }

    /// Whether a table is there.
    package func isPresent(_ table: Table) throws(Error) -> Bool {
        let result: Result<Bool, Error> = state.withLock { state in
            Result { () throws(Error) in
                let sequence: UInt32 = state.socket.nextSequence(1)
                try state.socket.send(TableTransaction.question(table, sequence: sequence))
                for message in NetlinkReader.messages(try state.socket.receive(waiting: true)) {
                    guard message.sequence == sequence else { continue }
                    guard let answer = NetlinkReader.acknowledgement(message) else { return true }
                    if answer.errorNumber == 2 { return false }
                    throw Error(operation: "look for table \(table)", errorNumber: answer.errorNumber)
                }
                return true
            }
        }
        return try result.get()
    }

    /// Removes the tracked connections that are chosen; tells how many.
    package func removeConnections(
        _ family: InternetAddress.Family, where isChosen: (TrackedConnection) -> Bool
    ) throws(Error) -> Int {
        let result: Result<Int, Error> = state.withLock { state in
            Result { () throws(Error) in try Self.remove(family, &state.socket, isChosen) }
        }
        return try result.get()
    }

    private static func remove(
        _ family: InternetAddress.Family, _ socket: inout NetlinkSocket, _ isChosen: (TrackedConnection) -> Bool
    ) throws(Error) -> Int {
        let sequence: UInt32 = socket.nextSequence(1)
        try socket.send(ConnectionMessages.list(family, sequence: sequence))
        var chosen: [TrackedConnection] = []
        var isDone: Bool = false
        while !isDone {
            for message in NetlinkReader.messages(try socket.receive(waiting: true)) where message.sequence == sequence
            {
                if message.type == NetlinkReader.doneType {
                    isDone = true
                } else if let answer = NetlinkReader.acknowledgement(message) {
                    throw Error(operation: "list connections", errorNumber: answer.errorNumber, detail: answer.text)
                } else if let connection = ConnectionMessages.connection(message), isChosen(connection) {
                    chosen.append(connection)
                }
            }
        }
        var removed: Int = 0
        for connection in chosen {
            let sequence: UInt32 = socket.nextSequence(1)
            try socket.send(ConnectionMessages.remove(connection, sequence: sequence))
            for message in NetlinkReader.messages(try socket.receive(waiting: true)) {
                guard let answer = NetlinkReader.acknowledgement(message), answer.sequence == sequence else { continue }
                // ENOENT: it ended by itself meanwhile.
                if answer.errorNumber == 0 {
                    removed += 1
                } else if answer.errorNumber != 2 {
                    throw Error(operation: "remove a connection", errorNumber: answer.errorNumber, detail: answer.text)
                }
            }
        }
        return removed
    }
}
