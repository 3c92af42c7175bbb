/// Reads limits, thresholds, actions, weights and downgrades, which tiers, tenants and scopes share.
extension NodeReader {
    mutating func limits(_ node: YAMLNode) -> [LimitDeclaration] {
        namedEntries(node, "limits", most: Bounds.limits).compactMap { limit($0) }
    }

    private mutating func limit(_ entry: YAMLEntry) -> LimitDeclaration? {
        guard let name = name(entry.key, "the name of a limit") else { return nil }
        var limit = LimitDeclaration(name: name, range: entry.range)
        guard entry.value.entries != nil else {
            if entry.value.scalar == "none" {
                limit.isRemoved = true
            } else {
                limit.amount = quantity(entry.value, "limit `\(name.value)`")
                if limit.amount == nil { return nil }
            }
            return limit
        }
        guard let map = map(entry.value, "a limit", keys: Keys.limit.names) else { return nil }
        let errors = diagnostics.items.count
        if let node = map["amount"]?.value { limit.amount = quantity(node, "amount") }
        if let node = map["per"]?.value { limit.per = scopes(node) }
        if let node = map["when"]?.value { limit.when = condition(node, "when") }
        if let node = map["at"]?.value { limit.thresholds = thresholds(node) }
        if let node = map["rollover"]?.value { limit.rollover = rollover(node) }
        if let node = map["burst"]?.value {
            limit.burst = scalar(node, "burst") { scanner throws(ScalarError) in try scanner.burst() }
        }
        if let node = map["mode"]?.value, let mode = oneOf(node, "mode of a limit", LimitMode.self) {
            limit.mode = Located(mode == .shadow ? .shadow : .enforce, at: node.range)
        }
        if let node = map["prepaid"]?.value { limit.prepaid = boolean(node, "prepaid") }
        if let node = map["description"]?.value { _ = text(node, "description") }
        // A partly read limit would not enforce what the policy states.
        return diagnostics.items.count > errors && limit.amount == nil && map["amount"] != nil ? nil : limit
    }

    private enum LimitMode: String, CaseIterable { case enforce, shadow }

    mutating func quantity(_ node: YAMLNode, _ what: String) -> Located<QuantityLiteral>? {
        scalar(node, what) { scanner throws(ScalarError) in try scanner.quantity() }
    }

    private mutating func scopes(_ node: YAMLNode) -> Located<[Scope]>? {
        var scopes: [Scope] = []
        if case .list(let nodes) = node.content, nodes.isEmpty {
            report(
                .syntaxShape, "`per` names no scope", at: node.range,
                help:
                    "remove `per`: a limit is counted for each tenant; write `per: tenant` to replace an inherited one")
        }
        for element in elements(node, "per") {
            guard let scope = oneOf(element, "per", Scope.self) else { continue }
            if scopes.contains(scope) {
                report(.syntaxShape, "duplicate scope `\(scope.rawValue)`", at: element.range)
            } else {
                scopes.append(scope)
            }
        }
        return scopes.isEmpty ? nil : Located(scopes, at: node.range)
    }

    private mutating func rollover(_ node: YAMLNode) -> Located<RolloverDeclaration>? {
        if node.entries == nil {
            return scalar(node, "rollover") { scanner throws(ScalarError) in
                RolloverDeclaration(cap: try scanner.percentage(), isCompounding: false)
            }
        }
        guard let map = map(node, "rollover", keys: Keys.rollover.names, required: ["cap"]), let cap = map["cap"],
            let percentage = scalar(cap.value, "cap", { scanner throws(ScalarError) in try scanner.percentage() })
        else { return nil }
        let compounding = map["compounding"].flatMap { boolean($0.value, "compounding") }
        return Located(
            RolloverDeclaration(cap: percentage.value, isCompounding: compounding?.value ?? false), at: node.range)
    }

    private mutating func thresholds(_ node: YAMLNode) -> Located<[ThresholdDeclaration]>? {
        guard let entries = node.entries else {
            shape(
                node, expected: "a map from thresholds to actions", for: "at",
                help: "as in {80%: notify owner, 100%: deny}")
            return nil
        }
        guard entries.count <= Bounds.thresholds else {
            report(.syntaxShape, "more than \(Bounds.thresholds) thresholds", at: node.range)
            return nil
        }
        var thresholds: [ThresholdDeclaration] = []
        for entry in entries {
            if node.isFlow, entry.value.isEmpty {
                report(
                    .syntaxAction,
                    "a comma inside `{…}` ends an action, so `\(entry.name)` is read as a threshold without action",
                    at: entry.key.range,
                    help: "write the actions as a list: {80%: [notify owner, deny]}, or quote the action")
                continue
            }
            guard
                let level = scalar(
                    entry.key, "threshold", { scanner throws(ScalarError) in try scanner.threshold() })
            else { continue }
            let actions: [YAMLNode]
            if case .list(let nodes) = entry.value.content { actions = nodes } else { actions = [entry.value] }
            if actions.isEmpty {
                report(.syntaxAction, "a threshold without action does nothing", at: entry.value.range)
            }
            let bounded = self.bounded(actions, Bounds.actions, "actions of a threshold", at: entry.value.range)
            thresholds.append(
                ThresholdDeclaration(
                    level: level, range: entry.range, actions: bounded.compactMap { action($0) }))
        }
        return Located(thresholds, at: node.range)
    }

