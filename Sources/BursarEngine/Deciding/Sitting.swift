import BursarPolicy
import BursarSyntax

/// One request before one engine, from resolving to counting; the locks of its tenant and group are held.
struct Sitting {
    let engine: Engine
    let edition: CompiledEdition
    let account: Account
    let group: GroupAccount?
    var request: Request
    let level: DetailLevel
    let counting: Engine.Counting
    let record: TenantRecord?

    init(
        _ engine: Engine, _ edition: CompiledEdition, _ account: Account, _ group: GroupAccount?, _ request: Request,
        _ level: DetailLevel, _ counting: Engine.Counting
    ) {
        self.engine = engine
        self.edition = edition
        self.account = account
        self.group = group
        self.request = request
        self.level = level
        self.counting = counting
        record = account.record >= 0 ? engine.policySet.tenants[account.record] : nil
    }

    var symbols: SymbolTable { engine.symbols }
    private var isShadowPolicy: Bool { edition.policy.mode == .shadow }

    mutating func decide() -> Decision {
        if let defect = request.defect { return stamped(engine.badRequest(defect)) }
        let window = edition.policy.retryWindow
        if let id = request.id, var earlier = account.recent.decision(id, at: request.time, window: window) {
            earlier.isRepeat = true
            countRepeat(earlier)
            return earlier
        }
        let decision = decideNew()
        if let id = request.id { account.recent.remember(id, decision, at: request.time, window: window) }
        return decision
    }

    /// Names the policy in a decision.
    private func stamped(_ decision: Decision) -> Decision {
        var decision = decision
        decision.edition = Int32(edition.index)
        return decision
    }

    // MARK: - Resolving

    private mutating func decideNew() -> Decision {
        request[.tenant] = account.id
        if let group = record?.group { request[.group] = symbols.intern(group) }
        let plan = bindPlan()
        if edition.policy.mode == .frozen {
            return stamped(settled(deny([reason("policy_frozen", "the policy is frozen")]), plan: plan))
        }
        if record?.isSuspended == true {
            let suspended = reason("tenant_suspended", "the tenant is suspended", source: record?.source)
            return stamped(settled(deny([suspended]), plan: plan))
        }
        guard let plan else {
            return stamped(
                settled(
                    deny([reason("unknown_tenant", "no document lists the tenant and no tier is known for it")]),
                    plan: nil))
        }
        if level != .full, counting == .decided {
            let path = FastPath(engine: engine, edition: edition, plan: plan, account: account)
            let model = request[.model]
            if let decision = path.decide(&request, isBrief: level == .brief) { return decision }
            request[.model] = model
        }
        request[.tier] = plan.tier
        let judge = Judge(
            edition: edition, plan: plan, symbols: symbols, record: record, account: account, group: group)
        let decision = decide(plan, judge)
        return stamped(decision)
    }

    /// The tenant's plan: its record's tier, else the request's, else the default one.
    func bindPlan() -> CompiledPlan? {
        let tier: Symbol
        if let name = record?.tier {
            tier = symbols.intern(name)
        } else {
            tier = request[.tier].isPresent ? request[.tier] : edition.defaultTier
        }
        if account.planEdition == edition.index, account.planTier == tier, let plan = account.plan,
            plan.plan.validity.contains(request.time)
        {
            return plan
        }
        let plan =
            record.map { edition.plan(tier: tier, tenant: account.record, record: $0, at: request.time) }
            ?? edition.plan(tier: tier)
        guard let plan else { return nil }
        account.bind(plan, edition: edition.index, tier: tier)
        return plan
    }

