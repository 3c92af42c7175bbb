/// The rules that readers of files emit.
extension DiagnosticRule {
    package static let syntax: [DiagnosticRule] = [
        syntaxYAML, syntaxUnknownKey, syntaxDuplicateKey, syntaxShape, syntaxScalar, syntaxBound, syntaxCondition,
        syntaxAction, ruleCode, typeAttribute, typeComparison,
    ]

    package static let syntaxYAML = DiagnosticRule(
        "syntax/yaml", .error,
        title: "The file is not YAML, or uses a part of YAML that the language does not have",
        checks: """
            The text must be YAML without anchors, aliases, merge keys, tags and tabs. It must be valid UTF-8, and it must be \
            within the bounds of size and depth.
            """,
        why: """
            `bursar check` cannot judge a file that it cannot read, and names that the file defines would seem unknown in other \
            files.
            """,
        example: """
            limits: {daily: {amount: $5/day, when: tier in ["free", "pro"]}}
            """,
        fix: "Follow the help of the finding. Usually a value needs quotation marks, or block style instead of `{…}`.")

    package static let syntaxUnknownKey = DiagnosticRule(
        "syntax/unknown-key", .error,
        title: "The language has no such key here",
        checks: "Every key must be one that the language defines at this place.",
        why: "A misspelt key would have no effect. A team would then find on the invoice that a limit does nothing.",
        example: """
            tiers:
              free: {limts: {daily: $1/day}}
            """,
        fix: "Correct the spelling. `bursar check --fix` replaces it by the nearest known key.")

    package static let syntaxDuplicateKey = DiagnosticRule(
        "syntax/duplicate-key", .error,
        title: "A map has the same key twice",
        checks: "A key may occur once in a map.",
        why: "Only one of the two values can apply, and a reader may look at the other one.",
        example: """
            limits:
              daily: $5/day
              daily: $9/day
            """,
        fix: "Remove one of them, or rename it.")

    package static let syntaxShape = DiagnosticRule(
        "syntax/shape", .error,
        title: "A value has the wrong shape, or a required key is missing",
        checks: "The language expects a list, a map or a single value at each place, and some keys are required.",
        why: "The meaning would be ambiguous.",
        example: "tiers: [free, pro]",
        fix: "Write the shape that the message names.")

    package static let syntaxScalar = DiagnosticRule(
        "syntax/scalar", .error,
        title: "A value cannot be read",
        checks: """
            Every value must follow the grammar of its place: money, counts, percentages, quantities, windows, chains, patterns, \
            versions, times and time zones.
            """,
        why: "A value that has no meaning is an error: `1.5` requests, `$5/dya`.",
        example: "limits: {daily: $5/dya}",
        fix: "The message says what is expected and shows a valid value.")

    package static let syntaxBound = DiagnosticRule(
        "syntax/bound", .error,
        title: "A list, a name or a policy set is too large",
        checks: "Each part of a policy has a greatest size. The message names it.",
        why: """
            Every input is checked in bounded time and memory. The bounds leave room for ten times as much as policies usually \
            need.
            """,
        example: "rules: {r1: …, r2: …}   # and so on, to more than 2,000 rules",
        fix: "Replace many entries by one pattern, one condition or `per`, or split the set.")

    package static let syntaxCondition = DiagnosticRule(
        "syntax/condition", .error,
        title: "A condition cannot be read",
        checks: "A condition consists of comparisons that are joined by `&&`, `||` and `!`.",
        why: "A rule that is read in the wrong way refuses the wrong requests.",
        example: """
            rules:
              x: {when: tier = "free", deny: refused}
            """,
        fix: "Equality is `==`. Texts need quotation marks. Join comparisons by `&&`, `||` and `!`.")

    package static let syntaxAction = DiagnosticRule(
        "syntax/action", .error,
        title: "An action cannot be read, or does not apply to its limit",
        checks:
            "An action must be one of the actions of the language, and it must be able to change what the limit counts.",
        why: "It must be certain what happens at a threshold before usage reaches it.",
        example: "requests: {amount: 50 requests/day, at: {100%: cap output to fit}}",
        fix: "Choose an action that changes what the limit counts.")

    package static let ruleCode = DiagnosticRule(
        "rule/code", .warning,
        title: "The code of a reason is a truth value",
        checks: "The code after `deny`, `confirm` and `approve` is not `true`, `false`, `yes`, `no`, `on` or `off`.",
        why: """
            The value after `deny` is the code that customers see. `deny: false` refuses as `deny: true` does, with the code \
            `false`.
            """,
        example: """
            rules:
              batch: {when: request_class == "batch", deny: true}
            """,
        fix: "Write a code such as `batch_not_in_plan`. Remove the rule if nothing should be denied.")

    package static let typeAttribute = DiagnosticRule(
        "type/attribute", .error,
        title: "A condition names an attribute that does not exist",
        checks: "Conditions may use the attributes that the language defines.",
        why: "The comparison would never be true, so the rule would never act.",
        example: """
            rules:
              x: {when: teir == "free", deny: refused}
            """,
        fix: "Use one of the attributes of the language reference.")

    package static let typeComparison = DiagnosticRule(
        "type/comparison", .error,
        title: "A condition compares values of different types",
        checks: "A comparison needs two values of one type: a number with a number, a text with a text.",
        why: "The comparison could never be true.",
        example: """
            rules:
              x: {when: input_tokens > "100", deny: refused}
            """,
        fix: "Write numbers without quotation marks and texts with them.")
}
