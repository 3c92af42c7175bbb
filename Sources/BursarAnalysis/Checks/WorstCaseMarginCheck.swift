import BursarPolicy
import BursarSyntax

/// `margin/worst-case`: the most that a tenant of a tier can cost in a month, by the limits, above what the tier is sold for.
enum WorstCaseMarginCheck: Check {
    static let rule = DiagnosticRule(
        "margin/worst-case", .note,
        title: "A tenant can cost more than the price of its tier",
        checks: """
            The most that a tenant of a tier can cost in a month, by its limits, is at most the price of the tier.
            """,
        why: "A tenant that uses everything it is allowed to use loses money.",
        example: "pro: {price: $20/month, limits: {daily: $1/day}}   # 31 × $1",
        fix: "Lower the limits or raise the price. `bursar check --traffic` shows what real tenants cost.")

    static let rules = [rule]
    static let subject = "what a tenant can cost in a month"

    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        let edition = context.edition
        var windows = WindowArithmetic()
        let month = Window.calendar(.month, fromDay: 1, zone: edition.policy.zone)
        let currency = edition.policy.currency
        for plan in context.tierPlans {
            // What a prepaid balance pays for was sold before.
            guard let price = plan.price, !plan.limits.contains(where: { $0.isPrepaid && !$0.isShadow }) else {
                continue
            }
            guard context.effort.spend(context.modelCount + 100 * plan.limits.count) else { return }
            let arithmetic = PlanArithmetic(plan, edition)
            var least: (cost: Int128, limit: Limit)?
            for limit in plan.limits where limit.when == nil && limit.weight == nil && limit.scopeKinds.isEmpty {
                guard let bound = limit.hardBound, let factor = arithmetic.most(of: .spend, for: limit.unit),
                    let most = windows.most(of: limit, bound, in: month)
                else { continue }
                let (cost, overflow) = most.total.multipliedReportingOverflow(by: factor.amount)
                if !overflow, least.map({ cost < $0.cost }) ?? true { least = (cost, limit) }
            }
            let spend = BursarSyntax.Unit.spend
            guard let least else {
                diagnostics.add(
                    Diagnostic(
                        rule,
                        "nothing bounds what a tenant of tier `\(plan.tier)` may cost in a month, and it is sold for \(spend.text(Int128(price), currency))",
                        at: plan.tierSource))
                continue
            }
            guard least.cost > Int128(price) else { continue }
            diagnostics.add(
                Diagnostic(
                    rule,
                    "a tenant of tier `\(plan.tier)` can cost \(spend.text(least.cost, currency)) in a month, \(spend.text(least.cost - Int128(price), currency)) more than its price of \(spend.text(Int128(price), currency))",
                    at: plan.tierSource,
                    notes: [.init("`\(least.limit.name)` bounds it", at: least.limit.source)]))
        }
    }
}
