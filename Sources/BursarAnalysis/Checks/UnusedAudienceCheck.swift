import BursarPolicy
import BursarSyntax

/// `name/unused`: an audience that no limit of any tier or tenant notifies.
enum UnusedAudienceCheck: Check {
    static func run(_ edition: Edition, of set: PolicySet, _ diagnostics: inout Diagnostics) {
        var used: Set<String> = []
        func add(_ plan: Plan) {
            for action in plan.limits.flatMap(\.thresholds).flatMap(\.actions) {
                for case .notify(let names) in action.alternatives { used.formUnion(names) }
            }
        }
        edition.tierPlans.forEach(add)
        let time = max(edition.interval.start, 0)
        for (index, record) in set.tenants.enumerated() where !record.followsTier {
            guard used.count < edition.policy.audiences.count else { break }
            guard let tier = record.tier ?? edition.defaultTier else { continue }
            if let plan = edition.plan(tier: tier, tenant: index, record: record, at: time) { add(plan) }
        }
        for audience in edition.policy.audiences where !used.contains(audience.value) {
            diagnostics.add(
                Diagnostic(
                    "name/unused", "no limit of any tier or tenant notifies `\(audience.value)`", severity: .note,
                    at: audience.range))
        }
    }
}
