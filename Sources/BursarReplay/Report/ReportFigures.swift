import BursarEngine
import BursarPolicy
import BursarSyntax

/// The figures of a report, worked out once for every way of showing them.
public struct ReportFigures: Sendable {
    public let summary: ReplaySummary
    public let details: ReplayDetails

    /// - Parameter summary: of a replay that gathered details.
    public init(_ summary: ReplaySummary) {
        self.summary = summary
        details = summary.details ?? ReplayDetails()
    }

    struct Row {
        var name: String
        var tally: Tally
    }

    /// The largest first, by cost and then by name.
    func ranked(_ tallies: [String: Tally]) -> [Row] {
        tallies.map { Row(name: $0.key, tally: $0.value) }.sorted {
            ($1.tally.recordedCost, $1.tally.requests, $0.name) < ($0.tally.recordedCost, $0.tally.requests, $1.name)
        }
    }

    /// Hours from the first to the last, those without requests too; days where there are more than 14 of them.
    var timeline: (isDaily: Bool, points: [(time: Int64, tally: Tally)]) {
        guard let first = details.hours.keys.min(), let last = details.hours.keys.max() else { return (false, []) }
        let isDaily = last - first > 14 * Micros.day
        let step = isDaily ? Micros.day : Micros.hour
        var buckets: [Int64: Tally] = [:]
        for (hour, tally) in details.hours { buckets[floorDiv(hour, step) * step, default: Tally()].add(tally) }
        var points: [(time: Int64, tally: Tally)] = []
        var time = floorDiv(first, step) * step
        while time <= last, points.count < 4_000 {
            points.append((time, buckets[time] ?? Tally()))
            time += step
        }
        return (isDaily, points)
    }

    struct CauseRow {
        var cause: Cause
        var requests: Int
        var tenants: Int
    }

    /// Limits, rules and plans that changed something, the most requests first.
    var causes: [CauseRow] {
        summary.causes.map { cause, requests in
            CauseRow(cause: cause, requests: requests, tenants: details.causeTenants[cause]?.count ?? 0)
        }.sorted {
            ($1.requests, $0.cause.code, $0.cause.name, $0.cause.source)
                < ($0.requests, $1.cause.code, $1.cause.name, $1.cause.source)
        }
    }

    struct Sizing {
        var tier: String
        var tenants: Int
        var median: Int64
        var p90: Int64
        var most: Int64
        /// Amounts a day that would touch 1%, 5% and 10% of the tenants.
        var touching: [Int64]
    }

    /// What tenants spent on their dearest day, so that limits are sized from data.
    var sizing: [Sizing] {
        Set(details.tenantTiers.values).sorted().map { tier in
            let peaks = details.dailyPeaks(of: tier)
            return Sizing(
                tier: tier, tenants: peaks.count, median: ReplayDetails.quantile(peaks, 0.5),
                p90: ReplayDetails.quantile(peaks, 0.9), most: peaks.last ?? 0,
                touching: [0.99, 0.95, 0.90].map { ReplayDetails.quantile(peaks, $0) })
        }
    }

    struct Margin {
        var tenant: String
        var tier: String
        var price: Int64
        var cost: Int64
        var driver: String
        var margin: Int64 { price - cost }
    }

    /// Price less cost a month at the pace of the log, those that lose the most first. Tiers without a price are left out.
    var margins: [Margin] {
        guard let first = summary.firstTime, let last = summary.lastTime else { return [] }
        var margins: [Margin] = []
        for (tier, price) in summary.prices {
            for (tenant, cost) in details.monthlyCosts(of: tier, span: last - first) {
                margins.append(
                    Margin(tenant: tenant, tier: tier, price: price, cost: cost, driver: topFeatures(of: tenant, 1)[0]))
            }
        }
        return margins.sorted { ($0.margin, $0.tenant) < ($1.margin, $1.tenant) }
    }

    /// The features on which a tenant spent the most.
    func topFeatures(of tenant: String, _ most: Int) -> [String] {
        let own = details.tenantFeatures.filter { $0.key.first == tenant }
        let ranked = own.sorted {
            ($1.value.recordedCost, $0.key.second) < ($0.value.recordedCost, $1.key.second)
        }
        let names = ranked.prefix(most).map(\.key.second)
        return names.isEmpty ? ["(none)"] : Array(names)
    }

    /// The share of all cost that the dearest 1, 2, … tenants have together.
    var concentration: [Double] {
        let costs = summary.tenants.values.map(\.recordedCost).sorted(by: >)
        let total = costs.reduce(Int128(0)) { $0 + Int128($1) }
        guard total > 0 else { return [] }
        var sum = Int128(0)
        return costs.map { cost in
            sum += Int128(cost)
            return Double(sum) / Double(total)
        }
    }

    var touchedTenants: Int { summary.tenants.values.count { $0.refused > 0 } }

    /// Requests that some limit of the policy judged or a rule changed are not told apart in a log; what is known is how many
    /// had a tier, and so a plan.
    var covered: Int { summary.tiers.filter { $0.key != "(none)" }.values.reduce(0) { $0 + $1.requests } }
}
