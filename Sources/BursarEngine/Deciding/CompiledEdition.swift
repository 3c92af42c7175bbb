import BursarPolicy
import BursarSyntax

/// An edition with its names resolved to symbols and its conditions to programs.
final class CompiledEdition: Sendable {
    struct CompiledRule: Sendable {
        var rule: Rule
        var index: Int
        var program: ConditionProgram
    }

    let index: Int
    let edition: Edition
    let policy: PolicyVersion
    let catalog: Catalog?
    let symbols: SymbolTable
    let rules: [CompiledRule]
    /// By `ModelID`.
    let modelSymbols: [Symbol]
    private let prices: [Price?]
    let classSymbols: [Symbol]
    let providerSymbols: [Symbol]
    /// The detail of a refusal of a model whose price is not known.
    let unpriced: DecisionDetail
    let unlisted: DecisionDetail
    let defaultTier: Symbol
    private let criticalFeatures: Set<UInt32>
    /// From symbols of the policy set to models; -1 where the catalog does not list the name.
    private let modelsBySymbol: [Int32]
    private let tierPlans: [Symbol: CompiledPlan]

    init(_ edition: Edition, index: Int, symbols: SymbolTable) {
        self.index = index
        self.edition = edition
        self.symbols = symbols
        policy = edition.policy
        catalog = edition.catalog
        rules = edition.policy.rules.enumerated().map { position, rule in
            CompiledRule(
                rule: rule, index: position,
                program: ConditionProgram(rule.when, zone: edition.policy.zone, symbols: symbols))
        }
        let models = edition.catalog?.models ?? []
        modelSymbols = models.map { symbols.intern($0.name) }
        prices = models.map(\.price)
        classSymbols = models.map { $0.modelClass.map(symbols.intern) ?? .absent }
        providerSymbols = models.map { $0.provider.map(symbols.intern) ?? .absent }
        criticalFeatures = Set(edition.policy.criticalFeatures.map { symbols.intern($0).rawValue })
        defaultTier = edition.defaultTier.map(symbols.intern) ?? .absent
        modelsBySymbol = (0..<symbols.baseCount).map { value in
            edition.catalog?.model(symbols.text(Symbol(rawValue: value))).map { Int32($0.rawValue) } ?? -1
        }
        func refusal(_ message: String) -> DecisionDetail {
            DecisionDetail(
                reasons: [Reason(code: "model_unpriced", action: "deny", message: message)], isShared: true)
        }
        unlisted = refusal(Self.unlistedMessage)
        unpriced = refusal(Self.unpricedMessage)
        let zone = edition.policy.zone
        var plans: [Symbol: CompiledPlan] = [:]
        for name in edition.tierNames {
            guard let plan = edition.plan(tier: name) else { continue }
            plans[symbols.intern(name)] = CompiledPlan(plan, zone: zone, symbols: symbols)
        }
        tierPlans = plans
    }

    static let unlistedMessage = "the catalog does not list the model"
    static let unpricedMessage = "the catalog has no price for the model"

    func plan(tier: Symbol) -> CompiledPlan? { tierPlans[tier] }

    /// The plan of a tenant with keys of its own.
    func plan(tier: Symbol, tenant index: Int, record: TenantRecord, at time: Int64) -> CompiledPlan? {
        guard let base = tierPlans[tier] else { return nil }
        guard !record.followsTier,
            let plan = edition.plan(tier: base.plan.tier, tenant: index, record: record, at: time)
        else { return base }
        return CompiledPlan(plan, zone: policy.zone, symbols: symbols)
    }

    /// The catalog's model of a name that a request used.
    func model(_ symbol: Symbol) -> ModelID? {
        if symbol.rawValue < symbols.baseCount {
            let index = modelsBySymbol[Int(symbol.rawValue)]
            return index < 0 ? nil : ModelID(rawValue: Int(index))
        }
        return catalog?.model(symbols.text(symbol))
    }

    func price(_ model: ModelID?) -> Price? { model.flatMap { prices[$0.rawValue] } }

    var hasCriticalFeatures: Bool { !criticalFeatures.isEmpty }

    func isCritical(_ feature: Symbol) -> Bool { criticalFeatures.contains(feature.rawValue) }

    /// Puts a candidate into a request's attributes, for conditions and scopes that ask for the model.
    func set(_ model: ModelID?, named name: Symbol, in request: inout Request) {
        if let model {
            request[.model] = modelSymbols[model.rawValue]
            request[.modelClass] = classSymbols[model.rawValue]
            request[.modelProvider] = providerSymbols[model.rawValue]
        } else {
            request[.model] = name
            request[.modelClass] = .absent
            request[.modelProvider] = .absent
        }
    }
}

/// A plan with its names resolved to symbols and its conditions to programs.
final class CompiledPlan: Sendable {
    /// What the engine asks of a limit at each request. A class, so that looking at one copies nothing.
    final class Row: Sendable {
        let limit: Limit
        let key: Limit.CounterKey
        /// nil: every request.
        let when: ConditionProgram?
        let within: [(slot: AttributeSlot, value: Symbol)]
        let per: [AttributeSlot]
        /// Of a weight: its feature, or those that have a share of their own.
        let feature: Symbol
        let namedFeatures: [Symbol]
        /// By threshold, by action; nil: always.
        let actionConditions: [[ConditionProgram?]]
        /// The counter belongs to the tenant itself, or to a fixed place in its tree.
        let hasFixedCounter: Bool
        /// A limit per request, or of what remains, counts nothing; a throttle at it still does.
        let needsCounter: Bool
        let countsUse: Bool
        /// What may be used while no threshold is crossed, where nothing was carried.
        let safeBound: Int64

