import BursarPolicy
import BursarSyntax
import Synchronization

/// An edition with its names resolved to symbols and its conditions to programs.
final class CompiledEdition: @unchecked Sendable {
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
    /// The conditions of the rules that can hold; the rules keep them alive.
    let activeRules: RawArray<Unmanaged<ConditionProgram>>
    /// By `ModelID`.
    let modelSymbols: RawArray<Symbol>
    private let prices: RawArray<Price?>
    private let classSymbols: RawArray<Symbol>
    private let providerSymbols: RawArray<Symbol>
    /// The detail of a refusal of a model whose price is not known.
    let unpriced: DecisionDetail
    let unlisted: DecisionDetail
    let defaultTier: Symbol
    private let criticalFeatures: SymbolSet
    /// From symbols of the policy set to models; -1 where the catalog does not list the name.
    private let modelsBySymbol: RawArray<Int32>
    /// Whether the fast path may be asked, and what it asks at every request.
    let isEnforced: Bool
    let hasTools: Bool
    let retryWindow: Int64
    let allowsUnpriced: Bool
    /// nil: the default.
    let estimatedOutput: Int64?
    private let tierPlans: [Symbol: CompiledPlan]
    private let compounding: Set<String>

    /// - Parameter compounding: names of limits that compound what they carry over, in some version.
    init(_ edition: Edition, index: Int, symbols: SymbolTable, compounding: Set<String>) {
        self.index = index
        self.edition = edition
        self.symbols = symbols
        self.compounding = compounding
        policy = edition.policy
        catalog = edition.catalog
        rules = edition.policy.rules.enumerated().map { position, rule in
            CompiledRule(
                rule: rule, index: position,
                program: ConditionProgram(rule.when, zone: edition.policy.zone, symbols: symbols))
        }
        activeRules = RawArray(
            rules.filter { $0.program.constant != false }.map { Unmanaged.passUnretained($0.program) })
        isEnforced = edition.policy.mode == .enforce
        hasTools = !edition.policy.tools.isEmpty
        retryWindow = edition.policy.retryWindow
        allowsUnpriced = edition.policy.allowsUnpriced
        estimatedOutput = edition.policy.estimatedOutput
        let models = edition.catalog?.models ?? []
        modelSymbols = RawArray(models.map { symbols.intern($0.name) })
        prices = RawArray(models.map(\.price))
        classSymbols = RawArray(models.map { $0.modelClass.map(symbols.intern) ?? .absent })
        providerSymbols = RawArray(models.map { $0.provider.map(symbols.intern) ?? .absent })
        criticalFeatures = SymbolSet(edition.policy.criticalFeatures.map(symbols.intern))
        defaultTier = edition.defaultTier.map(symbols.intern) ?? .absent
        modelsBySymbol = RawArray(
            (0..<symbols.baseCount).map { value in
                edition.catalog?.model(symbols.text(Symbol(rawValue: value))).map { Int32($0.rawValue) } ?? -1
            })
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
            plans[symbols.intern(name)] = CompiledPlan(
                plan, models: models, zone: zone, symbols: symbols, compounding: compounding)
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
        return CompiledPlan(
            plan, models: catalog?.models ?? [], zone: policy.zone, symbols: symbols, compounding: compounding)
    }

    /// The catalog's model of a name that a request used.
    @inline(__always)
    func model(_ symbol: Symbol) -> ModelID? {
        let value = Int(symbol.rawValue)
        if value < modelsBySymbol.count {
            let index = modelsBySymbol[value]
            return index < 0 ? nil : ModelID(rawValue: Int(index))
        }
        return catalog?.model(symbols.text(symbol))
    }

    func price(_ model: ModelID?) -> Price? { model.flatMap { prices[$0.rawValue] } }

    /// The price of a listed model, where it lies; it is nil where it is not known.
    @inline(__always)
    func pricePlace(_ model: ModelID) -> UnsafePointer<Price?> { UnsafePointer(prices.base + model.rawValue) }

    @inline(__always) func isCritical(_ feature: Symbol) -> Bool { criticalFeatures.contains(feature) }

    /// Puts a candidate into a request's attributes, for conditions and scopes that ask for the model.
    func set(_ model: ModelID?, named name: Symbol, in request: inout Request) {
        if let model {
            set(model, in: &request.attributes)
        } else {
            request[.model] = name
            request[.modelClass] = .absent
            request[.modelProvider] = .absent
        }
    }

