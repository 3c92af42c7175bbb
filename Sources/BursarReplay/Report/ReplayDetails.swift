import BursarEngine
import BursarSyntax

/// What a report tells beyond a summary's sums. It is gathered only where someone asked for it, and parts add up to the
/// whole in any order.
public struct ReplayDetails: Sendable, Codable {
    public struct TenantDay: Sendable, Hashable, Codable {
        public var tenant: String
        /// Days since 1970 UTC.
        public var day: Int64
    }

    public struct Usage: Summable, Sendable, Hashable, Codable {
        public var requests = 0
        public var recordedCost: Int64 = 0
        public var policyCost: Int64 = 0
        public var tokens: Int64 = 0

        mutating func add(_ other: Usage) {
            requests.addSaturated(other.requests)
            recordedCost.addSaturated(other.recordedCost)
            policyCost.addSaturated(other.policyCost)
            tokens.addSaturated(other.tokens)
        }
    }

    public struct Pair: Sendable, Hashable, Codable {
        public var first: String
        public var second: String
    }

    /// What a model's records say that they cost, and what the catalog and the reservations say.
    public struct ModelCost: Summable, Sendable, Hashable, Codable {
        /// Records that carry a cost, of models that the catalog prices.
        public var requests = 0
        /// Nano-units: of those records, by the log and by the catalog.
        public var recorded: Int64 = 0
        public var catalog: Int64 = 0
        /// Records that carry a cost of a model without known price, and that cost.
        public var unpricedRequests = 0
        public var unpriced: Int64 = 0
        /// Admitted requests that say what they used: what was reserved, what it came to, and how many came to more.
        public var settled = 0
        public var reserved: Int64 = 0
        public var actual: Int64 = 0
        public var aboveEstimate = 0

        mutating func add(_ other: ModelCost) {
            requests.addSaturated(other.requests)
            recorded.addSaturated(other.recorded)
            catalog.addSaturated(other.catalog)
            unpricedRequests.addSaturated(other.unpricedRequests)
            unpriced.addSaturated(other.unpriced)
            settled.addSaturated(other.settled)
            reserved.addSaturated(other.reserved)
            actual.addSaturated(other.actual)
            aboveEstimate.addSaturated(other.aboveEstimate)
        }
    }

    public struct PromptVersion: Sendable, Codable {
        public var first: Int64
        public var usage: Usage
    }

    /// A limit, by the place where it is declared and the tier that it stands in.
    public struct LimitKey: Sendable, Hashable, Codable {
        public var name: String
        public var tier: String
        public var source: String
        /// As the language writes it.
        public var unit: String
    }

    /// What a tenant's traffic asked of a limit, whatever was decided.
    public struct LimitDemand: Sendable, Hashable, Codable {
        /// What a window lets through, and the most that was asked for in one; of spend in nano-units.
        public var amount: Int64
        public var peak: Int64
        /// Windows that had requests, and those in which more was asked for.
        public var windows: Int
        public var above: Int
    }

    /// By tenant.
    public var limitDemands: [LimitKey: [String: LimitDemand]] = [:]
    /// By the name that requests used.
    public var modelCosts: [String: ModelCost] = [:]
    /// By the start of the hour, in microseconds.
    public var hours: [Int64: Tally] = [:]
    public var tenantDays: [TenantDay: Usage] = [:]
    /// Of tenants (first) and features (second).
    public var tenantFeatures: [Pair: Usage] = [:]
    /// The last tier that each tenant was decided by.
    public var tenantTiers: [String: String] = [:]
    /// Requests that each cause touched, by tenant.
    public var causeTenants: [Cause: [String: Int]] = [:]
    /// Requests of tiers (first) for models (second) that they do not allow.
    public var refusedModels: [Pair: Int] = [:]
    /// By version of the prompt: when it was first seen, and what it used.
    public var promptVersions: [String: PromptVersion] = [:]
    /// Requests that were no first attempt.
    public var retries = 0

    public init() {}

    mutating func add(_ other: ReplayDetails) {
        for (key, demands) in other.limitDemands {
            limitDemands[key, default: [:]].merge(demands) { first, _ in first }
        }
        modelCosts.add(other.modelCosts)
        hours.add(other.hours)
        tenantDays.add(other.tenantDays)
        tenantFeatures.add(other.tenantFeatures)
        tenantTiers.merge(other.tenantTiers) { first, _ in first }
        causeTenants.merge(other.causeTenants) { left, right in
            left.merging(right) { $0.addingSaturated($1) }
        }
        refusedModels.merge(other.refusedModels) { $0.addingSaturated($1) }
        promptVersions.merge(other.promptVersions) { left, right in
            var usage = left.usage
            usage.add(right.usage)
            return PromptVersion(first: min(left.first, right.first), usage: usage)
        }
        retries.addSaturated(other.retries)
    }
}

extension ReplayDetails {
    /// The value below or at which this share of the values lies, by the nearest rank.
    static func quantile(_ sorted: [Int64], _ share: Double) -> Int64 {
        guard !sorted.isEmpty else { return 0 }
        let rank = Int(Int64(saturating: (share * Double(sorted.count)).rounded(.up)))
        return sorted[min(sorted.count - 1, max(0, rank - 1))]
    }

    /// Of the tenants of a tier: the most that each spent in one day, ascending.
    public func dailyPeaks(of tier: String) -> [Int64] {
        var peaks: [String: Int64] = [:]
        for (key, usage) in tenantDays where tenantTiers[key.tenant] == tier {
            peaks[key.tenant] = max(peaks[key.tenant] ?? 0, usage.recordedCost)
        }
        return peaks.values.sorted()
    }

    /// Of the tenants of a tier: what each would cost in 30 days at the pace of the log, under the policy, ascending. A log
    /// of less than a day says too little.
    public func monthlyCosts(of tier: String, span: Int64) -> [(tenant: String, cost: Int64)] {
        guard span >= Micros.day else { return [] }
        var costs: [String: Int64] = [:]
        for (key, usage) in tenantDays where tenantTiers[key.tenant] == tier {
            costs[key.tenant, default: 0].addSaturated(usage.policyCost)
        }
        return costs.map { tenant, cost in
            (tenant, Int64(clamping: Int128(cost).multipliedSaturated(by: Int128(30 * Micros.day)) / Int128(span)))
        }.sorted { ($0.cost, $0.tenant) < ($1.cost, $1.tenant) }
    }
}