        init(_ limit: Limit, in plan: Plan, zone: TimeZoneRules, symbols: SymbolTable) {
            self.limit = limit
            key = limit.counterKey
            when = limit.when.map { ConditionProgram($0, zone: zone, symbols: symbols) }
            within = limit.within.map { (AttributeSlot($0.scope), symbols.intern($0.value)) }
            per = limit.per.map { AttributeSlot($0) }
            feature = limit.weight?.feature.map(symbols.intern) ?? .absent
            namedFeatures = limit.weight?.named.map(symbols.intern) ?? []
            actionConditions = limit.thresholds.map { threshold in
                threshold.actions.map { action in
                    action.when.map { ConditionProgram($0, zone: zone, symbols: symbols) }
                }
            }
            hasFixedCounter = limit.per.isEmpty
            countsUse = limit.window != .request && limit.weight?.isOfRemaining != true
            let throttles = limit.thresholds.flatMap(\.actions).flatMap(\.alternatives).contains { effect in
                if case .throttle = effect { true } else { false }
            }
            // Of a scope below the tenant the counter also says when the scope was first seen,
            // and of a share of what remains, which events were given.
            needsCounter =
                countsUse || throttles || limit.weight != nil || !limit.per.isEmpty || !limit.within.isEmpty
            let base =
                limit.window.isRate
                ? limit.capacity : limit.weight.map { $0.share.floor(of: plan.limits[$0.of].amount) } ?? limit.capacity
            safeBound = limit.thresholds.map { $0.bound(of: base) }.min() ?? .max
        }
    }

    let plan: Plan
    let tier: Symbol
    let rows: [Row]
    let fastRows: ContiguousArray<FastRow>
    let blockedFeatures: Set<UInt32>
    let hasShadowLimits: Bool
    let countsAttempts: Bool
    var hasBlockedFeatures: Bool { !blockedFeatures.isEmpty }
    /// By row: the detail of a refusal by it alone, without numbers; nil where the row may do more than refuse.
    let briefRefusals: [DecisionDetail?]
    /// The detail of a substitute for a model that the plan does not allow, without numbers.
    let briefNotAllowed: DecisionDetail

    init(_ plan: Plan, zone: TimeZoneRules, symbols: SymbolTable) {
        self.plan = plan
        tier = symbols.intern(plan.tier)
        blockedFeatures = Set(plan.blockedFeatures.map { symbols.intern($0).rawValue })
        hasShadowLimits = plan.limits.contains(where: \.isShadow)
        countsAttempts = plan.limits.contains { $0.unit == .attempts }
        rows = plan.limits.map { Row($0, in: plan, zone: zone, symbols: symbols) }
        fastRows = ContiguousArray(rows.map(Self.fastRow))
        briefRefusals = zip(rows, fastRows).map { row, fast in
            guard fast.onlyDenies else { return nil }
            var reason = Reason(code: row.limit.defaultCode, action: "deny")
            if case .deny(let code?) = row.limit.thresholds[0].actions[0].alternatives[0] { reason.code = code }
            reason.limit = row.limit.name
            reason.unit = row.limit.unit
            reason.threshold = row.limit.thresholds[0].text
            reason.source = row.limit.source
            return DecisionDetail(reasons: [reason], upgrade: plan.upgrade, isShared: true)
        }
        briefNotAllowed = DecisionDetail(
            reasons: [Reason(code: "model_not_allowed", action: "downgrade", source: plan.modelsSource)],
            upgrade: plan.upgrade, isShared: true)
    }
}

/// Gathers the names that a policy set tells apart.
struct NameCollector {
    private(set) var names: [String] = []
    private var seen = Set<String>()
    /// Attributes whose every value is told apart, because a counter or a test of its text depends on it.
    private(set) var exact: Set<Attribute> = [.tenant, .model, .feature, .tier]
    /// Attributes that some condition asks for.
    private(set) var used: Set<Attribute> = []

    private mutating func add(_ name: String) { if seen.insert(name).inserted { names.append(name) } }

    mutating func add(_ condition: Condition?) {
        for attribute in condition?.attributes ?? [] {
            used.insert(attribute)
            if attribute == .group { exact.insert(.group) }
        }
        switch condition {
        case .not(let inner)?: add(inner)
        case .all(let parts)?, .any(let parts)?: for part in parts { add(part) }
        case .text(let attribute, let test, let text)?:
            if case .label(let key) = attribute { add(key) }
            if test == .equals { add(text) } else { exact.insert(attribute) }
        case .textIn(let attribute, let list)?:
            if case .label(let key) = attribute { add(key) }
            for text in list { add(text) }
        case .isPresent(.label(let key))?: add(key)
        case .contains(_, let test, let text)?: if test == .equals { add(text) }
        default: break
        }
    }

    mutating func add(_ edition: Edition) {
        for model in edition.catalog?.models ?? [] {
            add(model.name)
            if let name = model.modelClass { add(name) }
            if let name = model.provider { add(name) }
        }
        for name in edition.catalog?.knownNames ?? [] { add(name) }
        for rule in edition.policy.rules { add(rule.when) }
        for name in edition.policy.criticalFeatures.sorted() { add(name) }
        for name in edition.tierNames {
            add(name)
            if let plan = edition.plan(tier: name) { add(plan) }
        }
    }

    mutating func add(_ plan: Plan) {
        for feature in plan.blockedFeatures.sorted() { add(feature) }
        for limit in plan.limits {
            add(limit.when)
            for value in limit.within { add(value.value) }
            for scope in limit.per + limit.within.map(\.scope) {
                if let attribute = Attribute.named[scope.rawValue] { exact.insert(attribute) }
            }
            if limit.unit == .runs { exact.insert(.run) }
            for name in limit.weight?.named ?? [] { add(name) }
            for action in limit.thresholds.flatMap(\.actions) { add(action.when) }
        }
    }
}
