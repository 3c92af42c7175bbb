import BursarSyntax

/// An access rule: decided without counters.
public struct Rule: Sendable {
    public var name: String
    public var when: Condition
    public var effect: RuleDeclaration.Effect
    public var code: String
    public var source: SourceRange
    /// Of the condition; nil where it has none and always holds.
    public var whenSource: SourceRange?
}

public struct ToolRules: Sendable {
    public var deny: [Pattern] = []
    public var approve: [Pattern] = []
    public var allow: [Pattern] = []
    public var fallback: ToolsDeclaration.Default = .allow
    public var denySource: SourceRange?
    public var approveSource: SourceRange?

    /// Deny before approve before allow.
    public func verdict(on tool: String) -> ToolsDeclaration.Default {
        if deny.contains(where: { $0.matches(tool) }) { return .deny }
        if approve.contains(where: { $0.matches(tool) }) { return .approve }
        if allow.contains(where: { $0.matches(tool) }) { return .allow }
        return fallback
    }

    public var isEmpty: Bool { deny.isEmpty && approve.isEmpty && fallback == .allow }
}

/// The text of one version of a policy, apart from tiers and tenants.
public final class PolicyVersion: Sendable {
    public let id: String
    public let version: Version
    public let digest: String
    public let effective: Int64
    /// Exclusive; `Int64.max` where it does not end.
    public let until: Int64
    public let zone: TimeZoneRules
    public let currency: String
    public let catalogID: String?
    public let mode: PolicyMode
    public let allowsUnpriced: Bool
    /// nil: 1,000 tokens.
    public let estimatedOutput: Int64?
    /// Microseconds.
    public let retryWindow: Int64
    public let rules: [Rule]
    public let tools: ToolRules
    public let criticalFeatures: Set<String>
    /// Features as declared, with their places.
    public let features: [Name]
    /// Audiences as declared, with their places.
    public let audiences: [Name]
    public let alerts: [AlertRule]
    public let source: SourceRange

    public static let defaultRetryWindow = 10 * Micros.minute

    init(
        id: String, version: Version, digest: String, effective: Int64, until: Int64, zone: TimeZoneRules,
        currency: String, catalogID: String?, mode: PolicyMode, allowsUnpriced: Bool, estimatedOutput: Int64?,
        retryWindow: Int64, rules: [Rule], tools: ToolRules, criticalFeatures: Set<String>,
        features: [Name], audiences: [Name], alerts: [AlertRule], source: SourceRange
    ) {
        self.id = id
        self.version = version
        self.digest = digest
        self.effective = effective
        self.until = until
        self.zone = zone
        self.currency = currency
        self.catalogID = catalogID
        self.mode = mode
        self.allowsUnpriced = allowsUnpriced
        self.estimatedOutput = estimatedOutput
        self.retryWindow = retryWindow
        self.rules = rules
        self.tools = tools
        self.criticalFeatures = criticalFeatures
        self.features = features
        self.audiences = audiences
        self.alerts = alerts
        self.source = source
    }
}

/// The models that a plan allows.
public struct ModelAccess: Sendable {
    public var allowsAny: Bool
    /// By `ModelID`.
    public var allowed: [Bool]
    /// For models that the catalog does not list.
    public var patterns: [Pattern]

    static let any = ModelAccess(allowsAny: true, allowed: [], patterns: [])

    public func allows(_ model: ModelID) -> Bool { allowsAny || allowed[model.rawValue] }

    public func allows(unlisted name: String) -> Bool { allowsAny || patterns.contains { $0.matches(name) } }
}

/// Models from dear to cheap, and whose consent a substitute needs.
public struct Downgrade: Sendable {
    public var chains: [[ModelID]]
    /// Where the models of the chains are named.
    public var sources: [[SourceRange]]
    public var consent: DowngradeDeclaration.Consent
    public var consentSource: SourceRange?

    static let none = Downgrade(chains: [], sources: [], consent: .plan)

    /// The models after this one in the first chain that holds it.
    public func substitutes(for model: ModelID) -> ArraySlice<ModelID> {
        for chain in chains {
            if let index = chain.firstIndex(of: model) { return chain[(index + 1)...] }
        }
        return []
    }
}

public struct Upgrade: Sendable, Hashable {
    public var to: String?
    public var url: String?
}

/// Part of a tenant's prepaid balance.
public struct Grant: Sendable, Hashable {
    /// Nano-units.
    public var amount: Int64
    public var from: Int64
    public var until: Int64

    public func holds(at time: Int64) -> Bool { from <= time && time < until }
}