    private func decide(_ plan: CompiledPlan, _ judge: Judge) -> Decision {
        let name = request[.model]
        let model = edition.model(name)
        let candidate = Candidate(model: model, name: name, price: edition.price(model))
        var request = request
        edition.set(model, named: name, in: &request)
        if candidate.price == nil, !edition.policy.allowsUnpriced {
            let unpriced = reason(
                "model_unpriced",
                model == nil ? CompiledEdition.unlistedMessage : CompiledEdition.unpricedMessage)
            return finish(deny([unpriced]), plan, judge, requested: candidate)
        }
        let denials = accessDenials(request, plan, judge)
        if !denials.isEmpty { return finish(deny(denials), plan, judge, requested: candidate) }
        let enforced = isShadowPolicy ? nil : verdict(plan, judge, requested: candidate, withShadow: false)
        var complete: Verdict?
        if isShadowPolicy || plan.hasShadowLimits {
            complete = verdict(plan, judge, requested: candidate, withShadow: true)
        }
        return finish(enforced, complete, plan, judge, requested: candidate)
    }

    // MARK: - Access

    private func reason(_ code: String, _ message: String, source: SourceRange? = nil) -> Reason {
        Reason(code: code, action: "deny", message: message, source: source)
    }

    private func accessDenials(_ request: Request, _ plan: CompiledPlan, _ judge: Judge) -> [Reason] {
        var reasons: [Reason] = []
        for rule in edition.rules where rule.rule.effect == .deny && judge.holds(rule.program, request) {
            reasons.append(
                Reason(
                    code: rule.rule.code, action: "deny", rule: rule.rule.name,
                    message: "rule `\(rule.rule.name)` denies it", source: rule.rule.source))
        }
        if plan.blockedFeatures.contains(request[.feature].rawValue), request[.feature].isPresent {
            reasons.append(
                reason(
                    "feature_blocked", "the feature `\(symbols.text(request[.feature]))` is blocked",
                    source: plan.plan.blockSource))
        }
        if !request.tools.isEmpty, !edition.policy.tools.isEmpty {
            let denied = request.tools.map(symbols.text).filter { edition.policy.tools.verdict(on: $0) == .deny }
            if !denied.isEmpty {
                reasons.append(
                    reason(
                        "tool_denied", "denied: " + denied.joined(separator: ", "),
                        source: edition.policy.tools.denySource))
            }
        }
        return reasons
    }

    private func isDenied(_ request: Request, _ judge: Judge) -> Bool {
        edition.rules.contains { $0.rule.effect == .deny && judge.holds($0.program, request) }
    }

    /// Needs of approval or confirmation that stand before any limit and that the request has not met.
    private func needs(_ effect: RuleDeclaration.Effect, _ request: Request, _ judge: Judge) -> [Reason] {
        var reasons: [Reason] = []
        for rule in edition.rules where rule.rule.effect == effect && judge.holds(rule.program, request) {
            reasons.append(
                Reason(
                    code: rule.rule.code, action: effect.rawValue, rule: rule.rule.name,
                    message: "rule `\(rule.rule.name)` asks for it", source: rule.rule.source))
        }
        guard effect == .approve, !request.tools.isEmpty, !edition.policy.tools.isEmpty else { return reasons }
        let tools = request.tools.map(symbols.text).filter { edition.policy.tools.verdict(on: $0) == .approve }
        if !tools.isEmpty {
            reasons.append(
                Reason(
                    code: "approval_required", action: "approve",
                    message: "to approve: " + tools.joined(separator: ", "),
                    source: edition.policy.tools.approveSource))
        }
        return reasons
    }

    // MARK: - Verdicts

    /// A decision before it is counted.
    struct Verdict {
        var outcome: Outcome
        var chosen: Judgement?
        var first: Judgement?
        var reasons: [Reason]
        var retryAfter: Int64?
    }

    private func deny(_ reasons: [Reason]) -> Verdict {
        Verdict(outcome: .deny, chosen: nil, first: nil, reasons: reasons, retryAfter: nil)
    }

    var hasConsent: (DowngradeDeclaration.Consent) -> Bool {
        { consent in
            switch consent {
            case .plan: true
            case .tenant: record?.acceptsDowngrade ?? false
            case .request: request.acceptsDowngrade
            }
        }
    }

