extension DiagnosticPage {
    static let traffic: [DiagnosticPage] = [
        DiagnosticPage(
            "margin/observed", .warning,
            finds: "with `--traffic`: a tier whose tenant at the 90th percentile costs more in a month than its price.",
            why: "One tenant in ten loses money.",
            example: "pro: {price: $20/month}   # and the log says $31 a month at the 90th percentile",
            wayOut: "Lower the limits or raise the price."),
        DiagnosticPage(
            "traffic/unknown-tenant", .warning,
            finds: "with `--traffic`: tenants that no document lists and for whom no tier is known.",
            why: "Every request of theirs would be denied.",
            example: "# no `default tier`, and the log has tenants without a record",
            wayOut: "Add their records, or a `default tier`."),
        DiagnosticPage(
            "traffic/unpriced", .warning,
            finds: "with `--traffic`: models that the catalog does not price.",
            why: "They are denied, or counted without spend.",
            example: "# the log asks for gpt-5 and the catalog does not list it",
            wayOut: "Add the model with its price."),
        DiagnosticPage(
            "traffic/refused-model", .warning,
            finds: "with `--traffic`: models that a tier does not allow and that its tenants ask for.",
            why: "Those requests would be refused or downgraded.",
            example: "# tier free allows economy, and the log asks for gpt-4o",
            wayOut: "Allow the model, or tell those tenants."),
        DiagnosticPage(
            "traffic/unknown-feature", .warning,
            finds:
                "with `--traffic`: features that no document names, where the policy divides a budget among features or blocks some.",
            why: "They fall under `other`, or under nothing.",
            example: "weights: {of: daily, chat: 60%, search: 40%}   # and the log has `translate`",
            wayOut: "Name the feature."),
    ]
}
