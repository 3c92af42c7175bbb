import BursarSyntax

/// The map at a position of a document.
struct Place {
    /// The keys of the map; nil if its keys are names.
    var keys: KeyGroup?
    /// The kind of names that are its keys.
    var keyNames: NameKind?

    /// The map at a path; nil if the path is unknown.
    init?(kind: String?, path: [String]) {
        switch kind {
        case nil: self.init(keys: Keys.kinds)
        case "policy": self.init(policy: path[...])
        case "catalog": self.init(catalog: path[...])
        case "tenants": self.init(tenants: path[...])
        case "tests": self.init(tests: path[...])
        default: return nil
        }
    }

    private init(keys: KeyGroup? = nil, names: NameKind? = nil) {
        self.keys = keys
        keyNames = names
    }

    private init?(policy path: ArraySlice<String>) {
        let rest = path.dropFirst()
        switch path.first {
        case nil: self.init(keys: Keys.policy)
        case "estimate": self.init(keys: Keys.estimate)
        case "features": self.init(keys: rest.isEmpty ? nil : Keys.feature, names: rest.isEmpty ? .feature : nil)
        case "rules": self.init(keys: rest.isEmpty ? nil : Keys.rule, names: rest.isEmpty ? .rule : nil)
        case "alerts": self.init(keys: rest.isEmpty ? nil : Keys.alert, names: rest.isEmpty ? .alert : nil)
        case "tools": self.init(keys: Keys.tools)
        case "limits": self.init(limits: rest)
        case "tiers":
            if rest.isEmpty { return nil }
            self.init(plan: rest.dropFirst(), keys: Keys.tier)
        default: return nil
        }
    }

    private init?(plan path: ArraySlice<String>, keys: KeyGroup) {
        let rest = path.dropFirst()
        switch path.first {
        case nil: self.init(keys: keys)
        case "limits": self.init(limits: rest)
        case "weights": self.init(keys: Keys.weights, names: .feature)
        case "downgrade": self.init(keys: Keys.downgrade)
        case "upgrade": self.init(keys: Keys.upgrade)
        case "grants": self.init(keys: Keys.grant)
        case "exceptions": self.init(keys: Keys.exception)
        case "scopes":
            guard let limits = rest.firstIndex(of: "limits") else { return nil }
            self.init(limits: rest[(limits + 1)...])
        default: return nil
        }
    }

    private init?(limits path: ArraySlice<String>) {
        switch (path.first, path.dropFirst().first) {
        case (nil, _): self.init(names: .limit)
        case (_, nil): self.init(keys: Keys.limit)
        case (_, "rollover"): self.init(keys: Keys.rollover)
        case (_, "at") where path.count > 2: self.init(keys: Keys.action)
        default: return nil
        }
    }

    private init?(catalog path: ArraySlice<String>) {
        switch path.count {
        case 0: self.init(keys: Keys.catalog)
        case 1: self.init(names: .model)
        case 2 where path.first == "models": self.init(keys: Keys.model)
        case 3 where path.last == "price": self.init(keys: Keys.price)
        default: return nil
        }
    }

    private init?(tenants path: ArraySlice<String>) {
        switch path.count {
        case 0: self.init(keys: Keys.tenants)
        case 1: self.init(names: .tenant)
        default: self.init(plan: path.dropFirst(2), keys: Keys.tenant)
        }
    }

    private init?(tests path: ArraySlice<String>) {
        switch path.last {
        case nil: self.init(keys: Keys.tests)
        case "steps": self.init(keys: Keys.step)
        case "each": self.init(keys: Keys.testCase)
        case "given": self.init(names: .limit)
        default:
            if path.count == 2 { self.init(keys: Keys.test) } else { return nil }
        }
    }
}

/// The possible values of a key.
enum ValueChoice {
    case words([String])
    case names([NameKind], also: [String])
    case action
    case condition

    init?(kind: String?, path: [String]) {
        guard let key = path.last else { return nil }
        if let at = path.lastIndex(of: "at"), at < path.count - 1, kind != "tests" {
            self = key == "when" ? .condition : .action
            return
        }
        switch key {
        case "extends", "default tier", "tier", "to": self = .names([.tier], also: [])
        case "catalog": self = .names([.catalog], also: [])
        case "class": self = .names([.modelClass], also: [])
        case "models": self = .names([.modelClass, .model], also: ["any"])
        case "model": self = .names([.model], also: [])
        case "downgrade", "chains": self = .names([.model], also: ["none"])
        case "block", "feature": self = .names([.feature], also: [])
        case "of", "limit": self = .names([.limit], also: [])
        case "rule": self = .names([.rule], also: [])
        case "tenant": self = .names([.tenant], also: [])
        case "when": self = .condition
        case "per" where path.contains("alerts"): self = .words(AlertScope.allCases.map(\.rawValue))
        case "per": self = .words(Scope.allCases.map(\.rawValue))
        case "budget": self = .names([.limit], also: [])
        case "notify": self = .names([.audience], also: [])
        case "alerts": self = .names([.alert], also: [])
        case "mode": self = .words(PolicyMode.allCases.map(\.rawValue))
        case "unpriced": self = .words(["deny", "allow"])
        case "by": self = .words(EstimateBasis.allCases.map(\.rawValue))
        case "status": self = .words(["active", "suspended"])
        case "accepts": self = .words(["downgrade"])
        case "consent": self = .words(DowngradeDeclaration.Consent.allCases.map(\.rawValue))
        case "share": self = .words(["whole", "remaining"])
        case "default": self = .words(ToolsDeclaration.Default.allCases.map(\.rawValue))
        case "critical", "compounding", "prepaid", "release", "across tenants": self = .words(["true", "false"])
        case "expect", "outcome":
            self = .words(["allow", "allow_with_caps", "downgrade", "confirm", "approve", "throttle", "deny"])
        default: return nil
        }
    }
}

/// The actions of thresholds, for completion and hover text.
enum ActionWords {
    static let all: [(text: String, summary: String)] = [
        ("notify", "One event the first time a window crosses the threshold, for these audiences."),
        ("cap output 512 tokens", "Limits the output."),
        ("cap output to fit", "Limits the output to the remainder of the limit."),
        ("cap input 8k tokens", "Asks for a smaller context."),
        ("disable tools", "Removes tools from an agent."),
        ("serve cached", "Answers from a cache if possible."),
        ("cap steps 5", "Limits the steps of an agent."),
        ("cool down 30s", "Asks for a pause before the next request."),
        ("downgrade", "Uses the next model of the tier's chain that is allowed and fits the limits."),
        ("downgrade to", "Uses this model."),
        ("downgrade else deny", "Uses a cheaper model, or refuses."),
        ("throttle 1 requests/minute", "Above the threshold, admits requests only at this rate."),
        ("confirm", "Admits the request only if it is confirmed."),
        ("approve", "Admits the request only if it is approved."),
        ("overage", "Admits the request and bills it as overage."),
        ("overage up to $200", "Admits the request as overage, up to a ceiling."),
        ("deny", "Refuses the request."),
    ]

    static func summary(of word: String) -> String? {
        all.first { $0.text == word || $0.text.split(separator: " ").first.map(String.init) == word }?.summary
    }
}
