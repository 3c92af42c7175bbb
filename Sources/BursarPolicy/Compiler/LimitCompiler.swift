import BursarSyntax

/// The context in which a limit's declaration is compiled.
struct CompileContext: Sendable {
    var zone: TimeZoneRules
    var currency: String
    var catalog: Catalog?
    var audiences: Set<String>
    var isShadow: Bool

    /// Microseconds since 1970; a date means its midnight in the policy's zone.
    func instant(_ literal: InstantLiteral) -> Int64 {
        switch literal {
        case .exact(let micros): micros
        case .date(let date): zone.utc(ofLocal: date.daysSince1970 * 86_400) * Micros.second
        }
    }

    private static let dollars: Set<String> = [
        "USD", "AUD", "BBD", "BMD", "BND", "BSD", "BZD", "CAD", "FJD", "GYD", "HKD", "JMD", "KYD", "LRD", "NAD", "NZD",
        "SBD", "SGD", "SRD", "TTD", "TWD", "XCD",
    ]

    /// Reports a currency other than the policy's.
    func check(_ mark: CurrencyMark?, at range: SourceRange, _ diagnostics: inout Diagnostics) {
        switch mark {
        case .dollar where !Self.dollars.contains(currency):
            diagnostics.add(
                Diagnostic(
                    .syntaxScalar, "`$` is a dollar, and the currency here is \(currency)", at: range,
                    help: "write the amount with its currency, as in `5 \(currency)`"))
        case .code(let code) where code != currency:
            diagnostics.add(
                Diagnostic(.syntaxScalar, "the currency here is \(currency), not \(code)", at: range))
        default: break
        }
    }
}

/// Compiles limits from their declarations.
struct LimitCompiler {
    let context: CompileContext
    var diagnostics = Diagnostics()

    mutating func limit(
        _ declaration: LimitDeclaration, layer: Layer, within: [Limit.ScopeValue] = []
    ) -> Limit? {
        let isPrepaid = declaration.prepaid?.value ?? false
        guard let quantity = amount(of: declaration, isPrepaid: isPrepaid) else { return nil }
        context.check(quantity.value.currency, at: quantity.range, &diagnostics)
        var limit = Limit(
            name: declaration.name.value, layer: layer, amount: quantity.value.amount, unit: quantity.value.unit,
            window: window(quantity.value.window), per: scopes(declaration.per?.value ?? []),
            isShared: isShared(declaration.per?.value ?? []), within: within, when: declaration.when?.value,
            thresholds: [], rollover: nil, burst: declaration.burst?.value,
            isShadow: declaration.mode.map { $0.value == .shadow } ?? context.isShadow, isPrepaid: isPrepaid,
            weight: nil, source: declaration.name.range, whenSource: declaration.when?.range,
            amountSource: declaration.amount?.range, statesLifetime: quantity.value.window == .lifetime,
            enforceSource: declaration.mode.flatMap { $0.value == .enforce ? $0.range : nil })
        if isPrepaid { checkPrepaid(declaration, quantity) }
        if let burst = declaration.burst, !limit.window.isRate {
            diagnostics.add(
                Diagnostic(
                    .limitBurst,
                    "`burst` belongs to a rate, and `\(limit.name)` is not a limit per second, minute or hour",
                    at: burst.range, notes: overridden(declaration, burst.range),
                    help: "remove `burst`, or count per second, minute or hour"))
        }
        if let rollover = declaration.rollover {
            limit.rollover = Rollover(cap: rollover.value.cap, isCompounding: rollover.value.isCompounding)
            if !limit.window.isPeriodic {
                let window = limit.window.text.isEmpty ? "no window" : "the window `\(limit.window.text)`"
                diagnostics.add(
                    Diagnostic(
                        .limitRollover,
                        "`\(limit.name)` has \(window), which has no next window for the rest",
                        at: rollover.range, notes: overridden(declaration, rollover.range),
                        help: "rollover needs a day, week, month, quarter or year, or `every N days from …`"))
                limit.rollover = nil
            }
        }
        limit.thresholds = thresholds(declaration, limit)
        return limit
    }

    /// A note with the position of the amount, if another declaration than the faulty one sets it.
    private func overridden(_ limit: LimitDeclaration, _ range: SourceRange) -> [Diagnostic.Note] {
        guard let amount = limit.amount, range.start < limit.range.start || range.end > limit.range.end else {
            return []
        }
        return [.init("the limit is counted like this here", at: amount.range)]
    }

