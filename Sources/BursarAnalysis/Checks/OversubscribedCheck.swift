import BursarPolicy
import BursarSyntax

/// `limit/oversubscribed`: sub-budgets that together exceed what holds them. Often meant, so it is a note.
enum OversubscribedCheck: Check {
    static let rule = DiagnosticRule(
        "limit/oversubscribed", .note,
        title: "The budgets of scopes together are larger than the budget that contains them",
        checks: "The limits of scopes add up to at most the limit that contains them.",
        why: "Not all scopes can use up their budgets at once. Often this is meant.",
        example: """
            limits: {monthly: $200/month}
            scopes:
              workspace a: {limits: {monthly: $150/month}}
              workspace b: {limits: {monthly: $80/month}}
            """,
        fix: "If you mean it, there is nothing to do. Otherwise lower the inner limits or raise the outer one.")

    static let rules = [rule]
    static let subject = "which budgets are oversubscribed"

    private struct Siblings: Hashable {
        var outer: [Limit.ScopeValue]
        var kind: Scope
        var unit: BursarSyntax.Unit
        var window: Window
    }

    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        let edition = context.edition
        for (_, plan) in context.ownPlans {
            var groups: [Siblings: [Limit]] = [:]
            var order: [Siblings] = []
            for limit in plan.limits
            where limit.layer == .scope && limit.per.allSatisfy({ $0 == .tenant }) && limit.when == nil {
                guard let last = limit.within.last else { continue }
                let key = Siblings(
                    outer: Array(limit.within.dropLast()), kind: last.scope, unit: limit.unit, window: limit.window)
                if groups[key] == nil { order.append(key) }
                groups[key, default: []].append(limit)
            }
            for key in order {
                guard let children = groups[key], children.count > 1, let parent = parent(key, in: plan) else {
                    continue
                }
                let sum = children.reduce(Int128(0)) { $0 + Int128($1.amount) }
                guard sum > Int128(parent.amount) else { continue }
                let currency = edition.policy.currency
                diagnostics.add(
                    Diagnostic(
                        rule,
                        "the budgets below `\(parent.name)` are \(key.unit.text(sum, currency)) together, more than its \(key.unit.text(Int128(parent.amount), currency))",
                        at: parent.source,
                        notes: children.map {
                            .init(
                                "\($0.within.last.map { "\($0.scope.rawValue) \($0.value)" } ?? ""): \(key.unit.text(Int128($0.amount), currency))",
                                at: $0.source)
                        }))
            }
        }
    }

    private static func parent(_ siblings: Siblings, in plan: Plan) -> Limit? {
        plan.limits.first {
            $0.within == siblings.outer && $0.unit == siblings.unit && $0.window == siblings.window && $0.weight == nil
                && $0.per.allSatisfy { $0 == .tenant } && $0.when == nil
        }
    }
}
