import BursarPolicy
import BursarStorage
import BursarSyntax

/// The way of a request that nothing stands against: its limits are compared with what they may reach at least, and
/// counted. Whatever might be more than a plain permission takes the full way instead; tests hold the two together.
///
/// Everything is a parameter or lies at a fixed address: no reference is counted and nothing is allocated.
extension Account {
    /// How one candidate fares.
    private enum Standing {
        /// The rows that apply, as bits, and the simple ones among them.
        case plain(UInt64, simple: UInt64)
        /// Refused by rows that do nothing else, as bits.
        case refused(UInt64)
        case unknown
    }

    /// Decides where the decision is a permission, a refusal by limits that do nothing else or of a model, or a
    /// substitute for a model that the plan does not allow. False: not known here, and nothing has changed.
    ///
    /// - Parameters:
    ///   - isBrief: a refusal may be given without its numbers.
    ///   - decision: written in place, because copying it costs more than deciding.
    @inline(__always)
    func decideQuickly(
        _ request: Request, _ plan: CompiledPlan, _ edition: CompiledEdition, isBrief: Bool, _ decision: inout Decision
    ) -> Bool {
        guard plan.fastRows.count <= 64, edition.isEnforced else { return false }
        if edition.hasTools, request.toolCount > 0 { return false }
        let listed = edition.model(request[.model])
        guard let requested = listed, edition.pricePlace(requested).pointee != nil else {
            return isBrief && refuseUnpriced(request, plan, edition, isListed: listed != nil, &decision)
        }
        var attributes = request.attributes
        let feature = request[.feature]
        if plan.blockedFeatures.contains(feature) { return false }
        let isCritical = edition.isCritical(feature)
        return withUnsafeMutablePointer(to: &attributes) { place in
            // One by one through memory: as a vector, all of it would move each time.
            let values = UnsafeMutableRawPointer(place).assumingMemoryBound(to: UInt32.self)
            values[AttributeSlot.tenant.rawValue] = id.rawValue
            values[AttributeSlot.tier.rawValue] = plan.tier.rawValue
            edition.set(requested, in: values)
            if isRuled(request, values, isCritical, edition) { return false }
            if plan.allowedModels[requested.rawValue] {
                return decide(
                    requested, request, values, isCritical, plan, edition, isBrief: isBrief, isSubstitute: false,
                    &decision)
            }
            return isBrief && substitute(for: requested, request, values, isCritical, plan, edition, &decision)
        }
    }

    @inline(__always)
    private func isRuled(
        _ request: Request, _ attributes: AttributeValues, _ isCritical: Bool, _ edition: CompiledEdition
    ) -> Bool {
        for index in edition.activeRules.indices {
            let holds = edition.activeRules[index]._withUnsafeGuaranteedRef {
                $0.holds(request, attributes, isCritical, edition.symbols)
            }
            if holds { return true }
        }
        return false
    }

    @inline(__always)
    private func decide(
        _ model: ModelID, _ request: Request, _ attributes: UnsafeMutablePointer<UInt32>, _ isCritical: Bool,
        _ plan: CompiledPlan, _ edition: CompiledEdition, isBrief: Bool, isSubstitute: Bool,
        _ decision: inout Decision
    ) -> Bool {
        decision.estimate = Estimate(request, edition)
        guard let spend = edition.cost(of: model, decision.estimate), spend < .max else { return false }
        decision.estimate.spend = spend
        let most = mostSpend(of: model, decision.estimate, spend, plan, edition)
        if most == .max { return false }
        var amounts = FastAmounts(decision.estimate, spend: spend, mostSpend: most)
        return amounts.withPlaces { amounts in
            switch standing(request, attributes, amounts, isCritical, plan, edition) {
            case .plain(let applied, let simple):
                count(request, attributes, model, spend, amounts, applied, simple, plan, edition, &decision)
                return true
            case .refused(let rows):
                guard isBrief, !plan.countsAttempts, let told = plan.briefRefusal(rows) else { return false }
                if rows & plan.substitutingRows != 0, !isSubstitute,
                    !isWithoutSubstitute(model, request, attributes, isCritical, plan, edition)
                {
                    return false
                }
                refuse(rows & ~plan.rateRows == 0 ? .throttle : .deny, told, plan, edition, &decision)
                return true
            case .unknown: return false
            }
        }
    }

