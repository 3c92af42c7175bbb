import BursarPolicy
import BursarStorage
import BursarSyntax
import Synchronization

/// A threshold with its conditions resolved. A class, as what it holds.
final class CompiledThreshold: Sendable {
    let threshold: Threshold
    let level: Threshold.Level
    let actions: ContiguousArray<CompiledAction>
    let notifies: Bool

    init(_ threshold: Threshold, zone: TimeZoneRules, symbols: SymbolTable) {
        self.threshold = threshold
        level = threshold.level
        notifies = threshold.actions.flatMap(\.alternatives).contains { effect in
            if case .notify = effect { true } else { false }
        }
        actions = ContiguousArray(
            threshold.actions.map { CompiledAction($0, zone: zone, symbols: symbols) })
    }
}

/// An action with its condition resolved.
final class CompiledAction: Sendable {
    let alternatives: [Effect]
    /// nil: always.
    let when: ConditionProgram?
    let endsInDeny: Bool
    /// What stands behind a `downgrade` in it binds only a request that found no substitute.
    let hasFallback: Bool

    init(_ action: ThresholdAction, zone: TimeZoneRules, symbols: SymbolTable) {
        alternatives = action.alternatives
        when = action.when.map { ConditionProgram($0, zone: zone, symbols: symbols) }
        endsInDeny = action.endsInDeny
        hasFallback =
            !action.endsInDeny
            && action.alternatives.dropLast().contains { if case .downgrade = $0 { true } else { false } }
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
        /// Of the limit, at hand without copying it.
        let unit: Unit
        let amount: Int64
        let capacity: Int64
        let isPeriodic: Bool
        let isRate: Bool
        let isShared: Bool
        let isShadow: Bool
        let isPrepaid: Bool
        let isWeight: Bool
        /// A limit per request: it judges the most output that the answer may have.
        let judgesMost: Bool
        let bucketLength: Int64?
        let rollover: Rollover?
        /// The code of a refusal where the policy names none.
        let defaultCode: String
        let thresholds: ContiguousArray<CompiledThreshold>
        /// Some threshold caps what the request may do.
        let caps: Bool
        /// Some version of the policy compounds what this limit carries over: all windows since the first count then.
        let keepsHistory: Bool
        /// Of the counter's name.
        let counterNumber: Int32
        /// nil: every request.
        let when: ConditionProgram?
        let within: [(slot: AttributeSlot, value: Symbol)]
        let per: [AttributeSlot]
        /// Of a counter that depends on one attribute alone: which one; else -1.
        let scopeSlot: Int
        /// Of a weight: its feature, or those that have a share of their own.
        let feature: Symbol
        let namedFeatures: SymbolSet
        /// The counter belongs to the tenant itself, or to a fixed place in its tree.
        let hasFixedCounter: Bool
        /// A limit per request, or of what remains, counts nothing; a throttle at it still does.
        let needsCounter: Bool
        let countsUse: Bool
        /// Some threshold lets requests through at a rate, which keeps a bucket.
        let throttles: Bool
        /// What may be used while no threshold is crossed, where nothing was carried.
        let safeBound: Int64
        /// Nothing but what is carried over changes its amount, so that `safeBound` is never above the lowest threshold.
        let isBoundedBelow: Bool
        /// The lowest thresholds, as far as they only notify, and what may be used while none of the others is crossed.
        let notifying: [Int]
        let quietBound: Int64
        /// The one threshold that does more than notify, where it looks for a substitute in the plan's chain and refuses
        /// where there is none, and no other thing depends on it.
        let substituting: Int?

        init(
            _ limit: Limit, in plan: Plan, zone: TimeZoneRules, symbols: SymbolTable, counters: CounterNumbers,
            keepsHistory: Bool
        ) {
            self.limit = limit
            unit = limit.unit
            amount = limit.amount
            capacity = limit.capacity
            isPeriodic = limit.window.isPeriodic
            isRate = limit.window.isRate
            isShared = limit.isShared
            isShadow = limit.isShadow
            isPrepaid = limit.isPrepaid
            isWeight = limit.weight != nil
            judgesMost = limit.window == .request
            bucketLength = limit.bucketLength
            rollover = limit.rollover
            defaultCode = limit.defaultCode
            thresholds = ContiguousArray(
                limit.thresholds.map { CompiledThreshold($0, zone: zone, symbols: symbols) })
            caps = limit.thresholds.flatMap(\.actions).flatMap(\.alternatives).contains { effect in
                if case .cap = effect { true } else { false }
            }
            self.keepsHistory = keepsHistory
            counterNumber = counters.number(of: limit.counterKey)
            when = limit.when.map { ConditionProgram($0, zone: zone, symbols: symbols) }
            within = limit.within.map { (AttributeSlot($0.scope), symbols.intern($0.value)) }
            per = limit.per.map { AttributeSlot($0) }
            scopeSlot = per.count == 1 && within.isEmpty ? per[0].rawValue : -1
            feature = limit.weight?.feature.map(symbols.intern) ?? .absent
            namedFeatures = SymbolSet(limit.weight?.named.map(symbols.intern) ?? [])
            hasFixedCounter = limit.per.isEmpty
            countsUse = limit.window != .request && limit.weight?.isOfRemaining != true
            throttles = limit.thresholds.flatMap(\.actions).flatMap(\.alternatives).contains { effect in
                if case .throttle = effect { true } else { false }
            }
            // Of a share of what remains the counter also says which events were given.
            needsCounter = countsUse || throttles || limit.weight != nil
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
            let others = limit.thresholds.indices.filter { !limit.thresholds[$0].onlyNotifies }
            let isApart = !limit.isShadow && !limit.isPrepaid && !limit.isShared && !keepsHistory
            substituting =
                isApart && others.count == 1 && notifying.count + 1 == limit.thresholds.count
                    && limit.thresholds[others[0]].substitutesOrDenies ? others[0] : nil
        }

        /// Whether the limit counts and judges a request whose candidate stands in its attributes.
        func applies(to request: Request, isCritical: Bool, symbols: SymbolTable) -> Bool {
            guard request.readAttributes({ isInScope($0) }) else { return false }
            if unit == .runs, !request[.run].isPresent { return false }
            guard mayApply(to: request[.feature]) else { return false }
            return when?.holds(request, isCritical: isCritical, symbols: symbols) ?? true
        }

        /// Whether the limit, where it is a weight, is that of a feature.
        func mayApply(to asked: Symbol) -> Bool {
            guard isWeight else { return true }
            return feature.isPresent ? asked == feature : asked.isPresent && !namedFeatures.contains(asked)
        }

        /// Whether a request carries what the limit is counted for.
        func isInScope(_ attributes: AttributeValues) -> Bool {
            for (slot, value) in within where attributes[slot.rawValue] != value.rawValue { return false }
            for slot in per where attributes[slot.rawValue] == 0 { return false }
            return true
        }
    }

