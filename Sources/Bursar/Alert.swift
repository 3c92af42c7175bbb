import BursarEngine

/// Something that the policies' `alerts:` ask to be noticed: a budget that runs out, a pace, a share, a change.
public struct Alert: Sendable {
    /// A comparison that held.
    public struct Measure: Sendable, Hashable {
        public let metric: String
        public let value: String
        public let bound: String
        /// What earlier windows had, if the metric is compared with that.
        public let baseline: String?
    }

    public let name: String
    /// For a budget: `warning`, `exceeded`, or `ok` when an earlier state no longer holds.
    public let state: String?
    /// nil: all tenants are counted together.
    public let tenant: String?
    /// What the alert is about besides the tenant, such as `feature` and `model`.
    public let subject: [String: String]
    public let limit: String?
    /// The time of the request that raised it.
    public let time: Timestamp
    public let measures: [Measure]
    /// Whom the policy wants to be told.
    public let audiences: [String]
    /// `file:line:column` of the alert's declaration.
    public let source: String
    /// What was spent in the window until then.
    public let cost: Money
    /// When the budget ends at this pace, if it does within its window.
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
