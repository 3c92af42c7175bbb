/// A value that was read from the text, with its place.
public struct Located<Value: Sendable>: Sendable {
    public var value: Value
    public var range: SourceRange

    public init(_ value: Value, at range: SourceRange) {
        self.value = value
        self.range = range
    }
}

public typealias Name = Located<String>

/// The documents of a policy set as they were written: scalars read, names not yet looked up.
public struct Documents: Sendable {
    public var policies: [PolicyDocument] = []
    public var catalogs: [CatalogDocument] = []
    public var tenants: [TenantDeclaration] = []
    public var tests: [TestDeclaration] = []
    public var sources = SourceMap()
    /// Some file could not be read, so a name may be missing that it defines.
    public var isIncomplete = false

    public init() {}
}

public enum PolicyMode: String, Sendable, CaseIterable { case enforce, shadow, frozen }

public struct PolicyDocument: Sendable {
    public var node: YAMLNode
    public var id: Name
    public var version: Located<Version>
    public var effective: Located<InstantLiteral>?
    public var until: Located<InstantLiteral>?
    public var timezone: Name?
    public var currency: Name?
    public var catalog: Name?
    public var mode: PolicyMode = .enforce
    public var defaultTier: Name?
    public var allowsUnpriced = false
    public var estimatedOutput: Int64?
    public var retryWindow: Int64?
    public var audiences: [Name] = []
    public var features: [FeatureDeclaration] = []
    public var limits: [LimitDeclaration] = []
    public var rules: [RuleDeclaration] = []
    public var tools = ToolsDeclaration()
    public var tiers: [TierDeclaration] = []
    public var alerts: [AlertDeclaration] = []
    /// The severity that findings of a code shall have; nil: none are reported.
    public var checks: [(code: Name, severity: Located<Severity?>)] = []
}

public struct FeatureDeclaration: Sendable {
    public var name: Name
    public var isCritical: Bool
}

public struct RuleDeclaration: Sendable {
    public enum Effect: String, Sendable, CaseIterable { case deny, confirm, approve }

    public var name: Name
    public var when: Located<Condition>?
    public var effect: Effect
    public var code: Name
}

public struct ToolsDeclaration: Sendable {
    public enum Default: String, Sendable, CaseIterable { case allow, approve, deny }

    public var deny: [Located<Pattern>] = []
    public var approve: [Located<Pattern>] = []
    public var allow: [Located<Pattern>] = []
    public var fallback: Default = .allow
}

public struct TierDeclaration: Sendable {
    public var name: Name
    public var extends: Name?
    /// Nano-units a month.
    public var price: Located<MoneyLiteral>?
    public var models: Located<[Located<Pattern>]>?
    public var downgrade: DowngradeDeclaration?
    public var block: Located<[Name]>?
    public var limits: [LimitDeclaration] = []
    public var weights: WeightsDeclaration?
    public var upgrade: UpgradeDeclaration?
}

public struct DowngradeDeclaration: Sendable {
    public enum Consent: String, Sendable, CaseIterable { case plan, tenant, request }

    public var chains: [Located<[Name]>]
    public var consent: Consent = .plan
    public var consentSource: SourceRange?
}

public struct UpgradeDeclaration: Sendable {
    public var to: Name?
    public var url: String?
}

public struct WeightsDeclaration: Sendable {
    public var of: Name
    public var shares: [(feature: Name, share: Located<Percentage>)]
    public var other: Located<Percentage>?
    public var isOfRemaining = false
    public var range: SourceRange
}

/// What a limit is counted for.
public enum Scope: String, Sendable, Hashable, CaseIterable {
    case tenant, workspace, app, workflow, agent, toolset, run, session, user
    case apiKey = "api_key"
    case group, feature, model
}

public struct LimitDeclaration: Sendable {
    public var name: Name
    public var range: SourceRange
    /// `none`: the limit that was taken over is removed.
    public var isRemoved = false
    public var amount: Located<QuantityLiteral>?
    public var per: Located<[Scope]>?
    public var when: Located<Condition>?
    public var thresholds: Located<[ThresholdDeclaration]>?
    public var rollover: Located<RolloverDeclaration>?
    public var burst: Located<Int64>?
    public var mode: Located<PolicyMode>?
    public var prepaid: Located<Bool>?
}

public struct RolloverDeclaration: Sendable {
    public var cap: Percentage
    public var isCompounding: Bool
}

public struct ThresholdDeclaration: Sendable {
    public var level: Located<ThresholdLiteral>
    /// With its actions.
    public var range: SourceRange
    public var actions: [ActionDeclaration]
}

public struct ActionDeclaration: Sendable {
    public var action: Located<Action>
    public var when: Located<Condition>?
}

public struct CatalogDocument: Sendable {
    public var node: YAMLNode
    public var id: Name
    public var version: Located<Version>
    public var effective: Located<InstantLiteral>?
    public var currency: Name?
    public var classes: [Name] = []
    public var models: [ModelDeclaration] = []
}

public struct ModelDeclaration: Sendable {
    public struct Price: Sendable {
        /// 10^-12 of the currency per token.
        public var input: Int64
        public var cached: Int64?
        public var output: Int64
        /// Nano-units per request.
        public var request: Int64 = 0
        public var marks: [Located<CurrencyMark>] = []
    }

    public var name: Name
    public var modelClass: Name?
    public var provider: String?
    public var aliases: [Located<Pattern>] = []
    public var price: Price?
    public var context: Int64?
}

public struct GrantDeclaration: Sendable {
    public var amount: Located<MoneyLiteral>
    public var from: Located<InstantLiteral>?
    public var until: Located<InstantLiteral>?
    public var priority: Int64 = 0
    public var isBought = false
}

public struct ExceptionDeclaration: Sendable {
    public var limit: Name
    public var amount: Located<QuantityLiteral>
    public var until: Located<InstantLiteral>
    public var reason: String?
    public var approvedBy: String?
}

/// A part of a tenant with limits of its own: `workspace production`.
public struct ScopeDeclaration: Sendable {
    public var scope: Scope
    public var value: Name
    public var limits: [LimitDeclaration]
    public var children: [ScopeDeclaration]
}

public struct TenantDeclaration: Sendable {
    public var id: Name
    public var tier: Name?
    public var group: String?
    public var isSuspended = false
    public var acceptsDowngrade = false
    public var since: Located<InstantLiteral>?
    public var grants: [GrantDeclaration] = []
    public var models: Located<[Located<Pattern>]>?
    public var downgrade: DowngradeDeclaration?
    public var block: Located<[Name]>?
    public var limits: [LimitDeclaration] = []
    public var weights: WeightsDeclaration?
    public var upgrade: UpgradeDeclaration?
    public var scopes: [ScopeDeclaration] = []
    public var exceptions: [ExceptionDeclaration] = []
}
