import BursarEngine
import BursarSyntax

/// What a report tells beyond a summary's sums. It is gathered only where someone asked for it, and parts add up to the
/// whole in any order.
package struct ReplayDetails: Sendable, Codable {
    package struct TenantDay: Sendable, Hashable, Codable {
        package var tenant: String
        /// Days since 1970 UTC.
        package var day: Int64
    }

    package struct Usage: Summable, Sendable, Hashable, Codable {
        package var requests = 0
        package var recordedCost: Int64 = 0
        package var policyCost: Int64 = 0
        package var tokens: Int64 = 0

        mutating func add(_ other: Usage) {
            requests.addSaturated(other.requests)
            recordedCost.addSaturated(other.recordedCost)
            policyCost.addSaturated(other.policyCost)
            tokens.addSaturated(other.tokens)
        }
    }

    package struct Pair: Sendable, Hashable, Codable {
        package var first: String
        package var second: String
    }

    /// What a model's records say that they cost, and what the catalog and the reservations say.
    package struct ModelCost: Summable, Sendable, Hashable, Codable {
        /// Records that carry a cost, of models that the catalog prices.
        package var requests = 0
        /// Nano-units: of those records, by the log and by the catalog.
        package var recorded: Int64 = 0
        package var catalog: Int64 = 0
        /// Records that carry a cost of a model without known price, and that cost.
        package var unpricedRequests = 0
        package var unpriced: Int64 = 0
        /// Admitted requests that say what they used: what was reserved, what it came to, and how many came to more.
        package var settled = 0
        package var reserved: Int64 = 0
        package var actual: Int64 = 0
        package var aboveEstimate = 0

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

    package struct PromptVersion: Sendable, Codable {
        package var first: Int64
        package var usage: Usage
    }

    /// A limit, by the place where it is declared and the tier that it stands in.
    package struct LimitKey: Sendable, Hashable, Codable {
        package var name: String
        package var tier: String
        package var source: String
        /// As the language writes it.
        package var unit: String
    }

    /// What a tenant's traffic asked of a limit, whatever was decided.
    package struct LimitDemand: Sendable, Hashable, Codable {
        /// What a window lets through, and the most that was asked for in one; of spend in nano-units.
        package var amount: Int64
        package var peak: Int64
        /// Windows that had requests, and those in which more was asked for.
        package var windows: Int
        package var above: Int
    }

    /// By tenant.
    package var limitDemands: [LimitKey: [String: LimitDemand]] = [:]
    /// By the name that requests used.
    package var modelCosts: [String: ModelCost] = [:]
    /// By the start of the hour, in microseconds.
    package var hours: [Int64: Tally] = [:]
    package var tenantDays: [TenantDay: Usage] = [:]
    /// Of tenants (first) and features (second).
    package var tenantFeatures: [Pair: Usage] = [:]
    /// The last tier that each tenant was decided by.
    package var tenantTiers: [String: String] = [:]
    /// Requests that each cause touched, by tenant.
    package var causeTenants: [Cause: [String: Int]] = [:]
    /// Requests of tiers (first) for models (second) that they do not allow.
    package var refusedModels: [Pair: Int] = [:]
    /// By version of the prompt: when it was first seen, and what it used.
    package var promptVersions: [String: PromptVersion] = [:]
    /// Requests that were no first attempt.
    package var retries = 0

    package init() {}

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
    package func dailyPeaks(of tier: String) -> [Int64] {
        var peaks: [String: Int64] = [:]
        for (key, usage) in tenantDays where tenantTiers[key.tenant] == tier {
            peaks[key.tenant] = max(peaks[key.tenant] ?? 0, usage.recordedCost)
        }
        return peaks.values.sorted()
    }

    /// Of the tenants of a tier: what each would cost in 30 days at the pace of the log, under the policy, ascending. A log
    /// of less than a day says too little.
    package func monthlyCosts(of tier: String, span: Int64) -> [(tenant: String, cost: Int64)] {
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