    /// The substitutes that the plan allows, the catalog prices and no rule denies.
    func substitutes(
        _ models: some Sequence<ModelID>, for requested: Candidate, _ plan: CompiledPlan, _ judge: Judge
    ) -> [Candidate] {
        var candidates: [Candidate] = []
        for model in models where model != requested.model {
            guard plan.plan.models.allows(model), let price = edition.price(model) else { continue }
            let candidate = Candidate(model: model, name: edition.modelSymbols[model.rawValue], price: price)
            var request = request
            edition.set(model, named: candidate.name, in: &request)
            if !isDenied(request, judge), !candidates.contains(where: { $0.model == model }) {
                candidates.append(candidate)
            }
        }
        return candidates
    }

    private func verdict(_ plan: CompiledPlan, _ judge: Judge, requested: Candidate, withShadow: Bool) -> Verdict {
        let isAllowed =
            requested.model.map { plan.plan.models.allows($0) }
            ?? plan.plan.models.allows(unlisted: symbols.text(requested.name))
        let downgrade = plan.plan.downgrade
        let chain = requested.model.map { downgrade.substitutes(for: $0) } ?? []
        guard isAllowed else {
            return verdictOnDisallowed(plan, judge, requested, chain, withShadow: withShadow)
        }
        let first = judge.judge(requested, request, withShadow: withShadow)
        guard !first.downgrades.isEmpty else {
            return first.violations.isEmpty
                ? admission(first, first, plan, judge, withShadow: withShadow) : refusal(first, first, plan)
        }
        if hasConsent(downgrade.consent) {
            let models = first.downgrades.flatMap { $0.to.map { [$0] } ?? Array(chain) }
            for candidate in substitutes(models, for: requested, plan, judge) {
                let judgement = judge.judge(candidate, request, withShadow: withShadow)
                if judgement.violations.isEmpty {
                    return admission(judgement, first, plan, judge, withShadow: withShadow)
                }
            }
        }
        let last = judge.judge(requested, request, withShadow: withShadow, isFallback: true)
        return last.violations.isEmpty
            ? admission(last, first, plan, judge, withShadow: withShadow) : refusal(last, first, plan)
    }

    private func verdictOnDisallowed(
        _ plan: CompiledPlan, _ judge: Judge, _ requested: Candidate, _ chain: ArraySlice<ModelID>, withShadow: Bool
    ) -> Verdict {
        var first: Judgement?
        if hasConsent(plan.plan.downgrade.consent) {
            for candidate in substitutes(chain, for: requested, plan, judge) {
                let judgement = judge.judge(candidate, request, withShadow: withShadow)
                let leading = first ?? judgement
                first = leading
                if judgement.violations.isEmpty {
                    return admission(judgement, leading, plan, judge, isNotAllowed: true, withShadow: withShadow)
                }
            }
        }
        if let first { return refusal(first, first, plan) }
        return deny([notAllowed(plan, requested, action: "deny")])
    }

    private func notAllowed(_ plan: CompiledPlan, _ requested: Candidate, action: String) -> Reason {
        Reason(
            code: "model_not_allowed", action: action,
            message: "the tier `\(plan.plan.tier)` does not allow `\(symbols.text(requested.name))`",
            source: plan.plan.modelsSource)
    }

    private func refusal(_ judgement: Judgement, _ first: Judgement, _ plan: CompiledPlan) -> Verdict {
        let reasons = judgement.violations.map { violation in
            limitReason(judgement, violation.crossing, plan, code: violation.code, action: violation.action)
        }
        let isThrottle = judgement.violations.allSatisfy(\.isRate)
        let waits = judgement.violations.map(\.retryAfter)
        let wait = isThrottle && !waits.contains { $0 == nil } ? waits.compactMap { $0 }.max() : nil
        return Verdict(
            outcome: isThrottle ? .throttle : .deny, chosen: nil, first: first, reasons: reasons, retryAfter: wait)
    }

