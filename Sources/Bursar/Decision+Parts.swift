import BursarEngine
import BursarSyntax

extension Decision {
    /// The caps on an admitted request; nil and false mean no cap.
    public struct Caps: Sendable, Hashable {
        public let maxOutputTokens: Int?
        public let maxInputTokens: Int?
        /// Names of forbidden tools, and patterns such as `web_*`.
        public let disabledTools: [String]
        /// Answer only from the cache.
        public let servesCached: Bool
        /// The number of steps that an agent may still take.
        public let maxSteps: Int?
        /// The time to wait before the call.
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

    /// One reason for the decision.
    public struct Reason: Sendable, Hashable, CustomStringConvertible {
        /// A stable code such as `tenant_budget_exceeded`; `Docs/reason-codes.md` lists them.
        public let code: String
        /// The action in the syntax of the policy: `deny`, `downgrade`, `cap output`, …
        public let action: String
        /// The name of the limit; nil if a rule or the plan decided.
        public let limit: String?
        public let rule: String?
        /// The scope of the counter, such as `tenant=acme, user=ada`.
        public let scope: String?
        /// The threshold in the syntax of the policy: `80%`, `$5`, …
        public let threshold: String?
        /// The usage before this request, in the limit's unit; nil if no limit decided.
        public let used: Amount?
        /// The estimate for this request; also nil if its model has no known price.
        public let estimate: Amount?
        /// The amount of the limit, without carry-over.
        public let amount: Amount?
        /// The carry-over from earlier windows.
        public let carried: Amount?
        /// The end of the window; nil if the limit does not reset by itself.
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
        /// The audiences to notify.
        public let audiences: [String]

        init(_ event: BursarEngine.Event) {
            limit = event.limit
            threshold = event.threshold
            scope = event.scope
            audiences = event.audiences
        }
    }

    /// The remainder of a limit after the decision.
    public struct Remaining: Sendable, Hashable {
        public let limit: String
        public let scope: String
        public let remaining: Amount
        /// The end of the window; nil if the limit does not reset by itself.
        public let resetsAt: Timestamp?

        init(_ remaining: BursarEngine.Remaining) {
            limit = remaining.limit
            scope = remaining.scope
            self.remaining = Amount(remaining.remaining, remaining.unit)
            resetsAt = remaining.resetsAt.flatMap { $0 == .max ? nil : Timestamp(microsecondsSince1970: $0) }
        }
    }

    /// The tier that the policy offers to a refused tenant.
    public struct Upgrade: Sendable, Hashable {
        public let tier: String?
        public let url: String?
    }
}
