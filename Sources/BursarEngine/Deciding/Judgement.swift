import BursarPolicy
import BursarSyntax

/// A model that a request might be served with.
struct Candidate: Sendable {
    /// nil: the catalog does not list it.
    var model: ModelID?
    var name: Symbol
    /// nil: not known.
    var price: Price?
}

/// One limit as it stands when a candidate is judged.
struct LimitState: Sendable {
    /// Index in the plan's rows.
    var row: Int
    /// nil of limits without a counter.
    var counter: CounterRef?
    /// Of a bucket: what is missing from full, rounded up.
    var used: Int64 = 0
    /// The amount by itself; of a weight its share, of a bucket its capacity.
    var amount: Int64 = 0
    var carried: Int64 = 0
    /// Of a bucket: what it holds, in units of 1/window.
    var level: Int128 = 0
    /// Before and after caps; nil: spend of a model without price.
    var rawEstimate: Int64? = 0
    var estimate: Int64? = 0

    /// What percentages are of.
    var base: Int64 { amount.addingSaturated(carried) }
}

/// A threshold that binds a candidate.
struct Crossing: Sendable {
    /// Index in `Judgement.states`.
    var state: Int
    var threshold: Int
}

struct Violation: Sendable {
    var crossing: Crossing
    var code: String
    var action: String
    var isRate: Bool
    /// Microseconds until it might pass; nil: never, or not known.
    var retryAfter: Int64?
}

/// How one candidate fares against every limit that applies. A class, because it is handed on more often than it is made.
final class Judgement {
    let candidate: Candidate
    let request: Request
    @exclusivity(unchecked) var states: [LimitState] = []
    @exclusivity(unchecked) var rawEstimate = Estimate()
    @exclusivity(unchecked) var estimate = Estimate()
    /// After caps, with the most output.
    @exclusivity(unchecked) var most = Estimate()
    @exclusivity(unchecked) var caps = Caps()
    /// Thresholds that gave the caps, with the action.
    @exclusivity(unchecked) var capping: [(crossing: Crossing, action: String)] = []
    /// After caps.
    @exclusivity(unchecked) var crossings: [Crossing] = []
    /// All of them, in the order of limits and thresholds: the outcome follows from them. `shownViolations` are displayed.
    @exclusivity(unchecked) var violations: [Violation] = []
    @exclusivity(unchecked) var downgrades: [(crossing: Crossing, to: ModelID?)] = []
    @exclusivity(unchecked) var approvals: [Crossing] = []
    @exclusivity(unchecked) var confirmations: [Crossing] = []
    @exclusivity(unchecked) var overages: [(crossing: Crossing, rate: Percentage)] = []
    /// Throttles that the request passes through: threshold and action, with the rate.
    @exclusivity(unchecked) var throttles: [(crossing: Crossing, action: Int, requests: Int64, window: Int64)] = []

    init(candidate: Candidate, request: Request) {
        self.candidate = candidate
        self.request = request
    }

    /// Every violation is of a rate, so that waiting may help.
    var isThrottle: Bool { violations.allSatisfy(\.isRate) }

    /// One violation of each limit, for display: the lowest that is not of a rate, else the lowest.
    var shownViolations: [Violation] {
        var shown: [Violation] = []
        for violation in violations {
            guard let last = shown.last, last.crossing.state == violation.crossing.state else {
                shown.append(violation)
                continue
            }
            if last.isRate, !violation.isRate { shown[shown.count - 1] = violation }
        }
        return shown
    }
}
