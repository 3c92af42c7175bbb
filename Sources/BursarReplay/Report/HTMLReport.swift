import BursarEngine
import BursarSyntax

/// A report as one self-contained HTML file, with a light and a dark theme, for laptop, phone and print.
package struct HTMLReport {
    private let figures: ReportFigures
    private let text: ReportText
    private var summary: ReplaySummary { figures.summary }

    /// The maximum number of rows of a table; the report states how many it omits.
    private static let mostRows = 25

    package init(_ figures: ReportFigures) {
        self.figures = figures
        text = ReportText(currency: figures.summary.currency)
    }

    package func render() -> String {
        let title = "Replay of \(summary.policies.joined(separator: ", "))"
        var html = """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark"><title>\(escaped(title))</title><style>\(ReportStyle.css)</style></head>
            <body><main><header><h1>\(escaped(title))</h1><p>\(escaped(period))</p>\(mode)</header>

            """
        html += headline()
        html += comparison()
        html += timeline()
        html += outcomes()
        html += causes()
        html += alerts()
        html += review()
        html += margins()
        html += limits()
        html += sizing()
        html += recordedCosts()
        html += reservations()
        html += concentration()
        html += section("Models", tallies("Model", summary.models))
        html += section("Features", tallies("Feature", summary.features))
        html += notes()
        return html + "</main></body></html>\n"
    }

    private var period: String {
        guard let first = summary.firstTime, let last = summary.lastTime else { return "no records were decided" }
        return "\(text.time(first, hour: true)) to \(text.time(last, hour: true)) UTC, \(summary.state.rawValue)"
    }

    private var mode: String {
        summary.isShadowEnforced ? "<p class=\"mode\">\(escaped(ReportText.shadowEnforced))</p>" : ""
    }

    private func section(_ title: String, _ body: String) -> String {
        body.isEmpty ? "" : "<section><h2>\(escaped(title))</h2>\(body)</section>\n"
    }

    // MARK: - Headline

    private func headline() -> String {
        let total = summary.total
        let saved = total.recordedCost.subtractingSaturated(total.policyCost)
        var tiles = [
            (
                text.number(summary.decided), "requests decided",
                summary.rejected > 0
                    ? "\(text.number(summary.rejected)) lines rejected" : "no line rejected"
            ),
            (text.percent(total.refused, of: summary.decided), "refused", "\(text.number(total.refused)) requests"),
            (text.number(summary.touchedTenants), "tenants with a refusal", "of \(text.number(summary.tenants.count))"),
            (text.number(total[.downgrade]), "downgraded", "to a cheaper model"),
            (text.number(total[.allowWithCaps]), "capped", "with shorter answers or fewer tools"),
            (
                text.money(saved), saved < 0 ? "more cost" : "saved",
                "\(text.money(total.recordedCost)) recorded, \(text.money(total.policyCost)) under the policy"
            ),
            (text.percent(summary.covered, of: summary.decided), "of the requests have a limit", "coverage"),
        ]
        if total.shadowed > 0 {
            tiles.append(
                (
                    text.number(total.shadowed), "would change",
                    "if shadow limits were enforced"
                ))
        }
        if summary.gatheredAlerts != nil {
            let tenants = Set(figures.alerts.compactMap(\.tenant)).count
            tiles.append((text.number(figures.alerts.count), "alerts", "for \(text.number(tenants)) tenants"))
        }
        let cells = tiles.map {
            "<div class=\"tile\"><b>\(escaped($0.0))</b><span>\(escaped($0.1))</span><small>\(escaped($0.2))</small></div>"
        }
        return "<div class=\"tiles\">\(cells.joined())</div>\n"
    }

    private func comparison() -> String {
        guard let comparison = summary.comparison, let against = summary.against else { return "" }
        let changed = comparison.changed
        var body =
            "<p>\(text.number(changed)) requests from \(text.number(comparison.tenants.count)) tenants get a different decision. Cost \(text.money(against.policyCost)) before, \(text.money(summary.total.policyCost)) now; refused \(text.number(against.refused)) before, \(text.number(summary.total.refused)) now.</p>"
        let rows = comparison.ordered
            .map { change, count in
                let example = comparison.examples[change].map { "\($0.requestID) of \($0.tenant)" } ?? ""
                return [change.name(change.old), change.new.name, text.number(count), example]
            }
        body += table(["Before", "Now", "Requests", "First"], rows, numeric: [2])
        let tenants = comparison.tenants.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        body += table(
            ["Tenant", "Requests with a different decision"], tenants.map { [$0.key, text.number($0.value)] },
            numeric: [1])
        return section("Effect of the change", body)
    }

    // MARK: - Charts

    private func timeline() -> String {
        let line = figures.timeline
        guard !line.points.isEmpty else { return "" }
        let names = ["unchanged", "downgraded or capped", "to confirm or approve", "refused"]
        func parts(_ tally: Tally) -> [Int] {
            [
                tally[.allow], tally[.downgrade].addingSaturated(tally[.allowWithCaps]),
                tally[.confirm].addingSaturated(tally[.approve]),
                tally.refused,
            ]
        }
        let points = line.points.map { (text.time($0.time, hour: !line.isDaily), parts($0.tally)) }
        let unit = line.isDaily ? "requests per day" : "requests per hour"
        let rows = line.points.filter { $0.tally.requests > 0 }.map { point in
            [text.time(point.time, hour: !line.isDaily)] + parts(point.tally).map(text.number) + [
                text.money(point.tally.policyCost)
            ]
        }
        let data =
            "<details><summary>Numbers</summary>\(table(["Time (UTC)"] + names + ["Cost"], rows, numeric: [1, 2, 3, 4, 5], most: 400))</details>"
        return section(
            "Timeline", Chart.bars(points.map { (label: $0.0, parts: $0.1) }, names: names, unit: unit) + data)
    }

    private func concentration() -> String {
        let shares = figures.concentration
        guard shares.count > 1 else { return "" }
        let marks = [1, 3, 10].filter { $0 <= shares.count }.map { count in
            [
                "top \(count)",
                "\(Int((shares[count - 1] * 1_000).rounded()) / 10).\(Int((shares[count - 1] * 1_000).rounded()) % 10)%",
            ]
        }
        return section(
            "Concentration",
            Chart.curve(shares, caption: "Share of the recorded cost, most expensive tenants first")
                + table(["Tenants", "Share of cost"], marks, numeric: [1]))
    }

    // MARK: - Tables

    private func outcomes() -> String {
        let rows = Outcome.allCases.reversed().filter { summary.total[$0] > 0 }.map { outcome in
            [
                outcome.name, text.number(summary.total[outcome]),
                text.percent(summary.total[outcome], of: summary.decided),
            ]
        }
        return section(
            "Outcomes",
            table(["Outcome", "Requests", "Share"], rows, numeric: [1, 2]) + tallies("Tier", summary.tiers))
    }

    private func tallies(_ name: String, _ tallies: [String: Tally]) -> String {
        let rows = figures.ranked(tallies).map { row in
            [
                row.name, text.number(row.tally.requests), text.number(row.tally.refused),
                text.number(row.tally[.downgrade]), text.number(row.tally[.allowWithCaps]),
                row.tally.unpriced > 0
                    ? "\(text.money(row.tally.recordedCost)) + ?" : text.money(row.tally.recordedCost),
                row.tally.unpriced > 0 ? "\(text.money(row.tally.policyCost)) + ?" : text.money(row.tally.policyCost),
            ]
        }
        return table(
            [name, "Requests", "Refused", "Downgraded", "Capped", "Recorded", "Under the policy"], rows,
            numeric: [1, 2, 3, 4, 5, 6])
    }

    private func causes() -> String {
        let rows = figures.causes.map { row in
            [
                row.cause.code, (row.cause.isShadow ? "shadow: " : "") + row.cause.action, row.cause.name,
                text.number(row.requests), text.number(row.tenants), row.cause.source,
            ]
        }
        if rows.isEmpty { return section("Reasons", "<p>No limit or rule changed a decision.</p>") }
        return section(
            "Reasons",
            table(
                ["Reason", "Action", "Limit or rule", "Requests", "Tenants", "Where"], rows, numeric: [3, 4], links: 5))
    }

    /// The summary for a weekly review: the largest spenders, their features, and suggested actions.
    private func review() -> String {
        let ranked = figures.ranked(summary.tenants)
        let rows = ranked.prefix(10).map { row in
            [
                row.name, figures.details.tenantTiers[row.name] ?? "–", text.money(row.tally.recordedCost),
                text.percent(row.tally.recordedCost, of: summary.total.recordedCost),
                text.money(row.tally.policyCost.subtractingSaturated(row.tally.recordedCost)),
                text.percent(row.tally.refused, of: row.tally.requests),
            ]
        }
        var body = table(["Tenant", "Tier", "Recorded", "Share", "Change", "Refused"], rows, numeric: [2, 3, 4, 5])
        let top = ranked.prefix(3).map {
            "<li><b>\(escaped($0.name))</b>: \(escaped(figures.topFeatures(of: $0.name, 3).joined(separator: ", ")))</li>"
        }
        body += "<h3>Features of the three most expensive tenants</h3><ul>\(top.joined())</ul>"
        let versions = figures.details.promptVersions.sorted { ($0.value.first, $0.key) < ($1.value.first, $1.key) }
        if !versions.isEmpty {
            let rows = versions.map { version, value in
                [
                    version, text.time(value.first, hour: true), text.number(value.usage.requests),
                    text.money(value.usage.recordedCost / Int64(max(1, value.usage.requests))),
                ]
            }
            body +=
                "<h3>Prompt versions in this period</h3>"
                + table(["Version", "First seen", "Requests", "Cost per request"], rows, numeric: [2, 3])
        }
        body +=
            "<p>\(text.number(figures.details.retries)) requests were retries (\(text.percent(figures.details.retries, of: summary.decided))).</p>"
        let actions = suggestions()
        if !actions.isEmpty {
            body += "<h3>Suggestions</h3><ul>\(actions.map { "<li>\(escaped($0))</li>" }.joined())</ul>"
        }
        return section("Review", body)
    }

    private func suggestions() -> [String] {
        var found: [String] = []
        let losing = figures.margins.filter { $0.margin < 0 }
        if let worst = losing.first {
            found.append(
                "At this pace, \(losing.count) tenants cost more than the price of their tier; the largest loss is \(worst.tenant) (\(text.money(worst.margin)) per month, mainly \(worst.driver))."
            )
        }
        for row in figures.causes.prefix(3)
        where row.requests.multipliedSaturated(by: 20) > summary.decided && row.cause.action == "deny" {
            found.append(
                "\(row.cause.name.isEmpty ? row.cause.code : row.cause.name) refuses \(text.percent(row.requests, of: summary.decided)) of all requests (\(row.cause.source)); check that this is intended."
            )
        }
        if summary.total.unpriced > 0 {
            let models = summary.models.filter { $0.value.unpriced > 0 }.keys.sorted().prefix(5).joined(separator: ", ")
            found.append("The catalog has no price for \(models), so their cost is unknown.")
        }
        if let share = figures.concentration.first, figures.concentration.count > 3, share > 0.3 {
            found.append("One tenant causes \(Int(share * 100))% of the cost.")
        }
        return found
    }

    private func margins() -> String {
        let rows = figures.margins.prefix(200).map { row in
            [row.tenant, row.tier, text.money(row.price), text.money(row.cost), text.money(row.margin), row.driver]
        }
        if rows.isEmpty { return "" }
        return section(
            "Monthly margin at the pace of this log",
            table(["Tenant", "Tier", "Price", "Cost", "Margin", "Main feature"], Array(rows), numeric: [2, 3, 4]))
    }

    private func limits() -> String {
        if figures.limits.isEmpty { return "" }
        let used = figures.limits.map { use in
            [
                use.key.name, use.key.tier, "\(text.number(use.above)) of \(text.number(use.tenants))",
                "\(text.number(use.windowsAbove)) of \(text.number(use.windows))",
            ] + use.quantiles.map(text.share) + [use.key.source]
        }
        let touching = figures.limits.filter { $0.touching[0] > 0 }.map { use in
            [use.key.name, use.key.tier] + use.touching.map { amount($0, use.key) }
                + [
                    use.most.filter { $0.thousandths > 0 }.map { "\($0.tenant) \(text.share($0.thousandths))" }
                        .joined(separator: ", ")
                ]
        }
        return section(
            "Utilization of limits",
            "<p>The recorded demand, independent of decisions. Each tenant counts with its largest window; the columns show that window as a share of the amount, at the 50th, 90th and 99th percentile of the tenants. Rates and rolling windows are measured over consecutive windows. Prepaid balances and limits on concurrent requests are not measured.</p>"
                + table(
                    ["Limit", "Tier", "Tenants above", "Windows above", "Median", "90th", "99th", "Where"], used,
                    numeric: [2, 3, 4, 5, 6], links: 7)
                + "<p>Amounts that 1%, 5% and 10% of the tenants exceed in their largest window, and the tenants with the largest demand.</p>"
                + table(
                    ["Limit", "Tier", "Affects 1%", "5%", "10%", "Largest demand, as a share of the amount"], touching,
                    numeric: [2, 3, 4], wide: [5]))
    }

    /// An amount of money, or a count.
    private func amount(_ value: Int64, _ key: ReplayDetails.LimitKey) -> String {
        key.unit == "spend" ? text.money(value) : text.number(Int(value))
    }

    private func sizing() -> String {
        let rows = figures.sizing.map { row in
            [row.tier, text.number(row.tenants), text.money(row.median), text.money(row.p90), text.money(row.most)]
                + row.touching.map(text.money)
        }
        if rows.isEmpty { return "" }
        return section(
            "Daily cost, for sizing limits",
            "<p>Each tenant counts with its most expensive day, as recorded. A daily budget of the amounts on the right would affect 1%, 5% and 10% of the tenants.</p>"
                + table(
                    ["Tier", "Tenants", "Median", "90th", "Maximum", "Affects 1%", "5%", "10%"], rows,
                    numeric: [1, 2, 3, 4, 5, 6, 7]))
    }

    /// Compares recorded costs with the catalog, to find errors in the catalog or in the log.
    private func recordedCosts() -> String {
        if figures.recordedCosts.isEmpty { return "" }
        let rows = figures.recordedCosts.map { model, cost in
            [
                model, text.number(cost.requests), text.money(cost.recorded), text.money(cost.catalog),
                ReportFigures.drift(cost).map(text.tenths) ?? "–",
                cost.unpricedRequests > 0
                    ? "\(text.number(cost.unpricedRequests)), \(text.money(cost.unpriced))" : "–",
                remark(cost),
            ]
        }
        return section(
            "Recorded cost and the catalog",
            "<p>For the records with a cost: the cost in the log, and the price of their tokens in the catalog.</p>"
                + table(
                    ["Model", "Requests", "Log", "Catalog", "Difference", "Unpriced", ""], rows,
                    numeric: [1, 2, 3, 4, 5]))
    }

    private func alerts() -> String {
        guard summary.gatheredAlerts != nil else { return "" }
        if figures.alerts.isEmpty { return section("Alerts", "<p>The policy's alerts were not raised.</p>") }
        var counts: [String: (alerts: Int, tenants: Set<String>, source: String)] = [:]
        for alert in figures.alerts {
            counts[alert.title, default: (0, [], alert.source)].alerts += 1
            if let tenant = alert.tenant { counts[alert.title]?.tenants.insert(tenant) }
        }
        let sums = counts.sorted { ($1.value.alerts, $0.key) < ($0.value.alerts, $1.key) }
            .map { [$0.key, text.number($0.value.alerts), text.number($0.value.tenants.count), $0.value.source] }
        let rows = figures.alerts.map { alert in
            [
                text.time(alert.time, hour: true), alert.title, alert.subjectText, alert.measureText,
                alert.driverText(text), alert.contextText(text),
            ]
        }
        return section(
            "Alerts",
            table(["Alert", "Raised", "Tenants", "Where"], sums, numeric: [1, 2], links: 3)
                + table(
                    ["Time (UTC)", "Alert", "Subject", "Values", "Drivers", "Context"], rows, numeric: [],
                    wide: [1, 2, 3, 4, 5]))
    }

    private func remark(_ cost: ReplayDetails.ModelCost) -> String {
        if cost.requests == 0 { return "the catalog has no price" }
        guard let drift = ReportFigures.drift(cost) else { return "free in the catalog" }
        if cost.recorded == 0 { return "the log has a cost of zero" }
        return drift.magnitude >= 10 ? "the price may be out of date" : ""
    }

    private func reservations() -> String {
        if figures.reservations.isEmpty { return "" }
        let rows = figures.reservations.map { model, cost in
            [
                model, text.number(cost.settled), text.money(cost.reserved), text.money(cost.actual),
                text.percent(cost.aboveEstimate, of: cost.settled),
            ]
        }
        return section(
            "Reservations and actual cost",
            "<p>Admitted requests only. With <code>--estimate policy</code>, the estimates are those of live use; by default, the recorded output is the estimate.</p>"
                + table(
                    ["Model", "Requests", "Reserved", "Actual", "Above the reservation"], rows, numeric: [1, 2, 3, 4]))
    }

    private func notes() -> String {
        var notes = [
            "A log contains only requests that the live system admitted, with its substitutes. Requests that it refused are missing."
        ]
        notes.append(
            summary.state == .simulate
                ? "simulate: counters follow the decisions, so a refused request costs nothing and leaves its amount to later requests."
                : "observe: counters follow the recorded usage, so there are no savings, and a refused request still counts."
        )
        if summary.repeats > 0 {
            notes.append("\(text.number(summary.repeats)) requests repeat the id of an earlier one and count once.")
        }
        if summary.settledLate > 0 {
            notes.append(
                "\(text.number(summary.settledLate)) records lasted longer than a reservation and settled late; they count in full."
            )
        }
        if summary.joined > 0 {
            notes.append(
                "\(text.number(summary.joined)) records are later attempts of a call. They are merged into its first attempt."
            )
        }
        if summary.servedOnly > 0 {
            notes.append(
                "Censored: \(text.number(summary.servedOnly)) records name only the served model. If the live system used a substitute, the requested model is unknown."
            )
        }
        if summary.estimated > 0 {
            notes.append(
                "\(text.number(summary.estimated)) records report no usage (for example, some streams). They count with their estimate."
            )
        }
        if summary.wasOrdered {
            notes.append("The log was not in order of time, so its records were sorted first.")
        }
        return section("How to read this", "<ul>\(notes.map { "<li>\(escaped($0))</li>" }.joined())</ul>")
    }

    private func table(
        _ titles: [String], _ rows: [[String]], numeric: Set<Int>, links: Int? = nil, wide: Set<Int> = [],
        most: Int = HTMLReport.mostRows
    ) -> String {
        if rows.isEmpty { return "" }
        let head = titles.enumerated().map {
            "<th scope=\"col\"\(numeric.contains($0) ? " class=\"n\"" : "")>\(escaped($1))</th>"
        }.joined()
        let body = rows.prefix(most).map { row in
            "<tr>"
                + row.enumerated().map { index, cell in
                    index == links
                        ? "<td><code>\(escaped(cell))</code></td>"
                        : "<td\(numeric.contains(index) ? " class=\"n\"" : wide.contains(index) ? " class=\"w\"" : "")>\(escaped(cell))</td>"
                }.joined() + "</tr>"
        }.joined(separator: "\n")
        let more =
            rows.count > most
            ? "<p class=\"more\">… and \(text.number(rows.count - most)) more; the JSON report has all of them.</p>"
            : ""
        return "<div class=\"scroll\"><table><thead><tr>\(head)</tr></thead><tbody>\(body)</tbody></table></div>\(more)"
    }
}

