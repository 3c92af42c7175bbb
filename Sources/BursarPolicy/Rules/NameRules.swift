import BursarSyntax

/// The rules about names that the compiler emits.
extension DiagnosticRule {
    package static let names: [DiagnosticRule] = [nameUnknown, nameDuplicate, nameCycle]

    package static let nameUnknown = DiagnosticRule(
        "name/unknown", .error,
        title: "A name is not defined",
        checks: "Every tier, model, class, audience, limit and catalog that a policy names must be defined.",
        why: "A name without a definition has no effect.",
        example: """
            tiers:
              free: {models: [econmy]}
            """,
        fix: "Correct the spelling (`bursar check --fix`), or define the name.")

    package static let nameDuplicate = DiagnosticRule(
        "name/duplicate", .error,
        title: "A tenant, an alias or a policy is defined twice",
        checks: "Tenants, aliases and policies have one definition in a policy set.",
        why: "The order of the files would decide which definition applies.",
        example: """
            tenants:
              acme: {tier: free}
            ---
            tenants:
              acme: {tier: pro}
            """,
        fix: "Remove one of the definitions.")

    package static let nameCycle = DiagnosticRule(
        "name/cycle", .error,
        title: "Tiers extend one another in a circle",
        checks: "Following `extends` from a tier must end.",
        why: "No tier of the circle has a complete definition.",
        example: """
            tiers:
              a: {extends: b}
              b: {extends: a}
            """,
        fix: "Remove `extends` from one of the tiers.")
}
