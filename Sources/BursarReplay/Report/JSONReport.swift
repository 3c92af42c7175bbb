import BursarSyntax

/// The report as JSON: the summary, and under `details` the data of the HTML report.
package struct JSONReport {
    private let figures: ReportFigures

    package init(_ figures: ReportFigures) { self.figures = figures }

    package func render() -> String {
        var json = JSONWriter()
        json.object { json in
            json.raw("summary", SummaryJSONRenderer(figures.summary).render().utf8)
            json.objects("timeline", figures.timeline.points.filter { $0.tally.requests > 0 }) { point, json in
                json.field("ts", instantText(point.time))
                json.field("requests", point.tally.requests)
                json.field("refused", point.tally.refused)
                json.field("recorded_cost", moneyText(point.tally.recordedCost))
                json.field("policy_cost", moneyText(point.tally.policyCost))
            }
            json.objects("causes", figures.causes) { row, json in
                json.field("code", row.cause.code)
                json.field("action", row.cause.action)
                json.field("name", row.cause.name)
                json.field("requests", row.requests)
                json.field("tenants", row.tenants)
                json.field("source", row.cause.source)
                json.field("shadow", row.cause.isShadow)
            }
            json.objects("margins", figures.margins) { row, json in
                json.field("tenant", row.tenant)
                json.field("tier", row.tier)
                json.field("price", moneyText(row.price))
                json.field("monthly_cost", moneyText(row.cost))
                json.field("margin", moneyText(row.margin))
                json.field("driver", row.driver)
            }
            json.objects("sizing", figures.sizing) { row, json in
                json.field("tier", row.tier)
                json.field("tenants", row.tenants)
                json.field("median", moneyText(row.median))
                json.field("p90", moneyText(row.p90))
                json.field("most", moneyText(row.most))
                json.field("touches_1_percent", moneyText(row.touching[0]))
                json.field("touches_5_percent", moneyText(row.touching[1]))
                json.field("touches_10_percent", moneyText(row.touching[2]))
            }
            json.objects("limits", figures.limits) { use, json in
                json.field("limit", use.key.name)
                json.field("tier", use.key.tier)
                json.field("unit", use.key.unit)
                json.field("tenants", use.tenants)
                json.field("tenants_above", use.above)
                json.field("windows", use.windows)
                json.field("windows_above", use.windowsAbove)
                for (name, thousandths) in zip(["p50", "p90", "p99"], use.quantiles) {
                    json.key(text: name)
                    json.value(thousandths == .max ? "unlimited" : decimalText(thousandths, scale: 1_000))
                }
                for (name, amount) in zip(
                    ["touches_1_percent", "touches_5_percent", "touches_10_percent"], use.touching)
                {
                    json.key(text: name)
                    json.value(use.key.unit == "spend" ? moneyText(amount) : String(amount))
                }
                json.array("most") { json in for tenant in use.most { json.value(tenant.tenant) } }
                json.field("source", use.key.source)
            }
            json.objects("recorded_costs", figures.recordedCosts) { row, json in
                let (model, cost) = row
                json.field("model", model)
                json.field("requests", cost.requests)
                json.field("by_log", moneyText(cost.recorded))
                json.field("by_catalog", moneyText(cost.catalog))
                json.field("unpriced_requests", cost.unpricedRequests)
                json.field("unpriced_by_log", moneyText(cost.unpriced))
            }
            json.objects("reservations", figures.reservations) { row, json in
                let (model, cost) = row
                json.field("model", model)
                json.field("requests", cost.settled)
                json.field("reserved", moneyText(cost.reserved))
                json.field("actual", moneyText(cost.actual))
                json.field("above_estimate", cost.aboveEstimate)
            }
            json.field("retries", figures.details.retries)
        }
        return json.text
    }
}
