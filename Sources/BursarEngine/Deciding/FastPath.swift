import BursarPolicy
import BursarStorage
import BursarSyntax

/// One limit as the fast path sees it: numbers only, so that a plan's limits lie together and nothing is counted.
struct FastRow: @unchecked Sendable {
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
    /// nil: every request; the row keeps it alive.
    var when: Unmanaged<ConditionProgram>?
    /// Its counter depends on the request.
    var isScoped: Bool
    var isPeriodic: Bool
    /// One threshold whose only action, for every request, is to refuse.
    var onlyDenies: Bool
    var isRate: Bool
    /// Of a counter that depends on one attribute alone: which one; else -1.
    var scopeSlot: Int8
    /// Of a weight: its feature.
    var feature: Symbol
    /// A share for the features that have none of their own.
    var isForOthers: Bool
    /// The most that may be used without crossing any threshold, were nothing carried over.
    var safeBound: Int64
    /// The same once the thresholds that only notify have given their events.
    var quietBound: Int64
    var amount: Int64
    var capacity: Int64
    var length: Int64

    /// What a reservation by rows holds of it.
    @inline(__always)
    func amount(_ header: ReservationHeader) -> Int64 {
        switch unit {
        case .spend: header.spend
        case .tokens: header.input + header.output
        case .inputTokens: header.input
        case .outputTokens: header.output
        case .requests, .attempts, .concurrentRequests, .runs: 1
        case .characters, .toolCalls: 0
        }
    }
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
            kind: .counted, unit: limit.unit, when: row.when.map { Unmanaged.passUnretained($0) },
            isScoped: !row.hasFixedCounter || !row.within.isEmpty, isPeriodic: limit.window.isPeriodic,
            onlyDenies: onlyDenies(limit), isRate: limit.window.isRate,
            scopeSlot: Int8(row.scopeSlot), feature: row.feature,
            isForOthers: limit.weight.map { $0.feature == nil } ?? false, safeBound: row.safeBound,
            quietBound: row.quietBound, amount: limit.amount,
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
        // A reservation by rows does not hold these.
        if limit.unit == .characters || limit.unit == .toolCalls, made.kind != .request { made.kind = .unusual }
        return made
    }
}

/// The way of a request that nothing stands against: its limits are compared with what they may reach at least, and
/// counted. Whatever might be more than a plain permission takes the full way instead; tests hold the two together.
///
/// Everything is a parameter or lies at a fixed address: no reference is counted and nothing is allocated.
extension Account {
    /// How one candidate fares.
    private enum Standing {
        /// The rows that apply, as bits.
        case plain(UInt64)
        /// Refused by rows that do nothing else, as bits.
        case refused(UInt64)
        case unknown
    }

    /// Decides where the decision is a permission, a refusal by limits that do nothing else, or a substitute for a
    /// model that the plan does not allow. False: not known here, and nothing has changed.
    ///
    /// - Parameters:
    ///   - attributes: the request's, tenant and tier set.
    ///   - isBrief: a refusal may be given without its numbers.
    ///   - decision: written in place, because copying it costs more than deciding.
    @inline(__always)
    func decideQuickly(
        _ request: Request, _ attributes: inout SIMD32<UInt32>, _ plan: CompiledPlan, _ edition: CompiledEdition,
        isBrief: Bool, _ decision: inout Decision
    ) -> Bool {
        // Made with the plan or the edition, which are in use: its references are counted once it is given.
        var detail: Unmanaged<DecisionDetail>?
        guard decideQuickly(request, &attributes, plan, edition, isBrief, &decision, &detail) else { return false }
        if let detail { decision.detail = detail.takeUnretainedValue() }
        return true
    }

