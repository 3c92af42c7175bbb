import BursarPolicy
import BursarSyntax

/// `chain/not-allowed`: a substitute that the tier does not allow can never be used.
enum ChainNotAllowedCheck: Check {
    static func run(_ edition: Edition, of set: PolicySet, _ diagnostics: inout Diagnostics) {
        guard let catalog = edition.catalog else { return }
        for plan in edition.tierPlans {
            for model in plan.downgrade.chains.flatMap({ $0.dropFirst() }) where !plan.models.allows(model) {
                diagnostics.add(
                    Diagnostic(
                        "chain/not-allowed",
                        "tier `\(plan.tier)` does not allow `\(catalog[model].name)`, so the chain can never use it",
                        severity: .warning, at: plan.modelsSource,
                        help: "allow it under `models`, or take it out of the chain"))
            }
        }
    }
}

/// `chain/missing`: `downgrade` where no chain could serve any model of the tier, so it never finds a way.
enum ChainMissingCheck: Check {
    static func run(_ edition: Edition, of set: PolicySet, _ diagnostics: inout Diagnostics) {
        for plan in edition.tierPlans where plan.downgrade.chains.allSatisfy({ $0.count < 2 }) {
            for limit in plan.limits where limit.weight == nil {
                for threshold in limit.thresholds where threshold.actions.contains(where: needsChain) {
                    diagnostics.add(
                        Diagnostic(
                            "chain/missing",
                            "`downgrade` finds no way in tier `\(plan.tier)`: it has no chain", severity: .warning,
                            at: threshold.source, help: "give the tier a chain: downgrade: gpt-4o -> gpt-4o-mini"))
                }
            }
        }
    }

    private static func needsChain(_ action: ThresholdAction) -> Bool {
        action.alternatives.contains { if case .downgrade(nil) = $0 { true } else { false } }
    }
}

/// `chain/dearer`: a step to a model that costs more for some mix of tokens. A price is a sum over kinds of tokens, so a
/// step is dearer for some mix exactly if it is dearer for one kind alone.
enum DearerChainCheck: Check {
    static func run(_ edition: Edition, of set: PolicySet, _ diagnostics: inout Diagnostics) {
        guard let catalog = edition.catalog else { return }
        for plan in edition.tierPlans {
            for chain in plan.downgrade.chains {
                for (from, to) in zip(chain, chain.dropFirst()) {
                    guard let before = catalog[from].price, let after = catalog[to].price else { continue }
                    let kinds = [
                        ("input", after.input > before.input), ("cached", after.cached > before.cached),
                        ("output", after.output > before.output), ("request", after.request > before.request),
                    ]
                    guard let kind = kinds.first(where: \.1) else { continue }
                    diagnostics.add(
                        Diagnostic(
                            "chain/dearer",
                            "`\(catalog[to].name)` costs more than `\(catalog[from].name)` for \(kind.0), so the step can cost more",
                            severity: .warning, at: catalog[to].source,
                            notes: [
                                .init(
                                    "the model before it in the chain of tier `\(plan.tier)`", at: catalog[from].source)
                            ]))
                }
            }
        }
    }
}
