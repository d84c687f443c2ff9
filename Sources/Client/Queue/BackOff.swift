/// Delays that double with each failure: `first`, 2·`first`, 4·`first`, … up to `longest`.
package struct BackOff: Sendable, Equatable {
    package var first: Duration
    package var longest: Duration

    package init(first: Duration, longest: Duration) {
        precondition(first > .zero && longest >= first, "a back-off grows from a positive delay")
        self.first = first
        self.longest = longest
    }

    /// The delay after that many failures in a row, at least one.
    package func delay(failures: Int) -> Duration {
        var delay: Duration = first
        var left: Int = failures - 1
        while left > 0 && delay < longest {
            delay = delay * 2
            left -= 1
        }
        return min(delay, longest)
    }

    /// The same with a random part: between 50 % and 100 % of it. `random` is in 0..<1.
    package func delay(failures: Int, random: Double) -> Duration {
        delay(failures: failures) * (0.5 + random / 2)
    }
}
