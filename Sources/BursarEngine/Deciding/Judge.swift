import BursarPolicy
import BursarSyntax

/// Judges candidates against the limits of a tenant's plan, as `Docs/semantics.md` says. It reads and advances
/// counters; it never adds to them.
struct Judge {
    let edition: CompiledEdition
    let plan: CompiledPlan
    let symbols: SymbolTable
    let record: TenantRecord?
    let account: Account
    let group: GroupAccount?

    // MARK: - What applies

    func holds(_ program: ConditionProgram?, _ request: Request) -> Bool {
        guard let program else { return true }
        return program.constant
            ?? program.holds(request, isCritical: edition.isCritical(request[.feature]), symbols: symbols)
    }

    /// Whether a limit counts and judges a request whose candidate stands in its attributes.
    func applies(_ row: CompiledPlan.Row, to request: Request) -> Bool {
        row.applies(to: request, isCritical: edition.isCritical(request[.feature]), symbols: symbols)
    }

    /// The counter of a limit for a request; nil where the window is the request itself.
    func counter(_ index: Int, _ request: Request) -> CounterRef? {
        let row = plan.rows[index]
        if !row.needsCounter { return nil }
        if row.isShared {
            guard let group else { return nil }
            return CounterRef(index: group.counter(row, request), isShared: true)
        }
        if row.hasFixedCounter {
            return CounterRef(index: Int32(truncatingIfNeeded: account.slot(index)), isShared: false)
        }
        return CounterRef(
            index: request.readAttributes { account.counter(index, row, $0, at: request.time) }, isShared: false)
    }

    // MARK: - Estimates

    func estimate(_ request: Request, _ candidate: Candidate) -> Estimate {
        var estimate = Estimate(request, edition)
        price(&estimate, candidate)
        return estimate
    }

    /// The same with the most output that the answer may have.
    private func most(_ estimate: Estimate, _ candidate: Candidate) -> Estimate {
        if estimate.mostOutputTokens == estimate.outputTokens { return estimate }
        var most = estimate.most
        price(&most, candidate)
        return most
    }

    private func price(_ estimate: inout Estimate, _ candidate: Candidate) {
        guard let price = candidate.price else {
            estimate.spend = nil
            return
        }
        // A cost beyond 64 bits stays at the largest number, which no limit lets through.
        estimate.spend =
            price.cost(input: estimate.inputTokens, cached: estimate.cachedTokens, output: estimate.outputTokens)
            ?? .max
    }

    /// What a request adds to a limit, in its unit; nil: spend that is not known.
    func amount(_ estimate: Estimate, _ unit: Unit, run isNewRun: Bool) -> Int64? {
        switch unit {
        case .spend: estimate.spend
        case .runs: isNewRun ? 1 : 0
        default: estimate.amount(unit)
        }
    }

    // MARK: - States

    /// A row of the plan, which keeps it: it is looked at too often to count references.
    @inline(__always)
    private func withRow<Result>(_ index: Int, _ body: (CompiledPlan.Row) -> Result) -> Result {
        plan.rowPlaces[index]._withUnsafeGuaranteedRef { body($0) }
    }

    /// A limit's state, its counter brought to the request's time.
    func state(_ index: Int, _ request: Request) -> LimitState {
        withRow(index) { state(index, $0, request) }
    }

    private func state(_ index: Int, _ row: CompiledPlan.Row, _ request: Request) -> LimitState {
        var state = LimitState(row: index, counter: counter(index, request), amount: row.amount)
        if let reference = state.counter {
            if reference.isShared, let group {
                read(&state, row, request, &group.book)
            } else {
                read(&state, row, request, &account.book)
            }
        }
        if row.isWeight, row.bucketLength == nil, let weight = row.limit.weight {
            let base = self.state(weight.of, request)
            let whole = weight.isOfRemaining ? base.base.subtractingSaturated(base.used) : base.base
            state.amount = max(0, weight.share.floor(of: whole))
            state.carried = 0
        }
        return state
    }

