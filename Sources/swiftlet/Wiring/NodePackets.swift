import Netfilter
import NetfilterKernel
import NodeSetup
import ServiceProxy

/// The kernel's netfilter for the service proxy; its calls block, and so run on threads of their own.
struct NodePackets: PacketRules {
    private let kernel: KernelNetfilter

    init() throws(NetlinkSocket.Error) {
        kernel = try KernelNetfilter()
    }

    /// Whether the firewall sees packets between two ports of a bridge.
    static var seesBridges: Bool {
        Files.text("/proc/sys/net/bridge/bridge-nf-call-iptables")?.hasPrefix("1") == true
    }

    func apply(_ transaction: TableTransaction) async throws(PacketRulesError) {
        let kernel: KernelNetfilter = self.kernel
        try await Self.work { () throws(NetlinkSocket.Error) in try kernel.apply(transaction) }
    }

    func isPresent(_ table: Table) async -> Bool {
        let kernel: KernelNetfilter = self.kernel
        do throws(PacketRulesError) {
            return try await Self.work { () throws(NetlinkSocket.Error) in try kernel.isPresent(table) }
        } catch {
            // What cannot be asked now is asked again; writing everything anew would not help.
            return true
        }
    }

    func removeConnections(
        where isStale: @escaping @Sendable (TrackedConnection) -> Bool
    ) async throws(PacketRulesError) -> Int {
        let kernel: KernelNetfilter = self.kernel
        return try await Self.work { () throws(NetlinkSocket.Error) in
            var removed: Int = 0
            for family in InternetAddress.Family.allCases {
                removed += try kernel.removeConnections(family, where: isStale)
            }
            return removed
        }
    }

    private static func work<Value: Sendable>(
        _ body: @escaping @Sendable () throws(NetlinkSocket.Error) -> Value
    ) async throws(PacketRulesError) -> Value {
        let result: Result<Value, NetlinkSocket.Error> = await OwnedThread.run {
            Result { () throws(NetlinkSocket.Error) in try body() }
        }
        switch result {
        case .success(let value): return value
        case .failure(let error): throw PacketRulesError(error.description)
        }
    }
}
