import BursarPolicy
import BursarSyntax

/// `rule/conflict`: deny and approve or confirm for the same requests. Deny wins, so the other never asks there. A warning
/// where the other rule is covered whole; where they only overlap, both may be meant, and it is a note.
enum RuleConflictCheck: Check {
    static let rule = DiagnosticRule(
        "rule/conflict", .warning, or: .note,
        title: "A rule denies what another rule asks to approve or confirm",
        checks: """
            No rule denies requests for which another rule asks for approval or confirmation. The finding is a \
            warning if the denial covers the other rule completely, and a note if the two overlap.
            """,
        why: "Deny wins. Someone expects to be asked, and is refused.",
        example: """
            batch: {when: request_class == "batch", deny: no_batch}
            big-batch: {when: request_class == "batch" && input_tokens > 10k, approve: big}
            """,
        fix: "Exclude the requests from one of the two conditions.")

    static let rules = [rule]
    static let subject = "which rules conflict"

    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        let rules = context.edition.policy.rules
        for conflict in context.ruleFacts.conflicts {
            // One finding a rule: what covers it whole says all; else every rule that takes a part of it is named.
            let other = rules[conflict.rule]
            let names = conflict.denials.prefix(3).map { "`\(rules[$0].name)`" }.joined(separator: ", ")
            let more = conflict.count > 3 ? " and \(conflict.count - 3) more" : ""
            diagnostics.add(
                Diagnostic(
                    rule,
                    "deny wins: wherever \(names)\(more) \(conflict.count == 1 ? "holds" : "hold") too, `\(other.name)` does not ask to \(other.effect.rawValue)"
                        + (conflict.isCovered ? ", and so it never does" : ""),
                    isLesser: !conflict.isCovered, at: other.source,
                    notes: conflict.denials.map { denial in
                        .init("`\(rules[denial].name)` denies the same requests", at: rules[denial].source)
                    },
                    help: "exclude them from one of the two conditions",
                    witness: conflict.witness?.json(for: context.edition)))
        }
    }
}
