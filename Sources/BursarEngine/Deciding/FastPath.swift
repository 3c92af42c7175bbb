import BursarPolicy
import BursarSyntax

/// One limit as the fast path sees it: numbers only, so that a plan's limits lie together and nothing is counted.
struct FastRow: Sendable {
    enum Kind: UInt8, Sendable {
        /// A counter whose window has bounds, or none at all.
        case counted
        case bucket
        /// The estimate alone.
        case request
        /// Not judged here: a request that it applies to takes the full way.
        case unusual
    }

    var kind: Kind
    var unit: Unit
    var hasCondition: Bool
    /// Its counter depends on the request.
    var isScoped: Bool
    var isPeriodic: Bool
    /// One threshold whose only action, for every request, is to refuse.
    var onlyDenies: Bool
    var isRate: Bool
    /// Of a weight: its feature.
    var feature: Symbol
    /// A share for the features that have none of their own.
    var isForOthers: Bool
    /// The most that may be used without crossing any threshold, were nothing carried over.
    var safeBound: Int64
    var amount: Int64
    var capacity: Int64
    var length: Int64
}

extension CompiledPlan {
    private static func onlyDenies(_ limit: Limit) -> Bool {
        guard limit.thresholds.count == 1, limit.rollover == nil, limit.weight == nil, !limit.isShadow,
            let action = limit.thresholds[0].actions.first, limit.thresholds[0].actions.count == 1
        else { return false }
        return action.when == nil && action.alternatives.count == 1 && action.alternatives[0].isDeny
    }

    static func fastRow(_ row: Row) -> FastRow {
        let limit = row.limit
        var made = FastRow(
            kind: .counted, unit: limit.unit, hasCondition: row.when != nil,
            isScoped: !row.hasFixedCounter || !row.within.isEmpty, isPeriodic: limit.window.isPeriodic,
            onlyDenies: onlyDenies(limit), isRate: limit.window.isRate, feature: row.feature,
            isForOthers: limit.weight.map { $0.feature == nil } ?? false, safeBound: row.safeBound,
            amount: limit.amount,
            capacity: limit.capacity, length: 0)
        switch limit.window {
        case .calendar, .every, .lifetime: break
        case .rate(let length):
            made.kind = .bucket
            made.length = length
        case .request: made.kind = row.needsCounter ? .unusual : .request
        case .rolling, .fromFirstUse: made.kind = .unusual
        }
        // A share of what remains depends on more than its own counter.
        let isOfRemaining = limit.weight?.isOfRemaining ?? false
        if limit.isPrepaid || limit.isShared || limit.unit == .runs || isOfRemaining { made.kind = .unusual }
        return made
    }
}

/// The way of a request that nothing stands against: its limits are compared with what they may reach at least, and
/// counted. Whatever might be more than a plain permission takes the full way instead; tests hold the two together.
struct FastPath {
    let engine: Engine
    let edition: CompiledEdition
    let plan: CompiledPlan
    let account: Account

    /// How one candidate fares.
    private enum Standing {
        /// The rows that apply, as bits.
        case plain(UInt64)
        /// Refused by rows that do nothing else, as bits.
        case refused(UInt64)
        case unknown
    }

    /// The decision where it is a permission, a refusal by limits that do nothing else, or a substitute for a model
    /// that the plan does not allow; nil: not known here.
    ///
    /// - Parameter isBrief: a refusal may be given without its numbers.
    @inline(__always)
    func decide(_ request: inout Request, isBrief: Bool) -> Decision? {
        guard plan.fastRows.count <= 64, edition.policy.mode == .enforce else { return nil }
        if !request.tools.isEmpty, !edition.policy.tools.isEmpty { return nil }
        let name = request[.model]
        let listed = edition.model(name)
        guard let requested = listed, edition.price(requested) != nil else {
            return isBrief ? unpriced(request, isListed: listed != nil) : nil
        }
        request[.tenant] = account.id
        request[.tier] = plan.tier
        edition.set(requested, named: name, in: &request)
        let feature = request[.feature]
        if plan.hasBlockedFeatures, plan.blockedFeatures.contains(feature.rawValue) { return nil }
        let isCritical = edition.hasCriticalFeatures && edition.isCritical(feature)
        for rule in edition.rules where holds(rule.program, request, isCritical) { return nil }
        if plan.plan.models.allows(requested) {
            return decide(requested, request, isCritical, isBrief)
        }
        guard isBrief, plan.plan.downgrade.consent == .plan else { return nil }
        return substitute(for: requested, &request, isCritical)
    }

