import BursarPolicy
import BursarStorage
import BursarSyntax

/// An edition with its names resolved to symbols and its conditions to programs.
final class CompiledEdition: @unchecked Sendable {
    final class CompiledRule: Sendable {
        let rule: Rule
        let effect: RuleDeclaration.Effect
        let index: Int
        let program: ConditionProgram

        init(rule: Rule, index: Int, program: ConditionProgram) {
            self.rule = rule
            effect = rule.effect
            self.index = index
            self.program = program
        }
    }

    let index: Int
    let edition: Edition
    let policy: PolicyVersion
    let catalog: Catalog?
    let symbols: SymbolTable
    let rules: [CompiledRule]
    /// The conditions of the rules that can hold; the rules keep them alive.
    let activeRules: FixedArray<Unmanaged<ConditionProgram>>
    /// By `ModelID`.
    let modelSymbols: FixedArray<Symbol>
    private let prices: FixedArray<Price?>
    private let classSymbols: FixedArray<Symbol>
    private let providerSymbols: FixedArray<Symbol>
    /// The detail of a refusal of a model whose price is not known.
    let unpriced: DecisionDetail
    let unlisted: DecisionDetail
    let defaultTier: Symbol
    private let criticalFeatures: SymbolSet
    /// From symbols of the policy set to models; -1 where the catalog does not list the name.
    private let modelsBySymbol: FixedArray<Int32>
    /// Whether the fast path may be asked, and what it asks at every request.
    let isEnforced: Bool
    let hasTools: Bool
    let retryWindow: Int64
    let allowsUnpriced: Bool
    /// nil: the default.
    let estimatedOutput: Int64?
    /// `estimate: {by: max}`.
    let estimatesMost: Bool
    private let tierPlans: [Symbol: CompiledPlan]
    private let counters: CounterNumbers
    private let compounding: Set<String>

    /// - Parameter compounding: names of limits that compound what they carry over, in some version.
    init(
        _ edition: Edition, index: Int, symbols: SymbolTable, counters: CounterNumbers, compounding: Set<String>
    ) {
        self.index = index
        self.edition = edition
        self.symbols = symbols
        self.counters = counters
        self.compounding = compounding
        policy = edition.policy
        catalog = edition.catalog
        rules = edition.policy.rules.enumerated().map { position, rule in
            CompiledRule(
                rule: rule, index: position,
                program: ConditionProgram(rule.when, zone: edition.policy.zone, symbols: symbols))
        }
        activeRules = FixedArray(
            rules.filter { $0.program.constant != false }.map { Unmanaged.passUnretained($0.program) })
        isEnforced = edition.policy.mode == .enforce
        hasTools = !edition.policy.tools.isEmpty
        retryWindow = edition.policy.retryWindow
        allowsUnpriced = edition.policy.allowsUnpriced
        // No request may name more.
        estimatedOutput = edition.policy.estimatedOutput.map { min($0, Request.largestCount) }
        estimatesMost = edition.policy.estimateBasis == .max
        let models = edition.catalog?.models ?? []
        modelSymbols = FixedArray(models.map { symbols.intern($0.name) })
        prices = FixedArray(models.map(\.price))
        classSymbols = FixedArray(models.map { $0.modelClass.map(symbols.intern) ?? .absent })
        providerSymbols = FixedArray(models.map { $0.provider.map(symbols.intern) ?? .absent })
        criticalFeatures = SymbolSet(edition.policy.criticalFeatures.map(symbols.intern))
        defaultTier = edition.defaultTier.map(symbols.intern) ?? .absent
        modelsBySymbol = FixedArray(
            (0..<symbols.baseCount).map { value in
                edition.catalog?.model(symbols.text(Symbol(rawValue: value))).map { Int32($0.rawValue) } ?? -1
            })
        func refusal(_ message: String) -> DecisionDetail {
            DecisionDetail(
                reasons: [Reason(code: "model_unpriced", action: "deny", message: message)], isShared: true,
                isLasting: true)
        }
        unlisted = refusal(Self.unlistedMessage)
        unpriced = refusal(Self.unpricedMessage)
        let zone = edition.policy.zone
        var plans: [Symbol: CompiledPlan] = [:]
        for name in edition.tierNames {
            guard let plan = edition.plan(tier: name) else { continue }
            plans[symbols.intern(name)] = CompiledPlan(
                plan, models: models, zone: zone, symbols: symbols, counters: counters, compounding: compounding,
                isTiers: true)
        }
        tierPlans = plans
    }

    static let unlistedMessage = "the catalog does not list the model"
    static let unpricedMessage = "the catalog has no price for the model"

    func plan(tier: Symbol) -> CompiledPlan? { tierPlans[tier] }

    var plans: [CompiledPlan] { Array(tierPlans.values) }

    /// The plan of a tenant with keys of its own.
    func plan(tier: Symbol, tenant index: Int, record: TenantRecord, at time: Int64) -> CompiledPlan? {
        guard let base = tierPlans[tier] else { return nil }
        guard !record.followsTier,
            let plan = edition.plan(tier: base.plan.tier, tenant: index, record: record, at: time)
        else { return base }
        return CompiledPlan(
            plan, models: catalog?.models ?? [], zone: policy.zone, symbols: symbols, counters: counters,
            compounding: compounding, isTiers: false)
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
    func pricePlace(_ model: ModelID) -> UnsafePointer<Price?> { UnsafePointer(prices.address(of: model.rawValue)) }

    /// What tokens cost with a listed model: the largest number where that exceeds 64 bits, nil where its price is not known.
    @inline(__always)
    func cost(of model: ModelID, input: Int64, cached: Int64, output: Int64) -> Int64? {
        guard let price = pricePlace(model).pointee else { return nil }
        return price.cost(input: input, cached: cached, output: output) ?? .max
    }

    /// The same of what a request is expected to use.
    @inline(__always)
    func cost(of model: ModelID, _ estimate: Estimate) -> Int64? {
        cost(of: model, input: estimate.inputTokens, cached: estimate.cachedTokens, output: estimate.outputTokens)
    }

    @inline(__always) func isCritical(_ feature: Symbol) -> Bool { criticalFeatures.contains(feature) }

    /// Puts a candidate into a request's attributes, for conditions and scopes that ask for the model.
    func set(_ model: ModelID?, named name: Symbol, in request: inout Request) {
        if let model {
            request.withAttributes { set(model, in: $0) }
        } else {
            request[.model] = name
            request[.modelClass] = .absent
            request[.modelProvider] = .absent
        }
    }

    /// The same in attributes at a fixed address.
    @inline(__always)
    func set(_ model: ModelID, in attributes: UnsafeMutablePointer<UInt32>) {
        attributes[AttributeSlot.model.rawValue] = modelSymbols[model.rawValue].rawValue
        attributes[AttributeSlot.modelClass.rawValue] = classSymbols[model.rawValue].rawValue
        attributes[AttributeSlot.modelProvider.rawValue] = providerSymbols[model.rawValue].rawValue
    }
}
