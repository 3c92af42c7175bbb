import BursarPolicy
import BursarSyntax

extension Downgrade {
    /// Each step of each chain, with its place.
    fileprivate var steps: [(from: ModelID, to: ModelID, source: SourceRange)] {
        zip(chains, sources).flatMap { chain, places in
            zip(zip(chain, chain.dropFirst()), places.dropFirst()).map { ($0.0, $0.1, $1) }
        }
    }
}

/// `chain/not-allowed`: a substitute that the tier does not allow can never be used.
enum ChainNotAllowedCheck: Check {
    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        let edition = context.edition
        guard let catalog = edition.catalog else { return }
        for plan in context.allPlans {
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

/// `chain/missing`: `downgrade` where no chain could serve any model of the tier, so it never finds a way.
enum ChainMissingCheck: Check {
    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        for plan in context.allPlans where !canServe(plan) {
            for limit in plan.limits where limit.weight == nil {
                for threshold in limit.thresholds where threshold.actions.contains(where: needsChain) {
                    diagnostics.add(
                        Diagnostic(
                            "chain/missing",
                            "`downgrade` finds no way in tier `\(plan.tier)`: "
                                + (plan.downgrade.chains.isEmpty
                                    ? "it has no chain" : "no chain of it leads from one allowed model to another"),
                            severity: .warning, at: threshold.source,
                            help: "give the tier a chain of allowed models: downgrade: gpt-4o -> gpt-4o-mini"))
                }
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

/// `chain/dearer`: a step to a model that costs more for some mix of tokens. A price is a sum over kinds of tokens, so a
/// step is dearer for some mix exactly if it is dearer for one kind alone.
enum DearerChainCheck: Check {
    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        let edition = context.edition
        guard let catalog = edition.catalog else { return }
        for plan in context.allPlans {
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
                        "chain/dearer",
                        "`\(catalog[step.to].name)` can cost more than `\(catalog[step.from].name)`: \(mix.text) cost \(spend.text(Int128(costs[1]), currency)) instead of \(spend.text(Int128(costs[0]), currency))",
                        severity: .warning, at: step.source,
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

/// `chain/context`: a substitute whose context is smaller than requests of the tier may be, so that some request fits the
/// model that it asks for and not the one that it gets.
enum ChainContextCheck: Check {
    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        let edition = context.edition
        guard let catalog = edition.catalog else { return }
        for plan in context.allPlans {
            let arithmetic = PlanArithmetic(plan, edition)
            let most = [arithmetic.largestRequest(.inputTokens), arithmetic.largestRequest(.tokens)].compactMap {
                $0.map { Int64(clamping: $0.amount) }
            }
            .min()
            for step in plan.downgrade.steps where plan.models.allows(step.to) {
                guard let room = catalog[step.to].context,
                    let size = [most, catalog[step.from].context].compactMap({ $0 }).min(), size > room
                else { continue }
                var witness = WitnessRequest(edition)
                witness[.tier] = .text(plan.tier)
                witness[.model] = .text(catalog[step.from].name)
                witness[.inputTokens] = .number(room + 1)
                witness[.maxOutputTokens] = .number(0)
                diagnostics.add(
                    Diagnostic(
                        "chain/context",
                        "`\(catalog[step.to].name)` has a context of \(room) tokens, and requests of tier `\(plan.tier)` for `\(catalog[step.from].name)` may have \(size)",
                        severity: .warning, at: step.source,
                        notes: [.init("its context is said here", at: catalog[step.to].source)],
                        help: "limit the tier's input tokens per request, or choose another substitute",
                        witness: witness.json))
            }
        }
    }
}

/// `chain/consent`: a chain that needs the tenant's consent, where no tenant of the tier gives it.
enum ChainConsentCheck: Check {
    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        let (edition, set) = (context.edition, context.set)
        for plan in context.tierPlans where plan.downgrade.consent == .tenant && !plan.downgrade.chains.isEmpty {
            let consents = set.tenants.contains {
                ($0.tier ?? edition.defaultTier ?? plan.tier) == plan.tier && $0.acceptsDowngrade
            }
            if consents { continue }
            diagnostics.add(
                Diagnostic(
                    "chain/consent", "no tenant of tier `\(plan.tier)` accepts a downgrade, so its chain is never used",
                    severity: .warning, at: plan.downgrade.consentSource ?? plan.tierSource,
                    help: "say `accepts: [downgrade]` in the records of those who agreed, or `consent: plan`"))
        }
    }
}
