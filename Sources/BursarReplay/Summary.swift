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
package struct Tally: Summable, Sendable, Hashable, Codable {
    package var requests = 0
    /// By `Outcome.rawValue`.
    private var outcomes = SIMD8<Int>(repeating: 0)
    /// Of what shadow would have decided.
    package var shadowed = 0
    package var unpriced = 0
    package var tokens: Int64 = 0
    /// Nano-units: what the log cost, and what it would have cost.
    package var recordedCost: Int64 = 0
    package var policyCost: Int64 = 0

    package init() {}

    package subscript(_ outcome: Outcome) -> Int { outcomes[Int(outcome.rawValue)] }

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
package struct Cause: Sendable, Hashable, Codable {
    package var code: String
    package var action: String
    /// The limit or rule; empty where the plan itself decided.
    package var name: String
    package var source: String
    package var isShadow: Bool
}

/// How two policy sets decide the same requests.
package struct Comparison: Sendable, Codable {
    package struct Change: Sendable, Hashable, Codable {
        package var old: Outcome
        package var new: Outcome
        /// Both sets give the same decision, and would give these if what is in shadow were enforced.
        package var isShadow = false

        /// `deny`, or `shadow: deny`.
        func name(_ outcome: Outcome) -> String { (isShadow ? "shadow: " : "") + outcome.name }

        /// Enforced ones first, then by outcome.
        static func areInOrder(_ left: Change, _ right: Change) -> Bool {
            (left.isShadow ? 1 : 0, left.old, left.new) < (right.isShadow ? 1 : 0, right.old, right.new)
        }
    }

    /// Requests that are decided otherwise.
    package var changed: Int { changes.filter { !$0.key.isShadow }.values.sumSaturated() }
    /// Requests that would be, if what is in shadow were enforced.
    package var changedInShadow: Int { changes.filter { $0.key.isShadow }.values.sumSaturated() }

    /// The changes with the most requests first, enforced ones before those in shadow.
    var ordered: [(change: Change, requests: Int)] {
        changes.map { (change: $0.key, requests: $0.value) }.sorted { left, right in
            if left.change.isShadow != right.change.isShadow { return right.change.isShadow }
            return left.requests != right.requests
                ? left.requests > right.requests : Change.areInOrder(left.change, right.change)
        }
    }

    package var changes: [Change: Int] = [:]
    /// The earliest request of each change: time, id, tenant.
    package var examples: [Change: Example] = [:]
    package var tenants: [String: Int] = [:]
    package var modelChanges = 0
    /// Requests that are decided otherwise and the money that this moves, in nano-units.
    package struct Moved: Summable, Sendable, Hashable, Codable {
        package var requests = 0
        /// Of the requests that cost more now, and of those that cost less. Apart, so that each sum is the same in any order.
        private var more: Int64 = 0
        private var less: Int64 = 0

        package init() {}

        /// One request, with what it cost and what it costs now; no cost is negative.
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
    /// By the first code of the new decision, or of the old one where the new one has none.
    package var codes: [String: Moved] = [:]

    package struct Example: Sendable, Codable {
        package var time: Int64
        package var requestID: String
        package var tenant: String
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

/// What a replay found.
package struct ReplaySummary: Sendable, Codable {
    package var read = 0
    package var rejected = 0
    package var filtered = 0
    package var repeats = 0
    package var firstTime: Int64?
    package var lastTime: Int64?
    /// The log's times went back somewhere, so its records were ordered first.
    package var wasOrdered = false
    /// The replay was ended before its logs were.
    package var wasStopped = false
    /// Records of a log that is followed whose time lies before that of an earlier one.
    package var late = 0
    /// Records that do not say what they used: they count as it was estimated.
    package var estimated = 0
    /// Requests that were let through and to which no limit applied.
    package var unlimited = 0
    /// Records that say only which model answered: what was asked for cannot be known.
    package var servedOnly = 0
    /// Later attempts of a call that were added to its first.
    package var joined = 0
    package var total = Tally()
    package var tiers: [String: Tally] = [:]
    package var tenants: [String: Tally] = [:]
    package var features: [String: Tally] = [:]
    package var models: [String: Tally] = [:]
    package var causes: [Cause: Int] = [:]
    package var events = 0
    /// What the policy's alerts found; nil where it declares none.
    package var gatheredAlerts: GatheredAlerts?
    /// Of the set that is replayed beside.
    package var against: Tally?
    package var comparison: Comparison?
    package var currency = "USD"
    package var state = ReplayOptions.State.simulate
    /// A policy in shadow mode was decided as it will be once it is enforced.
    package var isShadowEnforced = false
    package var policies: [String] = []
    package var explained: ExplainedRequest?
    /// Only where it was asked for.
    package var details: ReplayDetails?
    /// What tiers are sold for, in nano-units a month.
    package var prices: [String: Int64] = [:]

    package init() {}

    /// All but `explained`: an explanation is for people, and belongs to one replay.
    private enum CodingKeys: String, CodingKey {
        case read, rejected, filtered, repeats, firstTime, lastTime, wasOrdered, wasStopped, late, total, tiers, tenants
        case features, models, causes, events, against, comparison, currency, state, policies, details, prices
        case gatheredAlerts, estimated, unlimited, servedOnly, joined
    }

    /// In the order of their times.
    package var alerts: [Alert] { gatheredAlerts?.judged() ?? [] }

    package var decided: Int { total.requests }

    /// Tenants of whom some request is refused.
    package var touchedTenants: Int { tenants.values.count { $0.refused > 0 } }

    /// Requests that the policy says something about: their tenant has a plan, and a limit of it applies or it refuses them.
    package var covered: Int {
        tiers.filter { $0.key != "(none)" }.values.map(\.requests).sumSaturated().subtractingSaturated(unlimited)
    }

    /// Adds what a replay of other tenants of the same logs found.
    package mutating func add(_ other: ReplaySummary) {
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
    package mutating func add(rejects: Int) {
        read.addSaturated(rejects)
        rejected.addSaturated(rejects)
    }
}