    private func read(_ state: inout LimitState, _ row: CompiledPlan.Row, _ request: Request, _ book: inout CounterBook)
    {
        guard let reference = state.counter else { return }
        let index = Int(reference.index)
        let time = request.time
        if let length = row.bucketLength {
            book.refill(index, amount: row.amount, capacity: row.capacity, length, to: time)
            state.amount = row.capacity
            state.level = book.counters[index].level
            let missing = CounterBook.full(row.capacity, length).subtractingSaturated(state.level)
            state.used = Int64(clamping: missing.dividedRoundingUp(by: Int128(length)))
        } else if row.isPeriodic {
            let counter = book.counters[index]
            if time >= counter.end || time < counter.start || counter.end == .min {
                book.advance(index, row.limit, keepsHistory: row.keepsHistory, to: time)
            }
            state.used = book.counters[index].used
            if let rollover = row.rollover {
                // A group has no `since` of its own.
                state.carried =
                    book.counters[index].knowsCarry(of: row.amount, rollover)
                    ? book.counters[index].carry
                    : book.carried(index, row.limit, since: row.isShared ? nil : record?.since)
            }
        } else {
            book.advance(index, row.limit, keepsHistory: row.keepsHistory, to: time)
            state.used =
                row.unit == .concurrentRequests ? book.running(index, at: time) : book.counters[index].used
        }
        // A share of what remains uses up nothing of its own, whatever an earlier version has counted under its name.
        if !row.countsUse { state.used = 0 }
        if row.isPrepaid { readPrepaid(&state, row.limit, index, time, &book) }
    }

    private func readPrepaid(
        _ state: inout LimitState, _ limit: Limit, _ index: Int, _ time: Int64, _ book: inout CounterBook
    ) {
        let grants = plan.plan.grants
        let extra = book.extra(index)
        state.used = extra?.overdraft ?? 0
        guard !grants.isEmpty else { return }
        state.amount = 0
        for (position, grant) in grants.enumerated() where grant.holds(at: time) {
            state.amount = state.amount.addingSaturated(grant.amount)
            if let extra, position < extra.burned.count {
                state.used = state.used.addingSaturated(extra.burned[position])
            }
        }
    }

    /// Whether a time that a counter keeps was wrong.
    private func isWrong(_ kept: Int64, _ reference: CounterRef, at time: Int64) -> Bool {
        if reference.isShared { return group?.book.isWrong(kept, at: time) ?? false }
        return account.book.isWrong(kept, at: time)
    }

    /// The rarer state of a counter.
    private func extra(_ reference: CounterRef) -> CounterExtra? {
        let index = Int(reference.index)
        return reference.isShared ? group.flatMap { $0.book.extra(index) } : account.book.extra(index)
    }

    /// The counter has not counted this run in the window that holds the request.
    func isNewRun(_ state: LimitState, _ request: Request) -> Bool {
        guard let reference = state.counter else { return true }
        let row = plan.rows[state.row]
        guard let stamp = extra(reference)?.runs[request[.run].rawValue] else { return true }
        switch row.limit.window {
        case .rate(let length):
            return request.time.subtractingSaturated(stamp) >= length || isWrong(stamp, reference, at: request.time)
        default: return false
        }
    }

    // MARK: - Thresholds

    /// False: no threshold of the row is crossed, which is told without looking at any.
    private func mayCross(_ row: CompiledPlan.Row, _ state: LimitState, _ estimate: Int64?) -> Bool {
        guard row.isBoundedBelow, let estimate else { return true }
        return state.used.addingSaturated(estimate) > row.safeBound
    }