    @inline(__always)
    func set(_ model: ModelID, in attributes: inout SIMD32<UInt32>) {
        attributes[AttributeSlot.model.rawValue] = modelSymbols[model.rawValue].rawValue
        attributes[AttributeSlot.modelClass.rawValue] = classSymbols[model.rawValue].rawValue
        attributes[AttributeSlot.modelProvider.rawValue] = providerSymbols[model.rawValue].rawValue
    }
}

/// A plan with its names resolved to symbols and its conditions to programs.
final class CompiledPlan: @unchecked Sendable {
    private static let serials = Atomic<UInt32>(0)
    /// Refusals by any set of so many rows are made in advance: 16 of them, in each plan.
    private static let mostRefusingRows = 4
    /// No other plan has it; from 1.
    let serial = CompiledPlan.serials.wrappingAdd(1, ordering: .relaxed).newValue
    /// What the engine asks of a limit at each request. A class, so that looking at one copies nothing.
    final class Row: @unchecked Sendable {
        let limit: Limit
        /// Some version of the policy compounds what this limit carries over: all windows since the first count then.
        let keepsHistory: Bool
        let key: Limit.CounterKey
        /// nil: every request.
        let when: ConditionProgram?
        let within: [(slot: AttributeSlot, value: Symbol)]
        let per: [AttributeSlot]
        /// Of a weight: its feature, or those that have a share of their own.
        let feature: Symbol
        let namedFeatures: SymbolSet
        /// By threshold, by action; nil: always.
        let actionConditions: [[ConditionProgram?]]
        /// The counter belongs to the tenant itself, or to a fixed place in its tree.
        let hasFixedCounter: Bool
        /// A limit per request, or of what remains, counts nothing; a throttle at it still does.
        let needsCounter: Bool
        let countsUse: Bool
        /// What may be used while no threshold is crossed, where nothing was carried.
        let safeBound: Int64
        /// Nothing but what is carried over changes its amount, so that `safeBound` is never above the lowest threshold.
        let isBoundedBelow: Bool
        /// The lowest thresholds, as far as they only notify, and what may be used while none of the others is crossed.
        let notifying: [Int]
        let quietBound: Int64

        init(_ limit: Limit, in plan: Plan, zone: TimeZoneRules, symbols: SymbolTable, keepsHistory: Bool) {
            self.limit = limit
            self.keepsHistory = keepsHistory
            key = limit.counterKey
            when = limit.when.map { ConditionProgram($0, zone: zone, symbols: symbols) }
            within = limit.within.map { (AttributeSlot($0.scope), symbols.intern($0.value)) }
            per = limit.per.map { AttributeSlot($0) }
            feature = limit.weight?.feature.map(symbols.intern) ?? .absent
            namedFeatures = SymbolSet(limit.weight?.named.map(symbols.intern) ?? [])
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
            let bounds = limit.thresholds.map { $0.bound(of: base) }
            safeBound = bounds.min() ?? .max
            isBoundedBelow =
                limit.bucketLength == nil && !limit.isPrepaid && limit.weight?.isOfRemaining != true
            let loud = zip(limit.thresholds, bounds).filter { !$0.0.onlyNotifies }.map(\.1).min() ?? .max
            notifying = bounds.indices.filter { limit.thresholds[$0].onlyNotifies && bounds[$0] <= loud }
            quietBound = loud
        }
    }

    let plan: Plan
    let tier: Symbol
    let rows: [Row]
    /// The same, reached without counting references.
    let rowPlaces: RawArray<Unmanaged<Row>>
    /// The rows once more for the fast path, which reaches them through `fastRows`.
    private let fastTable: RawArray<FastRow>
    @inline(__always) var fastRows: UnsafeMutablePointer<FastRow> { fastTable.base }
    @inline(__always) var rowCount: Int { fastTable.count }
    let blockedFeatures: SymbolSet
    /// By `ModelID`.
    let allowedModels: RawArray<Bool>
    /// Where a model's priced and allowed substitutes begin in `substitutes`; those of the next model end them.
    let substituteStarts: RawArray<Int32>
    let substitutes: RawArray<ModelID>
    let hasConsentOfPlan: Bool
    let start: Int64
    let end: Int64
    let hasShadowLimits: Bool
    let countsAttempts: Bool
    /// Rows that are counted for the tenant itself, as bits.
    let rootRows: UInt64
    /// Rows that may do nothing but refuse, as bits, and those of them that are rates.
    private let refusingRows: UInt64
    let rateRows: UInt64
    /// The details of refusals by each set of those rows, without numbers; empty where there are too many sets.
    private let briefRefusals: RawArray<DecisionDetail>
    /// The detail of a substitute for a model that the plan does not allow, without numbers.
    let briefNotAllowed: DecisionDetail

