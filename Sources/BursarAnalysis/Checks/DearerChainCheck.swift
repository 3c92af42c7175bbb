import BursarPolicy
import BursarSyntax

/// `chain/dearer`: a step to a model that costs more for some mix of tokens. A price is a sum over kinds of tokens, so a
/// step is dearer for some mix exactly if it is dearer for one kind alone.
enum DearerChainCheck: Check {
    static let rule = DiagnosticRule(
        "chain/dearer", .warning,
        title: "A substitute can cost more than the model that it replaces",
        checks: """
            Each model of a chain costs at most as much as the model before it, for every mix of tokens, and the model of \
            `downgrade to` at most as much as each model that is requested. The witness \
            is a request that costs more.
            """,
        why: "A downgrade would use up the budget faster.",
        example: "downgrade: small -> big",
        fix: "Order the chain from the most expensive model to the cheapest.")

    static let rules = [rule]
    static let subject = "which substitutes are dearer"

    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        guard context.edition.catalog != nil else { return }
        for plan in context.allPlans {
            guard context.effort.spend(10 * plan.downgrade.steps.count) else { return }
            for step in plan.downgrade.steps {
                _ = report(step.from, step.to, at: step.source, plan, context, &diagnostics)
            }
            for substitute in context.namedSubstitutes(of: plan) ?? [] where plan.models.allows(substitute.model) {
                // One model shows it.
                for model in substitute.requested where model != substitute.model {
                    if report(model, substitute.model, at: substitute.source, plan, context, &diagnostics) { break }
                }
            }
        }
    }

    private static func report(
        _ from: ModelID, _ to: ModelID, at place: SourceRange, _ plan: Plan, _ context: EditionContext,
        _ diagnostics: inout Diagnostics
    ) -> Bool {
        let edition = context.edition
        guard let catalog = edition.catalog, let before = catalog[from].price, let after = catalog[to].price,
            let mix = mix(before, after)
        else { return false }
        var witness = WitnessRequest(edition)
        witness[.tier] = .text(plan.tier)
        witness[.model] = .text(catalog[from].name)
        witness[.inputTokens] = .number(mix.input)
        if mix.cached > 0 { witness[.cachedTokens] = .number(mix.cached) }
        witness[.maxOutputTokens] = .number(mix.output)
        let costs = [before, after].map { price in
            let cost = price.cost(input: mix.input, cached: mix.cached, output: mix.output) ?? .max
            return BursarSyntax.Unit.spend.text(Int128(cost), edition.policy.currency)
        }
        diagnostics.add(
            Diagnostic(
                rule,
                "`\(catalog[to].name)` can cost more than `\(catalog[from].name)`: \(mix.text) cost \(costs[1]) instead of \(costs[0])",
                at: place,
                notes: [
                    .init("the price of the substitute", at: catalog[to].source),
                    .init("the price of the model before it", at: catalog[from].source),
                ], help: "order a chain from the most expensive model to the cheapest", witness: witness.json))
        return true
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