    /// Whether what was used and an estimate cross a threshold.
    func isCrossed(
        _ threshold: CompiledThreshold, _ row: CompiledPlan.Row, _ state: LimitState, _ estimate: Int64?
    ) -> Bool {
        if let length = row.bucketLength {
            return isCrossed(threshold, bucket: state, length: length, estimate, row)
        }
        let bound = threshold.level.bound(of: state.base)
        guard let estimate else {
            // The cost is not known, but it is not nothing: what is used up stays used up.
            return state.used >= bound
        }
        // A request that costs nothing passes a limit on spend that is used up.
        if row.unit == .spend, estimate == 0 { return false }
        return state.used.addingSaturated(estimate) > bound
    }

    private func isCrossed(
        _ threshold: CompiledThreshold, bucket state: LimitState, length: Int64, _ estimate: Int64?,
        _ row: CompiledPlan.Row
    ) -> Bool {
        let bound = bucketBound(threshold, row.capacity, length)
        let used = CounterBook.full(row.capacity, length).subtractingSaturated(state.level)
        guard let estimate else { return used >= bound }
        if row.unit == .spend, estimate == 0 { return false }
        return used.addingSaturated(CounterBook.full(estimate, length)) > bound
    }

    /// What may be missing from a bucket without crossing, in units of 1/window: floor(p × capacity × window).
    private func bucketBound(_ threshold: CompiledThreshold, _ capacity: Int64, _ length: Int64) -> Int128 {
        switch threshold.level {
        case .amount(let absolute): return CounterBook.full(absolute, length)
        case .share(let percentage):
            // In two steps, so that no product passes 128 bits.
            let (whole, rest) = Int128(percentage.scaled).multipliedSaturated(by: Int128(capacity))
                .quotientAndRemainder(dividingBy: Int128(Percentage.one))
            return whole.multipliedSaturated(by: Int128(length))
                .addingSaturated(rest.multipliedSaturated(by: Int128(length)) / Int128(Percentage.one))
        }
    }

    /// The most whole output tokens for which a limit stays within a threshold; nil where none do.
    func fit(_ threshold: CompiledThreshold, _ state: LimitState, _ judgement: Judgement) -> Int64? {
        let row = plan.rows[state.row]
        let room: Int64
        if let length = row.bucketLength {
            let bound = bucketBound(threshold, row.capacity, length)
            let used = CounterBook.full(row.capacity, length).subtractingSaturated(state.level)
            room = Int64(clamping: floorDivide(bound.subtractingSaturated(used), Int128(length)))
        } else {
            room = threshold.level.bound(of: state.base).subtractingSaturated(state.used)
        }
        guard room >= 0 else { return nil }
        let estimate = judgement.rawEstimate
        switch row.unit {
        case .outputTokens: return room
        case .tokens: return room >= estimate.inputTokens ? room.subtractingSaturated(estimate.inputTokens) : nil
        case .spend:
            guard let price = judgement.candidate.price, price.output > 0 else { return nil }
            let before = price.picosBeforeOutput(input: estimate.inputTokens, cached: estimate.cachedTokens)
            let left = Int128(room).multipliedSaturated(by: 1_000).subtractingSaturated(before)
            return left < 0 ? nil : Int64(clamping: left / Int128(price.output))
        default: return nil
        }
    }

    private func floorDivide(_ value: Int128, _ divisor: Int128) -> Int128 {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient.subtractingSaturated(1) : quotient
    }

    // MARK: - Judging