    @inline(__always)
    private func decideQuickly(
        _ request: Request, _ attributes: inout SIMD32<UInt32>, _ plan: CompiledPlan, _ edition: CompiledEdition,
        _ isBrief: Bool, _ decision: inout Decision, _ detail: inout Unmanaged<DecisionDetail>?
    ) -> Bool {
        guard plan.rowCount <= 64, edition.isEnforced else { return false }
        if edition.hasTools, !request.tools.isEmpty { return false }
        let listed = edition.model(request[.model])
        guard let requested = listed, edition.pricePlace(requested).pointee != nil else {
            return isBrief && refuseUnpriced(request, plan, edition, isListed: listed != nil, &decision, &detail)
        }
        edition.set(requested, in: &attributes)
        let feature = request[.feature]
        if plan.blockedFeatures.contains(feature) { return false }
        let isCritical = edition.isCritical(feature)
        if isRuled(request, attributes, isCritical, edition) { return false }
        if plan.allowedModels[requested.rawValue] {
            return decide(requested, request, attributes, isCritical, plan, edition, isBrief, &decision, &detail)
        }
        return isBrief && plan.hasConsentOfPlan
            && substitute(for: requested, request, &attributes, isCritical, plan, edition, &decision, &detail)
    }

    @inline(__always)
    private func isRuled(
        _ request: Request, _ attributes: SIMD32<UInt32>, _ isCritical: Bool, _ edition: CompiledEdition
    ) -> Bool {
        for index in edition.activeRules.indices {
            let holds = edition.activeRules.base[index]._withUnsafeGuaranteedRef {
                $0.holds(request, attributes, isCritical, edition.symbols)
            }
            if holds { return true }
        }
        return false
    }

    private func decide(
        _ model: ModelID, _ request: Request, _ attributes: SIMD32<UInt32>, _ isCritical: Bool, _ plan: CompiledPlan,
        _ edition: CompiledEdition, _ isBrief: Bool, _ decision: inout Decision,
        _ detail: inout Unmanaged<DecisionDetail>?
    ) -> Bool {
        let price = edition.pricePlace(model)
        let estimate = Estimate(request, edition)
        let spend = price.pointee?.cost(
            input: estimate.inputTokens, cached: estimate.cachedTokens, output: estimate.outputTokens)
        guard let spend else { return false }
        switch standing(request, attributes, estimate, spend, isCritical, plan, edition) {
        case .plain(let applied):
            decision.estimate = estimate
            decision.estimate.spend = spend
            count(request, attributes, model, spend, applied, plan, edition, &decision)
            return true
        case .refused(let rows):
            guard isBrief, !plan.countsAttempts, let told = plan.briefRefusal(rows) else { return false }
            decision.estimate = estimate
            decision.estimate.spend = spend
            refuse(rows & ~plan.rateRows == 0 ? .throttle : .deny, plan, edition, &decision)
            detail = told
            return true
        case .unknown: return false
        }
    }

    /// Goes down the chain of a model that the plan does not allow.
    private func substitute(
        for requested: ModelID, _ request: Request, _ attributes: inout SIMD32<UInt32>, _ isCritical: Bool,
        _ plan: CompiledPlan, _ edition: CompiledEdition, _ decision: inout Decision,
        _ detail: inout Unmanaged<DecisionDetail>?
    ) -> Bool {
        let place = requested.rawValue
        // What is told of a refusal is told of the first substitute.
        var first: (outcome: Outcome, estimate: Estimate, detail: Unmanaged<DecisionDetail>?)?
        for index in Int(plan.substituteStarts[place])..<Int(plan.substituteStarts[place + 1]) {
            let model = plan.substitutes[index]
            edition.set(model, in: &attributes)
            if isRuled(request, attributes, isCritical, edition) { return false }
            guard decide(model, request, attributes, isCritical, plan, edition, true, &decision, &detail) else {
                return false
            }
            if decision.outcome == .allow {
                decision.outcome = .downgrade
                detail = plan.briefNotAllowed
                return true
            }
            if first == nil { first = (decision.outcome, decision.estimate, detail) }
        }
        guard let first else { return false }
        decision.outcome = first.outcome
        decision.estimate = first.estimate
        detail = first.detail
        return true
    }

