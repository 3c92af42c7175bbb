extension DiagnosticPage {
    static let alerts: [DiagnosticPage] = [
        DiagnosticPage(
            "alert/limit", .error,
            finds:
                "an alert that looks at a limit which has no share that is used up in a window: a rate, a rolling window, a prepaid balance, a limit of a group or of running requests; or at the pace of a limit without a window.",
            why: "The alert would never be raised, and its silence would be taken for good news.",
            example: """
                limits: {rate: 60 requests/minute}
                alerts: {busy: {if: use of rate > 80%}}
                """,
            wayOut:
                "Look at a limit of a day, week, month, quarter or year, or count the requests themselves: `requests > 60`, `window: minute`."
        ),
        DiagnosticPage(
            "alert/window", .error,
            finds: "an alert whose windows do not follow one another: `rolling`, `from first use`, `request`.",
            why: "An alert is raised once in a window, so one must end where the next begins.",
            example: "alerts: {spike: {if: spend > $5, window: rolling 24 hours}}",
            wayOut: "Count by `hour`, `15 minutes`, `day`, `week` or `month`."),
    ]
}
