import BursarEngine

/// A notification that the policy declares under `alerts:`, such as a budget that runs out, a high burn rate, a
/// tenant's share of the spend, or a change against earlier windows.
public struct Alert: Sendable {
    /// A comparison that was true.
    public struct Measure: Sendable, Hashable {
        public let metric: String
        public let value: String
        public let bound: String
        /// The value of earlier windows, if the metric is compared with a baseline.
        public let baseline: String?
    }

    public let name: String
    /// For a budget: `warning`, `exceeded`, or `ok` when the limit leaves one of these states.
    public let state: String?
    /// nil: the alert covers all tenants together.
    public let tenant: String?
    /// The subject of the alert besides the tenant, such as `feature` and `model`.
    public let subject: [String: String]
    public let limit: String?
    /// The time of the request that raised the alert.
    public let time: Timestamp
    public let measures: [Measure]
    /// The audiences to notify.
    public let audiences: [String]
    /// `file:line:column` of the alert's declaration.
    public let source: String
    /// The spend in the window so far.
    public let cost: Money
    /// When the budget is used up at the current pace, if that is within its window.
    public let endsAt: Timestamp?

    init(_ alert: BursarEngine.Alert) {
        name = alert.name
        state = alert.state
        tenant = alert.tenant
        subject = alert.subject
        limit = alert.limit
        time = Timestamp(microsecondsSince1970: alert.time)
        measures = alert.measures.map {
            Measure(metric: $0.metric, value: $0.value, bound: $0.bound, baseline: $0.baseline)
        }
        audiences = alert.audiences
        source = alert.source
        cost = Money(nanoUnits: alert.cost)
        endsAt = alert.endsAt.map { Timestamp(microsecondsSince1970: $0) }
    }
}