    private mutating func amount(of limit: LimitDeclaration, isPrepaid: Bool) -> Located<QuantityLiteral>? {
        if let amount = limit.amount { return amount }
        if isPrepaid {
            return Located(QuantityLiteral(amount: 0, unit: .spend, currency: nil, window: nil), at: limit.range)
        }
        diagnostics.add(
            Diagnostic(
                .syntaxShape,
                "limit `\(limit.name.value)` needs an `amount`: there is none of this name to take it over from",
                at: limit.name.range))
        return nil
    }

    private mutating func checkPrepaid(_ limit: LimitDeclaration, _ quantity: Located<QuantityLiteral>) {
        if quantity.value.unit != .spend || quantity.value.window != nil {
            diagnostics.add(
                Diagnostic(
                    .syntaxShape, "a prepaid balance is money without a window", at: quantity.range,
                    help: "remove `amount`: the balance is `prepaid` of the tenant's record"))
        }
        if let per = limit.per, per.value != [.tenant] {
            diagnostics.add(Diagnostic(.syntaxShape, "a prepaid balance belongs to the tenant", at: per.range))
        }
    }

    private func window(_ literal: WindowLiteral?) -> Window {
        switch literal {
        case .rate(let micros): .rate(micros: micros)
        case .calendar(let unit, let fromDay): .calendar(unit, fromDay: fromDay, zone: context.zone)
        case .rolling(let micros): .rolling(micros: micros)
        case .fromFirstUse(let micros): .fromFirstUse(micros: micros)
        case .every(let micros, let from): .every(micros: micros, anchor: context.instant(from))
        case .request: .request
        case .lifetime, nil: .lifetime
        }
    }

    /// The scopes in canonical order, so that equal scopes share a counter. The tenant is implied.
    private func scopes(_ written: [Scope]) -> [Scope] {
        let rest = Scope.allCases.filter { $0 != .tenant && $0 != .group && written.contains($0) }
        if isShared(written) { return [.group] + rest }
        return rest + (written.contains(.group) ? [.group] : [])
    }

    /// The tenants of a group share a counter, unless the list names the tenant beside the group.
    private func isShared(_ written: [Scope]) -> Bool { written.contains(.group) && !written.contains(.tenant) }

    // MARK: - Thresholds

    private mutating func thresholds(_ declaration: LimitDeclaration, _ limit: Limit) -> [Threshold] {
        guard let written = declaration.thresholds else { return [defaultThreshold(limit)] }
        var thresholds: [Threshold] = []
        for threshold in written.value {
            guard let level = level(threshold.level, limit) else { continue }
            let actions = threshold.actions.compactMap { action($0, limit) }
            thresholds.append(
                Threshold(
                    level: level, text: text(threshold.level.value), actions: actions,
                    source: threshold.level.range, entrySource: threshold.range))
        }
        // Orders percentages and amounts by their current value; equal ones keep their order.
        return thresholds.enumerated()
            .sorted {
                ($0.element.bound(of: limit.capacity), $0.offset) < ($1.element.bound(of: limit.capacity), $1.offset)
            }
            .map(\.element)
    }

    private func defaultThreshold(_ limit: Limit) -> Threshold {
        // A limit per request on output tokens shortens the output and does not refuse.
        let isOutputCap = limit.unit == .outputTokens && limit.window == .request
        let effect: Effect = isOutputCap ? .cap(.output(limit.amount)) : .deny(code: nil)
        return Threshold(
            level: .share(.full), text: "100%", actions: [ThresholdAction(alternatives: [effect], when: nil)],
            source: limit.source)
    }

    private mutating func level(_ level: Located<ThresholdLiteral>, _ limit: Limit) -> Threshold.Level? {
        switch level.value {
        case .percentage(let percentage): return .share(percentage)
        case .money(let money):
            guard limit.unit == .spend else { break }
            context.check(money.currency, at: level.range, &diagnostics)
            return .amount(money.nanos)
        case .count(let count, let unit):
            guard limit.unit != .spend, unit == nil || unit == limit.unit else { break }
            return .amount(count)
        }
        diagnostics.add(
            Diagnostic(
                .syntaxScalar,
                "a threshold of `\(limit.name)` is a percentage or an amount of \(limit.unit.rawValue)",
                at: level.range, help: thresholdHelp(level.value, limit)))
        return nil
    }

    private func thresholdHelp(_ level: ThresholdLiteral, _ limit: Limit) -> String {
        if case .count(let count, nil) = level, count <= 100 { return "did you mean `\(count)%`?" }
        return limit.unit == .spend ? "as in `80%` or `$20`" : "as in `80%` or `20 \(limit.unit.rawValue)`"
    }