/// What holds for a tenant: its tier with its own keys over it.
public final class Plan: Sendable {
    public let tier: String
    public let models: ModelAccess
    public let downgrade: Downgrade
    public let blockedFeatures: Set<String>
    /// In the order of judgement: the policy's, the tier's, its weights, the tenant's own, then scopes.
    public let limits: [Limit]
    public let upgrade: Upgrade?
    /// Nano-units a month.
    public let price: Int64?
    /// In the order in which spend burns them.
    public let grants: [Grant]
    /// When this plan holds: an exception that ends makes another.
    public let validity: Interval
    /// Where each thing was said, for reasons and explanations.
    public let modelsSource: SourceRange?
    public let blockSource: SourceRange?
    /// The name of the tier where it is declared.
    public let tierSource: SourceRange?

    init(
        tier: String, models: ModelAccess, downgrade: Downgrade, blockedFeatures: Set<String>, limits: [Limit],
        upgrade: Upgrade?, price: Int64?, grants: [Grant], validity: Interval, modelsSource: SourceRange?,
        blockSource: SourceRange?, tierSource: SourceRange?
    ) {
        self.tier = tier
        self.models = models
        self.downgrade = downgrade
        self.blockedFeatures = blockedFeatures
        self.limits = limits
        self.upgrade = upgrade
        self.price = price
        self.grants = grants
        self.validity = validity
        self.modelsSource = modelsSource
        self.blockSource = blockSource
        self.tierSource = tierSource
    }
}

/// A tenant's record, names resolved as far as they do not depend on the version in force.
public struct TenantRecord: Sendable {
    public var id: String
    public var tier: String?
    public var group: String?
    public var isSuspended: Bool
    public var acceptsDowngrade: Bool
    /// Microseconds since 1970.
    public var since: Int64?
    public var source: SourceRange
    /// Nothing in it changes the tier's plan.
    public var followsTier: Bool
}

/// A policy version with the catalog version that was in force with it.
public final class Edition: Sendable {
    public let policy: PolicyVersion
    public let catalog: Catalog?
    /// When both were in force.
    public let interval: Interval
    public let defaultTier: String?
    public let tierNames: [String]
    /// Tiers that others take over.
    public let extendedTiers: Set<String>
    let plans: PlanBuilder
    private let tierPlans: [String: Plan]

    init(
        policy: PolicyVersion, catalog: Catalog?, interval: Interval, defaultTier: String?, extendedTiers: Set<String>,
        plans: PlanBuilder
    ) {
        self.policy = policy
        self.catalog = catalog
        self.interval = interval
        self.defaultTier = defaultTier
        self.extendedTiers = extendedTiers
        self.plans = plans
        tierNames = plans.tierNames
        tierPlans = Dictionary(
            plans.tierNames.map { ($0, plans.plan(tier: $0)) }, uniquingKeysWith: { first, _ in first })
    }

    /// The same edition as it will be once its policy is enforced: limits are in shadow only where they say so themselves.
    public var enforced: Edition {
        guard policy.mode == .shadow else { return self }
        return Edition(
            policy: policy, catalog: catalog, interval: interval, defaultTier: defaultTier,
            extendedTiers: extendedTiers, plans: plans.enforced())
    }

    /// The plan of a tier by itself; nil where this version has no such tier.
    public func plan(tier: String) -> Plan? { tierPlans[tier] }

    /// The plan of a tenant that has a record, at an instant.
    public func plan(tier: String, tenant index: Int, record: TenantRecord, at time: Int64) -> Plan? {
        guard let base = tierPlans[tier] else { return nil }
        return record.followsTier ? base : plans.plan(tier: tier, tenant: index, at: time)
    }
}

/// A compiled policy set: every version of a policy with its catalogs and tenants.
public final class PolicySet: Sendable {
    /// Ascending and disjoint; between them no policy is in force.
    public let editions: [Edition]
    public let tenants: [TenantRecord]
    public let sources: SourceMap
    private let tenantIndex: [String: Int]

    init(editions: [Edition], tenants: [TenantRecord], sources: SourceMap) {
        self.editions = editions
        self.tenants = tenants
        self.sources = sources
        tenantIndex = Dictionary(tenants.indices.map { (tenants[$0].id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The edition in force at an instant.
    public func edition(at time: Int64) -> Edition? {
        editions.last { $0.interval.start <= time }.flatMap { $0.interval.contains(time) ? $0 : nil }
    }

    public func tenantIndex(of id: String) -> Int? { tenantIndex[id] }
}
