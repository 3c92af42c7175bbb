import BursarPolicy
import BursarSyntax

/// What a decision's JSON says of its request besides what the engine needs.
package struct RequestLabel: Sendable {
    package var requestID: String
    package var tenant: String
    /// nil: the time could not be read.
    package var time: Int64?
    package var model: String

    package init(requestID: String, tenant: String, time: Int64?, model: String) {
        self.requestID = requestID
        self.tenant = tenant
        self.time = time
        self.model = model
    }
}

/// Writes decisions as JSON objects; the fields are described in `Docs/decisions.md`.
package struct DecisionWriter: Sendable {
    private let engine: Engine
    private let references: [SourceRange: String]

    package init(engine: Engine) {
        self.engine = engine
        // Places of limits and rules as text, made once: every reason of a replay points at one of them.
        var references: [SourceRange: String] = [:]
        let sources = engine.policySet.sources
        func add(_ range: SourceRange?) {
            guard let range, references[range] == nil else { return }
            references[range] = sources.reference(range)
        }
        for edition in engine.policySet.editions {
            for rule in edition.policy.rules { add(rule.source) }
            add(edition.policy.tools.denySource)
            add(edition.policy.tools.approveSource)
            for tier in edition.tierNames {
                guard let plan = edition.plan(tier: tier) else { continue }
                add(plan.modelsSource)
                add(plan.blockSource)
                for limit in plan.limits { add(limit.source) }
            }
        }
        self.references = references
    }

    private func reference(_ range: SourceRange) -> String {
        references[range] ?? engine.policySet.sources.reference(range)
    }

    package func write(_ decision: Decision, _ label: RequestLabel, to json: inout JSONWriter) {
        json.object { json in
            json.field("request_id", label.requestID)
            json.field("ts", label.time.map(instantText))
            json.field("tenant", label.tenant)
            json.field("tier", decision.tier.isPresent ? engine.symbols.text(decision.tier) : nil)
            body(decision, label.model, &json)
        }
    }

    private func body(_ decision: Decision, _ requestedModel: String, _ json: inout JSONWriter) {
        json.field("outcome", decision.outcome.name)
        json.field("model", decision.model.isPresent ? engine.symbols.text(decision.model) : nil)
        json.field("requested_model", requestedModel)
        if decision.isUnpriced { json.field("unpriced", true) }
        if !decision.caps.isEmpty { write(decision.caps, &json) }
        json.array("reasons") { json in
            for reason in decision.reasons { write(reason, &json) }
        }
        if let events = decision.detail?.events, !events.isEmpty {
            json.array("events") { json in
                for event in events {
                    json.object { json in
                        json.field("limit", event.limit)
                        json.field("threshold", event.threshold)
                        json.field("scope", event.scope)
                        json.array("audiences") { json in for name in event.audiences { json.value(name) } }
                    }
                }
            }
        }
        json.object("estimate") { json in
            json.field("spend", decision.estimate.spend.map(moneyText))
            json.field("input_tokens", Int(decision.estimate.inputTokens))
            if decision.estimate.cachedTokens > 0 { json.field("cached_tokens", Int(decision.estimate.cachedTokens)) }
            json.field("output_tokens", Int(decision.estimate.outputTokens))
            json.field("source", decision.estimate.source.name)
        }
        if let remaining = decision.detail?.remaining, !remaining.isEmpty {
            json.array("remaining") { json in for item in remaining { write(item, &json) } }
        }
        if let wait = decision.detail?.retryAfter {
            json.field("retry_after_ms", Int((wait / 1_000).addingSaturated(wait % 1_000 > 0 ? 1 : 0)))
        } else {
            json.null("retry_after_ms")
        }
        if let upgrade = decision.detail?.upgrade {
            json.object("upgrade") { json in
                if let to = upgrade.to { json.field("to", to) }
                if let url = upgrade.url { json.field("url", url) }
            }
        }
        if let shadow = decision.shadow {
            json.object("shadow") { json in body(shadow, requestedModel, &json) }
        } else {
            json.null("shadow")
        }
        json.field("retryable", decision.isRetryable)
        if decision.isRepeat { json.field("repeat", true) }
        write(edition: decision.edition, &json)
    }

    private func write(_ caps: Caps, _ json: inout JSONWriter) {
        json.object("caps") { json in
            if let tokens = caps.maxOutputTokens { json.field("max_output_tokens", Int(tokens)) }
            if let tokens = caps.maxInputTokens { json.field("max_input_tokens", Int(tokens)) }
            if !caps.disabledTools.isEmpty {
                json.array("disabled_tools") { json in for tool in caps.disabledTools { json.value(tool) } }
            }
            if caps.serveCached { json.field("serve_cached", true) }
            if let steps = caps.maxSteps { json.field("max_steps", Int(steps)) }
            if let micros = caps.coolDown { json.field("cool_down_ms", Int(micros / 1_000)) }
        }
    }

    private func write(_ reason: Reason, _ json: inout JSONWriter) {
        json.object { json in
            json.field("code", reason.code)
            json.field("action", reason.action)
            if let rule = reason.rule { json.field("rule", rule) }
            if let limit = reason.limit { json.field("limit", limit) }
            if let scope = reason.scope { json.field("scope", scope) }
            if let threshold = reason.threshold { json.field("threshold", threshold) }
            if let numbers = reason.numbers {
                amount("used", numbers.used, reason.unit, &json)
                if let estimate = numbers.estimate {
                    amount("estimate", estimate, reason.unit, &json)
                } else {
                    json.null("estimate")
                }
                amount("amount", numbers.amount, reason.unit, &json)
                amount("carried", numbers.carried, reason.unit, &json)
                if let window = numbers.window, window != .always {
                    json.field("window_start", instantText(window.start))
                }
                if let resets = numbers.resetsAt, resets != .max { json.field("resets_at", instantText(resets)) }
            }
            if let overage = reason.overage {
                amount("overage", overage.excess, reason.unit, &json)
                amount("billed", overage.billed, reason.unit, &json)
            }
            if let message = reason.message { json.field("message", message) }
            if let source = reason.source { json.field("source", reference(source)) }
        }
    }

    private func write(_ remaining: Remaining, _ json: inout JSONWriter) {
        json.object { json in
            json.field("limit", remaining.limit)
            json.field("scope", remaining.scope)
            amount("remaining", remaining.remaining, remaining.unit, &json)
            if let resets = remaining.resetsAt, resets != .max { json.field("resets_at", instantText(resets)) }
        }
    }

    /// Money is decimal text, counts are numbers.
    private func amount(_ key: StaticString, _ value: Int64, _ unit: Unit, _ json: inout JSONWriter) {
        if unit == .spend { json.field(key, moneyText(value)) } else { json.field(key, Int(value)) }
    }

    private func write(edition index: Int32, _ json: inout JSONWriter) {
        guard index >= 0 else {
            json.null("policy")
            json.null("catalog")
            return
        }
        let edition = engine.policySet.editions[Int(index)]
        json.object("policy") { json in
            json.field("id", edition.policy.id)
            json.field("version", edition.policy.version.text)
            json.field("digest", edition.policy.digest)
        }
        guard let catalog = edition.catalog else {
            json.null("catalog")
            return
        }
        json.object("catalog") { json in
            json.field("id", catalog.id)
            json.field("version", catalog.version.text)
            json.field("digest", catalog.digest)
        }
    }
}
