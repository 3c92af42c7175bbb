/// A value with its position in the source text.
package struct Located<Value: Sendable>: Sendable {
    package var value: Value
    package var range: SourceRange

    package init(_ value: Value, at range: SourceRange) {
        self.value = value
        self.range = range
    }
}

package typealias Name = Located<String>

/// The documents of a policy set as written: scalars are parsed, names are not resolved.
package struct Documents: Sendable {
    package var policies: [PolicyDocument] = []
    package var catalogs: [CatalogDocument] = []
    package var tenants: [TenantDeclaration] = []
    package var tests: [TestDeclaration] = []
    package var sources = SourceMap()
    /// Some file could not be read, so declarations may be missing.
    package var isIncomplete = false

    package init() {}
}

package enum PolicyMode: String, Sendable, CaseIterable { case enforce, shadow, frozen }

package struct PolicyDocument: Sendable {
    package var node: YAMLNode
    package var id: Name
    package var version: Located<Version>
    package var effective: Located<InstantLiteral>?
    package var until: Located<InstantLiteral>?
    /// A time is written that could not be read, so that the version is not compared with others.
    package var hasUnreadableTime = false
    package var timezone: Name?
    package var currency: Name?
    package var catalog: Name?
    package var mode: PolicyMode = .enforce
    package var defaultTier: Name?
    package var allowsUnpriced = false
    package var estimatedOutput: Int64?
    package var estimateBasis: EstimateBasis?
    package var retryWindow: Int64?
    package var audiences: [Name] = []
    package var features: [FeatureDeclaration] = []
    package var limits: [LimitDeclaration] = []
    package var rules: [RuleDeclaration] = []
    package var tools = ToolsDeclaration()
    package var tiers: [TierDeclaration] = []
    package var alerts: [AlertDeclaration] = []
    /// The severities that the policy sets for diagnostic codes; nil disables a code.
    package var checks: [(code: Name, severity: Located<Severity?>)] = []
}

package struct FeatureDeclaration: Sendable {
    package var name: Name
    package var isCritical: Bool
}

package struct RuleDeclaration: Sendable {
    package enum Effect: String, Sendable, CaseIterable { case deny, confirm, approve }

    package var name: Name
    package var when: Located<Condition>?
    package var effect: Effect
    package var code: Name
}

package struct ToolsDeclaration: Sendable {
    package enum Default: String, Sendable, CaseIterable { case allow, approve, deny }

    package var deny: [Located<Pattern>] = []
    package var approve: [Located<Pattern>] = []
    package var allow: [Located<Pattern>] = []
    package var fallback: Default = .allow
}

package struct TierDeclaration: Sendable {
    package var name: Name
    package var extends: Name?
    /// Nano-units per month.
    package var price: Located<MoneyLiteral>?
    package var models: Located<[Located<Pattern>]>?
    package var downgrade: DowngradeDeclaration?
    package var block: Located<[Name]>?
    package var limits: [LimitDeclaration] = []
    package var weights: WeightsDeclaration?
    package var upgrade: UpgradeDeclaration?
}

package struct DowngradeDeclaration: Sendable {
    package enum Consent: String, Sendable, CaseIterable { case plan, tenant, request }

    package var chains: [Located<[Name]>]
    package var consent: Consent = .plan
    package var consentSource: SourceRange?
}

package struct UpgradeDeclaration: Sendable {
    package var to: Name?
    package var url: String?
}

package struct WeightsDeclaration: Sendable {
    package var of: Name
    package var shares: [(feature: Name, share: Located<Percentage>)]
    package var other: Located<Percentage>?
    package var isOfRemaining = false
    package var range: SourceRange
}

/// The output of a request that is reserved.
package enum EstimateBasis: String, Sendable, Hashable, CaseIterable {
    /// What the caller expects.
    case expected
    /// The most that the answer may have.
    case max
}

/// The entity that a limit is counted for.
package enum Scope: String, Sendable, Hashable, CaseIterable {
    case tenant, workspace, app, workflow, agent, toolset, run, session, user
    case apiKey = "api_key"
    case group, feature, model

    /// The attribute of a request that carries it.
    package var attribute: Attribute? { Attribute.named[rawValue] }
}

package struct LimitDeclaration: Sendable {
    package var name: Name
    package var range: SourceRange
    /// `none`: the inherited limit is removed.
    package var isRemoved = false
    package var amount: Located<QuantityLiteral>?
    package var per: Located<[Scope]>?
    package var when: Located<Condition>?
    package var thresholds: Located<[ThresholdDeclaration]>?
    package var rollover: Located<RolloverDeclaration>?
    package var burst: Located<Int64>?
    package var mode: Located<PolicyMode>?
    package var prepaid: Located<Bool>?
}

package struct RolloverDeclaration: Sendable {
    package var cap: Percentage
    package var isCompounding: Bool
}

package struct ThresholdDeclaration: Sendable {
    package var level: Located<ThresholdLiteral>
    /// The range of the threshold and its actions.
    package var range: SourceRange
    package var actions: [ActionDeclaration]
}

package struct ActionDeclaration: Sendable {
    package var action: Located<Action>
    package var when: Located<Condition>?
}

package struct CatalogDocument: Sendable {
    package var node: YAMLNode
    package var id: Name
    package var version: Located<Version>
    package var effective: Located<InstantLiteral>?
    package var currency: Name?
    package var classes: [Name] = []
    package var models: [ModelDeclaration] = []
}

package struct ModelDeclaration: Sendable {
    package struct Price: Sendable {
        /// 10^-12 of the currency per token.
        package var input: Int64
        package var cached: Int64?
        package var output: Int64
        /// Nano-units per request.
        package var request: Int64 = 0
        package var marks: [Located<CurrencyMark>] = []
    }

    package var name: Name
    package var modelClass: Name?
    package var provider: String?
    package var aliases: [Located<Pattern>] = []
    package var price: Price?
    package var context: Int64?
}

package struct GrantDeclaration: Sendable {
    package var amount: Located<MoneyLiteral>
    package var from: Located<InstantLiteral>?
    package var until: Located<InstantLiteral>?
    package var priority: Int64 = 0
    package var isBought = false
}

package struct ExceptionDeclaration: Sendable {
    package var limit: Name
    package var amount: Located<QuantityLiteral>
    package var until: Located<InstantLiteral>
    package var reason: String?
    package var approvedBy: String?
}

/// A part of a tenant with its own limits: `workspace production`.
package struct ScopeDeclaration: Sendable {
    package var scope: Scope
    package var value: Name
    package var limits: [LimitDeclaration]
    package var children: [ScopeDeclaration]
}

package struct TenantDeclaration: Sendable {
    package var id: Name
    package var tier: Name?
    package var group: String?
    package var isSuspended = false
    package var acceptsDowngrade = false
    package var since: Located<InstantLiteral>?
    package var grants: [GrantDeclaration] = []
    package var models: Located<[Located<Pattern>]>?
    package var downgrade: DowngradeDeclaration?
    package var block: Located<[Name]>?
    package var limits: [LimitDeclaration] = []
    package var weights: WeightsDeclaration?
    package var upgrade: UpgradeDeclaration?
    package var scopes: [ScopeDeclaration] = []
    package var exceptions: [ExceptionDeclaration] = []
}