    private func admission(
        _ chosen: Judgement, _ first: Judgement, _ plan: CompiledPlan, _ judge: Judge, isNotAllowed: Bool = false,
        withShadow: Bool
    ) -> Verdict {
        var reasons: [Reason] = []
        var outcome = Outcome.allow
        if !chosen.caps.isEmpty { outcome = .allowWithCaps }
        let isSubstitute = isNotAllowed || chosen.candidate.name != first.candidate.name
        if isSubstitute { outcome = .downgrade }
        if !request.isConfirmed {
            let asked =
                needs(.confirm, chosen.request, judge)
                + onePerLimit(chosen, chosen.confirmations, plan, code: "confirmation_required", action: "confirm")
            if !asked.isEmpty { outcome = .confirm }
            reasons = asked
        }
        if !request.isApproved {
            let asked =
                needs(.approve, chosen.request, judge)
                + onePerLimit(chosen, chosen.approvals, plan, code: "approval_required", action: "approve")
            if !asked.isEmpty { outcome = .approve }
            reasons = asked + reasons
        }
        if isNotAllowed {
            let model = edition.model(request[.model])
            reasons.append(
                notAllowed(plan, Candidate(model: model, name: request[.model], price: nil), action: "downgrade"))
        } else if isSubstitute {
            reasons += onePerLimit(first, first.downgrades.map(\.crossing), plan, code: nil, action: "downgrade")
        }
        var capped: Set<Int> = []
        for (crossing, action) in chosen.capping where capped.insert(crossing.state).inserted {
            reasons.append(limitReason(chosen, crossing, plan, code: nil, action: action, isRaw: true))
        }
        for (crossing, rate) in chosen.overages {
            var reason = limitReason(chosen, crossing, plan, code: nil, action: "overage")
            reason.overage = overage(chosen, crossing, rate, plan)
            reasons.append(reason)
        }
        return Verdict(outcome: outcome, chosen: chosen, first: first, reasons: reasons, retryAfter: nil)
    }

    /// The part of this request that lies beyond the threshold, and what is billed for it.
    private func overage(
        _ judgement: Judgement, _ crossing: Crossing, _ rate: Percentage, _ plan: CompiledPlan
    ) -> (excess: Int64, billed: Int64) {
        let state = judgement.states[crossing.state]
        let bound = plan.rows[state.row].limit.thresholds[crossing.threshold].bound(of: state.base)
        let estimate = state.estimate ?? 0
        let excess = max(0, min(estimate, state.used.addingSaturated(estimate).addingSaturated(-bound)))
        return (excess, rate.floor(of: excess))
    }

    private func onePerLimit(
        _ judgement: Judgement, _ crossings: [Crossing], _ plan: CompiledPlan, code: String?, action: String
    ) -> [Reason] {
        var seen: Set<Int> = []
        return crossings.filter { seen.insert($0.state).inserted }
            .map { limitReason(judgement, $0, plan, code: code, action: action) }
    }

    // MARK: - Reasons

    private func limitReason(
        _ judgement: Judgement, _ crossing: Crossing, _ plan: CompiledPlan, code: String?, action: String,
        isRaw: Bool = false
    ) -> Reason {
        let state = judgement.states[crossing.state]
        let row = plan.rows[state.row]
        var reason = Reason(code: code ?? row.limit.defaultCode, action: action)
        reason.limit = level == .brief ? row.limit.name : name(row, judgement.request)
        reason.unit = row.limit.unit
        reason.threshold = row.limit.thresholds[crossing.threshold].text
        reason.source = row.limit.source
        if level == .brief { return reason }
        reason.scope = scopeText(row, judgement.request)
        reason.numbers = Reason.Numbers(
            used: state.used, estimate: isRaw ? state.rawEstimate : state.estimate, amount: state.amount,
            carried: state.carried, window: window(state, row), resetsAt: resetsAt(state, row))
        return reason
    }

