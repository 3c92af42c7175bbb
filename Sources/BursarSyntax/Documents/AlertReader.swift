/// An alert as written in the policy.
package struct AlertDeclaration: Sendable {
    package var name: Name
    /// The conditions; empty for an alert on the states of a budget.
    package var terms: Located<[AlertTerm]>?
    /// A limit whose state changes are reported: ok, warning, exceeded.
    package var budget: Name?
    package var warning: Percentage?
    package var exceeded: Percentage?
    package var window: Located<WindowLiteral>?
    package var per: Located<[AlertScope]>?
    package var isAcrossTenants = false
    package var when: Located<Condition>?
    /// The minimum number of requests in a window.
    package var atLeast: Int64?
    /// The number of earlier windows in the baseline.
    package var baseline: Int64?
    package var audiences: [Name] = []
}

/// A dimension that splits an alert: a scope of limits, or the version of a prompt.
package enum AlertScope: String, Sendable, Hashable, CaseIterable {
    case tenant, workspace, app, workflow, agent, toolset, run, session, user
    case apiKey = "api_key"
    case feature, model
    case promptVersion = "prompt_version"
}

extension NodeReader {
    mutating func alert(_ entry: YAMLEntry) -> AlertDeclaration? {
        guard let name = name(entry.key, "the name of an alert"),
            let map = map(entry.value, "an alert", keys: Keys.alert.names)
        else { return nil }
        let errors = diagnostics.items.count
        var alert = AlertDeclaration(name: name)
        if let node = map["if"]?.value {
            alert.terms = scalar(node, "if") { scanner throws(ScalarError) in try scanner.alertCondition() }
        }
        alert.budget = map["budget"].flatMap { self.name($0.value, "the name of a limit") }
        alert.warning = map["warning"].flatMap { percentage($0.value, "warning") }
        alert.exceeded = map["exceeded"].flatMap { percentage($0.value, "exceeded") }
        alert.window = map["window"].flatMap { entry in
            scalar(entry.value, "window") { scanner throws(ScalarError) in try scanner.window() }
        }
        if let node = map["per"]?.value { alert.per = alertScopes(node) }
        if let node = map["across tenants"]?.value {
            alert.isAcrossTenants = boolean(node, "across tenants")?.value ?? false
        }
        if let node = map["when"]?.value { alert.when = condition(node, "when") }
        alert.atLeast = map["at least"].flatMap { requests($0.value) }
        alert.baseline = map["baseline"].flatMap { windows($0.value) }
        if let node = map["notify"]?.value {
            for element in elements(node, "notify") {
                if let name = self.name(element, "an audience") { alert.audiences.append(name) }
            }
        }
        if let node = map["description"]?.value { _ = text(node, "description") }
        guard diagnostics.items.count == errors else { return nil }
        return isWhole(alert, map) ? alert : nil
    }

    /// Reports keys that cannot be combined.
    private mutating func isWhole(_ alert: AlertDeclaration, _ map: [String: YAMLEntry]) -> Bool {
        guard (alert.terms == nil) != (alert.budget == nil) else {
            report(
                .syntaxShape, "an alert has exactly one of `if` and `budget`", at: alert.name.range,
                help: "as in {if: spend > 200% of baseline, window: day}, or {budget: monthly, warning: 80%}")
            return false
        }
        var strays: [(key: String, why: String)] = []
        if alert.budget != nil {
            let why = "the limit determines what is counted, for whom and in which window"
            strays = ["window", "per", "across tenants", "when", "at least", "baseline"].map { ($0, why) }
        } else {
            strays = ["warning", "exceeded"].map { ($0, "it belongs to a `budget`") }
            if alert.terms?.value.contains(where: { $0.limit != nil }) == true {
                let why = "the limit determines what is counted, for whom and in which window"
                strays += ["window", "per", "across tenants", "when"].map { ($0, why) }
            }
        }
        for (key, why) in strays {
            guard let entry = map[key] else { continue }
            report(.syntaxShape, "`\(key)` does not apply to this alert: \(why)", at: entry.key.range)
            return false
        }
        return true
    }

    private mutating func percentage(_ node: YAMLNode, _ what: String) -> Percentage? {
        scalar(node, what) { scanner throws(ScalarError) in try scanner.percentage() }?.value
    }

    private mutating func requests(_ node: YAMLNode) -> Int64? {
        scalar(node, "at least") { scanner throws(ScalarError) in
            let count = try scanner.count("a number of requests")
            scanner.skipSpaces()
            if scanner.takeWords("requests") || scanner.takeWords("request") {}
            return count
        }?.value
    }

    private mutating func windows(_ node: YAMLNode) -> Int64? {
        scalar(node, "baseline") { scanner throws(ScalarError) in
            let start = scanner.position
            let count = try scanner.count("a number of windows")
            guard (1...Bounds.baselineWindows).contains(count) else {
                throw scanner.error("a baseline has 1 to \(Bounds.baselineWindows) windows", from: start)
            }
            scanner.skipSpaces()
            if scanner.takeWords("windows") || scanner.takeWords("window") {}
            return count
        }?.value
    }

    private mutating func alertScopes(_ node: YAMLNode) -> Located<[AlertScope]>? {
        var scopes: [AlertScope] = []
        for element in elements(node, "per") {
            guard let scope = oneOf(element, "per", AlertScope.self) else { continue }
            if scopes.contains(scope) {
                report(.syntaxShape, "duplicate scope `\(scope.rawValue)`", at: element.range)
            } else {
                scopes.append(scope)
            }
        }
        if scopes.count > Bounds.alertScopes {
            report(.syntaxShape, "an alert has at most \(Bounds.alertScopes) scopes", at: node.range)
            return nil
        }
        return scopes.isEmpty ? nil : Located(scopes, at: node.range)
    }
}
