import BursarPolicy
import BursarSyntax

/// `rule/never`, `rule/always`, `rule/value`: conditions of rules, limits and actions that no request satisfies, that every
/// request satisfies, or that compare with a value that the attribute never takes.
enum ConditionCheck: Check {
    static let never = DiagnosticRule(
        "rule/never", .warning,
        title: "No request satisfies the condition",
        checks: """
            Some request can satisfy a condition. The notes show the fewest comparisons that contradict each other.
            """,
        why: "The rule, limit or action never acts.",
        example: "when: input_tokens > 100k && input_tokens < 50k",
        fix: "Correct the comparison that is wrong.")

    static let always = DiagnosticRule(
        "rule/always", .warning,
        title: "Every request satisfies the condition",
        checks: "Some request does not satisfy a condition.",
        why: "The condition has no effect. Usually `||` was written for `&&`.",
        example: """
            when: feature != "chat" || feature != "search"
            """,
        fix: "Leave out `when`, or correct the comparison.")

    static let rules = [never, always, ValueCheck.rule]
    static let subject = "which conditions can hold"

    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        let values = ValueCheck(context.edition, context.set)
        for item in context.conditions {
            guard context.effort.spend(item.tiers.count + 100) else { return }
            if values.report(item, &diagnostics) { continue }
            do throws(DecisionDiagram.TooLarge) {
                try report(item, context, context.space, &diagnostics)
            } catch {
                diagnostics.add(.notDecided("whether this condition can hold", at: item.source))
            }
        }
    }

    private static func report(
        _ item: AskedCondition, _ context: EditionContext, _ space: RequestSpace,
        _ diagnostics: inout Diagnostics
    ) throws(DecisionDiagram.TooLarge) {
        let domain = context.edition.tierNames.isEmpty ? .all : try space.set(tiers: item.tiers)
        let holds = try space.diagram.intersection(try space.set(item.condition), domain)
        if holds == .none {
            let core = try contradiction(in: item, domain, space)
            let places = context.set.sources.places(of: core, at: item.source)
            diagnostics.add(
                Diagnostic(
                    never, "no request satisfies this condition", at: item.source,
                    notes: places.count > 1
                        ? places.enumerated().map { index, place in
                            .init(index == 0 ? "this …" : "… contradicts this", at: place)
                        } : [], help: "remove it, or mend the comparison that is wrong"))
        } else if try space.diagram.isSubset(domain, of: holds) {
            diagnostics.add(
                Diagnostic(
                    always, "every request satisfies this condition, so it says nothing", at: item.source,
                    help: "leave `when` out, or mend the comparison that is wrong",
                    witness: space.witness(in: holds)?.json))
        }
    }

    /// The fewest parts of a conjunction that no request satisfies together.
    private static func contradiction(
        in item: AskedCondition, _ domain: DecisionDiagram.Node, _ space: RequestSpace
    ) throws(DecisionDiagram.TooLarge) -> [Condition] {
        var parts = item.condition.conjuncts
        var index = 0
        while index < parts.count, parts.count > 1 {
            var rest = parts
            rest.remove(at: index)
            let left = try space.diagram.intersection(try space.set(.all(rest)), domain)
            if left == .none { parts = rest } else { index += 1 }
        }
        return parts
    }
}

extension Condition {
    /// The parts of a conjunction.
    var conjuncts: [Condition] {
        if case .all(let parts) = self { parts.flatMap(\.conjuncts) } else { [self] }
    }
}