    init(
        _ plan: Plan, models: [Model], zone: TimeZoneRules, symbols: SymbolTable, compounding: Set<String>
    ) {
        self.plan = plan
        tier = symbols.intern(plan.tier)
        start = plan.validity.start
        end = plan.validity.end
        blockedFeatures = SymbolSet(plan.blockedFeatures.map(symbols.intern))
        let ids = models.indices.map { ModelID(rawValue: $0) }
        allowedModels = RawArray(ids.map { plan.models.allows($0) })
        hasConsentOfPlan = plan.downgrade.consent == .plan
        var starts: [Int32] = [0]
        var substitutes: [ModelID] = []
        for id in ids {
            substitutes += plan.downgrade.substitutes(for: id).filter {
                plan.models.allows($0) && models[$0.rawValue].price != nil
            }
            starts.append(Int32(substitutes.count))
        }
        substituteStarts = RawArray(starts)
        self.substitutes = RawArray(substitutes)
        hasShadowLimits = plan.limits.contains(where: \.isShadow)
        countsAttempts = plan.limits.contains { $0.unit == .attempts }
        rows = plan.limits.map {
            Row($0, in: plan, zone: zone, symbols: symbols, keepsHistory: compounding.contains($0.name))
        }
        let fastRows = rows.map { Self.fastRow($0) }
        fastTable = RawArray(fastRows)
        rowPlaces = RawArray(rows.map { Unmanaged.passUnretained($0) })
        rootRows = fastRows.prefix(64).enumerated().reduce(0) { $0 | ($1.1.isScoped ? 0 : 1 << UInt64($1.0)) }
        var refusing: [Int] = []
        var rates: UInt64 = 0
        for (index, row) in fastRows.prefix(64).enumerated() where row.onlyDenies {
            refusing.append(index)
            if row.isRate { rates |= 1 << UInt64(index) }
        }
        refusingRows = refusing.reduce(0) { $0 | 1 << UInt64($1) }
        rateRows = rates
        let limits = plan.limits
        let reasons = refusing.map { Self.briefReason(limits[$0]) }
        let sets = refusing.count <= Self.mostRefusingRows ? 0..<(1 << refusing.count) : 0..<0
        briefRefusals = RawArray(
            sets.map { set in
                DecisionDetail(
                    reasons: reasons.indices.filter { set & (1 << $0) != 0 }.map { reasons[$0] },
                    upgrade: plan.upgrade, isShared: true)
            })
        briefNotAllowed = DecisionDetail(
            reasons: [Reason(code: "model_not_allowed", action: "downgrade", source: plan.modelsSource)],
            upgrade: plan.upgrade, isShared: true)
    }
}

extension Threshold {
    /// It does nothing but tell, of whatever request.
    fileprivate var onlyNotifies: Bool {
        actions.allSatisfy { action in
            guard action.when == nil, action.alternatives.count == 1, case .notify = action.alternatives[0] else {
                return false
            }
            return true
        }
    }
}

extension CompiledPlan {
    private static func briefReason(_ limit: Limit) -> Reason {
        var reason = Reason(code: limit.defaultCode, action: "deny")
        if case .deny(let code?) = limit.thresholds[0].actions[0].alternatives[0] { reason.code = code }
        reason.limit = limit.name
        reason.unit = limit.unit
        reason.threshold = limit.thresholds[0].text
        reason.source = limit.source
        return reason
    }

    /// The detail of a refusal by rows that do nothing else, without numbers; nil where none was made in advance.
    func briefRefusal(_ rows: UInt64) -> DecisionDetail? {
        guard briefRefusals.count > 0, rows & ~refusingRows == 0 else { return nil }
        // The number of the set: its rows' bits, pushed together.
        var set = 0
        var left = refusingRows
        var position = 0
        while left != 0 {
            if rows & left & (~left &+ 1) != 0 { set |= 1 << position }
            left &= left - 1
            position += 1
        }
        return briefRefusals[set]
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
    /// Limits that compound what they carry over.
    private(set) var compounding: Set<String> = []

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
            if limit.rollover?.isCompounding == true { compounding.insert(limit.name) }
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
