import BursarPolicy
import BursarSyntax

/// Every step that leads to a decision, for people. It is made beside the decision and is never part of it.
package struct Explanation: Sendable {
    package struct Step: Sendable {
        package enum Kind: String, Sendable { case policy, tenant, model, rule, tools, candidate, alert }

        package var kind: Kind
        /// Whether the condition of a rule or an alert holds; nil for other kinds.
        package var holds: Bool?
        package var text: String
        package var source: SourceRange?
    }

    /// A limit as it stands for one candidate, before the request is counted.
    package struct LimitStep: Sendable {
        package struct ThresholdStep: Sendable {
            package var text: String
            package var bound: Int64
            package var isCrossed: Bool
            package var actions: [String]
            /// Of the actions: their conditions hold.
            package var holds: [Bool]
            package var source: SourceRange
        }

        package var candidate: String
        package var limit: String
        package var scope: String
        package var unit: Unit
        package var window: String
        package var used: Int64
        package var estimate: Int64?
        package var amount: Int64
        package var carried: Int64
        package var isShadow: Bool
        package var thresholds: [ThresholdStep]
        package var source: SourceRange
    }

    package var steps: [Step]
    package var limits: [LimitStep]

    package init(steps: [Step] = [], limits: [LimitStep] = []) {
        self.steps = steps
        self.limits = limits
    }

    fileprivate mutating func add(
        _ kind: Step.Kind, _ text: String, _ source: SourceRange? = nil, holds: Bool? = nil
    ) {
        steps.append(Step(kind: kind, holds: holds, text: text, source: source))
    }
}

extension Engine {
    /// What leads to the decision on a request, as the counters stand now. Nothing is counted.
    package func explain(_ request: Request) -> Explanation {
        guard isOwn(request) else {
            let reason = request.defect ?? "the tenant belongs to another engine"
            return Explanation(steps: [.init(kind: .tenant, text: reason, source: nil)])
        }
        guard let edition = edition(at: request.time) else {
            return Explanation(steps: [
                .init(
                    kind: .policy, text: "no version of the policy is in force at \(instantText(request.time))",
                    source: nil)
            ])
        }
        let account = request.tenant.account
        let group = groupAccount(account, request)
        return account.withLock {
            var sitting = Sitting(self, edition, account, group, request, .full, .decided)
            guard let group else {
                defer { sitting.end() }
                return sitting.explain()
            }
            return group.lock.withLock { _ in
                defer { sitting.end() }
                return sitting.explain()
            }
        }
    }
}

extension Sitting {
    mutating func explain() -> Explanation {
        var made = Explanation()
        let policy = edition.policy
        let mode = policy.isShadowEnforced ? "shadow, decided as if enforced" : policy.mode.rawValue
        made.add(
            .policy, "policy \(policy.id), version \(policy.version), is in force (mode \(mode))", policy.source)
        request[.tenant] = account.id
        if let group = record?.group { request[.group] = symbols.intern(group) }
        guard let plan = bindPlan() else {
            made.add(.tenant, "no document lists tenant \(symbols.text(account.id)), and no tier is known for it")
            return made
        }
        request[.tier] = plan.tier
        let known = record == nil ? "not listed; the tier is the request's or the default" : "listed"
        made.add(.tenant, "tenant \(symbols.text(account.id)) is \(known): tier \(plan.plan.tier)", record?.source)
        if record?.isSuspended == true {
            made.add(.tenant, "the tenant is suspended: denied before all else", record?.source)
        }
        let judge = Judge(
            edition: edition, plan: plan, symbols: symbols, record: record, account: account, group: group)
        let name = request[.model]
        let model = edition.model(name)
        let requested = Candidate(model: model, name: name, price: edition.price(model))
        explainModel(requested, &made)
        var request = request
        edition.set(model, named: name, in: &request)
        for rule in edition.rules {
            let holds = judge.holds(rule.program, request)
            made.add(
                .rule,
                "rule \(rule.rule.name) (\(rule.rule.effect.rawValue) \(rule.rule.code)): \(holds ? "holds" : "does not hold")",
                rule.rule.source, holds: holds)
        }
        for tool in request.tools {
            let text = symbols.text(tool)
            made.add(.tools, "tool \(text): \(policy.tools.verdict(on: text).rawValue)", policy.tools.denySource)
        }
        let limits = explainCandidates(requested, plan, judge, &made)
        explainAlerts(request, plan, judge, &made)
        made.limits = limits
        return made
    }

