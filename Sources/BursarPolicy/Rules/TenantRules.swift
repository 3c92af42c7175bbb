import BursarSyntax

/// The rules about the records of tenants that the compiler emits.
extension DiagnosticRule {
    package static let tenantRecords: [DiagnosticRule] = [
        grantInterval, grantUnused, exceptionQuantity, exceptionCovered,
    ]

    package static let grantInterval = DiagnosticRule(
        "grant/interval", .warning,
        title: "A grant ends before it begins",
        checks: "The `until` of a grant is later than its `from`.",
        why: "The tenant never gets the grant.",
        example: "grants: [{amount: $10, from: 2026-09-01, until: 2026-02-01}]",
        fix: "Correct one of the two times.")

    package static let grantUnused = DiagnosticRule(
        "grant/unused", .warning,
        title: "A tenant has a prepaid balance that no limit uses",
        checks: "The plan of a tenant with `prepaid` or `grants` has a limit with `prepaid: true`.",
        why: "The balance is neither spent nor checked.",
        example: """
            tiers: {free: {limits: {daily: $1/day}}}
            ---
            tenants: {acme: {tier: free, prepaid: $5}}
            """,
        fix: "Add a prepaid limit to the tier, `balance: {prepaid: true}`, or remove the balance.")

    package static let exceptionQuantity = DiagnosticRule(
        "exception/quantity", .error,
        title: "An exception changes the unit or the window of a limit",
        checks: "The amount of an exception has the unit and the window of the limit.",
        why: """
            An exception raises an amount for a time. Another unit or window is another limit: its counter begins at zero, so \
            that the tenant gets the whole budget once more.
            """,
        example: """
            tiers: {base: {limits: {monthly: $2/month}}}
            ---
            tenants: {acme: {tier: base, exceptions: [{limit: monthly, amount: $4/day, until: 2026-07-01, reason: launch}]}}
            """,
        fix: "Write the amount with the unit and window of the limit.")

    package static let exceptionCovered = DiagnosticRule(
        "exception/covered", .warning,
        title: "An exception has no effect, because a larger one holds as long",
        checks: "No other exception of the same limit is at least as large and ends as late.",
        why: "If several exceptions of a limit hold, the largest amount holds.",
        example: """
            exceptions:
              - {limit: monthly, amount: $4/month, until: 2026-07-01, reason: launch}
              - {limit: monthly, amount: $3/month, until: 2026-06-15, reason: trial}
            """,
        fix: "Remove the smaller exception.")
}
