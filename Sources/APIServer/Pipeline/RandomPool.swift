import Glibc
import Synchronization

/// Random numbers of the system, fetched some at a time: a fetch is a system call, and each request needs two numbers.
final class RandomPool: Sendable {
    /// As much as one call gives: 256 bytes.
    private static let size: Int = 32
    private let numbers: Mutex<[UInt64]> = Mutex([])

    func next() -> UInt64 {
        numbers.withLock { numbers in
            if numbers.isEmpty { Self.fill(&numbers) }
            return numbers.popLast() ?? UInt64.random(in: .min ... .max)
        }
    }

    private static func fill(_ numbers: inout [UInt64]) {
        numbers = Array(repeating: 0, count: size)
        let isFilled: Bool = numbers.withUnsafeMutableBytes { getentropy($0.baseAddress, $0.count) == 0 }
        if !isFilled { numbers = [] }
    }
}