    private func decide(
        _ model: ModelID, _ request: Request, _ isCritical: Bool, _ isBrief: Bool
    ) -> Decision? {
        guard let price = edition.price(model) else { return nil }
        let estimate = self.estimate(request, price)
        guard let spend = estimate.spend else { return nil }
        switch standing(request, estimate, spend, isCritical) {
        case .plain(let applied):
            return count(request, price, estimate, spend, applied, edition.modelSymbols[model.rawValue])
        case .refused(let rows):
            guard isBrief, !plan.countsAttempts else { return nil }
            return refusal(rows, estimate)
        case .unknown: return nil
        }
    }

    /// Goes down the chain of a model that the plan does not allow.
    private func substitute(for requested: ModelID, _ request: inout Request, _ isCritical: Bool) -> Decision? {
        var first: Decision?
        for model in plan.plan.downgrade.substitutes(for: requested) {
            guard plan.plan.models.allows(model), edition.price(model) != nil else { continue }
            edition.set(model, named: .absent, in: &request)
            for rule in edition.rules where holds(rule.program, request, isCritical) { return nil }
            guard var decision = decide(model, request, isCritical, true) else { return nil }
            if decision.outcome == .allow {
                decision.outcome = .downgrade
                decision.detail = plan.briefNotAllowed
                return decision
            }
            first = first ?? decision
        }
        return first
    }

    /// Refuses a model whose price is not known, where the policy does.
    private func unpriced(_ request: Request, isListed: Bool) -> Decision? {
        guard !edition.policy.allowsUnpriced, !plan.countsAttempts else { return nil }
        var estimate = self.estimate(request, Price.free)
        estimate.spend = nil
        return refused(.deny, estimate, isListed ? edition.unpriced : edition.unlisted)
    }

    private func refused(_ outcome: Outcome, _ estimate: Estimate, _ detail: DecisionDetail) -> Decision {
        var decision = Decision(outcome: outcome, model: .absent)
        decision.estimate = estimate
        decision.tier = plan.tier
        decision.edition = Int32(truncatingIfNeeded: edition.index)
        decision.detail = detail
        return decision
    }

    private func refusal(_ rows: UInt64, _ estimate: Estimate) -> Decision? {
        // One limit: its reason was made with the plan. Several are rare enough for the full way.
        guard rows & (rows - 1) == 0 else { return nil }
        let index = rows.trailingZeroBitCount
        guard let detail = plan.briefRefusals[index] else { return nil }
        return refused(plan.fastRows[index].isRate ? .throttle : .deny, estimate, detail)
    }

    @inline(__always)
    private func holds(_ program: ConditionProgram, _ request: Request, _ isCritical: Bool) -> Bool {
        program.constant ?? program.holds(request, isCritical: isCritical, symbols: engine.symbols)
    }

    @inline(__always)
    private func estimate(_ request: Request, _ price: Price) -> Estimate {
        var estimate = Estimate(request, edition.policy)
        estimate.spend = price.cost(
            input: estimate.inputTokens, cached: estimate.cachedTokens, output: estimate.outputTokens)
        return estimate
    }

    @inline(__always)
    private func amount(_ unit: Unit, _ estimate: Estimate, _ spend: Int64) -> Int64 {
        switch unit {
        case .spend: spend
        case .tokens: estimate.inputTokens + estimate.outputTokens
        case .inputTokens: estimate.inputTokens
        case .outputTokens: estimate.outputTokens
        case .requests, .attempts, .concurrentRequests, .runs: 1
        case .characters: estimate.characters
        case .toolCalls: estimate.toolCalls
        }
    }

