import BursarPolicy
import BursarSyntax

/// `rule/conflict`: deny and approve or confirm for the same requests. Deny wins, so the other never asks there. A warning
/// where the other rule is covered whole; where they only overlap, both may be meant, and it is a note.
enum RuleConflictCheck: Check {
    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        let rules = context.edition.policy.rules
        let byRule = Dictionary(grouping: context.ruleFacts.conflicts, by: \.rule)
        for (rule, facts) in byRule.sorted(by: { $0.key < $1.key }) {
            // One finding a rule: what covers it whole says all; else every rule that takes a part of it is named.
            let covering = facts.first(where: \.isCovered)
            let told = covering.map { [$0] } ?? facts
            let other = rules[rule]
            let names = told.prefix(3).map { "`\(rules[$0.denial].name)`" }.joined(separator: ", ")
            let more = told.count > 3 ? " and \(told.count - 3) more" : ""
            diagnostics.add(
                Diagnostic(
                    "rule/conflict",
                    "deny wins: wherever \(names)\(more) \(told.count == 1 ? "holds" : "hold") too, `\(other.name)` does not ask to \(other.effect.rawValue)"
                        + (covering == nil ? "" : ", and so it never does"),
                    severity: covering == nil ? .note : .warning, at: other.source,
                    notes: told.prefix(8).map { fact in
                        .init("`\(rules[fact.denial].name)` denies the same requests", at: rules[fact.denial].source)
                    },
                    help: "exclude them from one of the two conditions",
                    witness: told.first?.witness?.json(for: context.edition)))
        }
    }
}
