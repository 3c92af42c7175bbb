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
    /// The fast path does not know this request.
    var hasTriedFastPath = false

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
        record = account.record >= 0 ? engine.policySet.tenants[Int(account.record)] : nil
    }

    /// Puts back the counters that were only read.
    func end() {
        account.book.endReading()
        group?.book.endReading()
    }

    var symbols: SymbolTable { engine.symbols }
    var isShadowPolicy: Bool { edition.policy.mode == .shadow }

    mutating func decide() -> Decision {
        if let defect = request.defect { return stamped(engine.badRequest(defect)) }
        let fingerprint = request.id == nil ? 0 : engine.fingerprint(request)
        request[.tenant] = account.id
        if let group = record?.group { request[.group] = symbols.intern(group) }
        let bound = bindPlan()
        let status = statusRefusal(bound)
        guard let plan = bound, status == nil else { return stamped(settled(status ?? deny([]), plan: bound)) }
        request[.tier] = plan.tier
        guard let id = request.id else { return decideNew(plan) }
        let window = edition.policy.retryWindow
        let latest = account.book.latest(at: request.time)
        let earlier = account.recent.entry(id, at: request.time, latest: latest, window: window)
        if let earlier, earlier.fingerprint == fingerprint { return repeated(earlier.given, plan) }
        var decision = earlier.map { refuseReused($0.time, plan) } ?? decideNew(plan)
        // Only what was counted is remembered: everything else is decided anew.
        if decision.reservation != nil {
            account.recent.remember(
                id, fingerprint, &decision, at: request.time, latest: latest, window: window)
        }
        return decision
    }

    /// The decision that the first request of this id got; it counts as an attempt.
    private func repeated(_ earlier: Decision, _ plan: CompiledPlan) -> Decision {
        var decision = earlier
        decision.isRepeat = true
        let name = earlier.model.isPresent ? earlier.model : request[.model]
        countAttempt(plan, request, Candidate(model: edition.model(name), name: name, price: nil))
        return decision
    }

    /// The id of an earlier request that asked for something else.
    private func refuseReused(_ time: Int64, _ plan: CompiledPlan) -> Decision {
        let reused = reason(
            "request_id_reused", "the id was used at \(instantText(time)) for a request that asks for something else")
        let name = request[.model]
        let model = edition.model(name)
        let requested = Candidate(model: model, name: name, price: edition.price(model))
        return stamped(finish(deny([reused]), plan, judge(plan), requested: requested))
    }

    /// Names the policy in a decision.
    func stamped(_ decision: Decision) -> Decision {
        var decision = decision
        decision.edition = Int32(edition.index)
        return decision
    }

    // MARK: - Resolving

    /// What refuses every request of the tenant, repeats included; nil where nothing does.
    private func statusRefusal(_ plan: CompiledPlan?) -> Verdict? {
        if edition.policy.mode == .frozen { return deny([reason("policy_frozen", "the policy is frozen")]) }
        if record?.isSuspended == true {
            return deny([reason("tenant_suspended", "the tenant is suspended", source: record?.source)])
        }
        guard plan == nil else { return nil }
        return deny([reason("unknown_tenant", "no document lists the tenant and no tier is known for it")])
    }

    func judge(_ plan: CompiledPlan) -> Judge {
        Judge(edition: edition, plan: plan, symbols: symbols, record: record, account: account, group: group)
    }

    private func decideNew(_ plan: CompiledPlan) -> Decision {
        if level != .full, !hasTriedFastPath {
            var decision = Decision()
            let isBrief = level == .brief && counting == .decided
            if account.decideQuickly(request, plan, edition, isBrief: isBrief, &decision) {
                return decision
            }
        }
        return stamped(decide(plan, judge(plan)))
    }

    /// The tenant's plan: its record's tier, else the request's, else the default one.
    func bindPlan() -> CompiledPlan? {
        let tier: Symbol
        if let name = record?.tier {
            tier = symbols.intern(name)
        } else {
            tier = request[.tier].isPresent ? request[.tier] : edition.defaultTier
        }
        if Int(account.planEdition) == edition.index, account.planTier == tier, let plan = account.plan,
            plan.plan.validity.contains(request.time)
        {
            return plan
        }
        let plan =
            record.map { edition.plan(tier: tier, tenant: Int(account.record), record: $0, at: request.time) }
            ?? edition.plan(tier: tier)
        guard let plan else { return nil }
        account.bind(plan, edition: edition.index, tier: tier)
        return plan
    }

    func decide(_ plan: CompiledPlan, _ judge: Judge) -> Decision {
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

    func reason(_ code: String, _ message: String, source: SourceRange? = nil) -> Reason {
        Reason(code: code, action: "deny", message: message, source: source)
    }

    func accessDenials(_ request: Request, _ plan: CompiledPlan, _ judge: Judge) -> [Reason] {
        var reasons: [Reason] = []
        for rule in edition.rules where rule.effect == .deny && judge.holds(rule.program, request) {
            reasons.append(
                Reason(
                    code: rule.rule.code, action: "deny", rule: rule.rule.name,
                    message: "rule `\(rule.rule.name)` denies it", source: rule.rule.source))
        }
        if plan.blockedFeatures.contains(request[.feature]) {
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

    func isDenied(_ request: Request, _ judge: Judge) -> Bool {
        edition.rules.contains { $0.effect == .deny && judge.holds($0.program, request) }
    }

    /// Needs of approval or confirmation that stand before any limit and that the request has not met.
    func needs(_ effect: RuleDeclaration.Effect, _ request: Request, _ judge: Judge) -> [Reason] {
        var reasons: [Reason] = []
        for rule in edition.rules where rule.effect == effect && judge.holds(rule.program, request) {
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

    func deny(_ reasons: [Reason]) -> Verdict {
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

    func verdict(_ plan: CompiledPlan, _ judge: Judge, requested: Candidate, withShadow: Bool) -> Verdict {
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
        let last =
            plan.hasFallbacks ? judge.judge(requested, request, withShadow: withShadow, isFallback: true) : first
        return last.violations.isEmpty
            ? admission(last, first, plan, judge, withShadow: withShadow) : refusal(last, first, plan)
    }

    func verdictOnDisallowed(
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

    func notAllowed(_ plan: CompiledPlan, _ requested: Candidate, action: String) -> Reason {
        Reason(
            code: "model_not_allowed", action: action,
            message: "the tier `\(plan.plan.tier)` does not allow `\(symbols.text(requested.name))`",
            source: plan.plan.modelsSource)
    }

    func refusal(_ judgement: Judgement, _ first: Judgement, _ plan: CompiledPlan) -> Verdict {
        let reasons = judgement.shownViolations.map { violation in
            limitReason(judgement, violation.crossing, plan, code: violation.code, action: violation.action)
        }
        let isThrottle = judgement.isThrottle
        let waits = judgement.violations.map(\.retryAfter)
        let wait = isThrottle && !waits.contains { $0 == nil } ? waits.compactMap { $0 }.max() : nil
        return Verdict(
            outcome: isThrottle ? .throttle : .deny, chosen: nil, first: first, reasons: reasons, retryAfter: wait)
    }

    func admission(
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
    func overage(
        _ judgement: Judgement, _ crossing: Crossing, _ rate: Percentage, _ plan: CompiledPlan
    ) -> (excess: Int64, billed: Int64) {
        let state = judgement.states[crossing.state]
        let bound = plan.rows[state.row].limit.thresholds[crossing.threshold].bound(of: state.base)
        let estimate = state.estimate ?? 0
        let excess = max(0, min(estimate, state.used.addingSaturated(estimate).subtractingSaturated(bound)))
        return (excess, rate.floor(of: excess))
    }

    func onePerLimit(
        _ judgement: Judgement, _ crossings: [Crossing], _ plan: CompiledPlan, code: String?, action: String
    ) -> [Reason] {
        var seen: Set<Int> = []
        return crossings.filter { seen.insert($0.state).inserted }
            .map { limitReason(judgement, $0, plan, code: code, action: action) }
    }
}
