import BursarPolicy
import BursarSyntax

/// `limit/zero`: an amount of zero refuses everything that it counts. `block`, `models` or a rule say that so that the
/// reason given to a customer says it too.
enum ZeroLimitCheck: Check {
    static let rule = DiagnosticRule(
        "limit/zero", .warning,
        title: "A limit is zero",
        checks: "A limit has an amount above zero.",
        why: "A limit of zero refuses everything that it counts, and the customer reads about a budget.",
        example: "daily: $0/day",
        fix: """
            Use `block`, `models` or a rule, so that the reason tells the customer what is meant. `none` removes a \
            limit.
            """)

    static let rules = [rule]
    static let subject = "which limits are zero"

    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        for limit in context.tierPlans.flatMap(\.limits)
        where limit.amount == 0 && !limit.isPrepaid && limit.weight == nil {
            diagnostics.add(
                Diagnostic(
                    rule, "`\(limit.name)` is zero, so it refuses everything that it counts",
                    at: limit.source,
                    help: "say `block`, `models` or a rule with `deny` instead; `none` removes a limit"))
        }
    }
}
