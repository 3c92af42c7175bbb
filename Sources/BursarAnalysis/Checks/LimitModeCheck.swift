import BursarPolicy
import BursarSyntax

/// `mode: enforce` on a limit of a policy in shadow.
enum LimitModeCheck: Check {
    static let rule = DiagnosticRule(
        "limit/mode", .warning,
        title: "`mode: enforce` has no effect in a policy in shadow",
        checks: "No limit of a policy with `mode: shadow` has `mode: enforce`.",
        why: "The mode of the policy wins: the limit refuses nothing, and its text says that it does.",
        example: """
            policy: p
            mode: shadow
            limits: {daily: {amount: $5/day, mode: enforce}}
            """,
        fix: "Remove `mode` from the limit. To enforce some limits, enforce the policy and put the others into shadow.")

    static let rules = [rule]

    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        guard context.edition.policy.isShadowEnforced else { return }
        for limit in context.allPlans.flatMap(\.limits) where limit.weight == nil {
            guard let place = limit.enforceSource else { continue }
            diagnostics.add(
                Diagnostic(
                    rule, "`\(limit.name)` refuses nothing: the mode of the policy is `shadow`, and it wins", at: place,
                    help: "remove it, or enforce the policy and put its other limits into shadow"))
        }
    }
}
