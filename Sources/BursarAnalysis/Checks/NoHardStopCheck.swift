import BursarPolicy
import BursarSyntax

/// `limit/no-hard-stop`: a limit on spend or tokens that never refuses, and no other that bounds what it counts.
enum NoHardStopCheck: Check {
    static let rule = DiagnosticRule(
        "limit/no-hard-stop", .note,
        title: "Nothing refuses when the limit is used up",
        checks: "A limit on spend or tokens refuses at some threshold, or another limit bounds what it counts.",
        why: "A tenant can spend without bound.",
        example: "daily: {amount: $5/day, at: {100%: notify owner}}",
        fix: "Add a threshold with `deny`, or add another limit above it.")

    static let rules = [rule]
    static let subject = "which limits have no hard stop"

    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        let (edition, set) = (context.edition, context.set)
        var implications = Implications(edition, set)
        for plan in context.allPlans {
            guard context.effort.spend(context.modelCount + plan.limits.count) else { return }
            let arithmetic = PlanArithmetic(plan, edition)
            for limit in plan.limits
            where limit.unit.isBudget && limit.weight == nil && !limit.isPrepaid && !limit.isShadow
                && limit.window != .request && limit.hardBound == nil
            {
                guard context.effort.spend(10 * plan.limits.count) else { return }
                let isBounded = plan.limits.contains { other in
                    if other.isPrepaid, other.unit == limit.unit, !other.isShadow { return true }
                    return other.hardBound != nil && other.weight == nil && other.window != .request
                        && other.holds(limit) && arithmetic.most(of: limit.unit, for: other.unit) != nil
                        && implications.holds(limit.when, other.when, &context.effort)
                }
                if isBounded { continue }
                diagnostics.add(
                    Diagnostic(
                        rule,
                        "`\(limit.name)` never refuses, and no other limit bounds what it counts", at: limit.source,
                        help: "add a threshold with `deny`, or another limit above it"))
            }
        }
    }
}