    /// Judges a candidate: estimate, projection, caps, what the caps leave, violations and needs.
    ///
    /// - Parameters:
    ///   - withShadow: limits in shadow bind too, for what would have been decided.
    ///   - isFallback: no substitute was found, so what stands behind `downgrade else` holds.
    ///   - consequences: false: what the request adds to each limit is enough.
    func judge(
        _ candidate: Candidate, _ request: Request, withShadow: Bool, isFallback: Bool = false,
        consequences: Bool = true
    ) -> Judgement {
        var request = request
        edition.set(candidate.model, named: candidate.name, in: &request)
        let judgement = Judgement(candidate: candidate, request: request)
        judgement.states.reserveCapacity(plan.rows.count)
        judgement.rawEstimate = estimate(request, candidate)
        judgement.estimate = judgement.rawEstimate
        let most = most(judgement.rawEstimate, candidate)
        judgement.most = most
        for index in plan.rows.indices {
            withRow(index) { row in
                guard applies(row, to: request) else { return }
                var state = state(index, row, request)
                let unit = row.unit
                state.rawEstimate = amount(
                    row.judgesMost ? most : judgement.rawEstimate, unit, run: unit == .runs && isNewRun(state, request))
                state.estimate = state.rawEstimate
                judgement.states.append(state)
            }
        }
        guard consequences else { return judgement }
        gatherCaps(judgement, withShadow: withShadow, isFallback: isFallback)
        if let cap = judgement.caps.maxOutputTokens, cap < judgement.most.outputTokens { lower(judgement, to: cap) }
        gatherConsequences(judgement, withShadow: withShadow, isFallback: isFallback)
        return judgement
    }

    /// Lowers what a candidate is judged by to a cap on its output.
    private func lower(_ judgement: Judgement, to cap: Int64) {
        if cap < judgement.estimate.outputTokens {
            judgement.estimate.outputTokens = cap
            price(&judgement.estimate, judgement.candidate)
        }
        judgement.most.outputTokens = cap
        price(&judgement.most, judgement.candidate)
        for index in judgement.states.indices {
            let row = plan.rows[judgement.states[index].row]
            guard row.unit.dependsOnOutput else { continue }
            let estimate = row.judgesMost ? judgement.most : judgement.estimate
            judgement.states[index].estimate = amount(estimate, row.unit, run: false)
        }
    }

    private func isJudging(_ row: CompiledPlan.Row, withShadow: Bool) -> Bool { withShadow || !row.isShadow }

    /// Hands out the effects of an action that hold for a candidate: up to the first alternative that finds a way.
    private func forEachEffect(
        of action: CompiledAction, _ threshold: CompiledThreshold, _ state: LimitState, _ judgement: Judgement,
        isFallback: Bool, _ body: (Effect, _ fit: Int64?) -> Void
    ) {
        let last = action.alternatives.count - 1
        for index in 0...last {
            switch action.alternatives[index] {
            case .cap(.outputToFit(let minimum)):
                guard let fit = fit(threshold, state, judgement), fit >= minimum else { continue }
                return body(action.alternatives[index], fit)
            case .downgrade where index < last:
                body(action.alternatives[index], nil)
                // With a refusal at its end the threshold binds each candidate; otherwise what follows holds only
                // where no substitute was found.
                if !action.endsInDeny, !isFallback { return }
            default: return body(action.alternatives[index], nil)
            }
        }
    }

    private func gatherCaps(_ judgement: Judgement, withShadow: Bool, isFallback: Bool) {
        for index in judgement.states.indices {
            let state = judgement.states[index]
            let mayCap = withRow(state.row) {
                $0.caps && isJudging($0, withShadow: withShadow) && mayCross($0, state, state.rawEstimate)
            }
            guard mayCap else { continue }
            let row = plan.rows[state.row]
            for position in row.thresholds.indices {
                let threshold = row.thresholds[position]
                guard isCrossed(threshold, row, state, state.rawEstimate) else { continue }
                for action in threshold.actions where holds(action.when, judgement.request) {
                    forEachEffect(of: action, threshold, state, judgement, isFallback: isFallback) { effect, fit in
                        guard case .cap(let cap) = effect else { return }
                        judgement.caps.add(cap, fit: fit)
                        judgement.capping.append((Crossing(state: index, threshold: position), cap.verb))
                    }
                }
            }
        }
    }