    private mutating func action(_ node: YAMLNode) -> ActionDeclaration? {
        var when: Located<Condition>?
        var text = node
        if node.entries != nil {
            guard let map = map(node, "an action", keys: Keys.action.names, required: ["do"]), let action = map["do"]
            else {
                return nil
            }
            text = action.value
            if let node = map["when"]?.value {
                when = condition(node, "when")
                if when == nil { return nil }
            }
        }
        let action = scalar(text, "action", rule: .syntaxAction) { scanner throws(ScalarError) in
            try scanner.action()
        }
        for case .deny(let code?) in action?.value.alternatives ?? [] { check(code: Located(code, at: text.range)) }
        return action.map { ActionDeclaration(action: $0, when: when) }
    }

    /// Reports a code that looks like an answer to "deny or not".
    mutating func check(code: Name) {
        guard ["true", "false", "yes", "no", "on", "off"].contains(code.value) else { return }
        report(
            .ruleCode, "`\(code.value)` is read as the code of the reason, which customers see", at: code.range,
            help:
                "write a code such as `not_in_plan`, or remove it if nothing should be refused"
        )
    }

    mutating func weights(_ node: YAMLNode) -> WeightsDeclaration? {
        guard let entries = node.entries else {
            shape(node, expected: "a map", for: "weights", help: "as in {of: daily, chat: 40%, other: 5%}")
            return nil
        }
        guard let of = entries.first(where: { $0.name == "of" }), let limit = name(of.value, "the name of a limit")
        else {
            if !entries.contains(where: { $0.name == "of" }) {
                report(.syntaxShape, "weights need the key `of`: the limit that they divide", at: node.range)
            }
            return nil
        }
        var weights = WeightsDeclaration(of: limit, shares: [], range: node.range)
        let settings = entries.filter { $0.name == "share" || $0.name == "other" }
        let features = entries.filter { !["of", "share", "other"].contains($0.name) }
        for entry in settings + bounded(features, Bounds.weights, "weights", at: node.range) {
            if entry.name == "share" {
                if oneOf(entry.value, "share", WeightShare.self) == .remaining { weights.isOfRemaining = true }
                continue
            }
            guard let share = scalar(entry.value, "share", { scanner throws(ScalarError) in try scanner.percentage() })
            else { continue }
            if entry.name == "other" {
                weights.other = share
            } else if let feature = name(entry.key, "a feature") {
                weights.shares.append((feature, share))
            }
        }
        return weights
    }

    private enum WeightShare: String, CaseIterable { case whole, remaining }

    mutating func downgrade(_ node: YAMLNode) -> DowngradeDeclaration? {
        guard node.entries != nil else { return DowngradeDeclaration(chains: chains(node)) }
        guard let map = map(node, "downgrade", keys: Keys.downgrade.names, required: ["chains"]) else { return nil }
        var downgrade = DowngradeDeclaration(chains: map["chains"].map { chains($0.value) } ?? [])
        if let node = map["consent"]?.value,
            let consent = oneOf(node, "consent", DowngradeDeclaration.Consent.self)
        {
            downgrade.consent = consent
            downgrade.consentSource = node.range
        }
        return downgrade
    }

    private mutating func chains(_ node: YAMLNode) -> [Located<[Name]>] {
        if node.scalar == "none" { return [] }
        if case .list(let nodes) = node.content, nodes.count > 1 {
            let names = nodes.compactMap(\.scalar)
            if names.count == nodes.count, !names.contains(where: { $0.contains("->") || $0.isEmpty }) {
                report(
                    .syntaxScalar, "a list holds chains, and these are models", at: node.range,
                    help: "one chain of them is `\(names.joined(separator: " -> "))`")
                return []
            }
        }
        return elements(node, "downgrade", most: Bounds.chains).compactMap { element in
            guard let chain = scalar(element, "chain", { scanner throws(ScalarError) in try scanner.chain() }) else {
                return nil
            }
            let map = element.scalar.flatMap { text -> ValueMap? in
                guard case .scalar(_, let style) = element.content else { return nil }
                return ValueMap(text: text, style: style, range: element.range)
            }
            let models = chain.value.map { part in
                Located(part.name, at: map?.range(part.lower, part.upper) ?? element.range)
            }
            return Located(models, at: element.range)
        }
    }
}

extension TextScanner {
    struct ChainPart {
        var name: String
        var lower: Int
        var upper: Int
    }

    /// Parses `gpt-4o -> gpt-4o-mini`.
    mutating func chain() throws(ScalarError) -> [ChainPart] {
        var parts: [ChainPart] = []
        repeat {
            skipSpaces()
            let start = position
            let model = try pattern("a model")
            guard model.isExact else { throw error("a chain names models, not patterns", from: start) }
            parts.append(ChainPart(name: model.text, lower: start, upper: position))
            guard parts.count <= Bounds.chainModels else {
                throw error("a chain has at most \(Bounds.chainModels) models", from: start)
            }
            skipSpaces()
        } while take("->")
        try expectEnd(help: "models of a chain are joined by `->`")
        guard parts.count > 1 else {
            throw error("a chain needs at least two models", from: 0, help: "as in `gpt-4o -> gpt-4o-mini`")
        }
        return parts
    }

    /// Checks the syntax of a chain.
    package mutating func checkChain() throws(ScalarError) { _ = try chain() }

    /// Parses a count with an optional unit, as in `burst: 5`.
    mutating func burst() throws(ScalarError) -> Int64 {
        if let money = try moneyIfPresent() { return money.nanos }
        return try count("a count")
    }
}
