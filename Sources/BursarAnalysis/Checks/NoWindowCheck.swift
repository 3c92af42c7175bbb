import BursarPolicy
import BursarSyntax

/// Limits without a window, which look as if they were refilled.
enum NoWindowCheck: Check {
    static let rule = DiagnosticRule(
        "limit/no-window", .warning,
        title: "A limit without a window is never refilled",
        checks: """
            A limit has a window. A limit that is counted per run or session, a prepaid balance and a limit on concurrent \
            requests need none.
            """,
        why: "`monthly: $5` gives a tenant $5 once, for ever. After that the limit refuses everything.",
        example: "limits: {monthly: $5}",
        fix: "Add the window: `$5/month`. If you mean once, write `$5/lifetime`.")

    static let rules = [rule]

    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        let currency = context.edition.policy.currency
        for limit in context.allPlans.flatMap(\.limits) where isOpen(limit) {
            let amount = limit.unit.text(Int128(limit.amount), currency)
            diagnostics.add(
                Diagnostic(
                    rule,
                    "`\(limit.name)` has no window: each \(limit.counted) gets \(amount) once, and it is never refilled",
                    at: limit.amountSource ?? limit.source,
                    help:
                        "write `\(amount)/\(wordOfName(limit) ?? "month")`; if you mean once, write `\(amount)/lifetime`"
                ))
        }
    }

    private static func isOpen(_ limit: Limit) -> Bool {
        limit.window == .lifetime && !limit.statesLifetime && !limit.isPrepaid && limit.weight == nil
            && limit.unit != .concurrentRequests && limit.scopeKinds.isDisjoint(with: [.run, .session])
    }

    /// The window that the name promises.
    private static func wordOfName(_ limit: Limit) -> String? { NamedWindow(limit.name)?.word }
}

extension Limit {
    /// The innermost scope that it is counted for.
    var counted: String { (per.last ?? within.last?.scope ?? .tenant).rawValue }
}