/// The style sheet of the report.
enum ReportStyle {
    static let css = """
        :root{--bg:#fff;--fg:#1b1f24;--dim:#5b6470;--line:#d9dee4;--tile:#f5f7f9;--s0:#4c8eda;--s1:#e0a030;--s2:#8a6fd1;--s3:#d1495b}
        @media(prefers-color-scheme:dark){:root{--bg:#14171b;--fg:#e6e9ed;--dim:#9aa4b0;--line:#323941;--tile:#1d2228;--s0:#5b9df0;--s1:#e5b04d;--s2:#a28be8;--s3:#ea6577}}
        *{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,sans-serif}
        main{max-width:60rem;margin:0 auto;padding:1.5rem 1rem 4rem}h1{font-size:1.5rem;margin:0;overflow-wrap:anywhere}header p{color:var(--dim);margin:.2rem 0 1.2rem}
        h2{font-size:1.15rem;margin:2.2rem 0 .6rem;border-bottom:1px solid var(--line);padding-bottom:.25rem}h3{font-size:1rem;margin:1.2rem 0 .4rem}
        .tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(11rem,1fr));gap:.6rem}
        .tile{background:var(--tile);border:1px solid var(--line);border-radius:.5rem;padding:.7rem .8rem;display:flex;flex-direction:column;min-width:0}
        .tile b{font-size:1.35rem;font-variant-numeric:tabular-nums}.tile small{color:var(--dim);overflow-wrap:anywhere}
        .scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;margin:.4rem 0}
        th,td{text-align:left;padding:.3rem .6rem .3rem 0;border-bottom:1px solid var(--line);white-space:nowrap}th{color:var(--dim);font-weight:600;font-size:.85rem}
        .n{text-align:right}td{vertical-align:top}td.w{white-space:normal;min-width:7rem;overflow-wrap:anywhere}code{font:13px ui-monospace,monospace}.more,.unit{color:var(--dim)}figure{margin:.4rem 0}figcaption{font-size:.85rem;color:var(--dim)}
        svg{width:100%;height:auto;display:block}svg text{fill:var(--dim);font-size:11px}.grid{stroke:var(--line)}.line{fill:none;stroke:var(--s0);stroke-width:2}
        .s0{fill:var(--s0);background:var(--s0)}.s1{fill:var(--s1);background:var(--s1)}.s2{fill:var(--s2);background:var(--s2)}.s3{fill:var(--s3);background:var(--s3)}
        .key{margin-right:1rem;white-space:nowrap}.key i{display:inline-block;width:.75rem;height:.75rem;border-radius:.15rem;margin-right:.3rem}
        summary{cursor:pointer;color:var(--dim)}ul{padding-left:1.2rem}
        @media print{main{max-width:none;padding:0}details{display:none}section{break-inside:avoid-page}.scroll{overflow:visible}}
        """
}
