import BursarPolicy
import BursarSyntax

/// A condition of an edition, with the tiers whose requests it applies to.
struct AskedCondition {
    var condition: Condition
    var source: SourceRange
    var tiers: Set<String>

    static func all(of context: EditionContext) -> [AskedCondition] {
        let every = Set(context.edition.tierNames)
        var asked: [AskedCondition] = context.edition.policy.rules.compactMap { rule in
            rule.whenSource.map { AskedCondition(condition: rule.when, source: $0, tiers: every) }
        }
        var places: [SourceRange: Int] = [:]
        func add(_ condition: Condition?, _ source: SourceRange?, _ tier: String) {
            guard let condition, let source else { return }
            if let place = places[source] {
                asked[place].tiers.insert(tier)
            } else {
                places[source] = asked.count
                asked.append(AskedCondition(condition: condition, source: source, tiers: [tier]))
            }
        }
        for plan in context.allPlans {
            for limit in plan.limits where limit.weight == nil {
                add(limit.when, limit.whenSource, plan.tier)
                for action in limit.thresholds.flatMap(\.actions) { add(action.when, action.whenSource, plan.tier) }
            }
        }
        return asked
    }
}

extension Diagnostic {
    /// The finding for a question that exceeds the solver's bound.
    static func notDecided(_ what: String, at range: SourceRange?) -> Diagnostic {
        Diagnostic(
            .ruleNotDecided, "not decided: \(what); too many cases have to be told apart", at: range,
            help: "fewer literals of attributes that vary on their own make it decidable")
    }
}

extension DiagnosticRule {
    static let ruleNotDecided = DiagnosticRule(
        "rule/not-decided", .note,
        title: "A question was not decided",
        checks: "The solver can tell apart all cases that a question needs.",
        why: "An honest gap is better than a guess.",
        example: "# hundreds of rules over dozens of independent attributes",
        fix: "Use fewer comparisons of independent attributes.")
}
