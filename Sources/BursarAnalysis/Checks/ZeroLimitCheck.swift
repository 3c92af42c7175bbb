import BursarPolicy
import BursarSyntax

/// `limit/zero`: an amount of zero refuses everything that it counts. `block`, `models` or a rule say that so that the
/// reason given to a customer says it too.
enum ZeroLimitCheck: Check {
    static let subject = "which limits are zero"

    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        for limit in context.tierPlans.flatMap(\.limits)
        where limit.amount == 0 && !limit.isPrepaid && limit.weight == nil {
            diagnostics.add(
                Diagnostic(
                    "limit/zero", "`\(limit.name)` is zero, so it refuses everything that it counts",
                    severity: .warning,
                    at: limit.source,
                    help: "say `block`, `models` or a rule with `deny` instead; `none` removes a limit"))
        }
    }
}
