import BursarEngine
import BursarSyntax

extension Decision {
    /// What an admitted request must keep to; nil and false where nothing is capped.
    public struct Caps: Sendable, Hashable {
        public let maxOutputTokens: Int?
        public let maxInputTokens: Int?
        /// Names of tools and patterns such as `web_*` that the model may not call.
        public let disabledTools: [String]
        /// Answer from the cache only.
        public let servesCached: Bool
        /// Steps that an agent may still take.
        public let maxSteps: Int?
        /// How long to wait before the call.
        public let coolDown: Duration?

        public var isEmpty: Bool {
            maxOutputTokens == nil && maxInputTokens == nil && disabledTools.isEmpty && !servesCached && maxSteps == nil
                && coolDown == nil
        }

        init(_ caps: BursarEngine.Caps) {
            maxOutputTokens = caps.maxOutputTokens.map { Int($0) }
            maxInputTokens = caps.maxInputTokens.map { Int($0) }
            disabledTools = caps.disabledTools
            servesCached = caps.serveCached
            maxSteps = caps.maxSteps.map { Int($0) }
            coolDown = caps.coolDown.map { .microseconds($0) }
        }
    }

    /// One thing that led to the decision.
    public struct Reason: Sendable, Hashable, CustomStringConvertible {
        /// Stable, such as `tenant_budget_exceeded`; `Docs/reason-codes.md` lists them.
        public let code: String
        /// As the policy writes it: `deny`, `downgrade`, `cap output`, …
        public let action: String
        /// The limit that was reached; nil if a rule or the plan decided.
        public let limit: String?
        public let rule: String?
        /// What the limit is counted for, such as `tenant=acme, user=ada`.
        public let scope: String?
        /// As the policy writes it: `80%`, `$5`, …
        public let threshold: String?
        /// Used before this request, in the limit's unit; nil if no limit decided.
        public let used: Amount?
        /// What this request would add; nil also if its model has no known price.
        public let estimate: Amount?
        /// What the limit allows in a window, without what was carried over.
        public let amount: Amount?
        /// Carried over from the window before.
        public let carried: Amount?
        /// When the window ends; nil if it does not end by itself.
        public let resetsAt: Timestamp?
        public let message: String?
        /// `file:line:column` of the limit or rule.
        public let source: String?

        init(_ reason: BursarEngine.Reason, _ engine: Engine) {
            func amount(_ value: Int64?) -> Amount? { value.map { Amount($0, reason.unit) } }
            code = reason.code
            action = reason.action
            limit = reason.limit
            rule = reason.rule
            scope = reason.scope
            threshold = reason.threshold
            used = amount(reason.numbers?.used)
            estimate = amount(reason.numbers?.estimate)
            self.amount = amount(reason.numbers?.amount)
            carried = amount(reason.numbers?.carried)
            resetsAt = reason.numbers?.resetsAt.flatMap { $0 == .max ? nil : Timestamp(microsecondsSince1970: $0) }
            message = reason.message
            source = reason.source.map { engine.policies.compiled.sources.reference($0) }
        }

        /// One line for logs: code, limit, numbers and source.
        public var description: String {
            var text = code
            if let limit { text += " (`\(limit)`" + (scope.map { " for \($0)" } ?? "") + ")" }
            if let used, let amount { text += ": \(used) used of \(amount)" }
            if let message { text += ": \(message)" }
            if let source { text += " [\(source)]" }
            return text
        }
    }

    /// A threshold with `notify` that was crossed for the first time in its window.
    public struct Notification: Sendable, Hashable {
        public let limit: String
        public let threshold: String
        public let scope: String
        /// Whom the policy wants to be notified.
        public let audiences: [String]

        init(_ event: BursarEngine.Event) {
            limit = event.limit
            threshold = event.threshold
            scope = event.scope
            audiences = event.audiences
        }
    }

    /// What is left of a limit after the decision.
    public struct Remaining: Sendable, Hashable {
        public let limit: String
        public let scope: String
        public let remaining: Amount
        /// nil if the limit does not reset by itself.
        public let resetsAt: Timestamp?

        init(_ remaining: BursarEngine.Remaining) {
            limit = remaining.limit
            scope = remaining.scope
            self.remaining = Amount(remaining.remaining, remaining.unit)
            resetsAt = remaining.resetsAt.flatMap { $0 == .max ? nil : Timestamp(microsecondsSince1970: $0) }
        }
    }

    /// What a tier offers to a tenant that was refused.
    public struct Upgrade: Sendable, Hashable {
        public let tier: String?
        public let url: String?
    }
}
