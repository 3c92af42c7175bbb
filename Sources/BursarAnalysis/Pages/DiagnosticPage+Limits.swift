extension DiagnosticPage {
    static let limits: [DiagnosticPage] = [
        DiagnosticPage(
            "limit/never-binds", .warning,
            finds:
                "a limit that never does anything because another always refuses first. What the other lets through is added up over the longest window, with what rollover can add.",
            why: "People rely on a limit that is not there.",
            example: """
                daily: $5/day
                monthly: $155/month   # 31 × $5
                """,
            wayOut: "Remove it, lower it, or raise the other."),
        DiagnosticPage(
            "limit/child-above-parent", .warning,
            finds: "a sub-budget that is larger than what holds it.",
            why: "The part never gets what it was promised.",
            example: """
                limits: {monthly: $100/month}
                scopes:
                  workspace a: {limits: {monthly: $150/month}}
                """,
            wayOut: "Lower the part, or raise the whole."),
        DiagnosticPage(
            "limit/oversubscribed", .note,
            finds: "sub-budgets that together exceed what holds them.",
            why: "Often meant; but not all parts can use theirs at once.",
            example: """
                limits: {monthly: $200/month}
                scopes:
                  workspace a: {limits: {monthly: $150/month}}
                  workspace b: {limits: {monthly: $80/month}}
                """,
            wayOut: "Nothing, if it is meant."),
        DiagnosticPage(
            "limit/threshold-unreachable", .warning,
            finds: "a threshold above one that denies.",
            why: "It is never reached, so what it says never happens.",
            example: "at: {100%: deny, 120%: downgrade}",
            wayOut: "Put it below the one that denies."),
        DiagnosticPage(
            "limit/threshold-order", .note,
            finds: "thresholds that are not written from the lowest on.",
            why: "They are judged from the lowest on whatever their order, and readers take the order for the meaning.",
            example: "at: {100%: deny, 80%: notify owner}",
            wayOut: "`bursar check --fix` writes them in their order where they stand in one line."),
        DiagnosticPage(
            "limit/no-hard-stop", .note,
            finds: "a limit on spend or tokens that never refuses, where no other limit bounds what it counts.",
            why: "There is no most that a tenant can spend.",
            example: "daily: {amount: $5/day, at: {100%: notify owner}}",
            wayOut: "Add a threshold with `deny`, or another limit above it."),
        DiagnosticPage(
            "limit/rollover", .error,
            finds: "rollover on a window that has no next one.",
            why: "There is nothing that could take over what is left.",
            example: "rate: {amount: 10 requests/minute, rollover: 50%}",
            wayOut: "Rollover needs a day, week, month, quarter or year, or `every N days from …`."),
        DiagnosticPage(
            "limit/burst", .error,
            finds: "`burst` where there is no rate.",
            why: "A day has no bucket.",
            example: "daily: {amount: $5/day, burst: 2}",
            wayOut: "Remove it, or count per second, minute or hour."),
        DiagnosticPage(
            "limit/zero", .warning,
            finds: "an amount of zero.",
            why: "It refuses everything that it counts, with a reason about a budget.",
            example: "daily: $0/day",
            wayOut: "Say `block`, `models` or a rule, so that the reason says what is meant."),
        DiagnosticPage(
            "limit/too-small", .warning,
            finds:
                "a limit into which no request of the tier fits, not even one token in and one out of the cheapest model; and `cap output to fit min N` that never finds a way. The witness is refused.",
            why: "Everything is refused, and the reason speaks of a budget.",
            example: "daily: $0.0000005/day",
            wayOut: "Raise it."),
        DiagnosticPage(
            "limit/looser-than-policy", .warning,
            finds: "a tenant's override above a policy-wide limit that binds first.",
            why: "The customer was promised more than the policy lets through.",
            example: "limits: {everyone: $10/day}   # tenants: acme: {limits: {daily: $20/day}}",
            wayOut: "Raise the policy-wide limit, or lower the override."),
        DiagnosticPage(
            "weight/over", .error,
            finds: "shares over 100%.",
            why: "More would be given out than there is.",
            example: "weights: {of: daily, chat: 80%, search: 40%}",
            wayOut: "Lower them to 100% together."),
        DiagnosticPage(
            "weight/under", .note,
            finds: "shares under 100%.",
            why: "The rest is for no feature.",
            example: "weights: {of: daily, chat: 50%, search: 40%}",
            wayOut: "Add `other`, or leave it if it is meant."),
        DiagnosticPage(
            "weight/too-small", .warning,
            finds: "a share in which no request of that feature fits; the witness is refused.",
            why: "The feature is off without saying so.",
            example: """
                daily: $0.00002/day
                weights: {of: daily, chat: 98%, search: 2%}
                """,
            wayOut: "Raise the share, or block the feature."),
        DiagnosticPage(
            "margin/worst-case", .note,
            finds: "a tier whose greatest monthly cost, by its limits, is above its price.",
            why: "A tenant who uses all that is allowed loses money.",
            example: "pro: {price: $20/month, limits: {daily: $1/day}}   # 31 × $1",
            wayOut: "Lower the limits, raise the price, or know it; `check --traffic` says what real tenants cost."),
    ]
}