    private func gatherConsequences(_ judgement: Judgement, withShadow: Bool, isFallback: Bool) {
        for index in judgement.states.indices {
            let state = judgement.states[index]
            let mayBind = withRow(state.row) {
                isJudging($0, withShadow: withShadow) && mayCross($0, state, state.estimate)
            }
            guard mayBind else { continue }
            let row = plan.rows[state.row]
            for position in row.thresholds.indices {
                let threshold = row.thresholds[position]
                guard isCrossed(threshold, row, state, state.estimate) else { continue }
                let crossing = Crossing(state: index, threshold: position)
                judgement.crossings.append(crossing)
                for number in threshold.actions.indices where holds(threshold.actions[number].when, judgement.request) {
                    let action = threshold.actions[number]
                    forEachEffect(of: action, threshold, state, judgement, isFallback: isFallback) { effect, _ in
                        let violation = consequence(effect, crossing, number, row, threshold, judgement)
                        if let violation { judgement.violations.append(violation) }
                    }
                }
            }
        }
    }

    private func consequence(
        _ effect: Effect, _ crossing: Crossing, _ number: Int, _ row: CompiledPlan.Row,
        _ threshold: CompiledThreshold, _ judgement: Judgement
    ) -> Violation? {
        let state = judgement.states[crossing.state]
        switch effect {
        case .notify, .cap: return nil
        case .downgrade(let model): judgement.downgrades.append((crossing, model))
        case .confirm: judgement.confirmations.append(crossing)
        case .approve: judgement.approvals.append(crossing)
        case .deny(let code):
            return Violation(
                crossing: crossing, code: code ?? row.defaultCode, action: "deny", isRate: row.isRate,
                retryAfter: row.isRate ? retryAfter(threshold, state, row) : nil)
        case .throttle(let requests, let window):
            let wait = throttleWait(crossing, number, requests, window, judgement)
            if wait == 0 {
                judgement.throttles.append((crossing, number, requests, window))
            } else {
                return Violation(
                    crossing: crossing, code: "rate_limited", action: "throttle", isRate: true, retryAfter: wait)
            }
        case .overage(let ceiling, let rate):
            let bound = threshold.level.bound(of: state.base)
            let excess = state.used.addingSaturated(state.estimate ?? 0).subtractingSaturated(bound)
            if let ceiling, excess > ceiling {
                return Violation(
                    crossing: crossing, code: row.defaultCode, action: "overage", isRate: false, retryAfter: nil)
            }
            judgement.overages.append((crossing, rate))
        }
        return nil
    }

    /// Microseconds until a bucket holds the estimate; nil where it never will.
    private func retryAfter(
        _ threshold: CompiledThreshold, _ state: LimitState, _ row: CompiledPlan.Row
    ) -> Int64? {
        guard let length = row.bucketLength, row.amount > 0, let estimate = state.estimate else { return nil }
        let bound = bucketBound(threshold, row.capacity, length)
        let full = CounterBook.full(row.capacity, length)
        // What the bucket must hold so that the level after the request is full − bound.
        let needed = full.subtractingSaturated(bound).addingSaturated(CounterBook.full(estimate, length))
        guard needed <= full else { return nil }
        let missing = needed.subtractingSaturated(state.level)
        return Int64(clamping: missing.dividedRoundingUp(by: Int128(row.amount)))
    }

    /// Microseconds until a throttle's own bucket holds one request.
    private func throttleWait(
        _ crossing: Crossing, _ number: Int, _ requests: Int64, _ window: Int64, _ judgement: Judgement
    ) -> Int64 {
        let state = judgement.states[crossing.state]
        guard let reference = state.counter else { return 0 }
        let key = Self.throttleKey(crossing.threshold, number)
        guard let bucket = extra(reference)?.throttles[key],
            !isWrong(bucket.refilled, reference, at: judgement.request.time)
        else { return 0 }
        let level = bucket.level(
            at: judgement.request.time, requests: requests, full: CounterBook.full(requests, window))
        let missing = Int128(window).subtractingSaturated(level)
        return missing <= 0 ? 0 : Int64(clamping: missing.dividedRoundingUp(by: Int128(requests)))
    }

    static func throttleKey(_ threshold: Int, _ action: Int) -> Int32 {
        Int32(truncatingIfNeeded: threshold &* 1_000 &+ action)
    }
}
