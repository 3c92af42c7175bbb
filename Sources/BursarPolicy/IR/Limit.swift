import BursarSyntax

/// A cap on what an admitted request may do.
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

/// What a threshold does, with every name resolved.
package enum Effect: Sendable, Hashable {
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

    package var isDowngrade: Bool { if case .downgrade = self { true } else { false } }
    package var isDeny: Bool { if case .deny = self { true } else { false } }
}

/// `A else B else C`, where its condition holds.
package struct ThresholdAction: Sendable, Hashable {
    package var alternatives: [Effect]
    package var when: Condition?
    package var whenSource: SourceRange?

    package var downgrades: Bool { alternatives[0].isDowngrade }

    /// What remains when the first alternative finds no way ends in a refusal.
    package var endsInDeny: Bool { alternatives.last?.isDeny ?? false }
}

package struct Threshold: Sendable, Hashable {
    package enum Level: Sendable, Hashable {
        /// Of the amount and what was carried.
        case share(Percentage)
        /// In the limit's own unit.
        case amount(Int64)

        /// What a projection may reach without crossing.
        package func bound(of amount: Int64) -> Int64 {
            switch self {
            case .share(let percentage): percentage.floor(of: amount)
            case .amount(let absolute): absolute
            }
        }
    }

    package var level: Level
    /// As it was written.
    package var text: String
    package var actions: [ThresholdAction]
    package var source: SourceRange
    /// Of the level together with its actions; nil where neither is written.
    package var entrySource: SourceRange?

    /// What a projection may reach without crossing.
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

/// Where a limit was declared; the same name in two layers names two limits.
package enum Layer: Sendable, Hashable {
    case policy, plan
    /// In a tenant's tree of scopes.
    case scope
}

/// A share of another limit.
package struct Weight: Sendable, Hashable {
    /// Index in the plan of the limit that is divided.
    package var of: Int
    package var share: Percentage
    package var isOfRemaining: Bool
    /// nil: each feature that is not among `named`.
    package var feature: String?
    package var named: [String]
}

/// One limit of a plan: nothing in it is left to look up.
package struct Limit: Sendable {
    package var name: String
    package var layer: Layer
    package var amount: Int64
    package var unit: Unit
    package var window: Window
    /// What it is counted for, from the outermost in; `tenant` is always meant unless it is `group`.
    package var per: [Scope]
    /// Scopes of a tenant's tree that a request must be in.
    package var within: [ScopeValue]
    package var when: Condition?
    /// Ascending.
    package var thresholds: [Threshold]
    package var rollover: Rollover?
    package var burst: Int64?
    package var isShadow: Bool
    package var isPrepaid: Bool
    package var weight: Weight?
    package var source: SourceRange
    package var whenSource: SourceRange?
    /// Of the amount, which may be said elsewhere than the name.
    package var amountSource: SourceRange?

    package struct ScopeValue: Sendable, Hashable {
        package var scope: Scope
        package var value: String
    }

    /// The most that a bucket holds.
    package var capacity: Int64 { burst ?? amount }

    /// Microseconds over which its bucket refills; nil where it has none: a share of what remains keeps no bucket.
    package var bucketLength: Int64? {
        guard case .rate(let length) = window, weight?.isOfRemaining != true else { return nil }
        return length
    }

    /// What a counter is named by, besides its scope and window's start: it outlives versions of the policy.
    package struct CounterKey: Sendable, Hashable {
        package var name: String
        package var layer: Layer
        package var unit: Unit
        package var window: Window
        package var per: [Scope]
        package var within: [ScopeValue]
    }

    /// Without the time zone: where a version changes it, a window that has begun runs to its end.
    package var counterKey: CounterKey {
        var window = window
        if case .calendar(let unit, let fromDay, _) = window { window = .calendar(unit, fromDay: fromDay, zone: .utc) }
        return CounterKey(name: name, layer: layer, unit: unit, window: window, per: per, within: within)
    }

    /// Counted across tenants.
    package var isShared: Bool { per.first == .group }

    /// The code of a refusal where the policy names none.
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
