import BursarSyntax

/// The rules of `bursar check --traffic`, which compares a policy with a log.
extension DiagnosticRule {
    package static let traffic: [DiagnosticRule] = [
        marginObserved, trafficUnknownTenant, trafficUnpriced, trafficRefusedModel, trafficUnknownFeature,
    ]

    package static let marginObserved = DiagnosticRule(
        "margin/observed", .warning,
        title: "Tenants of a tier cost more than its price",
        checks: """
            With `--traffic`: the tenant at the 90th percentile of a tier costs less in a month than the price of the tier.
            """,
        why: "One tenant in ten loses money.",
        example: "pro: {price: $20/month}   # the log shows $31 a month at the 90th percentile",
        fix: "Lower the limits or raise the price.")

    package static let trafficUnknownTenant = DiagnosticRule(
        "traffic/unknown-tenant", .warning,
        title: "The log has tenants without a tier",
        checks: "With `--traffic`: every tenant of the log has a record, or `default tier` gives it a tier.",
        why: "All requests of such a tenant are denied.",
        example: "# no `default tier`, and the log has tenants without a record",
        fix: "Add a record for each tenant, or a `default tier`.")

    package static let trafficUnpriced = DiagnosticRule(
        "traffic/unpriced", .warning,
        title: "The log has models without a price",
        checks: "With `--traffic`: the catalog has a price for every model of the log.",
        why: "Requests for such a model are denied, or counted without spend.",
        example: "# the log asks for gpt-5 and the catalog does not list it",
        fix: "Add the model and its price to the catalog, or add an alias.")

    package static let trafficRefusedModel = DiagnosticRule(
        "traffic/refused-model", .warning,
        title: "Tenants ask for a model that their tier does not allow",
        checks: "With `--traffic`: tiers allow the models that their tenants ask for.",
        why: "These requests are refused or downgraded.",
        example: "# tier free allows economy, and the log asks for gpt-4o",
        fix: "Allow the model, or tell the tenants.")

    package static let trafficUnknownFeature = DiagnosticRule(
        "traffic/unknown-feature", .warning,
        title: "The log has features that the policy does not name",
        checks: """
            With `--traffic`: the policy names every feature of the log. This is checked if the policy divides a limit among \
            features or blocks a feature.
            """,
        why: "Such a feature has the share of `other`, or none.",
        example: "weights: {of: daily, chat: 60%, search: 40%}   # and the log has `translate`",
        fix: "Name the feature in the policy.")
}
