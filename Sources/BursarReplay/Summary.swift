import BursarEngine
import BursarSyntax

/// Sums whose parts can be added in any order.
protocol Summable {
    init()
    mutating func add(_ other: Self)
}

extension Dictionary where Value: Summable {
    /// Adds the values of another table by key.
    mutating func add(_ other: Self) {
        merge(other) { left, right in
            var sum = left
            sum.add(right)
            return sum
        }
    }
}

/// Sums over decisions. Parts can be added in any order.
package struct Tally: Summable, Sendable, Hashable, Codable {
    package var requests = 0
    /// Indexed by `Outcome.rawValue`.
    private var outcomes = SIMD8<Int>(repeating: 0)
    /// The number of requests that shadow limits or policies would have changed.
    package var shadowed = 0
    package var unpriced = 0
    package var tokens: Int64 = 0
    /// Nano-units: the recorded cost, and the cost under the policy.
    package var recordedCost: Int64 = 0
    package var policyCost: Int64 = 0

    package init() {}

    package subscript(_ outcome: Outcome) -> Int { outcomes[Int(outcome.rawValue)] }

    /// The elements of the vector beyond the last outcome are zero.
    var hasOnlyOutcomes: Bool {
        outcomes.indices.allSatisfy { outcomes[$0] == 0 || UInt8(exactly: $0).flatMap(Outcome.init(rawValue:)) != nil }
    }

    package var refused: Int { self[.deny].addingSaturated(self[.throttle]) }

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
        // A vector subscript would copy the whole vector.
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

/// The part of a decided record that is added to sums.
struct DecidedRecord {
    var outcome: Outcome
    var isShadowed: Bool
    var isUnpriced: Bool
    var tokens: Int64
    /// Nano-units: the recorded cost, and the cost under the policy.
    var recordedCost: Int64
    var policyCost: Int64
}

/// The cause of a refusal or change: the code, and the limit or rule.
package struct Cause: Sendable, Hashable, Comparable, Codable {
    package var code: String
    package var action: String
    /// The limit or rule; empty if the plan decided.
    package var name: String
    package var source: String
    package var isShadow: Bool

    package static func < (left: Cause, right: Cause) -> Bool {
        (left.code, left.action, left.name, left.source, left.isShadow ? 1 : 0)
            < (right.code, right.action, right.name, right.source, right.isShadow ? 1 : 0)
    }
}

/// The differences between the decisions of two policy sets on the same requests.
package struct Comparison: Sendable, Codable {
    package struct Change: Sendable, Hashable, Comparable, Codable {
        package var old: Outcome
        package var new: Outcome
        /// Both sets give the same decision, but would give different ones if shadow limits and policies were enforced.
        package var isShadow = false

        /// `deny`, or `shadow: deny`.
        func name(_ outcome: Outcome) -> String { (isShadow ? "shadow: " : "") + outcome.name }

        /// Enforced changes first, then by outcome.
        package static func < (left: Change, right: Change) -> Bool {
            (left.isShadow ? 1 : 0, left.old, left.new) < (right.isShadow ? 1 : 0, right.old, right.new)
        }
    }

    /// The number of requests with a different decision.
    package var changed: Int { changes.filter { !$0.key.isShadow }.values.sumSaturated() }
    /// The number of requests with a different decision if shadow limits and policies were enforced.
    package var changedInShadow: Int { changes.filter { $0.key.isShadow }.values.sumSaturated() }

    /// The changes by number of requests, descending; enforced changes before shadow changes.
    var ordered: [(change: Change, requests: Int)] {
        changes.map { (change: $0.key, requests: $0.value) }.sorted { left, right in
            if left.change.isShadow != right.change.isShadow { return right.change.isShadow }
            return left.requests != right.requests
                ? left.requests > right.requests : left.change < right.change
        }
    }

    @SortedTable package var changes: [Change: Int] = [:]
    /// The earliest request of each change: time, id and tenant.
    @SortedTable package var examples: [Change: Example] = [:]
    package var tenants: [String: Int] = [:]
    package var modelChanges = 0
    /// The number of requests with a different decision and the change of their cost in nano-units.
    package struct Moved: Summable, Sendable, Hashable, Codable {
        package var requests = 0
        /// The sums over requests that cost more and over those that cost less. Separate sums do not depend on the
        /// order.
        private(set) var more: Int64 = 0
        private(set) var less: Int64 = 0

        package init() {}

        /// One request with its cost before and after; costs are not negative.
        init(from old: Int64, to new: Int64) {
            requests = 1
            more = max(0, new.subtractingSaturated(old))
            less = max(0, old.subtractingSaturated(new))
        }

        package var cost: Int64 { more.subtractingSaturated(less) }

        mutating func add(_ other: Moved) {
            requests.addSaturated(other.requests)
            more.addSaturated(other.more)
            less.addSaturated(other.less)
        }
    }

    package var tiers: [String: Moved] = [:]
    package var features: [String: Moved] = [:]
    /// By the first code of the new decision, or of the old one if the new one has none.
    package var codes: [String: Moved] = [:]

    package struct Example: Sendable, Comparable, Codable {
        package var time: Int64
        package var requestID: String
        package var tenant: String

        package static func < (left: Example, right: Example) -> Bool {
            (left.time, left.requestID, left.tenant) < (right.time, right.requestID, right.tenant)
        }
    }

    mutating func add(_ other: Comparison) {
        changes.merge(other.changes, uniquingKeysWith: { $0.addingSaturated($1) })
        tenants.merge(other.tenants, uniquingKeysWith: { $0.addingSaturated($1) })
        modelChanges.addSaturated(other.modelChanges)
        tiers.add(other.tiers)
        features.add(other.features)
        codes.add(other.codes)
        examples.merge(other.examples, uniquingKeysWith: min)
    }
}

/// The result of a replay.
package struct ReplaySummary: Sendable, Codable {
    package var read = 0
    package var rejected = 0
    package var filtered = 0
    package var repeats = 0
    /// Records that lasted longer than the lifetime of a reservation, and count in full all the same.
    package var settledLate: Int {
        get { lateSettlements ?? 0 }
        set { lateSettlements = newValue == 0 ? nil : newValue }
    }
    /// Absent where there are none, as in summaries of earlier releases.
    private var lateSettlements: Int?
    package var firstTime: Int64?
    package var lastTime: Int64?
    /// The times of the log were unsorted, so its records were sorted first.
    package var wasOrdered = false
    /// The replay was stopped before the end of the logs.
    package var wasStopped = false
    /// The number of records of a followed log whose time is before that of an earlier record.
    package var late = 0
    /// The number of records without usage, which count as estimated.
    package var estimated = 0
    /// The number of admitted requests to which no limit applied.
    package var unlimited = 0
    /// The number of records that name only the served model; the requested model is unknown.
    package var servedOnly = 0
    /// The number of later attempts that were merged into the first attempt of their call.
    package var joined = 0
    package var total = Tally()
    package var tiers: [String: Tally] = [:]
    package var tenants: [String: Tally] = [:]
    package var features: [String: Tally] = [:]
    package var models: [String: Tally] = [:]
    @SortedTable package var causes: [Cause: Int] = [:]
    package var events = 0
    /// The alerts of the policy; nil if it declares none.
    package var gatheredAlerts: GatheredAlerts?
    /// The sums of the second policy set.
    package var against: Tally?
    package var comparison: Comparison?
    package var currency = "USD"
    package var state = ReplayOptions.State.simulate
    /// A policy in shadow mode was replayed as it will be after it is enforced.
    package var isShadowEnforced = false
    package var policies: [String] = []
    package var explained: ExplainedRequest?
    /// Only if requested.
    package var details: ReplayDetails?
    /// The prices of tiers in nano-units per month.
    package var prices: [String: Int64] = [:]
    /// A checksum of all records of the logs, including those of other shards.
    var log = LogMark()

    package init() {}

    /// All fields except `explained`, because an explanation belongs to one replay and is not summed.
    /// `PartialReplayTests` compares the list with the fields.
    private enum CodingKeys: String, CodingKey {
        case read, rejected, filtered, repeats, firstTime, lastTime, wasOrdered, wasStopped, late, total, tiers, tenants
        case features, models, causes, events, against, comparison, currency, state, policies, details, prices
        case gatheredAlerts, estimated, unlimited, servedOnly, joined, log, isShadowEnforced
        case lateSettlements
    }

    /// In the order of time.
    package var alerts: [Alert] { gatheredAlerts?.judged() ?? [] }

    package var decided: Int { total.requests }

    /// The number of tenants with a refused request.
    package var touchedTenants: Int { tenants.values.count { $0.refused > 0 } }

    /// The number of requests that the policy covers: their tenant has a plan, and a limit applies or the policy
    /// refuses them.
    package var covered: Int {
        tiers.filter { $0.key != "(none)" }.values.map(\.requests).sumSaturated().subtractingSaturated(unlimited)
    }

    /// Adds the result of a replay of other tenants of the same logs.
    package mutating func add(_ other: ReplaySummary) {
        read.addSaturated(other.read)
        rejected.addSaturated(other.rejected)
        filtered.addSaturated(other.filtered)
        repeats.addSaturated(other.repeats)
        settledLate.addSaturated(other.settledLate)
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

    /// Adds invalid lines that were found before the replay.
    package mutating func add(rejects: Int) {
        read.addSaturated(rejects)
        rejected.addSaturated(rejects)
    }
}
