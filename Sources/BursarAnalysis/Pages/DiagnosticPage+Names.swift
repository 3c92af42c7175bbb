extension DiagnosticPage {
    static let names: [DiagnosticPage] = [
        DiagnosticPage(
            "name/unknown", .error,
            finds:
                "a tier, model, class, audience, limit or catalog that nobody defines.",
            why: "A name that points nowhere does nothing.",
            example: """
                tiers:
                  free: {models: [econmy]}
                """,
            wayOut: "Mend the spelling (`--fix`), or define the name."),
        DiagnosticPage(
            "name/feature", .warning,
            finds: "a feature that is nearly one of those under `features`, but not quite.",
            why: "Features are open, so any name is allowed, and a misspelt one silently gets the share of no one.",
            example: """
                features: {checkout: {critical: true}}
                tiers:
                  free: {limits: {daily: $5/day}, weights: {of: daily, chekout: 40%}}
                """,
            wayOut: "Mend the spelling (`--fix`), or declare the feature."),
        DiagnosticPage(
            "name/duplicate", .error,
            finds: "a tenant, alias or policy that is defined twice.",
            why: "Which of the two holds would depend on the order of files.",
            example: """
                tenants:
                  acme: {tier: free}
                ---
                tenants:
                  acme: {tier: pro}
                """,
            wayOut: "Keep one."),
        DiagnosticPage(
            "name/unused", .note,
            finds:
                "an audience that nothing notifies, a tier that no tenant has and that leads nowhere, a class without models.",
            why: "It is a leftover, or a name that was meant to be used and is misspelt elsewhere.",
            example: "audiences: {ops: operations}   # and no `notify ops` anywhere",
            wayOut: "Remove it, or use it."),
        DiagnosticPage(
            "name/cycle", .error,
            finds: "`extends` in a circle.",
            why: "No tier of the circle has a beginning.",
            example: """
                tiers:
                  a: {extends: b}
                  b: {extends: a}
                """,
            wayOut: "Let one of them stand by itself."),
    ]
}
