extension DiagnosticPage {
    static let syntax: [DiagnosticPage] = [
        DiagnosticPage(
            "syntax/yaml", .error,
            finds:
                "text that is not YAML, or a part of YAML that the language leaves out: anchors, aliases, merge keys, tags, tabs, invalid UTF-8, files beyond the bounds of size and depth.",
            why:
                "Nothing in a file that cannot be read can be judged; names that it defines would seem unknown elsewhere.",
            example: """
                limits: {daily: {amount: $5/day, when: tier in ["free", "pro"]}}
                """,
            wayOut: "Follow the help at the place: mostly a value needs quotes, or block style."),
        DiagnosticPage(
            "syntax/unknown-key", .error,
            finds: "a key that does not exist at its place.",
            why: "A misspelt key would silently do nothing, and a limit that does nothing is found on the invoice.",
            example: """
                tiers:
                  free: {limts: {daily: $1/day}}
                """,
            wayOut: "`bursar check --fix` puts the nearest known key in its place."),
        DiagnosticPage(
            "syntax/duplicate-key", .error,
            finds: "a key that stands twice in one map.",
            why: "Only one of them could hold, and readers see the other.",
            example: """
                limits:
                  daily: $5/day
                  daily: $9/day
                """,
            wayOut: "Remove one, or give it a name of its own."),
        DiagnosticPage(
            "syntax/shape", .error,
            finds: "a list, map or value where another is due, and keys that are missing.",
            why: "The meaning would have to be guessed.",
            example: "tiers: [free, pro]",
            wayOut: "Write the shape that the message names."),
        DiagnosticPage(
            "syntax/scalar", .error,
            finds:
                "a value that the grammar of its place refuses: money, counts, percentages, quantities, windows, chains, patterns, versions, instants, zones.",
            why: "Values are never read by luck: `1.5` requests or `$5/dya` mean nothing.",
            example: "limits: {daily: $5/dya}",
            wayOut: "The message says what was expected and shows a value of that kind."),
        DiagnosticPage(
            "syntax/bound", .error,
            finds:
                "a list, a name or a policy set that is larger than the language allows; the message says the bound.",
            why:
                "Every input is checked in bounded time and memory. The bounds leave room for ten times what policies need.",
            example: "rules: {r1: …, r2: …}   # and so on, to more than 2,000 of them",
            wayOut: "Say in one pattern, condition or `per` what many entries say, or split the set."),
        DiagnosticPage(
            "syntax/condition", .error,
            finds: "a condition that does not parse.",
            why: "A rule that is read wrongly refuses the wrong people.",
            example: """
                rules:
                  x: {when: tier = "free", deny: no}
                """,
            wayOut: "Conditions are comparisons joined by `&&`, `||` and `!`; equality is `==`."),
        DiagnosticPage(
            "syntax/action", .error,
            finds: "an action that does not parse, or that has no sense at its limit.",
            why: "What happens at a threshold must be certain before it is reached.",
            example: "requests: {amount: 50 requests/day, at: {100%: cap output to fit}}",
            wayOut: "Choose an action that changes what the limit counts."),
        DiagnosticPage(
            "type/attribute", .error,
            finds: "an attribute that does not exist.",
            why: "Its comparison would never hold, so the rule would never act.",
            example: """
                rules:
                  x: {when: teir == "free", deny: no}
                """,
            wayOut: "Use one of the attributes of the language reference."),
        DiagnosticPage(
            "type/comparison", .error,
            finds: "a comparison of two types, such as text with a number.",
            why: "It could never hold.",
            example: """
                rules:
                  x: {when: input_tokens > "100", deny: no}
                """,
            wayOut: "Compare numbers with numbers and text with text in quotation marks."),
    ]
}
