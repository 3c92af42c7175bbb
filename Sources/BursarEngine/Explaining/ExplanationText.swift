import BursarPolicy
import BursarSyntax

/// Writes an explanation as text for customers, and as JSON.
package struct ExplanationText {
    private let engine: Engine

    package init(engine: Engine) { self.engine = engine }

    package func render(_ explained: ExplainedRequest) -> String {
        let decision = explained.decision
        let label = explained.label
        var text = "request \(shown(label.requestID)) of \(shown(label.tenant))"
        if let time = label.time { text += " at \(instantText(time))" }
        text += " for \(shown(label.model))\n\(decision.outcome.name)"
        if decision.model.isPresent, decision.outcome == .downgrade {
            text += " to \(shown(engine.symbols.text(decision.model)))"
        }
        text += decision.reasons.isEmpty ? "\n" : ": " + decision.reasons.map(\.code).joined(separator: ", ") + "\n"
        if let message = decision.reasons.first?.message { text += "  \(shown(message))\n" }
        text += "\n"
        for step in explained.explanation.steps { text += "  \(shown(step.text))\(place(step.source))\n" }
        var candidate = ""
        for limit in explained.explanation.limits {
            if limit.candidate != candidate {
                candidate = limit.candidate
                text += "\nlimits for \(shown(candidate))\n"
            }
            text += line(limit)
        }
        if let shadow = decision.shadow {
            text += "\nin shadow: \(shadow.outcome.name)"
            text += shadow.reasons.isEmpty ? "\n" : ": " + shadow.reasons.map(\.code).joined(separator: ", ") + "\n"
        }
        return text
    }

    private func place(_ source: SourceRange?) -> String {
        source.map { "  [\(shown(engine.policySet.sources.reference($0)))]" } ?? ""
    }

    private func line(_ limit: Explanation.LimitStep) -> String {
        func amount(_ value: Int64) -> String { limit.unit == .spend ? moneyText(value) : String(value) }
        let window = limit.window.isEmpty ? "" : " per \(limit.window)"
        var text = "  \(shown(limit.limit))\(limit.isShadow ? " (shadow)" : ""): "
        text += "\(amount(limit.used)) used + \(limit.estimate.map(amount) ?? "unknown") of \(amount(limit.amount))"
        if limit.carried > 0 { text += " + \(amount(limit.carried)) carried over" }
        text += " \(limit.unit.rawValue)\(window), \(shown(limit.scope))\(place(limit.source))\n"
        for threshold in limit.thresholds {
            text += "    \(threshold.isCrossed ? "x" : " ") \(shown(threshold.text)) (\(amount(threshold.bound))): "
            text += shown(threshold.actions.joined(separator: ", ")) + "\n"
        }
        return text
    }

    package func json(_ explained: ExplainedRequest) -> String {
        var json = JSONWriter()
        let sources = engine.policySet.sources
        json.object { json in
            json.array("steps") { json in
                for step in explained.explanation.steps {
                    json.object { json in
                        json.field("kind", step.kind.rawValue)
                        json.field("text", step.text)
                        if let source = step.source { json.field("source", sources.reference(source)) }
                    }
                }
            }
            json.array("limits") { json in
                for limit in explained.explanation.limits {
                    json.object { json in write(limit, &json) }
                }
            }
            var decision = JSONWriter()
            DecisionWriter(engine: engine).write(explained.decision, explained.label, to: &decision)
            json.raw("decision", decision.bytes)
        }
        return json.text
    }

    private func write(_ limit: Explanation.LimitStep, _ json: inout JSONWriter) {
        func amount(_ key: StaticString, _ value: Int64, _ json: inout JSONWriter) {
            if limit.unit == .spend { json.field(key, moneyText(value)) } else { json.field(key, Int(value)) }
        }
        json.field("model", limit.candidate)
        json.field("limit", limit.limit)
        json.field("scope", limit.scope)
        json.field("unit", limit.unit.rawValue)
        if !limit.window.isEmpty { json.field("window", limit.window) }
        amount("used", limit.used, &json)
        if let estimate = limit.estimate { amount("estimate", estimate, &json) } else { json.null("estimate") }
        amount("amount", limit.amount, &json)
        amount("carried", limit.carried, &json)
        if limit.isShadow { json.field("shadow", true) }
        json.array("thresholds") { json in
            for threshold in limit.thresholds {
                json.object { json in
                    json.field("at", threshold.text)
                    amount("bound", threshold.bound, &json)
                    json.field("crossed", threshold.isCrossed)
                    json.array("actions") { json in for action in threshold.actions { json.value(action) } }
                }
            }
        }
        json.field("source", engine.policySet.sources.reference(limit.source))
    }
}