    /// What a request costs with the most output that the answer may have, where some limit judges it.
    @inline(__always)
    private func mostSpend(
        of model: ModelID, _ estimate: Estimate, _ spend: Int64, _ plan: CompiledPlan, _ edition: CompiledEdition
    ) -> Int64 {
        guard plan.judgesMost, estimate.mostOutputTokens > estimate.outputTokens else { return spend }
        return edition.cost(of: model, estimate.most) ?? .max
    }

    /// Goes down the chain of a model that the plan does not allow, and refuses where it is empty.
    @inline(never)
    private func substitute(
        for requested: ModelID, _ request: Request, _ attributes: UnsafeMutablePointer<UInt32>, _ isCritical: Bool,
        _ plan: CompiledPlan, _ edition: CompiledEdition, _ decision: inout Decision
    ) -> Bool {
        let substitutes = plan.substitutes(of: requested)
        if substitutes.isEmpty {
            return refuseModel(requested, plan.briefNotAllowed.refusal, request, plan, edition, &decision)
        }
        guard plan.hasConsentOfPlan else { return false }
        // What is told of a refusal is told of the first substitute.
        var first: (outcome: Outcome, estimate: Estimate, detail: Unmanaged<DecisionDetail>?)?
        for model in substitutes {
            edition.set(model, in: attributes)
            if isRuled(request, attributes, isCritical, edition) { return false }
            let isKnown = decide(
                model, request, attributes, isCritical, plan, edition, isBrief: true, isSubstitute: true, &decision)
            if !isKnown { return false }
            if decision.outcome == .allow {
                decision.outcome = .downgrade
                decision.give(plan.briefNotAllowed.substitute)
                return true
            }
            if first == nil { first = (decision.outcome, decision.estimate, decision.detailReference) }
        }
        guard let first else { return false }
        decision.outcome = first.outcome
        decision.estimate = first.estimate
        decision.give(first.detail)
        return true
    }

    /// Whether every substitute in a model's chain is refused too. False: one is not, or it is not known here.
    @inline(never)
    private func isWithoutSubstitute(
        _ requested: ModelID, _ request: Request, _ attributes: UnsafeMutablePointer<UInt32>, _ isCritical: Bool,
        _ plan: CompiledPlan, _ edition: CompiledEdition
    ) -> Bool {
        guard plan.hasConsentOfPlan else { return false }
        let estimate = Estimate(request, edition)
        for model in plan.substitutes(of: requested) {
            if model == requested { continue }
            edition.set(model, in: attributes)
            if isRuled(request, attributes, isCritical, edition) { return false }
            guard let spend = edition.cost(of: model, estimate), spend < .max else { return false }
            let most = mostSpend(of: model, estimate, spend, plan, edition)
            if most == .max { return false }
            var amounts = FastAmounts(estimate, spend: spend, mostSpend: most)
            let isRefused = amounts.withPlaces { amounts -> Bool in
                if case .refused = standing(request, attributes, amounts, isCritical, plan, edition) { return true }
                return false
            }
            if !isRefused { return false }
        }
        return true
    }

    /// Refuses a model whose price is not known, where the policy does.
    @inline(never)
    private func refuseUnpriced(
        _ request: Request, _ plan: CompiledPlan, _ edition: CompiledEdition, isListed: Bool,
        _ decision: inout Decision
    ) -> Bool {
        guard !edition.allowsUnpriced else { return false }
        let told = Unmanaged.passUnretained(isListed ? edition.unpriced : edition.unlisted)
        return refuseModel(nil, told, request, plan, edition, &decision)
    }

    /// Refuses a model, whatever the limits say.
    ///
    /// - Parameter priced: the model; nil: its price is not known.
    @inline(__always)
    private func refuseModel(
        _ priced: ModelID?, _ told: Unmanaged<DecisionDetail>, _ request: Request, _ plan: CompiledPlan,
        _ edition: CompiledEdition, _ decision: inout Decision
    ) -> Bool {
        guard !plan.countsAttempts else { return false }
        decision.estimate = Estimate(request, edition)
        decision.estimate.spend = priced.flatMap { edition.cost(of: $0, decision.estimate) }
        refuse(.deny, told, plan, edition, &decision)
        return true
    }

