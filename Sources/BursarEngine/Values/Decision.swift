import BursarPolicy
import BursarSyntax

/// What becomes of a request, from the gravest to plain permission.
public enum Outcome: UInt8, Sendable, Comparable, CaseIterable, Codable {
    case deny, throttle, approve, confirm, downgrade, allowWithCaps, allow

    public var name: String {
        switch self {
        case .deny: "deny"
        case .throttle: "throttle"
        case .approve: "approve"
        case .confirm: "confirm"
        case .downgrade: "downgrade"
        case .allowWithCaps: "allow_with_caps"
        case .allow: "allow"
        }
    }

    public static func < (left: Outcome, right: Outcome) -> Bool { left.rawValue < right.rawValue }

    /// The request may be served now.
    public var isAdmitted: Bool { self >= .downgrade }
    public var isRefused: Bool { self <= .throttle }
}

/// Where the expected output of an estimate came from.
package enum EstimateSource: UInt8, Sendable {
    case expected, maxOutput, policy, standard, recorded

    package var name: String {
        switch self {
        case .expected: "expected_output_tokens"
        case .maxOutput: "max_output_tokens"
        case .policy: "policy"
        case .standard: "default"
        case .recorded: "recorded"
        }
    }
}

/// What a request is expected to use.
package struct Estimate: Sendable, Hashable {
    package var inputTokens: Int64 = 0
    package var cachedTokens: Int64 = 0
    package var outputTokens: Int64 = 0
    /// The most that the answer may have: limits per request judge it.
    package var mostOutputTokens: Int64 = 0
    /// Nano-units; nil where the model's price is not known, which never counts as costing nothing.
    package var spend: Int64? = 0
    package var characters: Int64 = 0
    package var toolCalls: Int64 = 0
    package var source = EstimateSource.standard
}

extension Estimate {
    /// What it comes to in a limit's unit; nothing where no price is known.
    @inline(__always)
    func amount(_ unit: Unit) -> Int64 {
        switch unit {
        case .spend: spend ?? 0
        case .tokens: inputTokens.addingSaturated(outputTokens)
        case .inputTokens: inputTokens
        case .outputTokens: outputTokens
        case .requests, .attempts, .concurrentRequests, .runs: 1
        case .characters: characters
        case .toolCalls: toolCalls
        }
    }

    /// What a request says of itself, by the policy where it says nothing; the spend is left to the candidate's price.
    @inline(__always)
    init(_ request: Request, _ edition: CompiledEdition) {
        inputTokens = max(0, request.inputTokens)
        cachedTokens = max(0, request.cachedTokens)
        characters = max(0, request.characters)
        toolCalls = Int64(request.toolCount)
        if request.expectedOutputTokens >= 0, !edition.estimatesMost || request.maxOutputTokens < 0 {
            outputTokens = request.expectedOutputTokens
            source = request.isRecorded ? .recorded : .expected
        } else if request.maxOutputTokens >= 0 {
            outputTokens = request.maxOutputTokens
            source = .maxOutput
        } else {
            outputTokens = edition.estimatedOutput ?? 1_000
            source = edition.estimatedOutput == nil ? .standard : .policy
        }
        if request.maxOutputTokens >= 0 { outputTokens = min(outputTokens, request.maxOutputTokens) }
        mostOutputTokens = max(outputTokens, request.maxOutputTokens)
    }

    /// The estimate of the most that the answer may have; its spend is left to the candidate's price.
    @inline(__always) var most: Estimate {
        var most = self
        most.outputTokens = mostOutputTokens
        return most
    }
}

