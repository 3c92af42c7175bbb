import BursarPolicy
import BursarSyntax

/// Limits that let more through than their amount, and do nothing at the amount.
enum LateRefusalCheck: Check {
    static let rule = DiagnosticRule(
        "limit/late-refusal", .warning, or: .note,
        title: "A limit first refuses above its amount",
        checks: """
            A limit whose first refusal is above 100% has some threshold at 100%. The finding is a warning if the limit does \
            nothing up to its amount, and a note if only other thresholds are below.
            """,
        why: "Readers take the amount for the most that a tenant can use.",
        example: "monthly: {amount: $30/month, at: {150%: deny}}   # a tenant can use $45",
        fix: "Raise the amount and refuse at 100%, or say what happens at 100%: `100%: notify owner`.")

    static let rules = [rule]

    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        let currency = context.edition.policy.currency
        for limit in context.allPlans.flatMap(\.limits) where limit.weight == nil && !limit.isPrepaid {
            let base = limit.bucketLength == nil ? limit.amount : limit.capacity
            guard base > 0, let first = limit.thresholds.first(where: refuses), first.bound(of: base) > base,
                !limit.thresholds.contains(where: { $0.bound(of: base) == base })
            else { continue }
            let below = limit.thresholds.contains { $0.bound(of: base) < base }
            diagnostics.add(
                Diagnostic(
                    rule,
                    "nothing happens at 100% of `\(limit.name)`: it refuses only above \(limit.unit.text(Int128(first.bound(of: base)), currency)), and its amount is \(limit.unit.text(Int128(base), currency))",
                    isLesser: below, at: first.source,
                    notes: limit.amountSource.map { [.init("the amount is here", at: $0)] } ?? [],
                    help: "refuse at 100% of a larger amount, or add what happens at 100%"))
        }
    }

    private static func refuses(_ threshold: Threshold) -> Bool {
        threshold.actions.contains { action in
            switch action.alternatives.last {
            case .deny, .overage, .throttle: true
            default: false
            }
        }
    }
}
