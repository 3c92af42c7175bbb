import BursarPolicy
import BursarSyntax

/// What the requests of a window add up to, as far as alerts ask.
package struct AlertSums: Sendable, Hashable, Codable {
    /// Decided, repeats not counted; of those: refused, and no first attempt.
    package var requests: Int64 = 0
    package var refused: Int64 = 0
    package var retries: Int64 = 0
    /// Settled; of those: failed.
    package var settled: Int64 = 0
    package var failed: Int64 = 0
    /// Nano-units.
    package var cost: Int64 = 0
    package var tokens: Int64 = 0
    /// Of the tokens of settled requests, where a quantile is asked for.
    package var sizes = QuantileSketch()

    package init() {}

    mutating func add(_ other: AlertSums) {
        requests = requests.addingSaturated(other.requests)
        refused = refused.addingSaturated(other.refused)
        retries = retries.addingSaturated(other.retries)
        settled = settled.addingSaturated(other.settled)
        failed = failed.addingSaturated(other.failed)
        cost = cost.addingSaturated(other.cost)
        tokens = tokens.addingSaturated(other.tokens)
        sizes.add(other.sizes)
    }
}

/// A limit's counter at the time of a request.
struct LimitReading: Sendable {
    var used: Int64
    /// With what was carried over.
    var amount: Int64
    var window: Interval
    var now: Int64

    /// - Parameter amount: of the limit, without what was carried over.
    init(_ counter: Counter, amount: Int64, now: Int64) {
        used = counter.used
        self.amount = amount.addingSaturated(counter.carryAmount == amount ? counter.carry : 0)
        // Without a window there are no bounds.
        window = counter.end == .min ? .always : Interval(start: counter.start, end: counter.end)
        self.now = now
    }

    /// Of a window in which nothing was counted yet.
    init(amount: Int64, window: Interval, now: Int64) {
        used = 0
        self.amount = amount
        self.window = window
        self.now = now
    }

    private var elapsed: Int64 {
        min(max(1, now.subtractingSaturated(window.start == .min ? 0 : window.start)), length)
    }
    private var length: Int64 { max(1, window.end.subtractingSaturated(window.start == .min ? 0 : window.start)) }

    /// So little of the window has passed that its pace says nothing.
    private var isYoung: Bool { elapsed < AlertRule.paceNeeds.floor(of: length) }

    private static func product(_ amount: Int64, _ time: Int64) -> Int128 {
        Int128(amount).multipliedSaturated(by: Int128(time))
    }

    var use: Fraction? { amount > 0 ? Fraction(Int128(used), Int128(amount)) : nil }

    var burnRate: Fraction? {
        guard amount > 0, !isYoung else { return nil }
        return Fraction(Self.product(used, length), Self.product(amount, elapsed))
    }

    /// Microseconds until nothing is left at this pace; nil where the window ends first.
    var timeLeft: Fraction? {
        guard used > 0, amount > 0, !isYoung else { return nil }
        let left = Self.product(max(0, amount.subtractingSaturated(used)), elapsed)
        guard left < Self.product(used, max(0, length.subtractingSaturated(elapsed))) else { return nil }
        return Fraction(left, Int128(used))
    }

    /// When nothing is left at this pace.
    var endsAt: Int64? { timeLeft.map { now.addingSaturated(Int64(clamping: $0.floor)) } }
}

/// An exact quotient; the divisor is above zero and nothing is negative.
struct Fraction: Sendable, Hashable {
    var dividend: Int128
    var divisor: Int128

    init(_ dividend: Int128, _ divisor: Int128 = 1) {
        self.dividend = dividend
        self.divisor = divisor
    }

    var floor: Int128 { dividend / divisor }

    /// -1, 0 or 1. By whole parts, and by the inverse of what remains, so that no product is needed.
    func compared(to other: Fraction) -> Int {
        var (left, right) = (self, other)
        var sign = 1
        while true {
            let (whole, rest) = left.dividend.quotientAndRemainder(dividingBy: left.divisor)
            let (otherWhole, otherRest) = right.dividend.quotientAndRemainder(dividingBy: right.divisor)
            if whole != otherWhole { return whole < otherWhole ? -sign : sign }
            if rest == 0 || otherRest == 0 { return rest == otherRest ? 0 : rest == 0 ? -sign : sign }
            left = Fraction(left.divisor, rest)
            right = Fraction(right.divisor, otherRest)
            sign = -sign
        }
    }
}

