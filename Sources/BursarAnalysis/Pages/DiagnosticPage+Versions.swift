extension DiagnosticPage {
    static let versions: [DiagnosticPage] = [
        DiagnosticPage(
            "version/duplicate", .error,
            finds: "the same version of a policy or catalog twice.",
            why: "A decision names its version; two texts under one name cannot be told apart later.",
            example: """
                policy: p
                version: 1
                ---
                policy: p
                version: 1
                """,
            wayOut: "Give the newer text a new version."),
        DiagnosticPage(
            "version/overlap", .error,
            finds: "two versions that take effect at the same instant.",
            why: "Which one decides would be chance.",
            example: """
                version: 2
                effective: 2026-06-01   # as version 1
                """,
            wayOut: "Let them take effect at different times."),
        DiagnosticPage(
            "version/order", .warning,
            finds: "a later version that takes effect earlier than one before it.",
            why: "Readers take the highest version for the newest.",
            example: """
                version: 2
                effective: 2026-01-01   # version 1: 2026-06-01
                """,
            wayOut: "Swap the dates or the versions."),
        DiagnosticPage(
            "version/gap", .warning,
            finds: "an interval between versions in which none is in force.",
            why: "Every request in it is denied.",
            example: "until: 2026-06-01   # the next version: effective 2026-06-02",
            wayOut: "Let the next version begin where this one ends, or leave `until` out."),
        DiagnosticPage(
            "version/interval", .error,
            finds: "`until` that is not after `effective`.",
            why: "The version is never in force.",
            example: """
                effective: 2026-06-01
                until: 2026-05-01
                """,
            wayOut: "Mend one of the two."),
        DiagnosticPage(
            "version/changed", .error,
            finds: "a version that differs from what `bursar.lock` says of it.",
            why: "Recorded decisions name the version; if its text changes they can no longer be reproduced.",
            example: """
                # bursar.lock
                policy saas 2026-06-01 sha256:…   # and the file says something else now
                """,
            wayOut:
                "Undo the change and write it as a new version; `bursar lock --renew` where the version was never published."
        ),
        DiagnosticPage(
            "version/unlocked", .note,
            finds: "a version that is in force and that `bursar.lock` does not name.",
            why: "Nobody would notice if it was changed.",
            example: "# bursar.lock names 2026-05-01 only",
            wayOut: "Run `bursar lock`, or `bursar check --fix`."),
        DiagnosticPage(
            "version/catalog", .error,
            finds: "a policy that takes effect before any version of its catalog.",
            why: "Models would have no prices.",
            example: """
                policy: p
                effective: 2026-01-01   # the catalog: effective 2026-06-01
                """,
            wayOut: "Let the catalog begin earlier."),
        DiagnosticPage(
            "version/exception-ended", .note,
            finds: "an exception that ended before the newest version took effect.",
            why: "It no longer does anything for new requests.",
            example: """
                exceptions:
                  - {limit: daily, amount: $9/day, until: 2025-01-01, reason: launch}
                """,
            wayOut: "Remove it; keep it only for replays of older traffic."),
    ]
}
