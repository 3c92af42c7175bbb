import BursarSyntax

/// The limits of an edition's tiers and of tenants, by name. If two limits are equal for alerts, only the first is kept.
struct WatchedLimits {
    private(set) var byName: [String: [Limit]] = [:]

    mutating func add(_ plan: Plan) {
        for limit in plan.limits {
            let isKnown = byName[limit.name, default: []].contains {
                $0.canBeWatched == limit.canBeWatched && $0.window.isPeriodic == limit.window.isPeriodic
            }
            if !isKnown { byName[limit.name, default: []].append(limit) }
        }
    }
}

/// Compiles alert declarations into rules.
struct AlertCompiler {
    let context: CompileContext
    let limits: WatchedLimits
    var diagnostics = Diagnostics()

    /// The default minimum of requests for a ratio, an average or a quantile.
    static let sample: Int64 = 20

    mutating func rules(_ declaration: AlertDeclaration) -> [AlertRule] {
        for audience in declaration.audiences where !context.audiences.contains(audience.value) {
            diagnostics.addUnknown("audience", audience, among: context.audiences.sorted())
        }
        var rule = AlertRule(
            name: declaration.name.value, state: nil, limit: nil, window: nil,
            per: AlertScope.allCases.filter { $0 != .tenant && declaration.per?.value.contains($0) ?? false },
            isAcrossTenants: declaration.isAcrossTenants, when: declaration.when?.value,
            audiences: declaration.audiences.map(\.value), source: declaration.name.range)
        if let baseline = declaration.baseline { rule.criteria.baseline = Int(baseline) }
        if let budget = declaration.budget { return states(of: budget, declaration, rule) }
        guard let terms = declaration.terms else { return [] }
        if declaration.isAcrossTenants, declaration.per?.value.contains(.tenant) == true {
            diagnostics.add(
                Diagnostic(
                    .syntaxShape, "an alert counts tenants apart or together, not both", at: declaration.per?.range))
        }
        rule.criteria.terms = terms.value.map { compile($0, at: terms.range) }
        let needsSample = rule.criteria.hasBaseline || terms.value.contains { $0.metric.needsSample }
        rule.criteria.atLeast = declaration.atLeast ?? (needsSample ? Self.sample : 1)
        let named = terms.value.compactMap(\.limit)
        if let first = named.first {
            if let other = named.first(where: { $0 != first }) {
                diagnostics.add(
                    Diagnostic(
                        .syntaxShape, "an alert looks at one limit, and this one at `\(first)` and `\(other)`",
                        at: terms.range, help: "write two alerts"))
            }
            let needsPace = terms.value.contains { $0.metric == .burnRate || $0.metric == .timeLeft }
            check(Located(first, at: terms.range), needsPace: needsPace)
            rule.limit = first
        } else {
            rule.window = window(declaration.window)
        }
        return [rule]
    }

    /// Compiles a budget alert into two rules of one name, one for each state.
    private mutating func states(
        of budget: Name, _ declaration: AlertDeclaration, _ base: AlertRule
    ) -> [AlertRule] {
        check(budget, needsPace: false)
        let warning = declaration.warning ?? Percentage(scaled: Percentage.one / 5 * 4)
        let exceeded = declaration.exceeded ?? .full
        if warning >= exceeded {
            diagnostics.add(
                Diagnostic(
                    .syntaxScalar, "`warning` at \(warning.text) is not below `exceeded` at \(exceeded.text)",
                    at: declaration.name.range))
        }
        return [(AlertRule.BudgetState.warning, warning), (.exceeded, exceeded)].map { state, share in
            var rule = base
            rule.state = state
            rule.limit = budget.value
            rule.criteria.terms = [.init(metric: .use, order: .atLeast, bound: .share(share))]
            return rule
        }
    }

    private mutating func compile(_ term: AlertTerm, at range: SourceRange) -> AlertRule.Term {
        let bound: AlertRule.Term.Bound
        switch term.bound {
        case .money(let money):
            context.check(money.currency, at: range, &diagnostics)
            bound = .amount(money.nanos)
        case .count(let count): bound = .amount(count)
        case .duration(let micros): bound = .amount(micros)
        case .percentage(let share): bound = .share(share)
        case .ofBaseline(let share): bound = .ofBaseline(share)
        }
        return AlertRule.Term(metric: term.metric, order: term.order, bound: bound)
    }

    private mutating func check(_ name: Name, needsPace: Bool) {
        guard let found = limits.byName[name.value] else {
            diagnostics.addUnknown("limit", name, among: limits.byName.keys.sorted())
            return
        }
        guard let limit = found.first(where: { !$0.canBeWatched || (needsPace && !$0.window.isPeriodic) }) else {
            return
        }
        let why =
            !limit.canBeWatched
            ? "`\(limit.name)` has no share that is used up in a window"
            : "`\(limit.name)` has no window, and so no pace"
        diagnostics.add(
            Diagnostic(
                .alertLimit, why, at: name.range, notes: [.init("the limit is here", at: limit.source)],
                help: "an alert looks at limits of a day, week, month, quarter or year, of `every N days from …`"
                    + (needsPace ? "" : ", or of a scope's whole life")))
    }

    private mutating func window(_ literal: Located<WindowLiteral>?) -> Window {
        switch literal?.value {
        case .rate(let micros)?: return .every(micros: micros, anchor: 0)
        case .calendar(let unit, let fromDay)?: return .calendar(unit, fromDay: fromDay, zone: context.zone)
        case .every(let micros, let from)?: return .every(micros: micros, anchor: context.instant(from))
        case .rolling?, .fromFirstUse?, .request?, .lifetime?:
            diagnostics.add(
                Diagnostic(
                    .alertWindow, "an alert's windows follow one another: this one does not end where another begins",
                    at: literal?.range, help: "as in `hour`, `15 minutes`, `day`, `week`, `month`"))
            fallthrough
        case nil: return .calendar(.day, fromDay: 1, zone: context.zone)
        }
    }
}

extension Limit {
    /// The counter of the limit shows the used share of the amount within a window.
    package var canBeWatched: Bool {
        guard !isShared, !isPrepaid, unit != .concurrentRequests, weight == nil else { return false }
        return window.isPeriodic || window == .lifetime
    }
}