    func name(_ row: CompiledPlan.Row, _ request: Request) -> String {
        guard let weight = row.limit.weight, weight.feature == nil,
            let base = row.limit.name.split(separator: "/").first
        else { return row.limit.name }
        return "\(base)/\(symbols.text(request[.feature]))"
    }

    func scopeText(_ row: CompiledPlan.Row, _ request: Request) -> String {
        var parts = row.limit.isShared ? [] : ["tenant=\(symbols.text(request[.tenant]))"]
        for value in row.limit.within { parts.append("\(value.scope.rawValue)=\(value.value)") }
        for (scope, slot) in zip(row.limit.per, row.per) {
            parts.append("\(scope.rawValue)=\(symbols.text(request[slot]))")
        }
        return parts.joined(separator: ",")
    }

    private func withBook<Result>(_ reference: CounterRef, _ body: (inout CounterBook) -> Result) -> Result? {
        if reference.isShared { return group.map { body(&$0.book) } }
        return body(&account.book)
    }

    private func window(_ state: LimitState, _ row: CompiledPlan.Row) -> Interval? {
        guard let reference = state.counter else { return nil }
        switch row.limit.window {
        case .calendar, .every, .fromFirstUse:
            return withBook(reference) { book -> Interval? in
                let counter = book.counters[Int(reference.index)]
                return counter.end == .min ? nil : Interval(start: counter.start, end: counter.end)
            }.flatMap { $0 }
        case .rolling(let length):
            let slice = row.limit.window.interval(at: request.time)
            return Interval(start: slice.end - length, end: slice.end)
        default: return nil
        }
    }

    private func resetsAt(_ state: LimitState, _ row: CompiledPlan.Row) -> Int64? {
        guard let reference = state.counter else { return nil }
        switch row.limit.window {
        case .rolling(let length):
            return withBook(reference) { $0.rollingReset(Int(reference.index), sliceLength: length / Window.slices) }
                .flatMap { $0 }
        case .calendar, .every, .fromFirstUse: return window(state, row)?.end
        default: return nil
        }
    }

    private func remaining(_ judgement: Judgement, _ plan: CompiledPlan) -> [Remaining] {
        judgement.states.compactMap { before in
            let row = plan.rows[before.row]
            guard row.countsUse else { return nil }
            // Read again: what was just reserved is gone.
            let judge = Judge(
                edition: edition, plan: plan, symbols: symbols, record: record, account: account, group: group)
            let now = judge.state(before.row, judgement.request)
            return Remaining(
                limit: name(row, judgement.request), unit: row.limit.unit, scope: scopeText(row, judgement.request),
                remaining: max(0, now.base.addingSaturated(-now.used)), resetsAt: resetsAt(now, row))
        }
    }

    // MARK: - Events

    private func events(_ judgement: Judgement?, _ plan: CompiledPlan, _ judge: Judge) -> [Event] {
        guard let judgement else { return [] }
        var events: [Event] = []
        for crossing in judgement.crossings {
            let state = judgement.states[crossing.state]
            let row = plan.rows[state.row]
            let threshold = row.limit.thresholds[crossing.threshold]
            var audiences: [String] = []
            for (number, action) in threshold.actions.enumerated() {
                guard judge.holds(row.actionConditions[crossing.threshold][number], judgement.request) else { continue }
                for case .notify(let names) in action.alternatives {
                    for name in names where !audiences.contains(name) { audiences.append(name) }
                }
            }
            guard !audiences.isEmpty else { continue }
            if let reference = state.counter {
                let isDue = withBook(reference) {
                    $0.takeEvent(
                        Int(reference.index), crossing.threshold, threshold.level, row.limit.window, at: request.time)
                }
                guard isDue == true else { continue }
            }
            events.append(
                Event(
                    limit: name(row, judgement.request), threshold: threshold.text,
                    scope: scopeText(row, judgement.request), audiences: audiences))
        }
        return events
    }

    // MARK: - Counting

