import BursarPolicy
import BursarSyntax

/// `chain/dearer`: a step to a model that costs more for some mix of tokens. A price is a sum over kinds of tokens, so a
/// step is dearer for some mix exactly if it is dearer for one kind alone.
enum DearerChainCheck: Check {
    static let rule = DiagnosticRule(
        "chain/dearer", .warning,
        title: "A substitute can cost more than the model before it",
        checks: """
            Each model of a chain costs at most as much as the model before it, for every mix of tokens. The witness \
            is a request that costs more.
            """,
        why: "A downgrade would use up the budget faster.",
        example: "downgrade: small -> big",
        fix: "Order the chain from the most expensive model to the cheapest.")

    static let rules = [rule]
    static let subject = "which substitutes are dearer"

    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        let edition = context.edition
        guard let catalog = edition.catalog else { return }
        for plan in context.allPlans {
            guard context.effort.spend(10 * plan.downgrade.steps.count) else { return }
            for step in plan.downgrade.steps {
                guard let before = catalog[step.from].price, let after = catalog[step.to].price,
                    let mix = mix(before, after)
                else { continue }
                var witness = WitnessRequest(edition)
                witness[.tier] = .text(plan.tier)
                witness[.model] = .text(catalog[step.from].name)
                witness[.inputTokens] = .number(mix.input)
                if mix.cached > 0 { witness[.cachedTokens] = .number(mix.cached) }
                witness[.maxOutputTokens] = .number(mix.output)
                let costs = [before, after].map {
                    $0.cost(input: mix.input, cached: mix.cached, output: mix.output) ?? .max
                }
                let currency = edition.policy.currency
                let spend = BursarSyntax.Unit.spend
                diagnostics.add(
                    Diagnostic(
                        rule,
                        "`\(catalog[step.to].name)` can cost more than `\(catalog[step.from].name)`: \(mix.text) cost \(spend.text(Int128(costs[1]), currency)) instead of \(spend.text(Int128(costs[0]), currency))",
                        at: step.source,
                        notes: [
                            .init("the price of the substitute", at: catalog[step.to].source),
                            .init("the price of the model before it", at: catalog[step.from].source),
                        ], help: "a chain goes from dear to cheap", witness: witness.json))
            }
        }
    }

    private struct Mix {
        var input: Int64 = 0
        var cached: Int64 = 0
        var output: Int64 = 0
        var text: String
    }

    private static func mix(_ before: Price, _ after: Price) -> Mix? {
        if after.input > before.input { return Mix(input: 1_000_000, text: "1,000,000 input tokens") }
        if after.cached > before.cached {
            return Mix(input: 1_000_000, cached: 1_000_000, text: "1,000,000 cached input tokens")
        }
        if after.output > before.output { return Mix(output: 1_000_000, text: "1,000,000 output tokens") }
        if after.request > before.request { return Mix(text: "requests without tokens") }
        return nil
    }
}
