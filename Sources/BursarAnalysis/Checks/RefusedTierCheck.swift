import BursarPolicy
import BursarSyntax

/// `rule/refuses-tier`: a tier of which no request can be admitted, because of its models, of rules that deny, or of a limit
/// of zero.
enum RefusedTierCheck: Check {
    static let rule = DiagnosticRule(
        "rule/refuses-tier", .warning,
        title: "A tier admits no request",
        checks: "Each tier can admit some request. The notes name the models, limits or rules that refuse everything.",
        why: "Its customers pay and get nothing.",
        example: """
            rules:
              a: {when: has(feature), deny: x}
              b: {when: tier == "free" && !has(feature), deny: y}
            """,
        fix: "Correct what refuses the requests.")

    static let rules = [rule]
    static let subject = "which tiers can do anything"

    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        let (edition, set) = (context.edition, context.set)
        let denials = edition.policy.rules.filter { $0.effect == .deny }
        let space = RequestSpace(
            edition, set.tenants, conditions: denials.map(\.when), separatesModels: edition.catalog != nil,
            steps: context.effort.left)
        // Asked of each tier again, so made once.
        let sets = denials.map { rule in Result { () throws(DecisionDiagram.TooLarge) in try space.set(rule.when) } }
        for plan in context.tierPlans {
            if let reasons = models(plan, edition) {
                add(plan, reasons, nil, &diagnostics)
                continue
            }
            if let zero = plan.limits.first(where: isWall) {
                let reason = Diagnostic.Note("`\(zero.name)` lets nothing through", at: zero.source)
                add(plan, [reason], nil, &diagnostics)
                continue
            }
            guard !denials.isEmpty else { continue }
            guard context.effort.spend(10 * context.modelCount + denials.count) else { return }
            do throws(DecisionDiagram.TooLarge) {
                try denied(plan, edition, denials, sets, space, &diagnostics)
            } catch {
                diagnostics.add(.notDecided("whether tier `\(plan.tier)` can do anything", at: plan.tierSource))
            }
        }
    }

    private static func add(
        _ plan: Plan, _ notes: [Diagnostic.Note], _ witness: String?, _ diagnostics: inout Diagnostics
    ) {
        diagnostics.add(
            Diagnostic(
                rule, "no request of tier `\(plan.tier)` can be admitted", at: plan.tierSource, notes: notes,
                witness: witness))
    }

    /// Refuses every request, whatever it asks for.
    private static func isWall(_ limit: Limit) -> Bool {
        limit.when == nil && !limit.isShadow && limit.weight == nil && limit.per.allSatisfy { $0 == .tenant }
            && limit.unit == .requests && limit.hardBound.map { $0.withCarried < 1 } == true
    }

    /// Why no model can serve the tier; nil where one can.
    private static func models(_ plan: Plan, _ edition: Edition) -> [Diagnostic.Note]? {
        guard let catalog = edition.catalog, !edition.policy.allowsUnpriced else { return nil }
        let serves = catalog.models.indices.contains {
            plan.models.allows(ModelID(rawValue: $0)) && catalog.models[$0].price != nil
        }
        if serves { return nil }
        return [.init("no model that the catalog prices is allowed here", at: plan.modelsSource)]
    }

    private static func denied(
        _ plan: Plan, _ edition: Edition, _ denials: [Rule],
        _ sets: [Result<DecisionDiagram.Node, DecisionDiagram.TooLarge>], _ space: RequestSpace,
        _ diagnostics: inout Diagnostics
    ) throws(DecisionDiagram.TooLarge) {
        var tried = try space.set(tiers: [plan.tier])
        if let catalog = edition.catalog, !edition.policy.allowsUnpriced {
            let chained = Set(plan.downgrade.chains.joined())
            let usable = catalog.models.indices.filter {
                let model = ModelID(rawValue: $0)
                return plan.models.allows(model) || chained.contains(model)
            }
            tried = try space.diagram.intersection(
                tried, try space.set(models: Set(usable.map { catalog.models[$0].name })))
        }
        var left = tried
        var used: [Rule] = []
        for (rule, set) in zip(denials, sets) {
            let next = try space.diagram.difference(left, try set.get())
            if next != left { used.append(rule) }
            left = next
        }
        guard left == .none, tried != .none else { return }
        add(
            plan, used.map { .init("`\($0.name)` refuses \($0.code)", at: $0.source) },
            space.witness(in: tried)?.json, &diagnostics)
    }
}
