import BursarEngine
import BursarSyntax

/// Data for reports beyond the sums of a summary. It is only collected on request. Parts can be added in any order.
package struct ReplayDetails: Sendable, Codable {
    package struct TenantDay: Sendable, Hashable, Comparable, Codable {
        package var tenant: String
        /// Days since 1970 UTC.
        package var day: Int64

        package static func < (left: TenantDay, right: TenantDay) -> Bool {
            (left.tenant, left.day) < (right.tenant, right.day)
        }
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

    package struct Pair: Sendable, Hashable, Comparable, Codable {
        package var first: String
        package var second: String

        package static func < (left: Pair, right: Pair) -> Bool {
            (left.first, left.second) < (right.first, right.second)
        }
    }

    /// The costs of a model's records according to the log, the catalog and the reservations.
    package struct ModelCost: Summable, Sendable, Hashable, Codable {
        /// The number of records with a cost whose model has a known price.
        package var requests = 0
        /// The cost of those records in nano-units, according to the log and to the catalog.
        package var recorded: Int64 = 0
        package var catalog: Int64 = 0
        /// The number of records with a cost whose model has no known price, and their cost.
        package var unpricedRequests = 0
        package var unpriced: Int64 = 0
        /// Admitted requests with known usage: their reserved amount, their actual cost, and how many exceeded their
        /// reservation.
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

    /// A limit, identified by the position of its declaration and its tier.
    package struct LimitKey: Sendable, Hashable, Comparable, Codable {
        package var name: String
        package var tier: String
        package var source: String
        /// The unit in the syntax of the language.
        package var unit: String

        package static func < (left: LimitKey, right: LimitKey) -> Bool {
            (left.source, left.tier, left.name, left.unit) < (right.source, right.tier, right.name, right.unit)
        }
    }

    /// A tenant's demand on a limit, independent of decisions.
    package struct LimitDemand: Sendable, Hashable, Codable {
        /// The amount per window, and the largest demand in one window; nano-units for spend.
        package var amount: Int64
        package var peak: Int64
        /// The number of windows with requests, and of those with more demand than the amount.
        package var windows: Int
        package var above: Int

        /// Adds the demand of another tenant that is shown with the same name.
        mutating func add(_ other: LimitDemand) {
            amount = max(amount, other.amount)
            peak = max(peak, other.peak)
            windows.addSaturated(other.windows)
            above.addSaturated(other.above)
        }
    }

    /// A tier and the time of the decision. If several decisions have one time, the last tier in the order of names counts:
    /// names that are not valid text can be shown alike, and their order depends on the threads.
    package struct LastTier: Sendable, Hashable, Comparable, Codable {
        package var time: Int64
        package var tier: String

        package static func < (left: LastTier, right: LastTier) -> Bool {
            (left.time, left.tier) < (right.time, right.tier)
        }

        mutating func add(_ other: LastTier) { self = max(self, other) }
    }

    /// The demand by limit and tenant.
    @SortedTable package var limitDemands: [LimitKey: [String: LimitDemand]] = [:]
    /// By the model name in the requests.
    package var modelCosts: [String: ModelCost] = [:]
    /// By the start of the hour, in microseconds.
    @SortedTable package var hours: [Int64: Tally] = [:]
    @SortedTable package var tenantDays: [TenantDay: Usage] = [:]
    /// Usage by tenant (first) and feature (second).
    @SortedTable package var tenantFeatures: [Pair: Usage] = [:]
    /// The tier in each tenant's last decision.
    package var tenantTiers: [String: LastTier] = [:]
    /// The number of affected requests of each cause, by tenant.
    @SortedTable package var causeTenants: [Cause: [String: Int]] = [:]
    /// Requests by tier (first) for models (second) that the tier does not allow.
    @SortedTable package var refusedModels: [Pair: Int] = [:]
    /// First use and usage of each prompt version.
    package var promptVersions: [String: PromptVersion] = [:]
    /// The number of requests that are retries.
    package var retries = 0

    package init() {}

    mutating func add(_ other: ReplayDetails) {
        for (key, demands) in other.limitDemands {
            for (tenant, demand) in demands { add(demand, of: tenant, to: key) }
        }
        modelCosts.add(other.modelCosts)
        hours.add(other.hours)
        tenantDays.add(other.tenantDays)
        tenantFeatures.add(other.tenantFeatures)
        tenantTiers.merge(other.tenantTiers, uniquingKeysWith: max)
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

    mutating func add(_ demand: LimitDemand, of tenant: String, to key: LimitKey) {
        if limitDemands[key]?[tenant] == nil {
            limitDemands[key, default: [:]][tenant] = demand
        } else {
            limitDemands[key]?[tenant]?.add(demand)
        }
    }
}

extension ReplayDetails {
    /// The quantile of sorted values, by nearest rank.
    static func quantile(_ sorted: [Int64], percent: Int) -> Int64 {
        guard !sorted.isEmpty else { return 0 }
        let rank = percent.multipliedSaturated(by: sorted.count).addingSaturated(99) / 100
        return sorted[min(sorted.count - 1, max(0, rank - 1))]
    }

    /// The maximum spend per day of each tenant of a tier, ascending.
    package func dailyPeaks(of tier: String) -> [Int64] {
        var peaks: [String: Int64] = [:]
        for (key, usage) in tenantDays where tenantTiers[key.tenant]?.tier == tier {
            peaks[key.tenant] = max(peaks[key.tenant] ?? 0, usage.recordedCost)
        }
        return peaks.values.sorted()
    }

    /// The cost of each tenant of a tier in 30 days at the pace of the log, under the policy, ascending. Empty for a
    /// log of less than a day.
    package func monthlyCosts(of tier: String, span: Int64) -> [(tenant: String, cost: Int64)] {
        guard span >= Micros.day else { return [] }
        var costs: [String: Int64] = [:]
        for (key, usage) in tenantDays where tenantTiers[key.tenant]?.tier == tier {
            costs[key.tenant, default: 0].addSaturated(usage.policyCost)
        }
        return costs.map { tenant, cost in
            (
                tenant,
                Int64(
                    clamping: Int128(cost).multipliedSaturated(by: Int128(Micros.day.multipliedSaturated(by: 30)))
                        / Int128(span))
            )
        }.sorted { ($0.cost, $0.tenant) < ($1.cost, $1.tenant) }
    }
}
