import BursarPolicy
import BursarSyntax

/// `chain/not-allowed`: a substitute that the tier does not allow can never be used.
enum ChainNotAllowedCheck: Check {
    static let subject = "which substitutes are allowed"

    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        let edition = context.edition
        guard let catalog = edition.catalog else { return }
        for plan in context.allPlans {
            guard context.effort.spend(10 * plan.downgrade.steps.count) else { return }
            for step in plan.downgrade.steps where !plan.models.allows(step.to) {
                diagnostics.add(
                    Diagnostic(
                        "chain/not-allowed",
                        "tier `\(plan.tier)` does not allow `\(catalog[step.to].name)`, so the chain can never use it",
                        severity: .warning, at: step.source,
                        notes: plan.modelsSource.map { [.init("it is not among the models that are allowed", at: $0)] }
                            ?? [],
                        help: "allow it under `models`, or take it out of the chain"))
            }
        }
    }
}