    @inline(__always)
    private func refuse(
        _ outcome: Outcome, _ told: Unmanaged<DecisionDetail>, _ plan: CompiledPlan, _ edition: CompiledEdition,
        _ decision: inout Decision
    ) {
        decision.outcome = outcome
        decision.tier = plan.tier
        decision.edition = Int32(truncatingIfNeeded: edition.index)
        decision.give(told)
    }

    @inline(__always)
    private func standing(
        _ request: Request, _ attributes: AttributeValues, _ amounts: UnsafePointer<Int64>, _ isCritical: Bool,
        _ plan: CompiledPlan, _ edition: CompiledEdition
    ) -> Standing {
        let time = request.time
        var simple: UInt64 = 0
        var applied: UInt64 = 0
        var refused: UInt64 = 0
        var (row, end) = plan.fastRows.rows(of: request[.feature])
        while row < end {
            let amount = amounts[Int(row.pointee.amountPlace)]
            if row.pointee.isSimple {
                // A row that is not simple may append a counter, so that only numbers are kept from row to row.
                let number = slot(Int(row.pointee.index))
                let (sum, overflow) = book.counters[number].used.addingReportingOverflow(amount)
                if time < book.counters[number].end, time >= book.counters[number].start, !overflow {
                    if sum <= row.pointee.safeBound {
                        simple |= row.pointee.bit
                        row += 1
                        continue
                    }
                    // Whatever costs nothing crosses nothing: that is looked at apart.
                    if row.pointee.onlyDenies, amount > 0 {
                        refused |= row.pointee.bit
                        row += 1
                        continue
                    }
                }
            } else if row.pointee.isEstimate, amount <= row.pointee.safeBound {
                applied |= row.pointee.bit
                row += 1
                continue
            }
            switch unusualStanding(row, request, attributes, amounts, isCritical, plan, edition) {
            case .notAsked: break
            case .holds: applied |= row.pointee.bit
            case .refuses:
                applied |= row.pointee.bit
                refused |= row.pointee.bit
            case .unknown: return .unknown
            }
            row += 1
        }
        applied |= simple | refused
        return refused != 0 ? .refused(refused) : .plain(applied, simple: simple)
    }

    private enum RowStanding { case notAsked, holds, refuses, unknown }

    /// How a row fares that is not simple, or that may be crossed.
    @inline(never)
    private func unusualStanding(
        _ row: UnsafePointer<FastRow>, _ request: Request, _ attributes: AttributeValues,
        _ amounts: UnsafePointer<Int64>, _ isCritical: Bool, _ plan: CompiledPlan, _ edition: CompiledEdition
    ) -> RowStanding {
        let index = Int(row.pointee.index)
        if row.pointee.isScoped {
            let isInScope = plan.rowPlaces[index]._withUnsafeGuaranteedRef { $0.isInScope(attributes) }
            if !isInScope { return .notAsked }
        }
        if let when = row.pointee.when {
            let holds = when._withUnsafeGuaranteedRef { $0.holds(request, attributes, isCritical, edition.symbols) }
            if !holds { return .notAsked }
        }
        let amount = amounts[Int(row.pointee.amountPlace)]
        // Free requests cross nothing.
        let isFree = row.pointee.unit == .spend && amount == 0
        let beyond: RowStanding = row.pointee.onlyDenies ? .refuses : .unknown
        switch row.pointee.kind {
        case .unusual: return .unknown
        case .request: return amount > row.pointee.safeBound && !isFree ? beyond : .holds
        case .counted, .bucket: break
        }
        let number = counterNumber(row, request.time, attributes, plan)
        // A clock that goes back is rare enough for the full way.
        if row.pointee.kind == .bucket {
            if book.isWrong(book.counters[number].refilled, at: request.time) { return .unknown }
            return isFree || bucketHolds(amount, row, number, at: request.time) ? .holds : .unknown
        }
        if row.pointee.isPeriodic, request.time < book.counters[number].start { return .unknown }
        if isFree { return .holds }
        if row.pointee.isPeriodic, request.time >= book.counters[number].end {
            // A new window, which opens when something is counted in it.
            if amount <= row.pointee.safeBound { return .holds }
            return row.pointee.onlyDenies ? .refuses : .unknown
        }
        let (sum, overflow) = book.counters[number].used.addingReportingOverflow(amount)
        if overflow { return .unknown }
        if sum <= row.pointee.safeBound { return .holds }
        // Some of those that are counted may have ended.
        if row.pointee.unit == .concurrentRequests { return .unknown }
        if sum <= row.pointee.quietBound, book.counters[number].quietPlan == plan.serial { return .holds }
        return row.pointee.substitutesOrDenies ? substitutingStanding(index, sum, number, request.time, plan) : beyond
    }

