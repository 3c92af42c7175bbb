import BursarEngine
import BursarSyntax

/// A summary as text for people: the changes and their causes.
package struct SummaryTextRenderer {
    private let summary: ReplaySummary
    private let alerts: [Alert]
    private let most: Int

    /// - Parameter most: the maximum number of rows in each table.
    package init(_ summary: ReplaySummary, most: Int = 10) {
        self.summary = summary
        self.most = most
        alerts = summary.alerts
    }

    package func render() -> String {
        var text = headline()
        if summary.decided > 0 {
            text += outcomes()
            text += causes()
            text += table("tier", summary.tiers)
            text += table("tenant", summary.tenants)
            text += table("feature", summary.features)
            text += table("model", summary.models)
            text += unpriced()
            text += alertTable()
        }
        if let comparison = summary.comparison, let against = summary.against { text += compare(comparison, against) }
        return text
    }

    private func headline() -> String {
        var text = "replayed \(shown(summary.policies.joined(separator: ", "))) (\(summary.state.rawValue))\n"
        if summary.isShadowEnforced { text += "mode:    \(ReportText.shadowEnforced)\n" }
        text +=
            "records: \(group(summary.read)) read, \(group(summary.rejected)) rejected, \(group(summary.decided)) decided"
        if summary.filtered > 0 { text += ", \(group(summary.filtered)) outside the filters" }
        if summary.repeats > 0 { text += ", \(group(summary.repeats)) repeats of an earlier request" }
        if summary.settledLate > 0 { text += ", \(group(summary.settledLate)) settled late" }
        text += "\n"
        if let first = summary.firstTime, let last = summary.lastTime {
            text += "time:    \(instantText(first)) to \(instantText(last))"
            text += summary.wasOrdered ? " (the log was not in order of time; its records were sorted first)\n" : "\n"
        }
        if summary.late > 0 {
            text += "late:    \(group(summary.late)) records arrived after later ones and were decided on arrival\n"
        }
        if summary.joined > 0 {
            let attempts = summary.joined == 1 ? "attempt" : "attempts"
            text += "joined:  \(group(summary.joined)) later \(attempts) merged into the first attempt of the call\n"
        }
        if summary.servedOnly > 0 {
            let subject = summary.servedOnly == 1 ? "record names" : "records name"
            text +=
                "censored: \(group(summary.servedOnly)) \(subject) only the served model; the requested one is unknown\n"
        }
        if summary.covered < summary.decided {
            text += "coverage: \(percent(summary.covered, summary.decided)) of the requests meet a limit\n"
        }
        if summary.estimated > 0 {
            let subject = summary.estimated == 1 ? "record reports" : "records report"
            text += "estimated: \(group(summary.estimated)) \(subject) no usage; the estimate was used instead\n"
        }
        if summary.wasStopped { text += "stopped: before the end of the log; the figures cover the records so far\n" }
        guard summary.decided > 0 else { return text }
        let total = summary.total
        let saved = total.recordedCost.subtractingSaturated(total.policyCost)
        text += "cost:    \(money(total.recordedCost)) recorded, \(money(total.policyCost)) under the policy"
        if saved != 0 {
            text +=
                " (\(saved > 0 ? "-" : "+")\(money(saved.magnitudeSaturated)), \(percent(Int(saved), Int(total.recordedCost))))"
        }
        text += "\n"
        let touched = summary.touchedTenants
        text +=
            "refused: \(group(total.refused)) requests (\(percent(total.refused, total.requests))) of \(group(touched))"
        text += " of \(group(summary.tenants.count)) tenants\n"
        if total.shadowed > 0 {
            text +=
                "shadow:  \(group(total.shadowed)) requests would get a different decision if shadow limits were enforced\n"
        }
        if summary.events > 0 { text += "events:  \(group(summary.events)) notifications\n" }
        if !alerts.isEmpty { text += "alerts:  \(group(alerts.count)) raised\n" }
        return text
    }

    private func outcomes() -> String {
        var rows: [[String]] = []
        for outcome in Outcome.allCases.reversed() where summary.total[outcome] > 0 {
            rows.append([
                outcome.name, group(summary.total[outcome]), percent(summary.total[outcome], summary.total.requests),
            ])
        }
        return "\n" + Self.columns(["outcome", "requests", "share"], rows)
    }

    private func causes() -> String {
        let ordered = summary.causes.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        guard !ordered.isEmpty else { return "" }
        let rows = ordered.prefix(most * 2).map { cause, count in
            [
                cause.code, (cause.isShadow ? "shadow: " : "") + cause.action, cause.name.isEmpty ? "-" : cause.name,
                group(count),
                cause.source,
            ]
        }
        return "\n"
            + Self.columns(["reason", "action", "limit or rule", "requests", "where"], Array(rows), numeric: [3])
    }

    private func table(_ name: String, _ tallies: [String: Tally]) -> String {
        let ordered = tallies.sorted { left, right in
            left.value.requests != right.value.requests
                ? left.value.requests > right.value.requests : left.key < right.key
        }
        var rows = ordered.prefix(most).map { row($0.key, $0.value) }
        if ordered.count > most {
            var rest = Tally()
            for entry in ordered.dropFirst(most) { rest.add(entry.value) }
            rows.append(row("\(ordered.count - most) more", rest))
        }
        return "\n"
            + Self.columns(
                [name, "requests", "refused", "downgraded", "capped", "recorded", "under policy"], rows,
                numeric: [1, 2, 3, 4, 5, 6])
    }

    private func row(_ name: String, _ tally: Tally) -> [String] {
        [
            shown(name, columns: Self.nameColumns), group(tally.requests), group(tally.refused),
            group(tally[.downgrade]), group(tally[.allowWithCaps]),
            cost(tally.recordedCost, of: tally), cost(tally.policyCost, of: tally),
        ]
    }

    /// The cost of a model without a known price is unknown, and is not displayed as zero.
    private func cost(_ nanos: Int64, of tally: Tally) -> String {
        if tally.unpriced == 0 { return money(nanos) }
        return tally.unpriced == tally.requests && nanos == 0 ? "unknown" : money(nanos) + " + ?"
    }

    private func unpriced() -> String {
        let models = summary.models.filter { $0.value.unpriced > 0 }.keys.sorted()
        guard !models.isEmpty else { return "" }
        var names = models.prefix(most).map { shown($0, columns: Self.nameColumns) }.joined(separator: ", ")
        if models.count > most { names += " and \(group(models.count - most)) more" }
        return "\nunpriced: \(group(summary.total.unpriced)) requests for \(names): "
            + "the catalog has no price for them, so their cost is unknown\n"
    }

    private func alertTable() -> String {
        if alerts.isEmpty { return "" }
        let kinds = Dictionary(grouping: alerts, by: \.title).values.sorted {
            ($0[0].time, $0[0].title) < ($1[0].time, $1[0].title)
        }
        let rows = kinds.prefix(most * 2).map { kind in
            [
                kind[0].title, group(kind.count), instantText(kind[0].time), kind[0].subjectText, kind[0].measureText,
                kind[0].source,
            ]
        }
        return "\n"
            + Self.columns(["alert", "raised", "first", "about", "because", "where"], rows)
    }

    private func compare(_ comparison: Comparison, _ against: Tally) -> String {
        var text = "\nagainst: \(group(comparison.changed)) requests from "
        text += "\(group(comparison.tenants.count)) tenants get a different decision"
        if comparison.changedInShadow > 0 {
            text += ", \(group(comparison.changedInShadow)) more if shadow limits were enforced"
        }
        text += "; cost \(money(against.policyCost)) with the other policies, "
        text += "\(money(summary.total.policyCost)) with these\n"
        let rows = comparison.ordered.map { change, count in
            let example = comparison.examples[change]
            return [
                "\(change.name(change.old)) -> \(change.new.name)", group(count),
                example.map { "\($0.requestID) of \($0.tenant)" } ?? "",
            ]
        }
        text += rows.isEmpty ? "" : "\n" + Self.columns(["change", "requests", "first"], rows)
        for (title, moved) in [
            ("tier", comparison.tiers), ("feature", comparison.features), ("reason", comparison.codes),
        ] {
            let ordered = moved.sorted { ($1.value.requests, $0.key) < ($0.value.requests, $1.key) }.prefix(most)
            if ordered.isEmpty { continue }
            let rows = ordered.map { [$0.key, group($0.value.requests), signed($0.value.cost)] }
            text += "\n" + Self.columns([title, "different decisions", "cost"], rows, numeric: [1, 2])
        }
        return text
    }

    private func signed(_ nanos: Int64) -> String {
        nanos == 0 ? money(0) : (nanos < 0 ? "-" : "+") + money(nanos.magnitudeSaturated)
    }

    // MARK: - Layout

    /// The maximum width of a name. A longer name loses its middle; the JSON summary contains the whole name.
    private static let nameColumns = 48
    /// The maximum width of a cell with more text than a name.
    private static let cellColumns = 96

    /// A table with titles and right-aligned numbers. Each cell is one line, whatever its text.
    static func columns(_ titles: [String], _ rows: [[String]], numeric: Set<Int> = [1]) -> String {
        let all = [titles] + rows.map { row in row.map { shown($0, columns: cellColumns) } }
        let widths = titles.indices.map { column in all.map { displayWidth($0[column]) }.max() ?? 0 }
        return all.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                let pad = String(repeating: " ", count: widths[column] - displayWidth(cell))
                line += numeric.contains(column) ? pad + cell : cell + pad
                line += "  "
            }
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }.joined()
    }

    private var text: ReportText { ReportText(currency: summary.currency) }

    private func money(_ nanos: Int64) -> String { text.money(nanos) }

    private func group(_ number: Int) -> String { text.number(number) }

    private func percent(_ part: Int, _ whole: Int) -> String {
        guard whole != 0 else { return "0%" }
        // The words beside the percentage name the whole.
        return text.percent(part.magnitudeSaturated, of: whole.magnitudeSaturated)
    }
}
