import BursarSyntax

/// An access rule: decided without counters.
package struct Rule: Sendable {
    package var name: String
    package var when: Condition
    package var effect: RuleDeclaration.Effect
    package var code: String
    package var source: SourceRange
    /// Of the condition; nil where it has none and always holds.
    package var whenSource: SourceRange?
}

package struct ToolRules: Sendable {
    package var deny: [Pattern] = []
    package var approve: [Pattern] = []
    package var allow: [Pattern] = []
    package var fallback: ToolsDeclaration.Default = .allow
    package var denySource: SourceRange?
    package var approveSource: SourceRange?

    /// Deny before approve before allow.
    package func verdict(on tool: String) -> ToolsDeclaration.Default {
        if deny.contains(where: { $0.matches(tool) }) { return .deny }
        if approve.contains(where: { $0.matches(tool) }) { return .approve }
        if allow.contains(where: { $0.matches(tool) }) { return .allow }
        return fallback
    }

    package var isEmpty: Bool { deny.isEmpty && approve.isEmpty && fallback == .allow }
}

/// The text of one version of a policy, apart from tiers and tenants.
package final class PolicyVersion: Sendable {
    package let id: String
    package let version: Version
    package let digest: String
    package let effective: Int64
    /// Exclusive; `Int64.max` where it does not end.
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
    /// Microseconds.
    package let retryWindow: Int64
    package let rules: [Rule]
    package let tools: ToolRules
    package let criticalFeatures: Set<String>
    /// Features as declared, with their places.
    package let features: [Name]
    /// Audiences as declared, with their places.
    package let audiences: [Name]
    package let alerts: [AlertRule]
    package let source: SourceRange

    package static let defaultRetryWindow = 10 * Micros.minute

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
        isShadowEnforced = false
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
    /// By `ModelID`.
    package var allowed: [Bool]
    /// For models that the catalog does not list.
    package var patterns: [Pattern]

    static let any = ModelAccess(allowsAny: true, allowed: [], patterns: [])

    package func allows(_ model: ModelID) -> Bool { allowsAny || allowed[model.rawValue] }

    package func allows(unlisted name: String) -> Bool { allowsAny || patterns.contains { $0.matches(name) } }
}

/// Models from dear to cheap, and whose consent a substitute needs.
package struct Downgrade: Sendable {
    package var chains: [[ModelID]]
    /// Where the models of the chains are named.
    package var sources: [[SourceRange]]
    package var consent: DowngradeDeclaration.Consent
    package var consentSource: SourceRange?

    static let none = Downgrade(chains: [], sources: [], consent: .plan)

    /// The models after this one in the first chain that holds it.
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

/// What holds for a tenant: its tier with its own keys over it.
package final class Plan: Sendable {
    package let tier: String
    package let models: ModelAccess
    package let downgrade: Downgrade
    package let blockedFeatures: Set<String>
    /// In the order of judgement: the policy's, the tier's, its weights, the tenant's own, then scopes.
    package let limits: [Limit]
    package let upgrade: Upgrade?
    /// Nano-units a month.
    package let price: Int64?
    /// In the order in which spend burns them.
    package let grants: [Grant]
    /// When this plan holds: an exception that ends makes another.
    package let validity: Interval
    /// Where each thing was said, for reasons and explanations.
    package let modelsSource: SourceRange?
    package let blockSource: SourceRange?
    /// The name of the tier where it is declared.
    package let tierSource: SourceRange?

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
package struct TenantRecord: Sendable {
    package var id: String
    package var tier: String?
    package var group: String?
    package var isSuspended: Bool
    package var acceptsDowngrade: Bool
    /// Microseconds since 1970.
    package var since: Int64?
    package var source: SourceRange
    /// Nothing in it changes the tier's plan.
    package var followsTier: Bool
}

/// A policy version with the catalog version that was in force with it.
package final class Edition: Sendable {
    package let policy: PolicyVersion
    package let catalog: Catalog?
    /// When both were in force.
    package let interval: Interval
    package let defaultTier: String?
    package let tierNames: [String]
    /// Tiers that others take over.
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

    /// The same edition as it will be once its policy is enforced: only limits that declare it themselves stay in shadow.
    package var enforced: Edition {
        guard policy.mode == .shadow else { return self }
        return Edition(
            policy: PolicyVersion(enforcing: policy), catalog: catalog, interval: interval, defaultTier: defaultTier,
            extendedTiers: extendedTiers, plans: plans.enforced())
    }

    /// The plan of a tier by itself; nil where this version has no such tier.
    package func plan(tier: String) -> Plan? { tierPlans[tier] }

    /// The plan of a tenant that has a record, at an instant.
    package func plan(tier: String, tenant index: Int, record: TenantRecord, at time: Int64) -> Plan? {
        guard let base = tierPlans[tier] else { return nil }
        return record.followsTier ? base : plans.plan(tier: tier, tenant: index, at: time)
    }
}

/// A compiled policy set: every version of a policy with its catalogs and tenants.
package final class PolicySet: Sendable {
    /// Ascending and disjoint; between them no policy is in force.
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