    /// How a row fares that looks for a substitute and else refuses, where its lower thresholds have nothing to tell.
    private func substitutingStanding(
        _ index: Int, _ sum: Int64, _ number: Int, _ time: Int64, _ plan: CompiledPlan
    ) -> RowStanding {
        plan.rowPlaces[index]._withUnsafeGuaranteedRef { row in
            guard let threshold = row.substituting, let base = exactBase(row, number, time, plan) else {
                return .unknown
            }
            func isCrossed(_ threshold: Int) -> Bool { sum > row.thresholds[threshold].level.bound(of: base) }
            if book.counters[number].quietPlan != plan.serial, row.notifying.contains(where: isCrossed) {
                return .unknown
            }
            return isCrossed(threshold) ? .refuses : .holds
        }
    }

    /// What a row's percentages are of, with what was carried; nil where that is not known here.
    private func exactBase(
        _ row: CompiledPlan.Row, _ number: Int, _ time: Int64, _ plan: CompiledPlan
    ) -> Int64? {
        if let weight = row.limit.weight {
            return plan.rowPlaces[weight.of]._withUnsafeGuaranteedRef { whole in
                let number = slot(weight.of)
                guard whole.limit.weight == nil, whole.isPeriodic, number >= 0 else { return nil }
                return exactBase(whole, number, time, plan).map { max(0, weight.share.floor(of: $0)) }
            }
        }
        guard let rollover = row.rollover else { return row.amount }
        guard book.counters[number].start <= time, time < book.counters[number].end else { return nil }
        // For a tenant with a record, since when it is one counts too.
        guard book.counters[number].knowsCarry(of: row.amount, rollover) || record < 0 else { return nil }
        return row.amount.addingSaturated(book.carried(number, row.limit, since: nil))
    }

    /// Whether a bucket surely has room. Its exact bound is a fraction; the full way knows it.
    private func bucketHolds(
        _ amount: Int64, _ row: UnsafePointer<FastRow>, _ number: Int, at time: Int64
    ) -> Bool {
        // No product passes 2^117, and no level is below -2^120.
        let length = Int128(row.pointee.length)
        let level = book.level(
            number, amount: row.pointee.amount, capacity: row.pointee.capacity, row.pointee.length, at: time)
        let missing = Int128(row.pointee.capacity) &* length &- level
        return missing &+ Int128(amount) &* length <= Int128(row.pointee.safeBound) &* length
    }

    private func openWindow(_ number: Int, _ row: UnsafePointer<FastRow>, at time: Int64, _ plan: CompiledPlan) {
        plan.rowPlaces[Int(row.pointee.index)]._withUnsafeGuaranteedRef { full in
            book.open(number, full.limit.window.interval(at: time), keepsHistory: full.keepsHistory)
        }
        if book.counters[number].first == .max { book.counters[number].first = time }
    }

    @inline(__always)
    private func counterNumber(
        _ row: UnsafePointer<FastRow>, _ time: Int64, _ attributes: AttributeValues, _ plan: CompiledPlan
    ) -> Int {
        let index = Int(row.pointee.index)
        let fixed = slot(index)
        if fixed >= 0 { return fixed }
        let attribute = Int(row.pointee.scopeSlot)
        guard attribute >= 0, let last = lastCounter(index, of: attributes[attribute]) else {
            return scopedCounterNumber(index, time, attributes, plan)
        }
        return last
    }

