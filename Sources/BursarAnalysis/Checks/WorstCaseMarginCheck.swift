import BursarPolicy
import BursarSyntax

/// `margin/worst-case`: the most that a tenant of a tier can cost in a month, by the limits, above what the tier is sold for.
enum WorstCaseMarginCheck: Check {
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
                        "margin/worst-case",
                        "nothing bounds what a tenant of tier `\(plan.tier)` may cost in a month, and it is sold for \(spend.text(Int128(price), currency))",
                        severity: .note, at: plan.tierSource))
                continue
            }
            guard least.cost > Int128(price) else { continue }
            diagnostics.add(
                Diagnostic(
                    "margin/worst-case",
                    "a tenant of tier `\(plan.tier)` can cost \(spend.text(least.cost, currency)) in a month, \(spend.text(least.cost - Int128(price), currency)) more than its price of \(spend.text(Int128(price), currency))",
                    severity: .note, at: plan.tierSource,
                    notes: [.init("`\(least.limit.name)` bounds it", at: least.limit.source)]))
        }
    }
}
