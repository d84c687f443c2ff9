import Glibc

extension String {
    /// Whether the UTF-8 of this string is before that of the other, byte by byte: Go's order of strings.
    @usableFromInline
    func precedesInBytes(_ other: String) -> Bool {
        compareBytes(other) < 0
    }

    /// Negative, zero or positive, as `memcmp`. Other than `==`, it tells canonically equivalent strings apart.
    @usableFromInline
    func compareBytes(_ other: String) -> Int {
        let quick = utf8.withContiguousStorageIfAvailable { (left) -> Int? in
            other.utf8.withContiguousStorageIfAvailable { (right) -> Int in
                let common = min(left.count, right.count)
                if common > 0, let first = left.baseAddress, let second = right.baseAddress {
                    let order = memcmp(first, second, common)
                    if order != 0 { return Int(order) }
                }
                return left.count - right.count
            }
        }
        if let quick, let quick { return quick }
        if utf8.elementsEqual(other.utf8) { return 0 }
        return utf8.lexicographicallyPrecedes(other.utf8) ? -1 : 1
    }
}