    @inline(never)
    private func scopedCounterNumber(
        _ index: Int, _ time: Int64, _ attributes: AttributeValues, _ plan: CompiledPlan
    ) -> Int {
        Int(counter(index, plan.rows[index], attributes, at: time))
    }

    @inline(__always)
    private func count(
        _ request: Request, _ attributes: AttributeValues, _ model: ModelID, _ spend: Int64,
        _ amounts: UnsafePointer<Int64>, _ applied: UInt64, _ simple: UInt64, _ plan: CompiledPlan,
        _ edition: CompiledEdition, _ decision: inout Decision
    ) {
        var header = ReservationHeader()
        header.time = request.time
        header.model = Int32(truncatingIfNeeded: model.rawValue)
        header.edition = Int32(truncatingIfNeeded: edition.index)
        header.spend = spend
        header.input = decision.estimate.inputTokens
        header.output = decision.estimate.outputTokens
        header.isUncached = decision.estimate.cachedTokens == 0
        header.state = .byRows
        header.rows = simple
        var bits = simple
        while bits != 0 {
            let index = bits.trailingZeroBitCount
            bits &= bits &- 1
            let row = plan.fastRows[index]
            let amount = amounts[Int(row.pointee.amountPlace)]
            if amount == 0 { continue }
            let number = slot(index)
            book.counters[number].used &+= amount
            book.counters[number].amount = row.pointee.amount
        }
        if applied != simple { countUnusual(applied & ~simple, attributes, amounts, plan, &header) }
        let isByRows = header.state == .byRows
        let id = reservations.open(header, room: isByRows ? 0 : plan.fastRows.count)
        if !isByRows { spellOut(header, id, attributes, plan) }
        decision.outcome = .allow
        decision.isUnlimited = applied == 0
        decision.model = edition.modelSymbols[model.rawValue]
        decision.reservation = id
        decision.tier = plan.tier
        decision.edition = Int32(truncatingIfNeeded: edition.index)
        decision.give(nil)
    }

    /// Counts in rows that are not simple.
    @inline(never)
    private func countUnusual(
        _ rows: UInt64, _ attributes: AttributeValues, _ amounts: UnsafePointer<Int64>, _ plan: CompiledPlan,
        _ header: inout ReservationHeader
    ) {
        var bits = rows
        while bits != 0 {
            let index = bits.trailingZeroBitCount
            bits &= bits &- 1
            let row = plan.fastRows[index]
            if row.pointee.kind == .request { continue }
            header.rows |= row.pointee.bit
            if slot(index) < 0 { header.state = .spelledOut }
            let number = counterNumber(row, header.time, attributes, plan)
            let amount = amounts[Int(row.pointee.amountPlace)]
            if amount != 0 { add(amount, number, row, at: header.time, plan) }
        }
    }

    /// Counts an amount in a counter that it fits into.
    private func add(
        _ amount: Int64, _ number: Int, _ row: UnsafePointer<FastRow>, at time: Int64, _ plan: CompiledPlan
    ) {
        if row.pointee.kind == .bucket {
            let length = row.pointee.length
            let level = book.level(
                number, amount: row.pointee.amount, capacity: row.pointee.capacity, length, at: time)
            book.counters[number].level = level &- Int128(amount) &* Int128(length)
            book.counters[number].refilled = max(book.counters[number].refilled, time)
        } else if row.pointee.unit == .concurrentRequests {
            book.enter(number, at: time)
        } else {
            if row.pointee.isPeriodic {
                if time >= book.counters[number].end { openWindow(number, row, at: time, plan) }
                book.counters[number].amount = row.pointee.amount
            }
            book.counters[number].used &+= amount
        }
    }

    /// Some counter depends on the request, so that its place cannot be told from the row alone.
    @inline(never)
    private func spellOut(
        _ header: ReservationHeader, _ id: ReservationID, _ attributes: AttributeValues, _ plan: CompiledPlan
    ) {
        var rows = header.rows
        while rows != 0 {
            let index = rows.trailingZeroBitCount
            rows &= rows - 1
            let number = counterNumber(plan.fastRows[index], header.time, attributes, plan)
            append(spelledOut(header, index, counter: number, plan), to: id, nil)
        }
    }
}
