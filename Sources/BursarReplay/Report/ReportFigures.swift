import BursarEngine
import BursarPolicy
import BursarSyntax

/// The figures of a report, computed once for all formats.
package struct ReportFigures: Sendable {
    package let summary: ReplaySummary
    package let details: ReplayDetails
    /// All hours from the first to the last, or all days if there are more than 14.
    let timeline: (isDaily: Bool, points: [(time: Int64, tally: Tally)])
    /// Limits, rules and plans that changed a decision, by the number of requests, descending.
    let causes: [CauseRow]
    /// The largest daily spend of tenants, for choosing the size of limits.
    let sizing: [Sizing]
    /// The utilization of each limit, by the number of tenants that exceed it, descending.
    let limits: [LimitUse]
    /// The monthly price minus the cost at the pace of the log, the largest loss first. Tiers without a price are
    /// omitted.
    let margins: [Margin]
    /// Models with recorded costs, the largest difference from the catalog first.
    let recordedCosts: [(model: String, cost: ReplayDetails.ModelCost)]
    /// Models with settled reservations, the largest error of the reservation first.
    let reservations: [(model: String, cost: ReplayDetails.ModelCost)]
    /// In the order of time.
    let alerts: [Alert]
    /// The share of the total cost of the 1, 2, … most expensive tenants.
    let concentration: [Double]
    /// The features of each tenant, the most expensive first.
    private let features: [String: [String]]

    /// - Parameter summary: the summary of a replay that collected details.
    package init(_ summary: ReplaySummary) {
        self.summary = summary
        details = summary.details ?? ReplayDetails()
        alerts = summary.alerts
        features = Self.features(details)
        timeline = Self.timeline(details)
        causes = Self.causes(summary, details)
        sizing = Self.sizing(details)
        limits = Self.limits(details)
        margins = Self.margins(summary, details, features)
        concentration = Self.concentration(summary)
        func ranked(
            _ isMeant: (ReplayDetails.ModelCost) -> Bool, by distance: (ReplayDetails.ModelCost) -> UInt64
        ) -> [(model: String, cost: ReplayDetails.ModelCost)] {
            (summary.details?.modelCosts ?? [:]).filter { isMeant($0.value) }
                .sorted { (distance($1.value), $0.key) < (distance($0.value), $1.key) }
                .map { (model: $0.key, cost: $0.value) }
        }
        recordedCosts = ranked(
            { $0.requests + $0.unpricedRequests > 0 },
            by: { $0.recorded.subtractingSaturated($0.catalog).magnitude &+ $0.unpriced.magnitude })
        reservations = ranked({ $0.settled > 0 }, by: { $0.reserved.subtractingSaturated($0.actual).magnitude })
    }

    /// The difference between the log's cost and the catalog's cost, in tenths of a percent of the latter; nil if the
    /// catalog has no price.
    static func drift(_ cost: ReplayDetails.ModelCost) -> Int? {
        guard cost.catalog > 0 else { return nil }
        let difference = Int128(cost.recorded).subtractingSaturated(Int128(cost.catalog))
        return Int(clamping: difference.multipliedSaturated(by: 1_000) / Int128(cost.catalog))
    }

    struct Row {
        var name: String
        var tally: Tally
    }

    /// By cost, descending, then by name.
    func ranked(_ tallies: [String: Tally]) -> [Row] {
        tallies.map { Row(name: $0.key, tally: $0.value) }.sorted {
            ($1.tally.recordedCost, $1.tally.requests, $0.name) < ($0.tally.recordedCost, $0.tally.requests, $1.name)
        }
    }

    private static func timeline(
        _ details: ReplayDetails
    ) -> (isDaily: Bool, points: [(time: Int64, tally: Tally)]) {
        guard let first = details.hours.keys.min(), let last = details.hours.keys.max() else { return (false, []) }
        let isDaily = last.subtractingSaturated(first) > Micros.day.multipliedSaturated(by: 14)
        let step = isDaily ? Micros.day : Micros.hour
        var buckets: [Int64: Tally] = [:]
        func begin(_ time: Int64) -> Int64 { floorDiv(time, step).multipliedSaturated(by: step) }
        for (hour, tally) in details.hours { buckets[begin(hour), default: Tally()].add(tally) }
        var points: [(time: Int64, tally: Tally)] = []
        var time = begin(first)
        while time <= last, points.count < 4_000 {
            points.append((time, buckets[time] ?? Tally()))
            time.addSaturated(step)
        }
        return (isDaily, points)
    }

    struct CauseRow {
        var cause: Cause
        var requests: Int
        var tenants: Int
    }

    private static func causes(_ summary: ReplaySummary, _ details: ReplayDetails) -> [CauseRow] {
        summary.causes.map { cause, requests in
            CauseRow(cause: cause, requests: requests, tenants: details.causeTenants[cause]?.count ?? 0)
        }.sorted { ($1.requests, $0.cause) < ($0.requests, $1.cause) }
    }

    struct Sizing {
        var tier: String
        var tenants: Int
        var median: Int64
        var p90: Int64
        var most: Int64
        /// Amounts per day that would affect 1%, 5% and 10% of the tenants.
        var touching: [Int64]
    }

    private static func sizing(_ details: ReplayDetails) -> [Sizing] {
        Set(details.tenantTiers.values.map(\.tier)).sorted().map { tier in
            let peaks = details.dailyPeaks(of: tier)
            return Sizing(
                tier: tier, tenants: peaks.count, median: ReplayDetails.quantile(peaks, percent: 50),
                p90: ReplayDetails.quantile(peaks, percent: 90), most: peaks.last ?? 0,
                touching: [99, 95, 90].map { ReplayDetails.quantile(peaks, percent: $0) })
        }
    }

    struct LimitUse {
        var key: ReplayDetails.LimitKey
        /// The number of tenants that the limit applies to, and of those whose demand exceeds the amount in some window.
        var tenants: Int
        var above: Int
        var windows: Int
        var windowsAbove: Int
        /// The 50th, 90th and 99th percentile over tenants of the largest demand in a window, in thousandths of the
        /// amount.
        var quantiles: [Int64]
        /// Amounts that 1%, 5% and 10% of the tenants exceed in their largest window.
        var touching: [Int64]
        /// The tenants with the largest demand, by the share of the amount.
        var most: [(tenant: String, thousandths: Int64)]
    }

    private static func limits(_ details: ReplayDetails) -> [LimitUse] {
        details.limitDemands.map { key, demands in
            func thousandths(_ demand: ReplayDetails.LimitDemand) -> Int64 {
                guard demand.amount > 0 else { return demand.peak > 0 ? .max : 0 }
                return Int64(clamping: Int128(demand.peak).multipliedSaturated(by: 1_000) / Int128(demand.amount))
            }
            let shares = demands.values.map(thousandths).sorted()
            let peaks = demands.values.map(\.peak).sorted()
            let most = demands.map { (tenant: $0.key, thousandths: thousandths($0.value)) }
                .sorted { ($1.thousandths, $0.tenant) < ($0.thousandths, $1.tenant) }
            return LimitUse(
                key: key, tenants: demands.count, above: demands.values.count { $0.above > 0 },
                windows: demands.values.map(\.windows).sumSaturated(),
                windowsAbove: demands.values.map(\.above).sumSaturated(),
                quantiles: [50, 90, 99].map { ReplayDetails.quantile(shares, percent: $0) },
                touching: [99, 95, 90].map { ReplayDetails.quantile(peaks, percent: $0) }, most: Array(most.prefix(3)))
        }.sorted {
            ($1.above, $1.windowsAbove, $0.key) < ($0.above, $0.windowsAbove, $1.key)
        }
    }

    struct Margin {
        var tenant: String
        var tier: String
        var price: Int64
        var cost: Int64
        var driver: String
        var margin: Int64 { price.subtractingSaturated(cost) }
    }

    private static func margins(
        _ summary: ReplaySummary, _ details: ReplayDetails, _ features: [String: [String]]
    ) -> [Margin] {
        guard let first = summary.firstTime, let last = summary.lastTime else { return [] }
        var margins: [Margin] = []
        for (tier, price) in summary.prices {
            for (tenant, cost) in details.monthlyCosts(of: tier, span: last.subtractingSaturated(first)) {
                let driver = features[tenant]?.first ?? noFeature
                margins.append(Margin(tenant: tenant, tier: tier, price: price, cost: cost, driver: driver))
            }
        }
        return margins.sorted { ($0.margin, $0.tenant, $0.tier) < ($1.margin, $1.tenant, $1.tier) }
    }

    private static let noFeature = "(none)"

    private static func features(_ details: ReplayDetails) -> [String: [String]] {
        var own: [String: [(name: String, cost: Int64)]] = [:]
        for (pair, usage) in details.tenantFeatures {
            own[pair.first, default: []].append((pair.second, usage.recordedCost))
        }
        return own.mapValues { $0.sorted { ($1.cost, $0.name) < ($0.cost, $1.name) }.map(\.name) }
    }

    /// The features with the most spend of a tenant.
    func topFeatures(of tenant: String, _ most: Int) -> [String] {
        features[tenant].map { Array($0.prefix(most)) } ?? [Self.noFeature]
    }

    private static func concentration(_ summary: ReplaySummary) -> [Double] {
        let costs = summary.tenants.values.map(\.recordedCost).sorted(by: >)
        let total = costs.map { Int128($0) }.sumSaturated()
        guard total > 0 else { return [] }
        var sum = Int128(0)
        return costs.map { cost in
            sum.addSaturated(Int128(cost))
            return min(1, max(0, Double(sum) / Double(total)))
        }
    }
}
