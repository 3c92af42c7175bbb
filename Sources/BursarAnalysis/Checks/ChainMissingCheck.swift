import BursarPolicy
import BursarSyntax

/// `chain/missing`: `downgrade` where no chain could serve any model of the tier, so it never finds a way.
enum ChainMissingCheck: Check {
    static let rule = DiagnosticRule(
        "chain/missing", .warning,
        title: "A downgrade never finds a substitute",
        checks: """
            A tier with the action `downgrade` has a chain that leads to an allowed model, and some request gets to \
            `downgrade to MODEL` that asks for another model.
            """,
        why: "The action finds no substitute, so it has no effect.",
        example: "at: {100%: downgrade else deny}   # and no `downgrade:` in the tier",
        fix: "Give the tier a chain of allowed models.")

    static let rules = [rule]
    static let subject = "which downgrades find a way"

    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        checkNamed(context, &diagnostics)
        for plan in context.allPlans where !canServe(plan) {
            guard context.effort.spend(plan.limits.count) else { return }
            for limit in plan.limits where limit.weight == nil {
                for threshold in limit.thresholds where threshold.actions.contains(where: needsChain) {
                    diagnostics.add(
                        Diagnostic(
                            rule,
                            "`downgrade` finds no way in tier `\(plan.tier)`: "
                                + (plan.downgrade.chains.isEmpty
                                    ? "it has no chain" : "no chain of it leads from one allowed model to another"),
                            at: threshold.source,
                            help: "give the tier a chain of allowed models: downgrade: gpt-4o -> gpt-4o-mini"))
                }
            }
        }
    }

    /// `downgrade to M` where every request asks for M.
    private static func checkNamed(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        guard let catalog = context.edition.catalog else { return }
        for plan in context.allPlans {
            for substitute in context.namedSubstitutes(of: plan) ?? []
            where substitute.requested.allSatisfy({ $0 == substitute.model }) && !substitute.requested.isEmpty {
                let name = catalog[substitute.model].name
                diagnostics.add(
                    Diagnostic(
                        rule,
                        "every request that gets here asks for `\(name)` itself, so `downgrade to \(name)` changes nothing",
                        at: substitute.source, help: "name a cheaper model, or remove the action"))
            }
        }
    }

    /// Some model has a substitute that is allowed.
    private static func canServe(_ plan: Plan) -> Bool {
        plan.downgrade.chains.contains { $0.dropFirst().contains { plan.models.allows($0) } }
    }

    private static func needsChain(_ action: ThresholdAction) -> Bool {
        action.alternatives.contains { if case .downgrade(nil) = $0 { true } else { false } }
    }
}