    /// A decision that no plan took part in.
    private func settled(_ verdict: Verdict, plan: CompiledPlan?) -> Decision {
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
            outcome: .allow, model: request[.model], tier: refused.tier, edition: -1,
            detail: DecisionDetail(shadow: stamped(refused)))
    }

    /// A decision on access, before any limit.
    private func finish(_ verdict: Verdict, _ plan: CompiledPlan, _ judge: Judge, requested: Candidate) -> Decision {
        isShadowPolicy
            ? finish(nil, verdict, plan, judge, requested: requested)
            : finish(verdict, nil, plan, judge, requested: requested)
    }

    /// Counts by what is given, and puts beside it what would have been decided.
    private func finish(
        _ enforced: Verdict?, _ complete: Verdict?, _ plan: CompiledPlan, _ judge: Judge, requested: Candidate
    ) -> Decision {
        let given = enforced ?? plainAdmission(requested, judge)
        let events = events((complete ?? given).first, plan, judge)
        var decision = Decision(outcome: given.outcome, model: .absent, tier: plan.tier)
        decision.isUnpriced = requested.price == nil && (edition.policy.allowsUnpriced || isShadowPolicy)
        if let chosen = given.chosen {
            decision.model = symbol(of: chosen.candidate)
            decision.estimate = chosen.estimate
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
    private func plainAdmission(_ requested: Candidate, _ judge: Judge) -> Verdict {
        var judgement = judge.judge(requested, request, withShadow: true)
        judgement.caps = Caps()
        judgement.estimate = judgement.rawEstimate
        for index in judgement.states.indices { judgement.states[index].estimate = judgement.states[index].rawEstimate }
        return Verdict(outcome: .allow, chosen: judgement, first: judgement, reasons: [], retryAfter: nil)
    }

    /// What would have been decided, where that is not what is given.
    private func shadowDecision(_ complete: Verdict, given: Verdict, _ plan: CompiledPlan, otherwise estimate: Estimate)
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
    private func count(
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

    private func reserve(_ judgement: Judgement, _ plan: CompiledPlan) -> ReservationID {
        var header = ReservationHeader()
        header.time = request.time
        header.price = judgement.candidate.price
        header.grants = plan.plan.grants
        header.expires = request.time.addingSaturated(engine.reservationLifetime)
        header.group = group
        let id = account.reservations.open(header, room: judgement.states.count)
        let run = judgement.request[.run]
        for state in judgement.states {
            let row = plan.rows[state.row]
            guard row.countsUse, let reference = state.counter, let amount = state.estimate else { continue }
            let grants = !row.limit.isPrepaid ? [] : plan.plan.grants
            let reserved = withBook(reference) {
                $0.reserve(amount, in: reference, row.limit, grants: grants, run: run, at: request.time)
            }
            if let reserved { account.reservations.append(reserved, to: id) }
        }
        passThrottles(judgement) { _ in true }
        return id
    }

    /// Takes the request from the buckets of the throttles that it passed.
    private func passThrottles(_ judgement: Judgement, where isMeant: (LimitState) -> Bool) {
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
    private func passShadowThrottles(_ trial: Judgement, _ plan: CompiledPlan) {
        passThrottles(trial) { plan.rows[$0.row].limit.isShadow }
    }

    /// A request that is not admitted counts as an attempt and as nothing else.
    private func countAttempt(_ plan: CompiledPlan, _ request: Request, _ candidate: Candidate) {
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
                $0.reserve(1, in: reference, row.limit, grants: [], run: .absent, at: request.time)
            }
        }
    }

    private mutating func countRepeat(_ earlier: Decision) {
        guard let plan = bindPlan() else { return }
        request[.tenant] = account.id
        request[.tier] = plan.tier
        if let group = record?.group { request[.group] = symbols.intern(group) }
        let name = earlier.model.isPresent ? earlier.model : request[.model]
        countAttempt(plan, request, Candidate(model: edition.model(name), name: name, price: nil))
    }
}