    let plan: Plan
    let tier: Symbol
    let counters: CounterNumbers
    let rows: [Row]
    /// The same, reached without counting references.
    let rowPlaces: FixedArray<Unmanaged<Row>>
    let fastRows: FastRows
    let blockedFeatures: SymbolSet
    /// By `ModelID`.
    let allowedModels: FixedArray<Bool>
    /// Where a model's priced and allowed substitutes begin in `substitutes`; those of the next model end them.
    private let substituteStarts: FixedArray<Int32>
    private let substitutes: FixedArray<ModelID>
    let hasConsentOfPlan: Bool
    let start: Int64
    let end: Int64
    let hasShadowLimits: Bool
    let hasThrottles: Bool
    /// Some counter depends on the request.
    let hasScopedRows: Bool
    /// Some action stands behind `downgrade else` that holds only where no substitute is found.
    let hasFallbacks: Bool
    let countsAttempts: Bool
    /// Some limit judges the most output that the answer may have.
    let judgesMost: Bool
    /// Rows that may do nothing but refuse, as bits, and those of them that are rates.
    private let refusingRows: UInt64
    let rateRows: UInt64
    /// The details of refusals by each set of those rows, without numbers; empty where there are too many sets.
    private let briefRefusals: FixedArray<Unmanaged<DecisionDetail>>
    /// Rows that look for a substitute and else refuse, as bits.
    let substitutingRows: UInt64
    /// The details of refusals by one row alone, of either kind; nil of others.
    private let singleRefusals: FixedArray<Unmanaged<DecisionDetail>?>
    /// The details of a substitute for a model that the plan does not allow, and of its refusal, without numbers.
    let briefNotAllowed: (substitute: Unmanaged<DecisionDetail>, refusal: Unmanaged<DecisionDetail>)
    /// Keeps them.
    private let briefDetails: [DecisionDetail]

