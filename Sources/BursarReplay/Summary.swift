import BursarEngine
import BursarSyntax

/// What adds up, part by part, in any order.
protocol Summable {
    init()
    mutating func add(_ other: Self)
}

extension Dictionary where Value: Summable {
    /// Adds what another table has under the same keys.
    mutating func add(_ other: Self) {
        merge(other) { left, right in
            var sum = left
            sum.add(right)
            return sum
        }
    }
}

/// Sums over decisions; parts add up to the whole in any order.
public struct Tally: Summable, Sendable, Hashable, Codable {
    public var requests = 0
    /// By `Outcome.rawValue`.
    private var outcomes = SIMD8<Int>(repeating: 0)
    /// Of what shadow would have decided.
    public var shadowed = 0
    public var unpriced = 0
    public var tokens: Int64 = 0
    /// Nano-units: what the log cost, and what it would have cost.
    public var recordedCost: Int64 = 0
    public var policyCost: Int64 = 0

    public init() {}

    public subscript(_ outcome: Outcome) -> Int { outcomes[Int(outcome.rawValue)] }

    public var refused: Int { self[.deny].addingSaturated(self[.throttle]) }

    mutating func add(_ other: Tally) {
        requests.addSaturated(other.requests)
        for place in 0..<outcomes.scalarCount { outcomes[place].addSaturated(other.outcomes[place]) }
        shadowed.addSaturated(other.shadowed)
        unpriced.addSaturated(other.unpriced)
        tokens.addSaturated(other.tokens)
        recordedCost.addSaturated(other.recordedCost)
        policyCost.addSaturated(other.policyCost)
    }

    @inline(__always)
    mutating func add(_ decided: DecidedRecord) {
        requests += 1
        // A subscript of a vector would copy all of it.
        withUnsafeMutableBytes(of: &outcomes) { bytes in
            bytes.assumingMemoryBound(to: Int.self)[Int(decided.outcome.rawValue)] += 1
        }
        if decided.isShadowed { shadowed += 1 }
        if decided.isUnpriced { unpriced += 1 }
        tokens.addSaturated(decided.tokens)
        recordedCost.addSaturated(decided.recordedCost)
        policyCost.addSaturated(decided.policyCost)
    }
}

/// What one decided record adds to sums.
struct DecidedRecord {
    var outcome: Outcome
    var isShadowed: Bool
    var isUnpriced: Bool
    var tokens: Int64
    /// Nano-units: what the log cost, and what it would have cost.
    var recordedCost: Int64
    var policyCost: Int64
}

/// What stands behind a refusal or change: the code, and the limit or rule that gave it.
public struct Cause: Sendable, Hashable, Codable {
    public var code: String
    public var action: String
    /// The limit or rule; empty where the plan itself decided.
    public var name: String
    public var source: String
    public var isShadow: Bool
}

/// How two policy sets decide the same requests.
public struct Comparison: Sendable, Codable {
    public struct Change: Sendable, Hashable, Codable {
        public var old: Outcome
        public var new: Outcome
        /// Both sets give the same decision, and would give these if what is in shadow were enforced.
        public var isShadow = false

        /// `deny`, or `shadow: deny`.
        func name(_ outcome: Outcome) -> String { (isShadow ? "shadow: " : "") + outcome.name }

        /// Enforced ones first, then by outcome.
        static func areInOrder(_ left: Change, _ right: Change) -> Bool {
            (left.isShadow ? 1 : 0, left.old, left.new) < (right.isShadow ? 1 : 0, right.old, right.new)
        }
    }

    /// Requests that are decided otherwise.
    public var changed: Int { changes.filter { !$0.key.isShadow }.values.sumSaturated() }
    /// Requests that would be, if what is in shadow were enforced.
    public var changedInShadow: Int { changes.filter { $0.key.isShadow }.values.sumSaturated() }

    /// The changes with the most requests first, enforced ones before those in shadow.
    var ordered: [(change: Change, requests: Int)] {
        changes.map { (change: $0.key, requests: $0.value) }.sorted { left, right in
            if left.change.isShadow != right.change.isShadow { return right.change.isShadow }
            return left.requests != right.requests
                ? left.requests > right.requests : Change.areInOrder(left.change, right.change)
        }
    }

    public var changes: [Change: Int] = [:]
    /// The earliest request of each change: time, id, tenant.
    public var examples: [Change: Example] = [:]
    public var tenants: [String: Int] = [:]
    public var modelChanges = 0
    /// Requests that are decided otherwise and the money that this moves, in nano-units.
    public struct Moved: Summable, Sendable, Hashable, Codable {
        public var requests = 0
        /// Of the requests that cost more now, and of those that cost less. Apart, so that each sum is the same in any order.
        private var more: Int64 = 0
        private var less: Int64 = 0

        public init() {}

        /// One request, with what it cost and what it costs now; no cost is negative.
        init(from old: Int64, to new: Int64) {
            requests = 1
            more = max(0, new.subtractingSaturated(old))
            less = max(0, old.subtractingSaturated(new))
        }

        public var cost: Int64 { more.subtractingSaturated(less) }

        mutating func add(_ other: Moved) {
            requests.addSaturated(other.requests)
            more.addSaturated(other.more)
            less.addSaturated(other.less)
        }
    }

