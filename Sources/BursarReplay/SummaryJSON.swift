import BursarEngine
import BursarSyntax

/// A summary as one JSON object. Every table is complete and sorted by name.
package struct SummaryJSONRenderer {
    private let summary: ReplaySummary

    package init(_ summary: ReplaySummary) { self.summary = summary }

    package func render() -> String {
        var json = JSONWriter()
        json.object { json in
            json.array("policies") { json in for name in summary.policies { json.value(name) } }
            json.field("state", summary.state.rawValue)
            if summary.isShadowEnforced { json.field("shadow_enforced", true) }
            json.field("currency", summary.currency)
            json.object("records") { json in
                json.field("read", summary.read)
                json.field("rejected", summary.rejected)
                json.field("filtered", summary.filtered)
                json.field("decided", summary.decided)
                json.field("repeats", summary.repeats)
                if summary.settledLate > 0 { json.field("settled_late", summary.settledLate) }
                json.field("ordered", summary.wasOrdered)
                if summary.wasStopped { json.field("stopped", true) }
                if summary.late > 0 { json.field("late", summary.late) }
                json.field("covered", summary.covered)
                json.field("estimated", summary.estimated)
                if summary.servedOnly > 0 { json.field("censored", summary.servedOnly) }
                if summary.joined > 0 { json.field("joined_attempts", summary.joined) }
            }
            json.field("from", summary.firstTime.map(instantText))
            json.field("to", summary.lastTime.map(instantText))
            json.field("events", summary.events)
            json.object("total") { json in tally(summary.total, &json) }
            causes(&json)
            if summary.gatheredAlerts != nil { json.objects("alerts", summary.alerts) { $0.write(to: &$1) } }
            table("tiers", summary.tiers, &json)
            table("tenants", summary.tenants, &json)
            table("features", summary.features, &json)
            table("models", summary.models, &json)
            if let against = summary.against, let comparison = summary.comparison {
                json.object("against") { json in
                    json.object("total") { json in tally(against, &json) }
                    compare(comparison, &json)
                }
            }
        }
        return json.text
    }

    private func tally(_ tally: Tally, _ json: inout JSONWriter) {
        json.field("requests", tally.requests)
        json.object("outcomes") { json in
            for outcome in Outcome.allCases.reversed() where tally[outcome] > 0 {
                json.key(text: outcome.name)
                json.value(tally[outcome])
            }
        }
        json.field("refused", tally.refused)
        if tally.shadowed > 0 { json.field("shadowed", tally.shadowed) }
        if tally.unpriced > 0 { json.field("unpriced", tally.unpriced) }
        json.field("tokens", Int(tally.tokens))
        json.field("recorded_cost", moneyText(tally.recordedCost))
        json.field("policy_cost", moneyText(tally.policyCost))
    }

    private func table(_ name: StaticString, _ tallies: [String: Tally], _ json: inout JSONWriter) {
        json.object(name) { json in
            for (key, value) in tallies.sorted(by: { $0.key < $1.key }) {
                json.key(text: key)
                json.object { json in tally(value, &json) }
            }
        }
    }

    private func causes(_ json: inout JSONWriter) {
        json.array("causes") { json in
            let ordered = summary.causes.sorted { $0.key < $1.key }
            for (cause, count) in ordered {
                json.object { json in
                    json.field("code", cause.code)
                    json.field("action", cause.action)
                    if !cause.name.isEmpty { json.field("name", cause.name) }
                    if cause.isShadow { json.field("shadow", true) }
                    json.field("requests", count)
                    if !cause.source.isEmpty { json.field("source", cause.source) }
                }
            }
        }
    }

    private func moved(_ name: StaticString, _ parts: [String: Comparison.Moved], _ json: inout JSONWriter) {
        json.object(name) { json in
            for (key, value) in parts.sorted(by: { $0.key < $1.key }) {
                json.key(text: key)
                json.object { json in
                    json.field("requests", value.requests)
                    json.field("cost", moneyText(value.cost))
                }
            }
        }
    }

    private func compare(_ comparison: Comparison, _ json: inout JSONWriter) {
        json.objects("changes", comparison.changes.sorted(by: { $0.key < $1.key })) {
            row, json in
            let (change, count) = row
            json.field("from", change.old.name)
            json.field("to", change.new.name)
            json.field("requests", count)
            if change.isShadow { json.field("shadow", true) }
            if let example = comparison.examples[change] {
                json.field("first_request_id", example.requestID)
                json.field("first_tenant", example.tenant)
            }
        }
        moved("tiers", comparison.tiers, &json)
        moved("features", comparison.features, &json)
        moved("codes", comparison.codes, &json)
        json.object("tenants") { json in
            for (tenant, count) in comparison.tenants.sorted(by: { $0.key < $1.key }) {
                json.key(text: tenant)
                json.value(count)
            }
        }
    }
}