    /// Whether each alert counts the request; what it has counted depends on who looked.
    private func explainAlerts(
        _ request: Request, _ plan: CompiledPlan, _ judge: Judge, _ made: inout Explanation
    ) {
        for alert in engine.editionAlerts[edition.index] {
            let rule = alert.rule
            let counts =
                judge.holds(alert.when, request) && alert.slots.allSatisfy { request[$0].isPresent }
                && (rule.limit == nil
                    || plan.rows.contains {
                        $0.limit.name == rule.limit && $0.limit.canBeWatched && judge.applies($0, to: request)
                    })
            made.add(
                .alert,
                "alert \(rule.title), \(rule.text(currency: edition.policy.currency)): \(counts ? "counts it" : "does not count it")",
                rule.source, holds: counts)
        }
    }

    private func explainModel(_ requested: Candidate, _ made: inout Explanation) {
        let written = symbols.text(requested.name)
        guard let id = requested.model, let model = edition.catalog?[id] else {
            made.add(
                .model,
                "the catalog does not list \(written) (unpriced: \(edition.policy.allowsUnpriced ? "allow" : "deny"))")
            return
        }
        let alias = model.name == written ? "" : " (asked for as \(written))"
        let price = model.price == nil ? ", without a price" : ""
        made.add(.model, "model \(model.name)\(alias), class \(model.modelClass ?? "-")\(price)", model.source)
    }

    private func explainCandidates(
        _ requested: Candidate, _ plan: CompiledPlan, _ judge: Judge, _ made: inout Explanation
    ) -> [Explanation.LimitStep] {
        let isAllowed =
            requested.model.map { plan.plan.models.allows($0) }
            ?? plan.plan.models.allows(unlisted: symbols.text(requested.name))
        made.add(
            .candidate, "the plan \(isAllowed ? "allows" : "does not allow") \(symbols.text(requested.name))",
            plan.plan.modelsSource)
        var judgements: [Judgement] = []
        var wanted = requested.model.map { Array(plan.plan.downgrade.substitutes(for: $0)) } ?? []
        if isAllowed {
            let first = judge.judge(requested, request, withShadow: true)
            judgements.append(first)
            wanted = first.downgrades.flatMap { $0.to.map { [$0] } ?? wanted }
        }
        let candidates = substitutes(wanted, for: requested, plan, judge)
        if !candidates.isEmpty, !hasConsent(plan.plan.downgrade.consent) {
            made.add(
                .candidate,
                "substitutes need consent of the \(plan.plan.downgrade.consent.rawValue), which is not given")
        } else {
            judgements += candidates.map { judge.judge($0, request, withShadow: true) }
        }
        return judgements.flatMap { limits(of: $0, plan, judge) }
    }

    private func limits(of judgement: Judgement, _ plan: CompiledPlan, _ judge: Judge) -> [Explanation.LimitStep] {
        judgement.states.map { state in
            let row = plan.rows[state.row]
            let thresholds = row.thresholds.map { compiled in
                let threshold = compiled.threshold
                return Explanation.LimitStep.ThresholdStep(
                    text: threshold.text,
                    bound: threshold.bound(of: row.limit.bucketLength == nil ? state.base : row.limit.capacity),
                    isCrossed: judge.isCrossed(compiled, row, state, state.estimate),
                    actions: threshold.actions.map { $0.alternatives.map(\.verb).joined(separator: " else ") },
                    holds: compiled.actions.map { judge.holds($0.when, judgement.request) },
                    source: threshold.source)
            }
            return Explanation.LimitStep(
                candidate: symbols.text(symbol(of: judgement.candidate)), limit: self.name(row, judgement.request),
                scope: scopeText(row, judgement.request), unit: row.limit.unit, window: row.limit.window.text,
                used: state.used, estimate: state.estimate, amount: state.amount, carried: state.carried,
                isShadow: row.limit.isShadow, thresholds: thresholds, source: row.limit.source)
        }
    }
}

extension Effect {
    /// The action as the language writes it, without arguments.
    var verb: String {
        switch self {
        case .notify: "notify"
        case .cap(let cap): cap.verb
        case .downgrade: "downgrade"
        case .throttle: "throttle"
        case .confirm: "confirm"
        case .approve: "approve"
        case .overage: "overage"
        case .deny: "deny"
        }
    }
}

extension Cap {
    var verb: String {
        switch self {
        case .output, .outputToFit: "cap output"
        case .input: "cap input"
        case .disableTools: "disable tools"
        case .serveCached: "serve cached"
        case .steps: "cap steps"
        case .coolDown: "cool down"
        }
    }
}
