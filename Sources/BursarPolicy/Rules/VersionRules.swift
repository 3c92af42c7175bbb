import BursarSyntax

/// The rules about versions that the compiler emits.
extension DiagnosticRule {
    package static let versions: [DiagnosticRule] = [
        versionDuplicate, versionOverlap, versionOrder, versionGap, versionInterval, versionCatalog,
        versionExceptionEnded,
    ]

    package static let versionDuplicate = DiagnosticRule(
        "version/duplicate", .error,
        title: "A version of a policy or catalog exists twice",
        checks: "Every version of a policy or catalog has one text.",
        why: "A decision names its version. Two texts with one name cannot be told apart later.",
        example: """
            policy: p
            version: 1
            ---
            policy: p
            version: 1
            """,
        fix: "Give the newer text a new version.")

    package static let versionOverlap = DiagnosticRule(
        "version/overlap", .error,
        title: "Two versions take effect at the same time",
        checks: "Each version has its own `effective`.",
        why: "Chance would decide which version applies.",
        example: """
            version: 2
            effective: 2026-06-01   # the same as version 1
            """,
        fix: "Let them take effect at different times.")

    package static let versionOrder = DiagnosticRule(
        "version/order", .warning,
        title: "A later version takes effect before an earlier one",
        checks: "Versions take effect in their order.",
        why: "Readers take the highest version for the newest one.",
        example: """
            version: 2
            effective: 2026-01-01   # version 1: 2026-06-01
            """,
        fix: "Swap the times or the versions.")

    package static let versionGap = DiagnosticRule(
        "version/gap", .warning,
        title: "No version is in force for a time",
        checks: "There is no time between two versions in which none is in force.",
        why: "Every request in that time is denied.",
        example: "until: 2026-06-01   # the next version: effective 2026-06-02",
        fix: "Let the next version begin where this one ends, or leave out `until`.")

    package static let versionInterval = DiagnosticRule(
        "version/interval", .error,
        title: "A version ends before it begins",
        checks: "`until` is later than `effective`.",
        why: "The version is never in force.",
        example: """
            effective: 2026-06-01
            until: 2026-05-01
            """,
        fix: "Correct one of the two times.")

    package static let versionCatalog = DiagnosticRule(
        "version/catalog", .error,
        title: "A policy takes effect before its catalog",
        checks: "A version of the catalog is in force when the policy takes effect.",
        why: "Models would have no prices.",
        example: """
            policy: p
            effective: 2026-01-01   # the catalog: effective 2026-06-01
            """,
        fix: "Let the catalog take effect earlier.")

    package static let versionExceptionEnded = DiagnosticRule(
        "version/exception-ended", .note,
        title: "An exception has ended",
        checks: "An exception ends after the newest version takes effect.",
        why: "An exception that has ended does nothing for new requests.",
        example: """
            exceptions:
              - {limit: daily, amount: $9/day, until: 2025-01-01, reason: launch}
            """,
        fix: "Remove it. Keep it if you replay older traffic.")
}