    /// Refuses a model whose price is not known, where the policy does.
    private func refuseUnpriced(
        _ request: Request, _ plan: CompiledPlan, _ edition: CompiledEdition, isListed: Bool,
        _ decision: inout Decision, _ detail: inout Unmanaged<DecisionDetail>?
    ) -> Bool {
        guard !edition.allowsUnpriced, !plan.countsAttempts else { return false }
        decision.estimate = Estimate(request, edition)
        decision.estimate.spend = nil
        refuse(.deny, plan, edition, &decision)
        detail = Unmanaged.passUnretained(isListed ? edition.unpriced : edition.unlisted)
        return true
    }

    @inline(__always)
    private func refuse(
        _ outcome: Outcome, _ plan: CompiledPlan, _ edition: CompiledEdition, _ decision: inout Decision
    ) {
        decision.outcome = outcome
        decision.tier = plan.tier
        decision.edition = Int32(truncatingIfNeeded: edition.index)
    }

    @inline(__always)
    private func amount(_ unit: Unit, _ estimate: Estimate, _ spend: Int64) -> Int64 {
        unit == .spend ? spend : estimate.amount(unit)
    }

    @inline(__always)
    private func standing(
        _ request: Request, _ attributes: SIMD32<UInt32>, _ estimate: Estimate, _ spend: Int64, _ isCritical: Bool,
        _ plan: CompiledPlan, _ edition: CompiledEdition
    ) -> Standing {
        let feature = request[.feature]
        var applied: UInt64 = 0
        var refused: UInt64 = 0
        for index in 0..<plan.rowCount {
            let row = plan.fastRows + index
            if row.pointee.feature.isPresent, row.pointee.feature != feature { continue }
            if row.pointee.isForOthers || row.pointee.isScoped {
                let applies = plan.rowPlaces[index]._withUnsafeGuaranteedRef {
                    (!row.pointee.isForOthers || (feature.isPresent && !$0.namedFeatures.contains(feature)))
                        && $0.isInScope(attributes)
                }
                if !applies { continue }
            }
            if let when = row.pointee.when {
                let holds = when._withUnsafeGuaranteedRef {
                    $0.holds(request, attributes, isCritical, edition.symbols)
                }
                if !holds { continue }
            }
            if row.pointee.kind == .unusual { return .unknown }
            applied |= 1 << UInt64(index)
            let amount = amount(row.pointee.unit, estimate, spend)
            if row.pointee.kind == .request {
                if amount > row.pointee.safeBound, row.pointee.unit != .spend || amount > 0 {
                    if !row.pointee.onlyDenies { return .unknown }
                    refused |= 1 << UInt64(index)
                }
                continue
            }
            let counter = counter(index, row, request.time, attributes, plan)
            // A clock that goes back is rare enough for the full way.
            if row.pointee.isPeriodic, request.time < counter.pointee.start { return .unknown }
            // Free requests cross nothing, but their counters still follow the time.
            if row.pointee.unit == .spend, amount == 0 { continue }
            if row.pointee.kind == .counted {
                let (sum, overflow) = counter.pointee.used.addingReportingOverflow(amount)
                if overflow { return .unknown }
                if sum > row.pointee.safeBound {
                    let isQuiet = sum <= row.pointee.quietBound && counter.pointee.quietPlan == plan.serial
                    if !isQuiet {
                        if !row.pointee.onlyDenies { return .unknown }
                        refused |= 1 << UInt64(index)
                    }
                }
            } else {
                let length = Int128(row.pointee.length)
                let missing = Int128(row.pointee.capacity) * length - counter.pointee.level
                // A bucket's exact bound is a fraction; the full way knows it.
                if missing + Int128(amount) * length > Int128(row.pointee.safeBound) * length { return .unknown }
            }
        }
        if applied & plan.rootRows != 0 { book.see(0, at: request.time) }
        return refused != 0 ? .refused(refused) : .plain(applied)
    }

