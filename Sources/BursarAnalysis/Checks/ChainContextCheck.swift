import BursarPolicy
import BursarSyntax

/// `chain/context`: a substitute whose context is smaller than requests of the tier may be, so that some request fits the
/// model that it asks for and not the one that it gets.
enum ChainContextCheck: Check {
    static let rule = DiagnosticRule(
        "chain/context", .warning,
        title: "A substitute has too small a context",
        checks: """
            The largest request of a tier fits into the context of each substitute. The witness is a request that \
            does not fit.
            """,
        why: "The request is admitted, and the provider refuses it.",
        example: """
            big:   {context: 128k}
            small: {context: 16k}   # downgrade: big -> small
            """,
        fix: "Limit the input tokens per request, or choose a substitute with a larger context.")

    static let rules = [rule]
    static let subject = "which substitutes have too small a context"

    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        let edition = context.edition
        guard let catalog = edition.catalog else { return }
        for plan in context.allPlans where !plan.downgrade.chains.isEmpty {
            guard context.effort.spend(plan.limits.count + context.modelCount + plan.downgrade.steps.count) else {
                return
            }
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
                witness[.inputTokens] = .number(room.addingSaturated(1))
                witness[.maxOutputTokens] = .number(0)
                diagnostics.add(
                    Diagnostic(
                        rule,
                        "`\(catalog[step.to].name)` has a context of \(room) tokens, and requests of tier `\(plan.tier)` for `\(catalog[step.from].name)` may have \(size)",
                        at: step.source,
                        notes: [.init("its context is said here", at: catalog[step.to].source)],
                        help: "limit the tier's input tokens per request, or choose another substitute",
                        witness: witness.json))
            }
        }
    }
}
