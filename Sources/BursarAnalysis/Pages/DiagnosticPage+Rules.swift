extension DiagnosticPage {
    static let rules: [DiagnosticPage] = [
        DiagnosticPage(
            "rule/never", .warning,
            finds: "a condition that no request satisfies, shown by the fewest comparisons that contradict each other.",
            why: "The rule or limit never acts.",
            example: "when: input_tokens > 100k && input_tokens < 50k",
            wayOut: "Mend the comparison that is wrong."),
        DiagnosticPage(
            "rule/always", .warning,
            finds: "a condition that every request satisfies.",
            why: "It says nothing, and mostly `||` stands where `&&` was meant.",
            example: """
                when: feature != "chat" || feature != "search"
                """,
            wayOut: "Leave `when` out, or mend it."),
        DiagnosticPage(
            "rule/redundant", .warning,
            finds: "a rule that others of its kind cover together; the notes name a smallest such set.",
            why: "It changes no outcome, and readers think that it does.",
            example: """
                batch: {when: request_class == "batch", deny: no_batch}
                free-batch: {when: tier == "free" && request_class == "batch", deny: no_batch}
                """,
            wayOut: "Remove it, or mend its condition."),
        DiagnosticPage(
            "rule/conflict", .warning, or: .note,
            finds:
                "deny and approve or confirm for the same requests; deny wins. A note where they only overlap, a warning where the other rule is covered whole.",
            why: "Someone expects to be asked, and is refused.",
            example: """
                batch: {when: request_class == "batch", deny: no_batch}
                big-batch: {when: request_class == "batch" && input_tokens > 10k, approve: big}
                """,
            wayOut: "Exclude the requests from one of the two."),
        DiagnosticPage(
            "rule/refuses-tier", .warning,
            finds: "a tier of which no request can be admitted; the notes say by what.",
            why: "Its customers pay and get nothing.",
            example: """
                rules:
                  a: {when: has(feature), deny: x}
                  b: {when: tier == "free" && !has(feature), deny: y}
                """,
            wayOut: "Mend what refuses."),
        DiagnosticPage(
            "rule/value", .warning,
            finds: "a comparison with a value that the attribute never takes; the nearest one is offered.",
            why: "A misspelt tier or class makes the rule do nothing.",
            example: """
                when: tier == "fre"
                """,
            wayOut: "`bursar check --fix` puts the nearest value in its place."),
        DiagnosticPage(
            "rule/not-decided", .note,
            finds: "a question that would take more cases than the solver tells apart.",
            why: "It is said rather than guessed.",
            example: "# hundreds of rules over dozens of attributes that vary on their own",
            wayOut: "Fewer literals of independent attributes make it decidable."),
    ]
}