    private func text(_ level: ThresholdLiteral) -> String {
        switch level {
        case .percentage(let percentage): percentage.text
        case .money(let money):
            switch money.currency {
            case .dollar: "$" + moneyText(money.nanos)
            case .code(let code): moneyText(money.nanos) + " " + code
            }
        case .count(let count, _): String(count)
        }
    }

    private mutating func action(_ declaration: ActionDeclaration, _ limit: Limit) -> ThresholdAction? {
        var effects: [Effect] = []
        for action in declaration.action.value.alternatives {
            guard let effect = effect(action, limit, declaration.action.range) else { return nil }
            effects.append(effect)
        }
        return ThresholdAction(
            alternatives: effects, when: declaration.when?.value, whenSource: declaration.when?.range)
    }

    private mutating func effect(_ action: Action, _ limit: Limit, _ range: SourceRange) -> Effect? {
        func refuse(_ message: String, help: String? = nil, rule: DiagnosticRule = .syntaxAction) -> Effect? {
            diagnostics.add(Diagnostic(rule, message, at: range, help: help))
            return nil
        }
        switch action {
        case .notify(let audiences):
            for name in audiences where !context.audiences.contains(name) {
                return refuse(
                    "no audience is named `\(name)`",
                    help: (diagnostics.canSuggest ? Names.help(for: name, among: context.audiences.sorted()) : nil)
                        ?? "declare it under `audiences`", rule: .nameUnknown)
            }
            return .notify(audiences)
        case .capOutput(let tokens): return .cap(.output(tokens))
        case .capOutputToFit(let minimum):
            guard limit.unit.dependsOnOutput else {
                return refuse(
                    "`cap output to fit` does not apply to a limit on \(limit.unit.rawValue): a shorter answer does not change it"
                )
            }
            return .cap(.outputToFit(minimum: minimum))
        case .capInput(let tokens): return .cap(.input(tokens))
        case .disableTools(let patterns): return .cap(.disableTools(patterns))
        case .serveCached: return .cap(.serveCached)
        case .capSteps(let steps): return .cap(.steps(steps))
        case .coolDown(let micros): return .cap(.coolDown(micros))
        case .downgrade(nil): return .downgrade(to: nil)
        case .downgrade(let name?):
            // Without a catalog no model is known, which is reported once.
            guard context.catalog != nil else { return nil }
            guard let model = context.catalog?.model(name) else {
                let known = diagnostics.canSuggest ? context.catalog?.models.map(\.name) ?? [] : []
                return refuse(
                    "no model is named `\(name)`", help: Names.help(for: name, among: known), rule: .nameUnknown)
            }
            guard context.catalog?[model].price != nil else {
                return refuse(
                    "the catalog has no price for `\(name)`, so it cannot be a substitute", rule: .chainUnpriced)
            }
            return .downgrade(to: model)
        case .throttle(let requests, let micros): return .throttle(requests: requests, windowMicros: micros)
        case .confirm: return .confirm
        case .approve: return .approve
        case .overage(let ceiling, let rate):
            if let ceiling {
                guard limit.unit == .spend else {
                    return refuse("a ceiling of money does not apply to a limit on \(limit.unit.rawValue)")
                }
                context.check(ceiling.currency, at: range, &diagnostics)
            }
            return .overage(ceiling: ceiling?.nanos, rate: rate ?? .full)
        case .deny(let code): return .deny(code: code)
        case .orElse: return nil
        }
    }

    // MARK: - Weights

    /// The limits that divide another limit among features.
    mutating func weights(_ weights: WeightsDeclaration, of index: Int, _ base: Limit) -> [Limit] {
        let named = weights.shares.map(\.feature.value)
        func part(_ feature: Name?, _ share: Percentage, _ range: SourceRange) -> Limit {
            var limit = base
            limit.name = "\(base.name)/\(feature?.value ?? "other")"
            limit.layer = .plan
            limit.rollover = nil
            limit.source = range
            limit.isPrepaid = false
            limit.thresholds = base.thresholds.filter { if case .share = $0.level { true } else { false } }
            if limit.window.isRate {
                // A share of a rate is a separate bucket with that share of the refill and the capacity.
                limit.amount = share.floor(of: base.amount)
                limit.burst = share.floor(of: base.capacity)
            }
            if feature == nil { limit.per = base.per.filter { $0 != .feature } + [.feature] }
            limit.weight = Weight(
                of: index, share: share, isOfRemaining: weights.isOfRemaining, feature: feature?.value, named: named)
            return limit
        }
        var parts = weights.shares.map { part($0.feature, $0.share.value, $0.feature.range) }
        if let other = weights.other { parts.append(part(nil, other.value, other.range)) }
        return parts
    }
}
