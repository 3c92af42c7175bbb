import BursarSyntax

/// A cap on what an admitted request may do.
public enum Cap: Sendable, Hashable {
    case output(Int64)
    case outputToFit(minimum: Int64)
    case input(Int64)
    case disableTools([Pattern])
    case serveCached
    case steps(Int64)
    /// Microseconds.
    case coolDown(Int64)
}

/// What a threshold does, with every name resolved.
public enum Effect: Sendable, Hashable {
    case notify([String])
    case cap(Cap)
    /// To the next model of the chain, or to one that is named.
    case downgrade(to: ModelID?)
    case throttle(requests: Int64, windowMicros: Int64)
    case confirm
    case approve
    /// The ceiling in nano-units beyond the threshold; the rate at which the excess is billed.
    case overage(ceiling: Int64?, rate: Percentage)
    case deny(code: String?)

    public var isDowngrade: Bool { if case .downgrade = self { true } else { false } }
    public var isDeny: Bool { if case .deny = self { true } else { false } }
}

/// `A else B else C`, where its condition holds.
public struct ThresholdAction: Sendable, Hashable {
    public var alternatives: [Effect]
    public var when: Condition?
    public var whenSource: SourceRange?

    public var downgrades: Bool { alternatives[0].isDowngrade }

    /// What remains when the first alternative finds no way ends in a refusal.
    public var endsInDeny: Bool { alternatives.last?.isDeny ?? false }
}

public struct Threshold: Sendable, Hashable {
    public enum Level: Sendable, Hashable {
        /// Of the amount and what was carried.
        case share(Percentage)
        /// In the limit's own unit.
        case amount(Int64)

        /// What a projection may reach without crossing.
        public func bound(of amount: Int64) -> Int64 {
            switch self {
            case .share(let percentage): percentage.floor(of: amount)
            case .amount(let absolute): absolute
            }
        }
    }

    public var level: Level
    /// As it was written.
    public var text: String
    public var actions: [ThresholdAction]
    public var source: SourceRange
    /// Of the level together with its actions; nil where neither is written.
    public var entrySource: SourceRange?

    /// What a projection may reach without crossing.
    public func bound(of amount: Int64) -> Int64 { level.bound(of: amount) }
}

public struct Rollover: Sendable, Hashable {
    public var cap: Percentage
    public var isCompounding: Bool

    public init(cap: Percentage, isCompounding: Bool) {
        self.cap = cap
        self.isCompounding = isCompounding
    }
}

/// Where a limit was declared; the same name in two layers names two limits.
public enum Layer: Sendable, Hashable {
    case policy, plan
    /// In a tenant's tree of scopes.
    case scope
}

/// A share of another limit.
public struct Weight: Sendable, Hashable {
    /// Index in the plan of the limit that is divided.
    public var of: Int
    public var share: Percentage
    public var isOfRemaining: Bool
    /// nil: each feature that is not among `named`.
    public var feature: String?
    public var named: [String]
}

/// One limit of a plan: nothing in it is left to look up.
public struct Limit: Sendable {
    public var name: String
    public var layer: Layer
    public var amount: Int64
    public var unit: Unit
    public var window: Window
    /// What it is counted for, from the outermost in; `tenant` is always meant unless it is `group`.
    public var per: [Scope]
    /// Scopes of a tenant's tree that a request must be in.
    public var within: [ScopeValue]
    public var when: Condition?
    /// Ascending.
    public var thresholds: [Threshold]
    public var rollover: Rollover?
    public var burst: Int64?
    public var isShadow: Bool
    public var isPrepaid: Bool
    public var weight: Weight?
    public var source: SourceRange
    public var whenSource: SourceRange?
    /// Of the amount, which may be said elsewhere than the name.
    public var amountSource: SourceRange?

    public struct ScopeValue: Sendable, Hashable {
        public var scope: Scope
        public var value: String
    }

    /// The most that a bucket holds.
    public var capacity: Int64 { burst ?? amount }

    /// Microseconds over which its bucket refills; nil where it has none: a share of what remains keeps no bucket.
    public var bucketLength: Int64? {
        guard case .rate(let length) = window, weight?.isOfRemaining != true else { return nil }
        return length
    }

    /// What a counter is named by, besides its scope and window's start: it outlives versions of the policy.
    public struct CounterKey: Sendable, Hashable {
        public var name: String
        public var layer: Layer
        public var unit: Unit
        public var window: Window
        public var per: [Scope]
        public var within: [ScopeValue]
    }

    /// Without the time zone: where a version changes it, a window that has begun runs to its end.
    public var counterKey: CounterKey {
        var window = window
        if case .calendar(let unit, let fromDay, _) = window { window = .calendar(unit, fromDay: fromDay, zone: .utc) }
        return CounterKey(name: name, layer: layer, unit: unit, window: window, per: per, within: within)
    }

    /// Counted across tenants.
    public var isShared: Bool { per.first == .group }

    /// The code of a refusal where the policy names none.
    public var defaultCode: String {
        if weight != nil { return "feature_budget_exceeded" }
        if isPrepaid { return "prepaid_balance_required" }
        switch window {
        case .request: return "request_too_large"
        case .rate: return "rate_limited"
        default: break
        }
        if unit == .concurrentRequests { return "concurrency_exceeded" }
        guard unit.isBudget else { return "quota_exceeded" }
        let scopes = per + within.map(\.scope)
        if scopes.contains(.run) { return "run_budget_exceeded" }
        return scopes.contains { $0 != .tenant && $0 != .group } ? "scope_budget_exceeded" : "tenant_budget_exceeded"
    }
}