    @inline(__always)
    private func standing(_ request: Request, _ estimate: Estimate, _ spend: Int64, _ isCritical: Bool) -> Standing {
        let rows = plan.fastRows
        let feature = request[.feature]
        var applied: UInt64 = 0
        var refused: UInt64 = 0
        for index in 0..<rows.count {
            let row = rows[index]
            if row.feature.isPresent, row.feature != feature { continue }
            if row.isForOthers, !feature.isPresent || plan.rows[index].namedFeatures.contains(feature) { continue }
            if row.isScoped, !isInScope(plan.rows[index], request) { continue }
            if row.hasCondition, let when = plan.rows[index].when, !holds(when, request, isCritical) { continue }
            if row.kind == .unusual { return .unknown }
            applied |= 1 << UInt64(index)
            let amount = amount(row.unit, estimate, spend)
            if row.unit == .spend, amount == 0 {
                // Free requests cross nothing, but their counters still follow the time.
                if row.kind != .request { _ = counter(index, row, request) }
                continue
            }
            switch row.kind {
            case .request:
                if amount > row.safeBound {
                    if !row.onlyDenies { return .unknown }
                    refused |= 1 << UInt64(index)
                }
            case .counted:
                let counter = counter(index, row, request)
                let (sum, overflow) = account.book.counters[counter].used.addingReportingOverflow(amount)
                if overflow { return .unknown }
                if sum > row.safeBound {
                    if !row.onlyDenies { return .unknown }
                    refused |= 1 << UInt64(index)
                }
            case .bucket:
                let counter = counter(index, row, request)
                let level = account.book.counters[counter].level
                let missing = Int128(row.capacity) * Int128(row.length) - level
                // A bucket's exact bound is a fraction; the full way knows it.
                if missing + Int128(amount) * Int128(row.length) > Int128(row.safeBound) * Int128(row.length) {
                    return .unknown
                }
            case .unusual: return .unknown
            }
        }
        if refused != 0 {
            see(request.time)
            return .refused(refused)
        }
        return .plain(applied)
    }

    /// The tenant has reached its limits.
    @inline(__always)
    private func see(_ time: Int64) { account.book.firstSeen[0] = min(account.book.firstSeen[0], time) }

    private func isInScope(_ row: CompiledPlan.Row, _ request: Request) -> Bool {
        for (slot, value) in row.within where request[slot] != value { return false }
        for slot in row.per where !request[slot].isPresent { return false }
        return true
    }

    /// The index of a row's counter, brought to the request's time.
    @inline(__always)
    private func counter(_ index: Int, _ row: FastRow, _ request: Request) -> Int {
        let fixed = account.slots[index]
        let counter = Int(fixed >= 0 ? fixed : account.counter(index, plan.rows[index], request))
        let time = request.time
        if row.kind == .bucket || (row.isPeriodic && time >= account.book.counters[counter].end) {
            account.book.advance(counter, plan.rows[index].limit, to: time)
        }
        if row.isScoped {
            let scope = Int(account.book.counters[counter].scope)
            account.book.firstSeen[scope] = min(account.book.firstSeen[scope], time)
        }
        return counter
    }

    @inline(__always)
    private func count(
        _ request: Request, _ price: Price, _ estimate: Estimate, _ spend: Int64, _ applied: UInt64, _ model: Symbol
    ) -> Decision {
        let time = request.time
        let rows = plan.fastRows
        var header = ReservationHeader()
        header.time = time
        header.price = price
        header.expires = time.addingSaturated(engine.reservationLifetime)
        let id = account.reservations.open(header, room: rows.count)
        var bits = applied
        var isRootSeen = false
        while bits != 0 {
            let index = bits.trailingZeroBitCount
            bits &= bits - 1
            let row = rows[index]
            if !row.isScoped { isRootSeen = true }
            if row.kind == .request { continue }
            let fixed = account.slots[index]
            let counter = Int(fixed >= 0 ? fixed : account.counter(index, plan.rows[index], request))
            let amount = amount(row.unit, estimate, spend)
            var reserved = ReservedAmount(
                counter: CounterRef(index: Int32(truncatingIfNeeded: counter), isShared: false), unit: row.unit,
                kind: .window,
                window: 0, amount: amount)
            if row.kind == .bucket {
                account.book.counters[counter].level -= Int128(amount) * Int128(row.length)
                reserved.kind = .bucket
                reserved.length = row.length
                reserved.capacity = row.capacity
            } else {
                account.book.counters[counter].used += amount
                if row.isPeriodic { account.book.counters[counter].amount = row.amount }
                reserved.window = account.book.counters[counter].start
            }
            account.reservations.append(reserved, to: id)
        }
        if isRootSeen { see(time) }
        var decision = Decision(outcome: .allow, model: model)
        decision.estimate = estimate
        decision.reservation = id
        decision.tier = plan.tier
        decision.edition = Int32(truncatingIfNeeded: edition.index)
        return decision
    }
}
