import BursarPolicy
import BursarSyntax

/// `chain/not-allowed`: a substitute that the tier does not allow can never be used.
enum ChainNotAllowedCheck: Check {
    static let rule = DiagnosticRule(
        "chain/not-allowed", .warning,
        title: "A downgrade chain contains a model that the tier does not allow",
        checks: "The tier allows every substitute of its chains, and every model of `downgrade to`.",
        why: "The substitute is never used, so the chain is shorter than it looks.",
        example: """
            models: [standard]
            downgrade: big -> small   # small is economy
            """,
        fix: "Allow the model, or remove it from the chain.")

    static let rules = [rule]
    static let subject = "which substitutes are allowed"

    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        let edition = context.edition
        guard let catalog = edition.catalog else { return }
        for plan in context.allPlans {
            guard context.effort.spend(10 * plan.downgrade.steps.count) else { return }
            for step in plan.downgrade.steps where !plan.models.allows(step.to) {
                diagnostics.add(
                    Diagnostic(
                        rule,
                        "tier `\(plan.tier)` does not allow `\(catalog[step.to].name)`, so the chain can never use it",
                        at: step.source,
                        notes: plan.modelsSource.map { [.init("it is not among the models that are allowed", at: $0)] }
                            ?? [],
                        help: "allow it under `models`, or take it out of the chain"))
            }
            for substitute in context.namedSubstitutes(of: plan) ?? [] where !plan.models.allows(substitute.model) {
                diagnostics.add(
                    Diagnostic(
                        rule,
                        "tier `\(plan.tier)` does not allow `\(catalog[substitute.model].name)`, so this downgrade never serves it",
                        at: substitute.source,
                        notes: plan.modelsSource.map { [.init("it is not among the models that are allowed", at: $0)] }
                            ?? [],
                        help: "allow it under `models`, or name a model that the tier allows"))
            }
        }
    }
}
