/// What a name in a test refers to.
package enum TestName: Sendable {
    case tier, model, feature, limit, rule, code, audience, alert

    package var noun: String {
        switch self {
        case .code: "reason code"
        default: "\(self)"
        }
    }
}

/// How the value of a field is written in a test.
package indirect enum TestForm: Sendable {
    case text
    /// Text that names something of the policy set.
    case name(TestName)
    case word([String])
    /// A whole number, `8k` included.
    case count
    case boolean
    /// An instant with time and offset.
    case instant
    /// Money with its currency.
    case money
    /// Money, or its decimal as decisions print it.
    case decimal
    /// Money or a count, depending on the limit.
    case amount
    /// A list of texts, or one of them.
    case texts(TestName?)
    /// A map from any names to texts.
    case labels
    case map([TestField])
    /// A list of maps.
    case list([TestField])
    /// A whole decision inside another one.
    case decision
}

/// A field of a request, of its usage or of a decision, as tests write it.
package struct TestField: Sendable {
    package let name: String
    package let form: TestForm

    init(_ name: String, _ form: TestForm) {
        self.name = name
        self.form = form
    }
}

/// The fields that tests may name: `request`, `settle` and `expect` are read by these tables.
package enum TestFields {
    package static let outcomes = ["allow", "allow_with_caps", "downgrade", "confirm", "approve", "throttle", "deny"]

    /// Words that people write for outcomes.
    static let otherOutcomes = [
        "allowed": "allow", "ok": "allow", "admitted": "allow", "capped": "allow_with_caps", "caps": "allow_with_caps",
        "downgraded": "downgrade", "throttled": "throttle", "denied": "deny", "refused": "deny", "refuse": "deny",
        "reject": "deny", "rejected": "deny", "block": "deny", "blocked": "deny",
    ]

    package static let actions = [
        "deny", "throttle", "overage", "approve", "confirm", "downgrade", "cap output", "cap input", "cap steps",
        "disable tools", "serve cached", "cool down",
    ]

    package static let request = [
        TestField("request_id", .text), TestField("ts", .instant), TestField("tenant", .text),
        TestField("model", .name(.model)), TestField("tier", .name(.tier)), TestField("group", .text),
        TestField("workspace", .text), TestField("app", .text), TestField("workflow", .text),
        TestField("agent", .text), TestField("toolset", .text), TestField("run", .text), TestField("session", .text),
        TestField("user", .text), TestField("api_key", .text), TestField("feature", .name(.feature)),
        TestField("route", .text), TestField("environment", .text), TestField("request_class", .text),
        TestField("prompt_version", .text), TestField("fallback", .boolean), TestField("fallback_reason", .text),
        TestField("input_tokens", .count), TestField("cached_tokens", .count), TestField("max_output_tokens", .count),
        TestField("expected_output_tokens", .count), TestField("characters", .count), TestField("attempt", .count),
        TestField("tools", .texts(nil)), TestField("labels", .labels), TestField("accepts", .texts(nil)),
        TestField("confirmed", .boolean), TestField("approved", .boolean),
    ]

    /// Fields of a log's record that no decision depends on, with what a test writes instead.
    package static let recordOnly = [
        "output_tokens": "write `settle: {output_tokens: …}`, or `expected_output_tokens`",
        "cost": "write `settle: {cost: …}`",
        "status": "write `settle: {failed: true}`",
        "duration_ms": "write the time of the next step: `at: +5s`",
    ]

    package static let usage = [
        TestField("input_tokens", .count), TestField("cached_tokens", .count), TestField("output_tokens", .count),
        TestField("cost", .money), TestField("failed", .boolean),
    ]

    private static let reason = [
        TestField("code", .name(.code)), TestField("action", .word(actions)), TestField("rule", .name(.rule)),
        TestField("limit", .name(.limit)), TestField("scope", .text), TestField("threshold", .text),
        TestField("used", .amount), TestField("estimate", .amount), TestField("amount", .amount),
        TestField("carried", .amount), TestField("window_start", .instant), TestField("resets_at", .instant),
        TestField("overage", .amount), TestField("billed", .amount), TestField("message", .text),
        TestField("source", .text),
    ]

    private static let caps = [
        TestField("max_output_tokens", .count), TestField("max_input_tokens", .count),
        TestField("disabled_tools", .texts(nil)), TestField("serve_cached", .boolean), TestField("max_steps", .count),
        TestField("cool_down_ms", .count),
    ]

    private static let event = [
        TestField("limit", .name(.limit)), TestField("threshold", .text), TestField("scope", .text),
        TestField("audiences", .texts(.audience)),
    ]

    private static let estimate = [
        TestField("spend", .decimal), TestField("input_tokens", .count), TestField("cached_tokens", .count),
        TestField("output_tokens", .count),
        TestField(
            "source", .word(["expected_output_tokens", "max_output_tokens", "policy", "default", "recorded"])),
    ]

    private static let remaining = [
        TestField("limit", .name(.limit)), TestField("scope", .text), TestField("remaining", .amount),
        TestField("resets_at", .instant),
    ]

    private static let version = [TestField("id", .text), TestField("version", .text), TestField("digest", .text)]

    package static let decision = [
        TestField("request_id", .text), TestField("ts", .instant), TestField("tenant", .text),
        TestField("tier", .name(.tier)), TestField("outcome", .word(outcomes)), TestField("model", .name(.model)),
        TestField("requested_model", .text), TestField("unpriced", .boolean), TestField("caps", .map(caps)),
        TestField("reasons", .list(reason)), TestField("events", .list(event)),
        TestField("estimate", .map(estimate)), TestField("remaining", .list(remaining)),
        TestField("retry_after_ms", .count),
        TestField("upgrade", .map([TestField("to", .name(.tier)), TestField("url", .text)])),
        TestField("shadow", .decision), TestField("retryable", .boolean), TestField("repeat", .boolean),
        TestField("policy", .map(version)), TestField("catalog", .map(version)),
    ]

    /// Short names for fields of the first reason.
    package static let shortcuts = ["code", "limit", "rule", "threshold", "action"]

    /// The fields of an expectation.
    package static let expectation = decision + reason.filter { shortcuts.contains($0.name) }
}
