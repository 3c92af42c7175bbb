import BursarPolicy
import BursarSyntax

/// `rule/redundant`: a rule that the union of others covers, so that removing it changes no outcome.
enum RedundantRuleCheck: Check {
    static let rule = DiagnosticRule(
        "rule/redundant", .warning,
        title: "A rule changes nothing",
        checks: """
            Other rules of the same kind do not cover a rule completely. The notes name a smallest set of rules that \
            does.
            """,
        why: "The rule changes no outcome, and readers think that it does.",
        example: """
            batch: {when: request_class == "batch", deny: no_batch}
            free-batch: {when: tier == "free" && request_class == "batch", deny: no_batch}
            """,
        fix: "Remove the rule, or correct its condition.")

    static let rules = [rule]
    static let subject = "which rules are superfluous"

    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        let rules = context.edition.policy.rules
        if context.ruleFacts.isUndecided {
            diagnostics.add(.notDecided("which rules overlap, and which are superfluous", at: rules.first?.source))
        }
        for fact in context.ruleFacts.redundancies {
            diagnostics.add(
                Diagnostic(
                    rule,
                    "rule `\(rules[fact.rule].name)` changes nothing: "
                        + (fact.cover.count == 1
                            ? "`\(rules[fact.cover[0]].name)` holds wherever it does"
                            : "one of \(fact.cover.count) others holds wherever it does"),
                    at: rules[fact.rule].source,
                    notes: fact.cover.prefix(8).map { .init("`\(rules[$0].name)` covers it", at: rules[$0].source) },
                    help: "remove it, or mend its condition", witness: fact.witness?.json(for: context.edition)))
        }
    }
}
