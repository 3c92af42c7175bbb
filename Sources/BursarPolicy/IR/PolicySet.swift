import BursarSyntax

/// An access rule, which needs no counters.
package struct Rule: Sendable {
    package var name: String
    package var when: Condition
    package var effect: RuleDeclaration.Effect
    package var code: String
    package var source: SourceRange
    /// The range of the condition; nil if the rule is unconditional.
    package var whenSource: SourceRange?
}

package struct ToolRules: Sendable {
    package var deny: [Pattern] = []
    package var approve: [Pattern] = []
    package var allow: [Pattern] = []
    package var fallback: ToolsDeclaration.Default = .allow
    package var denySource: SourceRange?
    package var approveSource: SourceRange?

    /// Deny takes precedence over approve, and approve over allow.
    package func verdict(on tool: String) -> ToolsDeclaration.Default {
        if deny.contains(where: { $0.matches(tool) }) { return .deny }
        if approve.contains(where: { $0.matches(tool) }) { return .approve }
        if allow.contains(where: { $0.matches(tool) }) { return .allow }
        return fallback
    }

    package var isEmpty: Bool { deny.isEmpty && approve.isEmpty && fallback == .allow }
}

/// The content of one version of a policy, without tiers and tenants.
package final class PolicyVersion: Sendable {
    package let id: String
    package let version: Version
    package let digest: String
    package let effective: Int64
    /// The exclusive end; `Int64.max` if the version has no end.
    package let until: Int64
    package let zone: TimeZoneRules
    package let currency: String
    package let catalogID: String?
    package let mode: PolicyMode
    /// The policy is written in shadow mode and decided as it will be once it is enforced.
    package let isShadowEnforced: Bool
    package let allowsUnpriced: Bool
    /// nil: 1,000 tokens.
    package let estimatedOutput: Int64?
    package let estimateBasis: EstimateBasis
    /// Microseconds.
    package let retryWindow: Int64
    package let rules: [Rule]
    package let tools: ToolRules
    package let criticalFeatures: Set<String>
    /// Features as declared, with their positions.
    package let features: [Name]
    /// Audiences as declared, with their positions.
    package let audiences: [Name]
    package let alerts: [AlertRule]
    package let source: SourceRange

    package static let defaultRetryWindow = 10 * Micros.minute

    init(
        id: String, version: Version, digest: String, effective: Int64, until: Int64, zone: TimeZoneRules,
        currency: String, catalogID: String?, mode: PolicyMode, allowsUnpriced: Bool, estimatedOutput: Int64?,
        estimateBasis: EstimateBasis, retryWindow: Int64, rules: [Rule], tools: ToolRules,
        criticalFeatures: Set<String>,
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
        isShadowEnforced = false
        self.allowsUnpriced = allowsUnpriced
        self.estimatedOutput = estimatedOutput
        self.estimateBasis = estimateBasis
        self.retryWindow = retryWindow
        self.rules = rules
        self.tools = tools
        self.criticalFeatures = criticalFeatures
        self.features = features
        self.audiences = audiences
        self.alerts = alerts
        self.source = source
    }

    /// A version as it will be once it is enforced.
    init(enforcing version: PolicyVersion) {
        id = version.id
        self.version = version.version
        digest = version.digest
        effective = version.effective
        until = version.until
        zone = version.zone
        currency = version.currency
        catalogID = version.catalogID
        mode = version.mode == .shadow ? .enforce : version.mode
        isShadowEnforced = version.mode == .shadow
        allowsUnpriced = version.allowsUnpriced
        estimatedOutput = version.estimatedOutput
        estimateBasis = version.estimateBasis
        retryWindow = version.retryWindow
        rules = version.rules
        tools = version.tools
        criticalFeatures = version.criticalFeatures
        features = version.features
        audiences = version.audiences
        alerts = version.alerts
        source = version.source
    }
}

/// The models that a plan allows.
package struct ModelAccess: Sendable {
    package var allowsAny: Bool
    /// Indexed by `ModelID`.
    package var allowed: [Bool]
    /// Patterns for models that the catalog does not list.
    package var patterns: [Pattern]

    static let any = ModelAccess(allowsAny: true, allowed: [], patterns: [])

    package func allows(_ model: ModelID) -> Bool { allowsAny || allowed[model.rawValue] }

    package func allows(unlisted name: String) -> Bool { allowsAny || patterns.contains { $0.matches(name) } }
}

/// Chains of models from expensive to cheap, and the consent that a substitute needs.
package struct Downgrade: Sendable {
    package var chains: [[ModelID]]
    /// The positions of the models in the chains.
    package var sources: [[SourceRange]]
    package var consent: DowngradeDeclaration.Consent
    package var consentSource: SourceRange?

    static let none = Downgrade(chains: [], sources: [], consent: .plan)

    /// The models after this one in the first chain that contains it.
    package func substitutes(for model: ModelID) -> ArraySlice<ModelID> {
        for chain in chains {
            if let index = chain.firstIndex(of: model) { return chain[(index + 1)...] }
        }
        return []
    }
}

