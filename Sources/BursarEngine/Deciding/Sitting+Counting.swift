import BursarPolicy
import BursarSyntax

/// What is counted once a request is decided, and the decision that is given.
extension Sitting {
    /// A decision that no plan took part in.
    func settled(_ verdict: Verdict, plan: CompiledPlan?) -> Decision {
        if let plan {
            let name = request[.model]
            let model = edition.model(name)
            var request = request
            request[.tier] = plan.tier
            countAttempt(plan, request, Candidate(model: model, name: name, price: nil))
        }
        let refused = Decision(
            outcome: verdict.outcome, model: .absent, tier: plan?.tier ?? .absent,
            detail: DecisionDetail(reasons: verdict.reasons, upgrade: nil))
        guard isShadowPolicy else { return refused }
        return Decision(
            outcome: .allow, model: request[.model], tier: refused.tier,
            detail: DecisionDetail(shadow: stamped(refused)))
    }

    /// A decision on access, before any limit.
    func finish(_ verdict: Verdict, _ plan: CompiledPlan, _ judge: Judge, requested: Candidate) -> Decision {
        isShadowPolicy
            ? finish(nil, verdict, plan, judge, requested: requested)
            : finish(verdict, nil, plan, judge, requested: requested)
    }

    /// Counts by what is given, and puts beside it what would have been decided.
    func finish(
        _ enforced: Verdict?, _ complete: Verdict?, _ plan: CompiledPlan, _ judge: Judge, requested: Candidate
    ) -> Decision {
        let given = enforced ?? plainAdmission(requested, judge)
        let events = events((complete ?? given).first, plan, judge)
        var decision = Decision(outcome: given.outcome, model: .absent, tier: plan.tier)
        decision.isUnpriced = requested.price == nil && (edition.policy.allowsUnpriced || isShadowPolicy)
        if let chosen = given.chosen {
            decision.model = symbol(of: chosen.candidate)
            decision.estimate = chosen.estimate
            decision.isUnlimited = chosen.states.isEmpty
        } else if let first = given.first {
            decision.estimate = first.estimate
        } else {
            decision.estimate = judge.estimate(request, requested)
        }
        if let overflow = count(given, plan, judge, requested: requested, &decision) { return overflow }
        if counting == .decided, enforced != nil, decision.reservation != nil, let trial = complete?.chosen {
            passShadowThrottles(trial, plan)
        }
        let shadow = complete.flatMap { shadowDecision($0, given: given, plan, otherwise: decision.estimate) }
        let isPlain = decision.outcome == .allow && given.reasons.isEmpty && events.isEmpty && shadow == nil
        if isPlain, level != .full { return decision }
        decision.detail = DecisionDetail(
            reasons: given.reasons, events: events,
            remaining: level == .brief ? [] : (given.chosen ?? given.first).map { remaining($0, plan) } ?? [],
            caps: given.outcome.isAdmitted || given.outcome == .approve || given.outcome == .confirm
                ? given.chosen?.caps ?? Caps() : Caps(),
            retryAfter: given.retryAfter, upgrade: given.reasons.isEmpty ? nil : plan.plan.upgrade, shadow: shadow)
        return decision
    }

    func symbol(of candidate: Candidate) -> Symbol {
        candidate.model.map { edition.modelSymbols[$0.rawValue] } ?? candidate.name
    }

    /// What a policy in shadow gives: the request as it is, whatever was decided.
    func plainAdmission(_ requested: Candidate, _ judge: Judge) -> Verdict {
        let judgement = judge.judge(requested, request, withShadow: true, consequences: judge.plan.hasThrottles)
        judgement.caps = Caps()
        judgement.estimate = judgement.rawEstimate
        for index in judgement.states.indices { judgement.states[index].estimate = judgement.states[index].rawEstimate }
        return Verdict(outcome: .allow, chosen: judgement, first: judgement, reasons: [], retryAfter: nil)
    }

    /// What would have been decided, where that is not what is given.
    func shadowDecision(_ complete: Verdict, given: Verdict, _ plan: CompiledPlan, otherwise estimate: Estimate)
        -> Decision?
    {
        let caps = complete.chosen?.caps ?? Caps()
        let givenCaps = given.chosen?.caps ?? Caps()
        let isSame =
            complete.outcome == given.outcome && caps == givenCaps && complete.reasons.count == given.reasons.count
            && complete.chosen?.candidate.name == given.chosen?.candidate.name
        guard !isSame else { return nil }
        var decision = Decision(outcome: complete.outcome, model: .absent, tier: plan.tier)
        decision.edition = Int32(edition.index)
        if let chosen = complete.chosen { decision.model = symbol(of: chosen.candidate) }
        decision.estimate = (complete.chosen ?? complete.first)?.estimate ?? estimate
        decision.detail = DecisionDetail(
            reasons: complete.reasons, caps: caps, retryAfter: complete.retryAfter,
            upgrade: complete.reasons.isEmpty ? nil : plan.plan.upgrade)
        return decision
    }