    public var tiers: [String: Moved] = [:]
    public var features: [String: Moved] = [:]
    /// By the first code of the new decision, or of the old one where the new one has none.
    public var codes: [String: Moved] = [:]

    public struct Example: Sendable, Codable {
        public var time: Int64
        public var requestID: String
        public var tenant: String
    }

    mutating func add(_ other: Comparison) {
        changes.merge(other.changes, uniquingKeysWith: { $0.addingSaturated($1) })
        tenants.merge(other.tenants, uniquingKeysWith: { $0.addingSaturated($1) })
        modelChanges.addSaturated(other.modelChanges)
        tiers.add(other.tiers)
        features.add(other.features)
        codes.add(other.codes)
        examples.merge(other.examples) { left, right in
            (left.time, left.requestID) <= (right.time, right.requestID) ? left : right
        }
    }
}

/// A request of a log with what led to its decision.
public struct ExplainedRequest: Sendable {
    public var explanation: Explanation
    public var decision: Decision
    public var label: RequestLabel

    public init(explanation: Explanation, decision: Decision, label: RequestLabel) {
        self.explanation = explanation
        self.decision = decision
        self.label = label
    }
}

/// What a replay found.
public struct ReplaySummary: Sendable, Codable {
    public var read = 0
    public var rejected = 0
    public var filtered = 0
    public var repeats = 0
    public var firstTime: Int64?
    public var lastTime: Int64?
    /// The log's times went back somewhere, so its records were ordered first.
    public var wasOrdered = false
    /// The replay was ended before its logs were.
    public var wasStopped = false
    /// Records of a log that is followed whose time lies before that of an earlier one.
    public var late = 0
    /// Records that do not say what they used: they count as it was estimated.
    public var estimated = 0
    /// Requests that were let through and to which no limit applied.
    public var unlimited = 0
    /// Records that say only which model answered: what was asked for cannot be known.
    public var servedOnly = 0
    /// Later attempts of a call that were added to its first.
    public var joined = 0
    public var total = Tally()
    public var tiers: [String: Tally] = [:]
    public var tenants: [String: Tally] = [:]
    public var features: [String: Tally] = [:]
    public var models: [String: Tally] = [:]
    public var causes: [Cause: Int] = [:]
    public var events = 0
    /// What the policy's alerts found; nil where it declares none.
    public var gatheredAlerts: GatheredAlerts?
    /// Of the set that is replayed beside.
    public var against: Tally?
    public var comparison: Comparison?
    public var currency = "USD"
    public var state = ReplayOptions.State.simulate
    public var policies: [String] = []
    public var explained: ExplainedRequest?
    /// Only where it was asked for.
    public var details: ReplayDetails?
    /// What tiers are sold for, in nano-units a month.
    public var prices: [String: Int64] = [:]

    public init() {}

    /// All but `explained`: an explanation is for people, and belongs to one replay.
    private enum CodingKeys: String, CodingKey {
        case read, rejected, filtered, repeats, firstTime, lastTime, wasOrdered, wasStopped, late, total, tiers, tenants
        case features, models, causes, events, against, comparison, currency, state, policies, details, prices
        case gatheredAlerts, estimated, unlimited, servedOnly, joined
    }

    /// In the order of their times.
    public var alerts: [Alert] { gatheredAlerts?.judged() ?? [] }

    public var decided: Int { total.requests }

    /// Tenants of whom some request is refused.
    public var touchedTenants: Int { tenants.values.count { $0.refused > 0 } }

    /// Requests that the policy says something about: their tenant has a plan, and a limit of it applies or it refuses them.
    public var covered: Int {
        tiers.filter { $0.key != "(none)" }.values.map(\.requests).sumSaturated().subtractingSaturated(unlimited)
    }

    /// Adds what a replay of other tenants of the same logs found.
    public mutating func add(_ other: ReplaySummary) {
        read.addSaturated(other.read)
        rejected.addSaturated(other.rejected)
        filtered.addSaturated(other.filtered)
        repeats.addSaturated(other.repeats)
        late.addSaturated(other.late)
        estimated.addSaturated(other.estimated)
        unlimited.addSaturated(other.unlimited)
        servedOnly.addSaturated(other.servedOnly)
        joined.addSaturated(other.joined)
        events.addSaturated(other.events)
        firstTime = [firstTime, other.firstTime].compactMap { $0 }.min()
        lastTime = [lastTime, other.lastTime].compactMap { $0 }.max()
        wasOrdered = wasOrdered || other.wasOrdered
        wasStopped = wasStopped || other.wasStopped
        total.add(other.total)
        tiers.add(other.tiers)
        tenants.add(other.tenants)
        features.add(other.features)
        models.add(other.models)
        causes.merge(other.causes, uniquingKeysWith: { $0.addingSaturated($1) })
        if let other = other.against {
            against = against ?? Tally()
            against?.add(other)
        }
        if let other = other.gatheredAlerts {
            gatheredAlerts = gatheredAlerts ?? GatheredAlerts()
            gatheredAlerts?.add(other)
        }
        if let other = other.comparison {
            comparison = comparison ?? Comparison()
            comparison?.add(other)
        }
        if let other = other.details {
            details = details ?? ReplayDetails()
            details?.add(other)
        }
    }

    /// Counts lines that were found unusable before the replay.
    public mutating func add(rejects: Int) {
        read.addSaturated(rejects)
        rejected.addSaturated(rejects)
    }
}
