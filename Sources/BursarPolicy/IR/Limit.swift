import BursarSyntax

/// A cap on an admitted request.
package enum Cap: Sendable, Hashable {
    case output(Int64)
    case outputToFit(minimum: Int64)
    case input(Int64)
    case disableTools([Pattern])
    case serveCached
    case steps(Int64)
    /// Microseconds.
    case coolDown(Int64)
}

/// An action of a threshold with every name resolved.
package enum Effect: Sendable, Hashable {
    case notify([String])
    case cap(Cap)
    /// To the next model of the chain, or to a named model.
    case downgrade(to: ModelID?)
    case throttle(requests: Int64, windowMicros: Int64)
    case confirm
    case approve
    /// The ceiling in nano-units above the threshold, and the rate at which the excess is billed.
    case overage(ceiling: Int64?, rate: Percentage)
    case deny(code: String?)

    package var isDowngrade: Bool { if case .downgrade = self { true } else { false } }
    package var isDeny: Bool { if case .deny = self { true } else { false } }
}

/// `A else B else C`, with an optional condition.
package struct ThresholdAction: Sendable, Hashable {
    package var alternatives: [Effect]
    package var when: Condition?
    package var whenSource: SourceRange?

    package var downgrades: Bool { alternatives[0].isDowngrade }

    /// The last alternative is a refusal.
    package var endsInDeny: Bool { alternatives.last?.isDeny ?? false }
}

package struct Threshold: Sendable, Hashable {
    package enum Level: Sendable, Hashable {
        /// A share of the amount including carry-over.
        case share(Percentage)
        /// An amount in the limit's unit.
        case amount(Int64)

        /// The largest projection that does not cross the threshold.
        package func bound(of amount: Int64) -> Int64 {
            switch self {
            case .share(let percentage): percentage.floor(of: amount)
            case .amount(let absolute): absolute
            }
        }
    }

    package var level: Level
    /// The text as written.
    package var text: String
    package var actions: [ThresholdAction]
    package var source: SourceRange
    /// The range of the level with its actions; nil if neither is written.
    package var entrySource: SourceRange?

    /// The largest projection that does not cross the threshold.
    package func bound(of amount: Int64) -> Int64 { level.bound(of: amount) }
}

package struct Rollover: Sendable, Hashable {
    package var cap: Percentage
    package var isCompounding: Bool

    package init(cap: Percentage, isCompounding: Bool) {
        self.cap = cap
        self.isCompounding = isCompounding
    }
}

/// The layer that declares a limit. Equal names in different layers are different limits.
package enum Layer: Sendable, Hashable {
    case policy, plan
    /// A tenant's tree of scopes.
    case scope
}

/// The share of a weighted limit.
package struct Weight: Sendable, Hashable {
    /// The index in the plan of the limit that is divided.
    package var of: Int
    package var share: Percentage
    package var isOfRemaining: Bool
    /// nil: every feature that is not in `named`.
    package var feature: String?
    package var named: [String]
}

/// One limit of a plan, fully resolved.
package struct Limit: Sendable {
    package var name: String
    package var layer: Layer
    package var amount: Int64
    package var unit: Unit
    package var window: Window
    /// The scopes of the counter besides the tenant, outermost first.
    package var per: [Scope]
    /// The limit counts across tenants: for each group, not for each tenant of it.
    package var isShared: Bool
    /// The scopes of a tenant's tree that the limit applies to.
    package var within: [ScopeValue]
    package var when: Condition?
    /// In ascending order.
    package var thresholds: [Threshold]
    package var rollover: Rollover?
    package var burst: Int64?
    package var isShadow: Bool
    package var isPrepaid: Bool
    package var weight: Weight?
    package var source: SourceRange
    package var whenSource: SourceRange?
    /// The range of the amount, which may be in another declaration than the name.
    package var amountSource: SourceRange?
    /// `/lifetime` is written, so that the missing window is meant.
    package var statesLifetime: Bool
    /// Of `mode: enforce`.
    package var enforceSource: SourceRange?

    package struct ScopeValue: Sendable, Hashable {
        package var scope: Scope
        package var value: String
    }

    /// The capacity of the bucket.
    package var capacity: Int64 { burst ?? amount }

    /// The time in microseconds over which the bucket refills; nil if the limit has no bucket. A share of the remainder
    /// has none.
    package var bucketLength: Int64? {
        guard case .rate(let length) = window, weight?.isOfRemaining != true else { return nil }
        return length
    }

    /// Identifies a counter, together with its scope and the start of its window. Counters survive a change of the
    /// policy version.
    package struct CounterKey: Sendable, Hashable {
        package var name: String
        package var layer: Layer
        package var unit: Unit
        package var window: Window
        package var per: [Scope]
        package var isShared: Bool
        package var within: [ScopeValue]
    }

    /// The key excludes the time zone: if a version changes it, the current window keeps its end.
    package var counterKey: CounterKey {
        var window = window
        if case .calendar(let unit, let fromDay, _) = window { window = .calendar(unit, fromDay: fromDay, zone: .utc) }
        return CounterKey(
            name: name, layer: layer, unit: unit, window: window, per: per, isShared: isShared, within: within)
    }

    /// The code of a refusal if the policy gives none.
    package var defaultCode: String {
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
