import BursarSyntax

/// The rules about models, limits, shares and alerts that the compiler emits.
extension DiagnosticRule {
    package static let plans: [DiagnosticRule] = [
        modelPatternEmpty, chainCycle, chainUnpriced, limitRollover, limitBurst, weightOver, weightUnder, weightNoOther,
        alertLimit,
        alertWindow,
    ]

    package static let modelPatternEmpty = DiagnosticRule(
        "model/pattern-empty", .warning,
        title: "A pattern matches no model",
        checks: "A pattern under `models` matches at least one model of the catalog.",
        why: "The tier allows less than its text says.",
        example: "models: [gtp-4*]",
        fix: "Correct the pattern, or add the model to the catalog.")

    package static let chainCycle = DiagnosticRule(
        "chain/cycle", .error,
        title: "A downgrade chain returns to a model",
        checks: "A model occurs once in a chain.",
        why: "A downgrade would run in a circle.",
        example: "downgrade: a -> b -> a",
        fix: "List each model once, from the most expensive to the cheapest.")

    package static let chainUnpriced = DiagnosticRule(
        "chain/unpriced", .error,
        title: "A downgrade chain contains a model without a price",
        checks: "Every model of a chain has a price in the catalog.",
        why: "Without a price it is unknown whether the model is cheaper.",
        example: "downgrade: big -> ghost",
        fix: "Give the model a price in the catalog.")

    package static let limitRollover = DiagnosticRule(
        "limit/rollover", .error,
        title: "`rollover` needs a window that repeats",
        checks: "The window of a limit with `rollover` has a next window.",
        why: "There is no window that could receive what is left.",
        example: "rate: {amount: 10 requests/minute, rollover: 50%}",
        fix: "Use a day, week, month, quarter or year, or `every N days from …`.")

    package static let limitBurst = DiagnosticRule(
        "limit/burst", .error,
        title: "`burst` needs a rate",
        checks: "A limit with `burst` counts per second, minute or hour.",
        why: "`burst` is the capacity of a token bucket, and only rates have one.",
        example: "daily: {amount: $5/day, burst: 2}",
        fix: "Remove `burst`, or count per second, minute or hour.")

    package static let weightOver = DiagnosticRule(
        "weight/over", .error,
        title: "The shares are more than 100%",
        checks: "The shares under `weights` add up to 100% at most.",
        why: "The shares would promise more than the limit has.",
        example: "weights: {of: daily, chat: 80%, search: 40%}",
        fix: "Lower the shares until they add up to 100%.")

    package static let weightUnder = DiagnosticRule(
        "weight/under", .note,
        title: "The shares are less than 100%",
        checks: "The shares under `weights` add up to 100%.",
        why: "No feature can use the rest.",
        example: "weights: {of: daily, chat: 50%, search: 40%, other: 5%}",
        fix: "Raise the shares. If you mean it, there is nothing to do.")

    package static let weightNoOther = DiagnosticRule(
        "weight/no-other", .note,
        title: "Only the whole limit bounds features without a share",
        checks: "`weights` have a share for `other`.",
        why: "A feature without a share of its own can use up the whole limit, with the shares of all other features.",
        example: "weights: {of: daily, chat: 60%, search: 40%}   # `translate` can use 100%",
        fix: "Add `other: 5%`, a share for each such feature, or `other: 0%` to refuse them.")

    package static let alertLimit = DiagnosticRule(
        "alert/limit", .error,
        title: "An alert watches a limit that it cannot measure",
        checks: """
            An alert can measure the use of a limit whose window repeats. It cannot measure a rate, a rolling window, a prepaid \
            balance, a limit of a group or a limit on running requests. It cannot measure the pace of a limit without a window.
            """,
        why: "The alert would never be raised, and a team would take its silence for good news.",
        example: """
            limits: {rate: 60 requests/minute}
            alerts: {busy: {if: use of rate > 80%}}
            """,
        fix: """
            Watch a limit per day, week, month, quarter or year, or count the requests: `requests > 60`, `window: minute`.
            """)

    package static let alertWindow = DiagnosticRule(
        "alert/window", .error,
        title: "The windows of an alert do not follow one another",
        checks: "The window of an alert is not `rolling`, `from first use` or `request`.",
        why: "An alert is raised once in a window, so a window must end where the next one begins.",
        example: "alerts: {spike: {if: spend > $5, window: rolling 24 hours}}",
        fix: "Use `hour`, `15 minutes`, `day`, `week` or `month`.")
}