    /// A row's counter, brought to the request's time.
    @inline(__always)
    private func counter(
        _ index: Int, _ row: UnsafeMutablePointer<FastRow>, _ time: Int64, _ attributes: SIMD32<UInt32>,
        _ plan: CompiledPlan
    ) -> UnsafeMutablePointer<Counter> {
        let number = counterNumber(index, attributes, plan)
        if row.pointee.kind == .bucket || (row.pointee.isPeriodic && time >= book.counters[number].end) {
            let full = plan.rows[index]
            book.advance(number, full.limit, keepsHistory: full.keepsHistory, to: time)
        }
        if row.pointee.isScoped { book.see(book.counters[number].scope, at: time) }
        return book.counters.base + number
    }

    @inline(__always)
    private func counterNumber(_ index: Int, _ attributes: SIMD32<UInt32>, _ plan: CompiledPlan) -> Int {
        let fixed = slots[index]
        if fixed >= 0 { return Int(fixed) }
        let slot = Int(plan.fastRows[index].scopeSlot)
        guard slot >= 0 else { return Int(counter(index, plan.rows[index], attributes)) }
        let last = lastScopes.base + index
        guard last.pointee.value == attributes[slot] else {
            return Int(counter(index, plan.rows[index], attributes))
        }
        return Int(last.pointee.counter)
    }

    @inline(__always)
    private func count(
        _ request: Request, _ attributes: SIMD32<UInt32>, _ model: ModelID, _ spend: Int64, _ applied: UInt64,
        _ plan: CompiledPlan, _ edition: CompiledEdition, _ decision: inout Decision
    ) {
        var header = ReservationHeader()
        header.time = request.time
        header.model = Int32(truncatingIfNeeded: model.rawValue)
        header.edition = Int32(truncatingIfNeeded: edition.index)
        header.spend = spend
        header.input = decision.estimate.inputTokens
        header.output = decision.estimate.outputTokens
        header.state = .byRows
        var bits = applied
        while bits != 0 {
            let index = bits.trailingZeroBitCount
            bits &= bits - 1
            let row = plan.fastRows + index
            if row.pointee.kind == .request { continue }
            header.rows |= 1 << UInt64(index)
            if slots[index] < 0 { header.state = .spelledOut }
            let counter = book.counters.base + counterNumber(index, attributes, plan)
            let amount = row.pointee.amount(header)
            if row.pointee.kind == .bucket {
                counter.pointee.level -= Int128(amount) * Int128(row.pointee.length)
            } else {
                counter.pointee.used += amount
                if row.pointee.isPeriodic { counter.pointee.amount = row.pointee.amount }
            }
        }
        let isByRows = header.state == .byRows
        let id = reservations.open(header, room: isByRows ? 0 : plan.rowCount)
        if !isByRows { spellOut(header, id, attributes, plan) }
        decision.outcome = .allow
        decision.isUnlimited = applied == 0
        decision.model = edition.modelSymbols[model.rawValue]
        decision.reservation = id
        decision.tier = plan.tier
        decision.edition = Int32(truncatingIfNeeded: edition.index)
        decision.detail = nil
    }

    /// Some counter depends on the request, so that its place cannot be told from the row alone.
    private func spellOut(
        _ header: ReservationHeader, _ id: ReservationID, _ attributes: SIMD32<UInt32>, _ plan: CompiledPlan
    ) {
        var rows = header.rows
        while rows != 0 {
            let index = rows.trailingZeroBitCount
            rows &= rows - 1
            let row = plan.fastRows[index]
            let number = counterNumber(index, attributes, plan)
            var reserved = ReservedAmount(
                counter: CounterRef(index: Int32(truncatingIfNeeded: number), isShared: false), unit: row.unit,
                kind: .window, window: book.counters[number].start, amount: row.amount(header))
            if row.kind == .bucket {
                reserved.kind = .bucket
                reserved.length = row.length
                reserved.capacity = row.capacity
            }
            reservations.append(reserved, to: id)
        }
    }
}
