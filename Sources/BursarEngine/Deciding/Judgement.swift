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

/// How one candidate fares against every limit that applies.
struct Judgement: Sendable {
    var candidate: Candidate
    var request: Request
    var states: [LimitState] = []
    var rawEstimate = Estimate()
    var estimate = Estimate()
    var caps = Caps()
    /// Thresholds that gave the caps, with the action.
    var capping: [(crossing: Crossing, action: String)] = []
    /// After caps.
    var crossings: [Crossing] = []
    var violations: [Violation] = []
    var downgrades: [(crossing: Crossing, to: ModelID?)] = []
    var approvals: [Crossing] = []
    var confirmations: [Crossing] = []
    var overages: [(crossing: Crossing, rate: Percentage)] = []
    /// Throttles that the request passes through: threshold and action, with the rate.
    var throttles: [(crossing: Crossing, action: Int, requests: Int64, window: Int64)] = []
}
