extension DiagnosticPage {
    static let models: [DiagnosticPage] = [
        DiagnosticPage(
            "model/pattern-empty", .warning,
            finds: "a pattern of models that matches nothing in the catalog.",
            why: "A tier would allow less than it seems.",
            example: "models: [gtp-4*]",
            wayOut: "Mend the pattern, or add the model."),
        DiagnosticPage(
            "model/alias-overlap", .warning,
            finds: "alias patterns of two models that match one name; the witness asks for such a name.",
            why: "The longer pattern wins, so one more character in a pattern moves requests to another price.",
            example: """
                big: {aliases: [big-*]}
                small: {aliases: ["*-small"]}   # big-small
                """,
            wayOut: "Narrow one of them, or list the names."),
        DiagnosticPage(
            "model/price-jump", .warning,
            finds: "a price that changes more than tenfold from one catalog version to the next.",
            why: "Mostly a slip of units, and budgets end in an hour or never.",
            example: "output: $0.60/1M   # then $0.60/1k",
            wayOut: "Check the unit; if the price is right, say `checks: {model/price-jump: off}` in the policy."),
        DiagnosticPage(
            "chain/cycle", .error,
            finds: "a chain that comes back to a model.",
            why: "A downgrade would run in circles.",
            example: "downgrade: a -> b -> a",
            wayOut: "A chain goes from dear to cheap, each model once."),
        DiagnosticPage(
            "chain/dearer", .warning,
            finds: "a step that costs more than the one before for some mix of tokens; the witness is that mix.",
            why: "A downgrade would spend the budget faster.",
            example: "downgrade: small -> big",
            wayOut: "Turn the chain around."),
        DiagnosticPage(
            "chain/not-allowed", .warning,
            finds: "a substitute that the tier does not allow.",
            why: "It can never be used, so the downgrade is shorter than it looks.",
            example: """
                models: [standard]
                downgrade: big -> small   # small is economy
                """,
            wayOut: "Allow it, or take it out."),
        DiagnosticPage(
            "chain/unpriced", .error,
            finds: "a model in a chain that the catalog does not price.",
            why: "Nobody could say whether it is cheaper.",
            example: "downgrade: big -> ghost",
            wayOut: "Give it a price."),
        DiagnosticPage(
            "chain/context", .warning,
            finds:
                "a substitute whose context is smaller than requests of the tier may be; the witness is such a request.",
            why: "The request is admitted, and the provider refuses it.",
            example: """
                big:   {context: 128k}
                small: {context: 16k}   # downgrade: big -> small
                """,
            wayOut: "Limit input tokens per request, or choose a substitute with room."),
        DiagnosticPage(
            "chain/missing", .warning,
            finds: "`downgrade` in a tier without a chain that leads to an allowed model.",
            why: "It never finds a way, so it is `deny` in disguise, or nothing.",
            example: "at: {100%: downgrade else deny}   # and no `downgrade:` in the tier",
            wayOut: "Give the tier a chain."),
        DiagnosticPage(
            "chain/consent", .warning,
            finds: "consent of the tenant that no tenant gives.",
            why: "The chain is never used.",
            example: "downgrade: {chains: [big -> small], consent: tenant}",
            wayOut: "Say `accepts: [downgrade]` in the records of those who agreed."),
    ]
}