package struct Upgrade: Sendable, Hashable {
    package var to: String?
    package var url: String?
}

/// Part of a tenant's prepaid balance.
package struct Grant: Sendable, Hashable {
    /// Nano-units.
    package var amount: Int64
    package var from: Int64
    package var until: Int64

    package func holds(at time: Int64) -> Bool { from <= time && time < until }
}

/// The plan of a tenant: its tier with the tenant's own keys.
package final class Plan: Sendable {
    package let tier: String
    package let models: ModelAccess
    package let downgrade: Downgrade
    package let blockedFeatures: Set<String>
    /// The blocked features with their positions.
    package let blockedNames: [Name]
    /// In the order of evaluation: limits of the policy, the tier, its weights, the tenant, then scopes.
    package let limits: [Limit]
    package let upgrade: Upgrade?
    /// Nano-units per month.
    package let price: Int64?
    /// In the order in which spend uses them up.
    package let grants: [Grant]
    /// The time in which this plan is valid; it ends when an exception begins or ends.
    package let validity: Interval
    /// The positions of the declarations, for reasons and explanations.
    package let modelsSource: SourceRange?
    package let blockSource: SourceRange?
    /// The position of the tier's name in its declaration.
    package let tierSource: SourceRange?

    init(
        tier: String, models: ModelAccess, downgrade: Downgrade, blockedNames: [Name], limits: [Limit],
        upgrade: Upgrade?, price: Int64?, grants: [Grant], validity: Interval, modelsSource: SourceRange?,
        blockSource: SourceRange?, tierSource: SourceRange?
    ) {
        self.tier = tier
        self.models = models
        self.downgrade = downgrade
        self.blockedNames = blockedNames
        blockedFeatures = Set(blockedNames.map(\.value))
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

/// A tenant's record, resolved as far as possible without a policy version.
package struct TenantRecord: Sendable {
    package var id: String
    package var tier: String?
    package var group: String?
    package var isSuspended: Bool
    package var acceptsDowngrade: Bool
    /// Microseconds since 1970.
    package var since: Int64?
    package var source: SourceRange
    /// The record does not change the tier's plan.
    package var followsTier: Bool
}

/// A policy version with the catalog version that was in force with it.
package final class Edition: Sendable {
    package let policy: PolicyVersion
    package let catalog: Catalog?
    /// The time in which both versions were in force.
    package let interval: Interval
    package let defaultTier: String?
    package let tierNames: [String]
    /// Tiers that other tiers extend.
    package let extendedTiers: Set<String>
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

    /// The same edition after its policy leaves shadow mode: a limit stays in shadow only if it is marked itself.
    package var enforced: Edition {
        guard policy.mode == .shadow else { return self }
        return Edition(
            policy: PolicyVersion(enforcing: policy), catalog: catalog, interval: interval, defaultTier: defaultTier,
            extendedTiers: extendedTiers, plans: plans.enforced())
    }

    /// The plan of a tier without a tenant; nil if this version lacks the tier.
    package func plan(tier: String) -> Plan? { tierPlans[tier] }

    /// The plan of a tenant with a record, at an instant.
    package func plan(tier: String, tenant index: Int, record: TenantRecord, at time: Int64) -> Plan? {
        guard let base = tierPlans[tier] else { return nil }
        return record.followsTier ? base : plans.plan(tier: tier, tenant: index, at: time)
    }
}

/// A compiled policy set: every version of a policy with its catalogs and tenants.
package final class PolicySet: Sendable {
    /// Ascending and disjoint; in the gaps no policy is in force.
    package let editions: [Edition]
    package let tenants: [TenantRecord]
    package let sources: SourceMap
    private let tenantIndex: [String: Int]

    init(editions: [Edition], tenants: [TenantRecord], sources: SourceMap) {
        self.editions = editions
        self.tenants = tenants
        self.sources = sources
        tenantIndex = Dictionary(tenants.indices.map { (tenants[$0].id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The edition in force at an instant.
    package func edition(at time: Int64) -> Edition? {
        editions.last { $0.interval.start <= time }.flatMap { $0.interval.contains(time) ? $0 : nil }
    }

    package func tenantIndex(of id: String) -> Int? { tenantIndex[id] }

    /// The same set as it will be once its policies are enforced: only limits that declare it themselves stay in shadow.
    package var enforced: PolicySet {
        guard editions.contains(where: { $0.policy.mode == .shadow }) else { return self }
        return PolicySet(editions: editions.map(\.enforced), tenants: tenants, sources: sources)
    }

    /// A version is written in shadow mode and decided as if it were enforced.
    package var isShadowEnforced: Bool { editions.contains { $0.policy.isShadowEnforced } }
}