    /// Reserves what was admitted, or counts what happened. Returns a refusal where a counter would overflow.
    func count(
        _ given: Verdict, _ plan: CompiledPlan, _ judge: Judge, requested: Candidate, _ decision: inout Decision
    ) -> Decision? {
        if counting == .observed {
            guard requested.price != nil else { return nil }
            // As it happened: the model that was asked for, without caps.
            if let judgement = plainAdmission(requested, judge).chosen {
                decision.reservation = reserve(judgement, plan)
            }
            return nil
        }
        guard given.outcome.isAdmitted, let chosen = given.chosen else {
            countAttempt(plan, (given.first?.request) ?? request, given.first?.candidate ?? requested)
            return nil
        }
        let overflows = chosen.states.contains { state in
            plan.rows[state.row].countsUse
                && (state.estimate == .max || state.used.addingReportingOverflow(state.estimate ?? 0).overflow)
        }
        if overflows {
            return stamped(engine.badRequest("the amounts of this request pass 64 bits"))
        }
        decision.reservation = reserve(chosen, plan)
        return nil
    }

    func reserve(_ judgement: Judgement, _ plan: CompiledPlan) -> ReservationID {
        var header = ReservationHeader()
        header.time = request.time
        header.model = judgement.candidate.model.map { Int32(truncatingIfNeeded: $0.rawValue) } ?? -1
        header.edition = Int32(truncatingIfNeeded: edition.index)
        header.state = .spelledOut
        let id = account.reservations.open(header, room: judgement.states.count)
        if group != nil || !plan.plan.grants.isEmpty {
            account.reservations.setRare(RareReservation(grants: plan.plan.grants, group: group), for: id)
        }
        let run = judgement.request[.run]
        for state in judgement.states {
            let row = plan.rows[state.row]
            guard row.countsUse, let reference = state.counter, let amount = state.estimate else { continue }
            let grants = !row.limit.isPrepaid ? [] : plan.plan.grants
            let reserved = withBook(reference) {
                $0.reserve(
                    amount, in: reference, row.limit, keepsHistory: row.keepsHistory, grants: grants, run: run,
                    at: request.time)
            }
            if let reserved { account.append(reserved, to: id, group) }
        }
        passThrottles(judgement) { _ in true }
        return id
    }

    /// Takes the request from the buckets of the throttles that it passed.
    func passThrottles(_ judgement: Judgement, where isMeant: (LimitState) -> Bool) {
        for throttle in judgement.throttles {
            let state = judgement.states[throttle.crossing.state]
            guard let reference = state.counter, isMeant(state) else { continue }
            _ = withBook(reference) {
                $0.passThrottle(
                    Int(reference.index), Judge.throttleKey(throttle.crossing.threshold, throttle.action),
                    requests: throttle.requests, window: throttle.window, at: request.time)
            }
        }
    }

    /// A throttle in shadow keeps its pace too, or it would never say that it had refused.
    func passShadowThrottles(_ trial: Judgement, _ plan: CompiledPlan) {
        passThrottles(trial) { plan.rows[$0.row].limit.isShadow }
    }

    /// Counts what limits of this name had used before, in those that apply to the request.
    mutating func presume(_ name: String, _ amount: (Unit) -> Int64?) -> Engine.PresumedUsage {
        request[.tenant] = account.id
        if let group = record?.group { request[.group] = symbols.intern(group) }
        guard let plan = bindPlan() else { return .noSuchLimit }
        request[.tier] = plan.tier
        let model = edition.model(request[.model])
        edition.set(model, named: request[.model], in: &request)
        let judge = Judge(
            edition: edition, plan: plan, symbols: symbols, record: record, account: account, group: group)
        var usage = Engine.PresumedUsage.noSuchLimit
        for (index, row) in plan.rows.enumerated()
        where row.limit.name == name && row.countsUse && judge.applies(row, to: request) {
            guard let reference = judge.state(index, request).counter else { continue }
            guard let amount = amount(row.limit.unit) else { return .otherUnit(row.limit.unit) }
            usage = .counted
            let grants = row.limit.isPrepaid ? plan.plan.grants : []
            _ = withBook(reference) {
                $0.reserve(
                    amount, in: reference, row.limit, keepsHistory: row.keepsHistory, grants: grants, run: .absent,
                    at: request.time)
            }
        }
        return usage
    }

    /// A request that is not admitted counts as an attempt and as nothing else.
    func countAttempt(_ plan: CompiledPlan, _ request: Request, _ candidate: Candidate) {
        guard plan.countsAttempts else { return }
        let judge = Judge(
            edition: edition, plan: plan, symbols: symbols, record: record, account: account, group: group)
        var request = request
        edition.set(candidate.model, named: candidate.name, in: &request)
        for (index, row) in plan.rows.enumerated()
        where row.limit.unit == .attempts && row.countsUse && judge.applies(row, to: request) {
            let state = judge.state(index, request)
            guard let reference = state.counter else { continue }
            _ = withBook(reference) {
                $0.reserve(
                    1, in: reference, row.limit, keepsHistory: row.keepsHistory, grants: [], run: .absent,
                    at: request.time)
            }
        }
    }
}
