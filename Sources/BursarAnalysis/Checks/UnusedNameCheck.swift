import BursarPolicy
import BursarSyntax

/// `name/unused`: an audience that nothing notifies, a tier that no tenant can have, a class without models.
enum UnusedNameCheck: Check {
    static let rule = DiagnosticRule(
        "name/unused", .note,
        title: "A name is defined and never used",
        checks: """
            Some limit or alert notifies each audience, some tenant can have each tier, and some model has each \
            class.
            """,
        why: "The name is a leftover, or it is misspelt where it should be used.",
        example: "audiences: {ops: operations}   # and no `notify ops` anywhere",
        fix: "Remove the name, or use it.")

    static let rules = [rule]
    static let subject = "which names are unused"

    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        let (edition, set) = (context.edition, context.set)
        func report(_ message: String, _ place: SourceRange?) {
            diagnostics.add(Diagnostic(rule, message, at: place))
        }
        let used = notified(context)
        for audience in edition.policy.audiences where !used.contains(audience.value) {
            report("no limit of any tier or tenant, and no alert, notifies `\(audience.value)`", audience.range)
        }
        // Without records the requests themselves say their tiers.
        if !set.tenants.isEmpty {
            let tiers = Set(set.tenants.compactMap(\.tier)).union(edition.extendedTiers)
                .union(context.tierPlans.compactMap(\.upgrade?.to))
            for plan in context.tierPlans where !tiers.contains(plan.tier) && plan.tier != edition.defaultTier {
                report("no tenant has the tier `\(plan.tier)`, and nothing leads to it", plan.tierSource)
            }
        }
        guard let catalog = edition.catalog else { return }
        let classes = Set(catalog.models.compactMap(\.modelClass))
        for name in catalog.classNames where !classes.contains(name.value) {
            report("no model is of class `\(name.value)`", name.range)
        }
    }

    private static func notified(_ context: EditionContext) -> Set<String> {
        var used: Set<String> = []
        func add(_ plan: Plan) {
            for action in plan.limits.flatMap(\.thresholds).flatMap(\.actions) {
                for case .notify(let names) in action.alternatives { used.formUnion(names) }
            }
        }
        context.allPlans.forEach(add)
        for alert in context.edition.policy.alerts { used.formUnion(alert.audiences) }
        return used
    }
}