    /// - Parameter isTiers: the plan of a tier, which the engine keeps; a tenant's own may be replaced.
    init(
        _ plan: Plan, models: [Model], zone: TimeZoneRules, symbols: SymbolTable, counters: CounterNumbers,
        compounding: Set<String>, isTiers: Bool
    ) {
        self.plan = plan
        self.counters = counters
        tier = symbols.intern(plan.tier)
        start = plan.validity.start
        end = plan.validity.end
        blockedFeatures = SymbolSet(plan.blockedFeatures.map(symbols.intern))
        let ids = models.indices.map { ModelID(rawValue: $0) }
        allowedModels = FixedArray(ids.map { plan.models.allows($0) })
        hasConsentOfPlan = plan.downgrade.consent == .plan
        var starts: [Int32] = [0]
        var substitutes: [ModelID] = []
        for id in ids {
            substitutes += plan.downgrade.substitutes(for: id).filter {
                plan.models.allows($0) && models[$0.rawValue].price != nil
            }
            starts.append(Int32(substitutes.count))
        }
        substituteStarts = FixedArray(starts)
        self.substitutes = FixedArray(substitutes)
        hasShadowLimits = plan.limits.contains(where: \.isShadow)
        countsAttempts = plan.limits.contains { $0.unit == .attempts }
        rows = plan.limits.map {
            Row(
                $0, in: plan, zone: zone, symbols: symbols, counters: counters,
                keepsHistory: compounding.contains($0.name))
        }
        judgesMost = rows.contains { $0.judgesMost && $0.unit.dependsOnOutput }
        hasScopedRows = rows.contains { !$0.hasFixedCounter }
        hasThrottles = rows.contains { $0.throttles }
        hasFallbacks = rows.contains { row in
            row.thresholds.contains { $0.actions.contains(where: \.hasFallback) }
        }
        fastRows = FastRows(rows)
        rowPlaces = FixedArray(rows.map { Unmanaged.passUnretained($0) })
        var refusing: [Int] = []
        var rates: UInt64 = 0
        for index in 0..<min(64, fastRows.count) {
            let row = fastRows[index].pointee
            if row.onlyDenies {
                refusing.append(index)
                if row.isRate { rates |= 1 << UInt64(index) }
            }
        }
        refusingRows = refusing.reduce(0) { $0 | 1 << UInt64($1) }
        rateRows = rates
        func brief(_ reasons: [Reason]) -> DecisionDetail {
            DecisionDetail(reasons: reasons, upgrade: plan.upgrade, isShared: true, isLasting: isTiers)
        }
        let limits = plan.limits
        let reasons = refusing.map { Self.briefReason(limits[$0], threshold: 0) }
        let sets = refusing.count <= Self.mostRefusingRows ? 0..<(1 << refusing.count) : 0..<0
        let refusals = sets.map { set in
            brief(reasons.indices.filter { set & (1 << $0) != 0 }.map { reasons[$0] })
        }
        briefRefusals = FixedArray(refusals.map { Unmanaged.passUnretained($0) })
        let notAllowed = ["downgrade", "deny"].map {
            brief([Reason(code: "model_not_allowed", action: $0, source: plan.modelsSource)])
        }
        briefNotAllowed = (Unmanaged.passUnretained(notAllowed[0]), Unmanaged.passUnretained(notAllowed[1]))
        let substituting = rows.prefix(64).map(\.substituting)
        substitutingRows = substituting.indices.reduce(0) { $0 | (substituting[$1] == nil ? 0 : 1 << UInt64($1)) }
        let singles = substituting.indices.map { index -> DecisionDetail? in
            let threshold = substituting[index] ?? (refusing.contains(index) ? 0 : nil)
            return threshold.map { brief([Self.briefReason(limits[index], threshold: $0)]) }
        }
        singleRefusals = FixedArray(singles.map { $0.map { Unmanaged.passUnretained($0) } })
        briefDetails = refusals + notAllowed + singles.compactMap { $0 }
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

extension Threshold {
    /// It looks for a substitute in the plan's chain, and else refuses, whatever is asked.
    fileprivate var substitutesOrDenies: Bool {
        guard actions.count == 1, actions[0].when == nil, actions[0].alternatives.count == 2,
            case .downgrade(nil) = actions[0].alternatives[0]
        else { return false }
        return actions[0].alternatives[1].isDeny
    }
}

extension CompiledPlan {
    /// The substitutes in a model's chain that the plan allows and the catalog prices.
    @inline(__always)
    func substitutes(of model: ModelID) -> UnsafeBufferPointer<ModelID> {
        let start = Int(substituteStarts[model.rawValue])
        let end = Int(substituteStarts[model.rawValue + 1])
        return substitutes.elements(start..<end)
    }

    private static func briefReason(_ limit: Limit, threshold: Int) -> Reason {
        var reason = Reason(code: limit.defaultCode, action: "deny")
        if case .deny(let code?)? = limit.thresholds[threshold].actions[0].alternatives.last { reason.code = code }
        reason.limit = limit.name
        reason.policyLimit = limit.name
        reason.unit = limit.unit
        reason.threshold = limit.thresholds[threshold].text
        reason.source = limit.source
        return reason
    }

    /// The detail of a refusal by rows that do nothing else, without numbers; nil where none was made in advance.
    func briefRefusal(_ rows: UInt64) -> Unmanaged<DecisionDetail>? {
        if rows & (rows &- 1) == 0 { return singleRefusals[rows.trailingZeroBitCount] }
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