/// Caps on an admitted request; the least of each kind that was asked for.
package struct Caps: Sendable, Hashable {
    package var maxOutputTokens: Int64?
    package var maxInputTokens: Int64?
    package var disabledTools: [String] = []
    package var serveCached = false
    package var maxSteps: Int64?
    /// Microseconds.
    package var coolDown: Int64?

    package var isEmpty: Bool { self == Caps() }

    mutating func add(_ cap: Cap, fit: Int64? = nil) {
        func least(_ old: Int64?, _ new: Int64) -> Int64 { old.map { min($0, new) } ?? new }
        switch cap {
        case .output(let tokens): maxOutputTokens = least(maxOutputTokens, tokens)
        case .outputToFit: if let fit { maxOutputTokens = least(maxOutputTokens, fit) }
        case .input(let tokens): maxInputTokens = least(maxInputTokens, tokens)
        case .disableTools(let patterns):
            for pattern in patterns where !disabledTools.contains(pattern.text) { disabledTools.append(pattern.text) }
        case .serveCached: serveCached = true
        case .steps(let steps): maxSteps = least(maxSteps, steps)
        case .coolDown(let micros): coolDown = max(coolDown ?? 0, micros)
        }
    }
}

/// One thing that led to a decision, with its numbers and its line.
package struct Reason: Sendable {
    package struct Numbers: Sendable {
        package var used: Int64
        /// nil: not known, of a model without price.
        package var estimate: Int64?
        package var amount: Int64
        package var carried: Int64
        package var window: Interval?
        package var resetsAt: Int64?
    }

    package var code: String
    /// As the language writes it: `deny`, `downgrade`, `cap output`, …
    package var action: String
    /// nil where no limit but a rule or the plan decided.
    package var limit: String?
    /// The same as the policy has it: the share of features that have none of their own is `daily/other` there, and in
    /// `limit` it names the feature.
    package var policyLimit: String?
    package var rule: String?
    package var unit: Unit = .requests
    package var scope: String?
    package var threshold: String?
    package var numbers: Numbers?
    /// Of this request beyond the threshold, in nano-units, and what is billed for it.
    package var overage: (excess: Int64, billed: Int64)?
    package var message: String?
    package var source: SourceRange?
}

/// A threshold with `notify` that was crossed for the first time in its window.
package struct Event: Sendable {
    package var limit: String
    package var threshold: String
    package var scope: String
    package var audiences: [String]
}

/// What is left of a limit after the decision.
package struct Remaining: Sendable {
    package var limit: String
    package var unit: Unit
    package var scope: String
    package var remaining: Int64
    package var resetsAt: Int64?
}

/// How much a decision tells.
public enum DetailLevel: UInt8, Sendable {
    /// Codes, limits and places, for sums over many decisions; numbers only where they are at hand.
    case brief
    /// Every reason with its numbers; a plain permission has none.
    case reasons
    /// Of a plain permission too, what remains of each limit.
    case full
}

/// The parts of a decision that a plain permission does not have.
package final class DecisionDetail: Sendable {
    package let reasons: [Reason]
    package let events: [Event]
    package let remaining: [Remaining]
    package let caps: Caps
    /// Microseconds.
    package let retryAfter: Int64?
    package let upgrade: Upgrade?
    package let shadow: Decision?
    /// Made once with a plan and given to many decisions, so that sums need to look at it only once.
    package let isShared: Bool
    /// It lives as long as its engine, so that the engine need not keep it alive.
    let isLasting: Bool
    /// The model's price is not known, here or in shadow.
    package let isModelUnpriced: Bool
    /// Of what every record of a replay asks, at hand without copying it: there is a shadow, the most output tokens that
    /// a cap leaves, and how many events there are.
    package let isShadowed: Bool
    package let outputCap: Int64
    package let eventCount: Int

    init(
        reasons: [Reason] = [], events: [Event] = [], remaining: [Remaining] = [], caps: Caps = Caps(),
        retryAfter: Int64? = nil, upgrade: Upgrade? = nil, shadow: Decision? = nil, isShared: Bool = false,
        isLasting: Bool = false
    ) {
        self.isShared = isShared
        self.isLasting = isLasting
        isShadowed = shadow != nil
        outputCap = caps.maxOutputTokens ?? .max
        eventCount = events.count
        isModelUnpriced = reasons.first?.code == "model_unpriced" || shadow?.detail?.isModelUnpriced == true
        self.reasons = reasons
        self.events = events
        self.remaining = remaining
        self.caps = caps
        self.retryAfter = retryAfter
        self.upgrade = upgrade
        self.shadow = shadow
    }
}