/// What one comparison of a raised alert found.
struct AlertMeasure: Sendable {
    var term: AlertRule.Term
    var value: Fraction
    /// Of terms that are compared with earlier windows.
    var baseline: Fraction?
}

extension AlertRule.Criteria {
    /// What each comparison found where all of them hold.
    ///
    /// - Parameters:
    ///   - sums: of the window.
    ///   - earlier: what the windows of the baseline add up to, and how many they are.
    ///   - total: what all spent in the window; nil where that is not known.
    ///   - limit: of the limit that is looked at.
    func measures(
        _ sums: AlertSums, earlier: @autoclosure () -> (sums: AlertSums, windows: Int), total: Int64?,
        limit: LimitReading?
    ) -> [AlertMeasure]? {
        guard sums.requests >= atLeast else { return nil }
        let base = hasBaseline ? earlier() : nil
        if let base, base.windows < leastBaseline { return nil }
        var found: [AlertMeasure] = []
        for term in terms {
            guard let value = Self.value(term.metric, sums, total, limit) else { return nil }
            let average = base.flatMap { Self.average(term.metric, $0.sums, windows: $0.windows) }
            guard let bound = Self.bound(term, average) else { return nil }
            let order = value.compared(to: bound)
            let holds =
                switch term.order {
                case .above: order > 0
                case .atLeast: order >= 0
                case .below: order < 0
                case .atMost: order <= 0
                }
            guard holds else { return nil }
            var measure = AlertMeasure(term: term, value: value)
            if case .ofBaseline = term.bound { measure.baseline = average }
            found.append(measure)
        }
        return found
    }

    private static func bound(_ term: AlertRule.Term, _ average: Fraction?) -> Fraction? {
        switch term.bound {
        case .amount(let amount): return Fraction(Int128(amount))
        case .share(let share): return Fraction(Int128(share.scaled), Int128(Percentage.one))
        case .ofBaseline(let share):
            guard let average else { return nil }
            let (product, overflow) = average.dividend.multipliedReportingOverflow(by: Int128(share.scaled))
            let (divisor, tooSmall) = average.divisor.multipliedReportingOverflow(by: Int128(Percentage.one))
            return overflow || tooSmall ? nil : Fraction(product, divisor)
        }
    }

    private static func average(_ metric: AlertMetric, _ base: AlertSums, windows: Int) -> Fraction? {
        guard let value = value(metric, base, nil, nil) else { return nil }
        switch metric {
        case .spend, .tokens, .requests: return Fraction(value.dividend, Int128(max(1, windows)))
        default: return value
        }
    }

    private static func value(
        _ metric: AlertMetric, _ sums: AlertSums, _ total: Int64?, _ limit: LimitReading?
    ) -> Fraction? {
        func ratio(_ part: Int64, _ whole: Int64) -> Fraction? {
            whole > 0 ? Fraction(Int128(part), Int128(whole)) : nil
        }
        switch metric {
        case .spend: return Fraction(Int128(sums.cost))
        case .tokens: return Fraction(Int128(sums.tokens))
        case .requests: return Fraction(Int128(sums.requests))
        case .costPerRequest: return ratio(sums.cost, sums.settled)
        case .tokenQuantile(let percent): return sums.sizes.quantile(percent: percent).map { Fraction(Int128($0)) }
        case .successRatio: return ratio(sums.settled.subtractingSaturated(sums.failed), sums.settled)
        case .retryRatio: return ratio(sums.retries, sums.requests)
        case .refusalRatio: return ratio(sums.refused, sums.requests)
        case .shareOfSpend: return total.flatMap { ratio(sums.cost, $0) }
        case .use: return limit?.use
        case .burnRate: return limit?.burnRate
        case .timeLeft: return limit?.timeLeft
        }
    }
}
