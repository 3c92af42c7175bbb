import BursarEngine
import BursarSyntax

/// Alerts as text and JSON.
extension Alert {
    /// `monthly-state (warning)`.
    var title: String { state.map { "\(name) (\($0))" } ?? name }

    /// The tenant and the other parts of the subject.
    var subjectText: String {
        let parts = subject.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        return ([tenant ?? "all tenants"] + parts).joined(separator: ", ")
    }

    /// The comparisons that were true.
    var measureText: String {
        let held = measures.map { measure in
            "\(measure.metric) \(measure.value) (\(measure.bound)\(measure.baseline.map { " \($0)" } ?? ""))"
        }
        return held.isEmpty ? "the state has ended" : held.joined(separator: " and ")
    }

    /// The most expensive features, prompt versions and tenants, each with its share of the cost.
    func driverText(_ text: ReportText) -> String {
        func list(_ title: String, _ drivers: [Driver]) -> String? {
            if drivers.isEmpty { return nil }
            let named = drivers.map { "\($0.name) \(text.roundPercent($0.cost, of: cost))" }
            return "\(title): \(named.joined(separator: ", "))"
        }
        var parts = [list("features", features), list("prompts", promptVersions), list("tenants", tenants)]
        if !newPromptVersions.isEmpty {
            parts.append("new prompts: \(newPromptVersions.prefix(3).joined(separator: ", "))")
        }
        return parts.compactMap { $0 }.joined(separator: "; ")
    }

    /// The share of total spend, the pace of the budget, and the retries.
    func contextText(_ text: ReportText) -> String {
        var parts: [String] = []
        if let totalCost, totalCost > 0 { parts.append("\(text.roundPercent(cost, of: totalCost)) of total spend") }
        if let burnRate, let burnRateLimit { parts.append("\(burnRateLimit) burns at \(burnRate)") }
        if let endsAt { parts.append("ends \(text.time(endsAt, hour: true))") }
        if retries > 0 { parts.append("\(text.roundPercent(retries, of: requests)) retries") }
        return parts.joined(separator: "; ")
    }

    func write(to json: inout JSONWriter) {
        json.field("alert", name)
        if let state { json.field("state", state) }
        json.field("ts", instantText(time))
        if let tenant { json.field("tenant", tenant) }
        if !subject.isEmpty {
            json.object("subject") { json in
                for (key, value) in subject.sorted(by: { $0.key < $1.key }) {
                    json.key(text: key)
                    json.value(value)
                }
            }
        }
        if let limit { json.field("limit", limit) }
        if windowStart != .min, windowEnd != .max {
            json.field("from", instantText(windowStart))
            json.field("to", instantText(windowEnd))
        }
        json.objects("because", measures) { measure, json in
            json.field("metric", measure.metric)
            json.field("value", measure.value)
            json.field("bound", measure.bound)
            if let baseline = measure.baseline { json.field("baseline", baseline) }
        }
        json.field("requests", Int(requests))
        json.field("retries", Int(retries))
        json.field("cost", moneyText(cost))
        if let totalCost { json.field("total_cost", moneyText(totalCost)) }
        for (title, drivers) in [
            ("features", features), ("prompt_versions", promptVersions), ("tenants", tenants),
        ] where !drivers.isEmpty {
            json.key(text: title)
            json.array { json in
                for driver in drivers {
                    json.object { json in
                        json.field("name", driver.name)
                        json.field("requests", Int(driver.requests))
                        json.field("cost", moneyText(driver.cost))
                    }
                }
            }
        }
        if !newPromptVersions.isEmpty {
            json.array("new_prompt_versions") { json in for name in newPromptVersions { json.value(name) } }
        }
        if let burnRate { json.field("burn_rate", burnRate) }
        if let burnRateLimit { json.field("burn_rate_limit", burnRateLimit) }
        if let endsAt { json.field("ends_at", instantText(endsAt)) }
        if !audiences.isEmpty { json.array("notify") { json in for name in audiences { json.value(name) } } }
        json.field("source", source)
    }
}