/// A reservation that waits for what its request really used.
package struct ReservationID: Sendable, Hashable {
    /// The engine and the tenant, so that a reservation is never taken for that of another.
    var owner: UInt64
    var slot: UInt32
    var generation: UInt32
}

/// The answer to one request.
package struct Decision: Sendable {
    package var outcome: Outcome
    /// The model that may be used; `.absent` where none may.
    package var model: Symbol
    /// Of the chosen candidate (of a refusal: the first), after caps.
    package var estimate = Estimate()
    /// nil where nothing was reserved.
    package var reservation: ReservationID?
    /// The model has no known price and was let through by `unpriced: allow`.
    package var isUnpriced = false
    /// The request was let through, and no limit of its plan applied to it.
    package var isUnlimited = false
    /// The request's id was seen within the retry window.
    package var isRepeat = false
    /// The tier that was decided by; `.absent` where none was found.
    package var tier = Symbol.absent
    /// By index in `Engine.policySet.editions`; -1 where no policy was in force.
    package var edition = Int32(-1)
    @usableFromInline var owned: DecisionDetail?
    /// A detail that the engine keeps. Counting references to what all threads share would make them wait for each
    /// other, so that only who hands a decision to a caller that may outlive the engine makes it the decision's own.
    @usableFromInline var lent: Unmanaged<DecisionDetail>?

    @inlinable @inline(__always)
    init(outcome: Outcome, model: Symbol) {
        self.outcome = outcome
        self.model = model
    }

    init(outcome: Outcome, model: Symbol, tier: Symbol, detail: DecisionDetail? = nil) {
        self.init(outcome: outcome, model: model)
        self.tier = tier
        owned = detail
    }

    /// A plain permission, for being decided in place.
    @inlinable @inline(__always)
    package init() { self.init(outcome: .allow, model: .absent) }

    /// nil of a plain permission unless details were asked for.
    package internal(set) var detail: DecisionDetail? {
        get { owned ?? lent?._withUnsafeGuaranteedRef { $0 } }
        set {
            owned = newValue
            lent = nil
        }
    }

    /// The same as `detail`, reached without counting references: it holds while the decision and its engine do.
    @inlinable @inline(__always)
    package var detailReference: Unmanaged<DecisionDetail>? {
        lent ?? unsafeBitCast(owned, to: Unmanaged<DecisionDetail>?.self)
    }

    /// Gives a decision a detail that lives at least until it is handed out, and lends it where it lives on.
    @inline(__always)
    mutating func give(_ detail: Unmanaged<DecisionDetail>?) {
        lent = detail
        guard let detail, !detail._withUnsafeGuaranteedRef({ $0.isLasting }) else { return }
        own()
    }

    /// Makes a detail that was lent the decision's own.
    @inline(__always)
    mutating func own() {
        guard let lent else { return }
        owned = lent.takeUnretainedValue()
        self.lent = nil
    }

    package var reasons: [Reason] { detail?.reasons ?? [] }
    package var caps: Caps { detail?.caps ?? Caps() }
    package var shadow: Decision? { detail?.shadow }

    /// Asking again later may help: all that refused are rates, or requests that still run.
    package var isRetryable: Bool {
        guard let detail, outcome.isRefused, !detail.reasons.isEmpty else { return false }
        if outcome == .throttle { return detail.retryAfter != nil }
        return detail.reasons.allSatisfy { $0.unit == .concurrentRequests && $0.limit != nil }
    }
}
