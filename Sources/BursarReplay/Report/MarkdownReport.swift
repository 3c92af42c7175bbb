import BursarEngine
import BursarSyntax

/// A report as Markdown, short enough for a review comment, with the differences first.
package struct MarkdownReport {
    private let figures: ReportFigures
    private let text: ReportText
    private var summary: ReplaySummary { figures.summary }

    package init(_ figures: ReportFigures) {
        self.figures = figures
        text = ReportText(currency: figures.summary.currency)
    }

    package func render() -> String {
        var lines: [String] = []
        lines.append("### \(shown(summary.policies.joined(separator: ", "))) on recorded traffic")
        lines.append("")
        if let comparison = summary.comparison, let against = summary.against {
            lines += difference(comparison, against)
        }
        if summary.isShadowEnforced { lines += ["Mode: \(ReportText.shadowEnforced).", ""] }
        lines += headline()
        lines += causes()
        lines += alerts()
        lines += table("Tier", figures.ranked(summary.tiers))
        lines += table("Tenant", Array(figures.ranked(summary.tenants).prefix(10)))
        return lines.joined(separator: "\n") + "\n"
    }

    private func difference(_ comparison: Comparison, _ against: Tally) -> [String] {
        let changed = comparison.changed
        let moved = summary.total.policyCost.subtractingSaturated(against.policyCost)
        var lines = [
            "**\(text.number(changed)) of \(text.number(summary.decided)) requests** from \(text.number(comparison.tenants.count)) tenants get a different decision; cost \(text.money(against.policyCost)) → \(text.money(summary.total.policyCost)) (\(moved > 0 ? "+" : "")\(text.money(moved))); refused \(text.number(against.refused)) → \(text.number(summary.total.refused)).",
            "",
        ]
        if comparison.changedInShadow > 0 {
            lines += [
                "\(text.number(comparison.changedInShadow)) more would get one if shadow limits were enforced.", "",
            ]
        }
        if comparison.changes.isEmpty { return lines }
        lines += ["| before | after | requests | first |", "|---|---|---:|---|"]
        for (change, count) in comparison.ordered {
            let example = comparison.examples[change].map { "\(code($0.requestID)) of \(code($0.tenant))" } ?? ""
            lines.append("| \(change.name(change.old)) | \(change.new.name) | \(text.number(count)) | \(example) |")
        }
        let tenants = comparison.tenants.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(5)
        if comparison.tenants.isEmpty { return lines + [""] }
        lines += [
            "",
            "Most affected: " + tenants.map { "\(code($0.key)) (\(text.number($0.value)))" }.joined(separator: ", "),
            "",
        ]
        return lines
    }

    private func headline() -> [String] {
        let total = summary.total
        var lines = [
            "| | |", "|---|---:|",
            "| requests decided | \(text.number(summary.decided)) |",
            "| refused | \(text.number(total.refused)) (\(text.percent(total.refused, of: summary.decided))) |",
            "| downgraded | \(text.number(total[.downgrade])) |",
            "| tenants with a refusal | \(text.number(summary.touchedTenants)) of \(text.number(summary.tenants.count)) |",
            "| cost recorded | \(text.money(total.recordedCost)) |",
            "| cost under the policy | \(text.money(total.policyCost)) |",
            "| with a limit (coverage) | \(text.percent(summary.covered, of: summary.decided)) |",
            "| rejected lines | \(text.number(summary.rejected)) |",
        ]
        if total.shadowed > 0 {
            lines.append(
                "| would change if shadow limits were enforced | \(text.number(total.shadowed)) (\(text.percent(total.shadowed, of: summary.decided))) |"
            )
        }
        return lines + [""]
    }

    private func causes() -> [String] {
        let rows = figures.causes.prefix(10)
        if rows.isEmpty { return [] }
        var lines = ["| reason | action | limit or rule | requests | tenants | where |", "|---|---|---|---:|---:|---|"]
        for row in rows {
            lines.append(
                "| \(row.cause.code) | \(row.cause.isShadow ? "shadow: " : "")\(plain(row.cause.action)) | \(cell(row.cause.name)) | \(text.number(row.requests)) | \(text.number(row.tenants)) | \(row.cause.source.isEmpty ? "" : code(row.cause.source)) |"
            )
        }
        return lines + [""]
    }

    private func alerts() -> [String] {
        if figures.alerts.isEmpty { return [] }
        var lines = ["| alert at | alert | about | because | where |", "|---|---|---|---|---|"]
        for alert in figures.alerts.prefix(10) {
            lines.append(
                "| \(instantText(alert.time)) | \(cell(alert.title)) | \(cell(alert.subjectText)) | \(cell(alert.measureText)) | \(code(alert.source)) |"
            )
        }
        if figures.alerts.count > 10 { lines += ["", "\(text.number(figures.alerts.count - 10)) more alerts."] }
        return lines + [""]
    }

    private func table(_ title: String, _ rows: [ReportFigures.Row]) -> [String] {
        if rows.isEmpty { return [] }
        var lines = [
            "| \(title) | requests | refused | downgraded | recorded | under the policy |",
            "|---|---:|---:|---:|---:|---:|",
        ]
        for row in rows {
            lines.append(
                "| \(cell(row.name)) | \(text.number(row.tally.requests)) | \(text.number(row.tally.refused)) | \(text.number(row.tally[.downgrade])) | \(text.money(row.tally.recordedCost)) | \(text.money(row.tally.policyCost)) |"
            )
        }
        return lines + [""]
    }

    /// Names come from logs, so they are escaped: they cannot leave their cell or become markup.
    private func cell(_ name: String) -> String { name.isEmpty ? "" : code(name) }

    private func code(_ name: String) -> String {
        "`\(plain(name))`"
    }

    private func plain(_ text: String) -> String {
        String(shown(text, columns: 96).map { $0 == "|" || $0 == "`" ? "·" : $0 })
    }
}
