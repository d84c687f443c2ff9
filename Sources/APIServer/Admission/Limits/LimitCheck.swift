import APICore
import APIMachinery
import Codec

/// Compares what is requested and limited with one item of a limit range; says what is wrong in upstream's words.
struct LimitCheck {
    /// `Container`, `Pod` or `PersistentVolumeClaim`.
    let type: String
    let requests: StringMap<Quantity>
    let limits: StringMap<Quantity>

    func problems(_ item: LimitRangeItem) -> [String] {
        var problems: [String] = []
        for (name, minimum) in item.min { problems += belowMinimum(name, minimum) }
        for (name, maximum) in item.max { problems += aboveMaximum(name, maximum) }
        for (name, ratio) in item.maxLimitRequestRatio { problems += aboveRatio(name, ratio) }
        return problems
    }

    func belowMinimum(_ name: String, _ minimum: Quantity) -> [String] {
        let rule: String = "minimum \(name) usage per \(type) is \(minimum)"
        guard let request = requests[name] else { return ["\(rule).  No request is specified"] }
        if request < minimum { return ["\(rule), but request is \(request)"] }
        if let limit = limits[name], limit < minimum { return ["\(rule), but limit is \(limit)"] }
        return []
    }

    private func aboveMaximum(_ name: String, _ maximum: Quantity) -> [String] {
        let rule: String = "maximum \(name) usage per \(type) is \(maximum)"
        guard let limit = limits[name] else { return ["\(rule).  No limit is specified"] }
        if limit > maximum { return ["\(rule), but limit is \(limit)"] }
        if let request = requests[name], request > maximum { return ["\(rule), but request is \(request)"] }
        return []
    }

    /// For what has no limits: claims.
    func requestAboveMaximum(_ name: String, _ maximum: Quantity) -> [String] {
        let rule: String = "maximum \(name) usage per \(type) is \(maximum)"
        guard let request = requests[name] else { return ["\(rule).  No request is specified"] }
        return request > maximum ? ["\(rule), but request is \(request)"] : []
    }

    private func aboveRatio(_ name: String, _ maximum: Quantity) -> [String] {
        let rule: String = "\(name) max limit to request ratio per \(type) is \(maximum)"
        guard let request = requests[name], !request.isZero else {
            return ["\(rule), but no request is specified or request is 0"]
        }
        guard let limit = limits[name], !limit.isZero else {
            return ["\(rule), but no limit is specified or limit is 0"]
        }
        let ratio: Double = limit.approximateDouble / request.approximateDouble
        // Upstream compares thousandths.
        guard ratio * 1000 > Double(maximum.milliValue) else { return [] }
        return ["\(rule), but provided ratio is \(Self.text(ratio))"]
    }

    /// With six decimals, as Go's `%f`.
    private static func text(_ value: Double) -> String {
        let scaled: Double = (value * 1_000_000).rounded()
        guard scaled.magnitude < 9e18 else { return String(value) }
        let micros = Int64(scaled)
        let fraction = String(micros.magnitude % 1_000_000)
        let sign: String = micros < 0 ? "-" : ""
        return sign + String(micros.magnitude / 1_000_000) + "." + String(repeating: "0", count: 6 - fraction.count)
            + fraction
    }
}
