import BursarAnalysis
import BursarPolicy
import BursarSyntax

/// Checks of a log against a policy: `traffic/*` and `margin/observed`.
package enum TrafficChecks {
    /// - Parameter summary: the summary of a replay that collected details.
    package static func run(_ set: PolicySet, _ summary: ReplaySummary) -> Diagnostics {
        var diagnostics = Diagnostics()
        guard let edition = set.editions.last, let details = summary.details else { return diagnostics }
        func warn(_ rule: DiagnosticRule, _ message: String, _ place: SourceRange?, _ help: String? = nil) {
            diagnostics.add(Diagnostic(rule, message, at: place, help: help))
        }
        let policy = edition.policy.source
        let unknown = Set(details.causeTenants.filter { $0.key.code == "unknown_tenant" }.values.flatMap(\.keys))
            .sorted()
        if !unknown.isEmpty {
            warn(
                .trafficUnknownTenant,
                "the log has \(count(unknown.count, "tenant")) that no document lists and that have no tier: \(list(unknown))",
                policy, "add their records, or a `default tier`")
        }
        for (model, tally) in summary.models.sorted(by: { $0.key < $1.key }) where tally.unpriced > 0 {
            warn(
                .trafficUnpriced,
                "the log requests `\(model)` \(times(tally.unpriced)), and the catalog has no price for it", policy)
        }
        for (pair, times) in details.refusedModels.sorted(by: {
            ($0.key.first, $0.key.second) < ($1.key.first, $1.key.second)
        }) {
            let plan = edition.plan(tier: pair.first)
            warn(
                .trafficRefusedModel,
                "tenants of tier `\(pair.first)` request `\(pair.second)` \(self.times(times)), and the tier does not allow it",
                plan?.modelsSource ?? plan?.tierSource ?? policy)
        }
        checkFeatures(edition, details, warn)
        checkMargins(edition, summary, details, warn)
        return diagnostics
    }

    private static func checkFeatures(
        _ edition: Edition, _ details: ReplayDetails, _ warn: (DiagnosticRule, String, SourceRange?, String?) -> Void
    ) {
        let plans = edition.tierNames.compactMap { edition.plan(tier: $0) }
        var named = Set(edition.policy.features.map(\.value))
        for limit in plans.flatMap(\.limits) { named.formUnion(limit.weight?.named ?? []) }
        for plan in plans { named.formUnion(plan.blockedFeatures) }
        if named.isEmpty { return }
        var met: [String: Int] = [:]
        for (pair, usage) in details.tenantFeatures { met[pair.second, default: 0].addSaturated(usage.requests) }
        for (feature, requests) in met.sorted(by: { $0.key < $1.key })
        where feature != "(none)" && !named.contains(feature) {
            let near = nearestName(to: feature, among: named.sorted())
            warn(
                .trafficUnknownFeature,
                "the log contains the feature `\(feature)` \(times(requests)), and no document names it",
                edition.policy.source, near.map { "did you mean `\($0)`?" })
        }
    }

    private static func checkMargins(
        _ edition: Edition, _ summary: ReplaySummary, _ details: ReplayDetails,
        _ warn: (DiagnosticRule, String, SourceRange?, String?) -> Void
    ) {
        guard let first = summary.firstTime, let last = summary.lastTime else { return }
        for tier in edition.tierNames {
            guard let plan = edition.plan(tier: tier), let price = plan.price else { continue }
            let costs = details.monthlyCosts(of: tier, span: last.subtractingSaturated(first)).map(\.cost)
            guard !costs.isEmpty else { continue }
            let at = [50, 90, 99].map { ReplayDetails.quantile(costs, percent: $0) }
            guard at[1] > price else { continue }
            warn(
                .marginObserved,
                "at the pace of the log, the tenant at the 90th percentile of tier `\(tier)` costs \(moneyText(cents(at[1]))) per month, more than its price of \(moneyText(price)) (50th: \(moneyText(cents(at[0]))), 99th: \(moneyText(cents(at[2]))), \(count(costs.count, "tenant")))",
                plan.tierSource, "lower its limits, or raise its price")
        }
    }

    /// Rounded to cents, because a forecast is not more precise.
    private static func cents(_ nanos: Int64) -> Int64 {
        // The quotient is small enough that its product fits.
        nanos.addingSaturated(5_000_000) / 10_000_000 &* 10_000_000
    }

    private static func times(_ number: Int) -> String { number == 1 ? "once" : "\(number) times" }

    private static func count(_ number: Int, _ what: String) -> String { "\(number) \(what)\(number == 1 ? "" : "s")" }

    private static func list(_ names: [String]) -> String {
        let sorted = Array(Set(names)).sorted()
        return sorted.prefix(5).map { "`\($0)`" }.joined(separator: ", ") + (sorted.count > 5 ? ", …" : "")
    }
}
