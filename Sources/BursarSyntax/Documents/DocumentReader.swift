/// Turns the nodes of one document into declarations.
extension NodeReader {
    mutating func document(_ node: YAMLNode, into documents: inout Documents) {
        guard let first = node.entries?.first else {
            shape(
                node, expected: "a map", for: "a document",
                help: "its first key is one of: " + Keys.kinds.names.joined(separator: ", "))
            return
        }
        switch first.name {
        case "policy": if let policy = policy(node) { documents.policies.append(policy) }
        case "catalog": if let catalog = catalog(node) { documents.catalogs.append(catalog) }
        case "tenants": documents.tenants += tenants(node)
        case "tests": documents.tests += tests(node)
        default:
            let kind = node.entries?.first { Keys.kinds.names.contains($0.name) }
            let near = nearest(first.name, among: Keys.kinds.names)
            diagnostics.add(
                Diagnostic(
                    .syntaxUnknownKey,
                    "the first key is the kind of the document, and there is no kind `\(first.name)`",
                    at: first.key.range,
                    notes: kind.map { [.init("this key must come first", at: $0.key.range)] } ?? [],
                    help: near == nil ? "kinds: " + Keys.kinds.names.joined(separator: ", ") : nil,
                    fix: near.map { .init("did you mean", replace: first.key.range, with: $0) }))
        }
    }

    private mutating func version(_ map: [String: YAMLEntry]) -> Located<Version>? {
        map["version"].flatMap { entry in
            scalar(entry.value, "version") { scanner throws(ScalarError) in try scanner.version() }
        }
    }

    private mutating func instant(_ entry: YAMLEntry?, _ what: String) -> Located<InstantLiteral>? {
        entry.flatMap { entry in
            scalar(entry.value, what) { scanner throws(ScalarError) in try scanner.instant() }
        }
    }

    private mutating func currency(_ entry: YAMLEntry?) -> Name? {
        entry.flatMap { entry in
            scalar(entry.value, "currency") { scanner throws(ScalarError) in
                guard let code = scanner.currencyCode() else {
                    throw scanner.unexpected("expected a currency of three letters such as USD")
                }
                return code
            }
        }
    }

    // MARK: - Policy

    private enum Unpriced: String, CaseIterable { case deny, allow }

    private mutating func policy(_ node: YAMLNode) -> PolicyDocument? {
        guard let map = map(node, "a policy", keys: Keys.policy.names, required: ["version"]),
            let idNode = map["policy"]?.value,
            let id = name(idNode, "the id of a policy")
        else { return nil }
        // If the version is missing, the rest is still read, so that one run reports every error.
        let version = version(map)
        var policy = PolicyDocument(node: node, id: id, version: version ?? Located(Version(""), at: id.range))
        policy.effective = instant(map["effective"], "effective")
        policy.until = instant(map["until"], "until")
        policy.hasUnreadableTime =
            (map["effective"] != nil) != (policy.effective != nil) || (map["until"] != nil) != (policy.until != nil)
        policy.timezone = map["timezone"].flatMap { text($0.value, "timezone") }
        policy.currency = currency(map["currency"])
        policy.catalog = map["catalog"].flatMap { name($0.value, "the id of a catalog") }
        if let node = map["mode"]?.value, let mode = oneOf(node, "mode", PolicyMode.self) { policy.mode = mode }
        policy.defaultTier = map["default tier"].flatMap { name($0.value, "default tier") }
        if let node = map["unpriced"]?.value {
            policy.allowsUnpriced = oneOf(node, "unpriced", Unpriced.self) == .allow
        }
        if let node = map["estimate"]?.value, let map = self.map(node, "estimate", keys: Keys.estimate.names) {
            if map.isEmpty { report(.syntaxShape, "estimate needs the key `output` or `by`", at: node.range) }
            policy.estimateBasis = map["by"].flatMap { oneOf($0.value, "by", EstimateBasis.self) }
            policy.estimatedOutput = map["output"].flatMap { entry in
                scalar(entry.value, "estimate") { scanner throws(ScalarError) in try scanner.tokenCount() }?.value
            }
        }
        if let node = map["retry window"]?.value {
            policy.retryWindow = retryWindow(node)
        }
        if let node = map["audiences"]?.value {
            for entry in namedEntries(node, "audiences", most: Bounds.audiences) {
                _ = text(entry.value, "audience")
                if let name = name(entry.key, "the name of an audience") { policy.audiences.append(name) }
            }
        }
        if let node = map["features"]?.value { policy.features = features(node) }
        if let node = map["limits"]?.value { policy.limits = limits(node) }
        if let node = map["rules"]?.value {
            policy.rules = namedEntries(node, "rules", most: Bounds.rules).compactMap { rule($0) }
        }
        if let node = map["tools"]?.value { policy.tools = tools(node) }
        if let node = map["tiers"]?.value {
            policy.tiers = namedEntries(node, "tiers", most: Bounds.tiers).compactMap { tier($0) }
        }
        if let node = map["alerts"]?.value {
            policy.alerts = namedEntries(node, "alerts", most: Bounds.alerts).compactMap { alert($0) }
        }
        if let node = map["checks"]?.value { policy.checks = checks(node) }
        if let node = map["description"]?.value { _ = text(node, "description") }
        return policy
    }

    private mutating func retryWindow(_ node: YAMLNode) -> Int64? {
        let window = scalar(node, "retry window") { scanner throws(ScalarError) in try scanner.duration() }
        guard let window, window.value > Bounds.retryWindow else { return window?.value }
        report(
            .syntaxBound, "a retry window is \(Bounds.retryWindow / Micros.day) days at most", at: window.range,
            help: "every admitted request of this time is kept in memory; ten minutes, the default, suit most retries")
        return nil
    }

    private enum CheckLevel: String, CaseIterable { case off, note, warning, error }

    private mutating func checks(_ node: YAMLNode) -> [(code: Name, severity: Located<Severity?>)] {
        namedEntries(node, "checks", most: Bounds.checks).compactMap { entry in
            guard let level = oneOf(entry.value, "the severity of a check", CheckLevel.self) else { return nil }
            return (
                Located(entry.name, at: entry.key.range),
                Located(Severity(rawValue: level.rawValue), at: entry.value.range)
            )
        }
    }

    private mutating func features(_ node: YAMLNode) -> [FeatureDeclaration] {
        namedEntries(node, "features", most: Bounds.features).compactMap { entry in
            guard let name = name(entry.key, "the name of a feature") else { return nil }
            if entry.value.isEmpty { return FeatureDeclaration(name: name, isCritical: false) }
            guard let map = map(entry.value, "a feature", keys: Keys.feature.names) else { return nil }
            let critical = map["critical"].flatMap { boolean($0.value, "critical") }
            return FeatureDeclaration(name: name, isCritical: critical?.value ?? false)
        }
    }

    private mutating func rule(_ entry: YAMLEntry) -> RuleDeclaration? {
        guard let name = name(entry.key, "the name of a rule"),
            let map = map(entry.value, "a rule", keys: Keys.rule.names)
        else { return nil }
        let effects = RuleDeclaration.Effect.allCases.filter { map[$0.rawValue] != nil }
        guard let effect = effects.first, effects.count == 1, let codeEntry = map[effect.rawValue] else {
            report(
                .syntaxShape, "a rule has exactly one of `deny`, `confirm` and `approve`", at: entry.key.range,
                help: "as in {when: request_class == \"batch\", deny: batch_not_in_plan}")
            return nil
        }
        guard let code = self.name(codeEntry.value, "a code") else { return nil }
        check(code: code)
        var rule = RuleDeclaration(name: name, when: nil, effect: effect, code: code)
        if let node = map["when"]?.value {
            rule.when = condition(node, "when")
            if rule.when == nil { return nil }
        }
        return rule
    }

    private mutating func tools(_ node: YAMLNode) -> ToolsDeclaration {
        guard let map = map(node, "tools", keys: Keys.tools.names) else {
            return ToolsDeclaration()
        }
        var tools = ToolsDeclaration()
        if let node = map["deny"]?.value { tools.deny = patterns(node, "deny") }
        if let node = map["approve"]?.value { tools.approve = patterns(node, "approve") }
        if let node = map["allow"]?.value { tools.allow = patterns(node, "allow") }
        if let node = map["default"]?.value, let value = oneOf(node, "default", ToolsDeclaration.Default.self) {
            tools.fallback = value
        }
        return tools
    }

    private mutating func tier(_ entry: YAMLEntry) -> TierDeclaration? {
        guard let name = name(entry.key, "the name of a tier") else { return nil }
        var tier = TierDeclaration(name: name)
        if entry.value.isEmpty { return tier }
        guard let map = map(entry.value, "a tier", keys: Keys.tier.names) else { return tier }
        tier.extends = map["extends"].flatMap { self.name($0.value, "extends") }
        if let node = map["price"]?.value {
            tier.price = scalar(node, "price") { scanner throws(ScalarError) in try scanner.monthlyPrice() }
        }
        tier.models = map["models"].map { Located(patterns($0.value, "models"), at: $0.value.range) }
        tier.downgrade = map["downgrade"].flatMap { downgrade($0.value) }
        tier.block = map["block"].map { Located(texts($0.value, "block"), at: $0.value.range) }
        if let node = map["limits"]?.value { tier.limits = limits(node) }
        tier.weights = map["weights"].flatMap { weights($0.value) }
        tier.upgrade = map["upgrade"].flatMap { upgrade($0.value) }
        return tier
    }

    private mutating func upgrade(_ node: YAMLNode) -> UpgradeDeclaration? {
        guard let map = map(node, "upgrade", keys: Keys.upgrade.names) else { return nil }
        return UpgradeDeclaration(
            to: map["to"].flatMap { name($0.value, "to") }, url: map["url"].flatMap { text($0.value, "url")?.value })
    }

    // MARK: - Catalog

    private mutating func catalog(_ node: YAMLNode) -> CatalogDocument? {
        guard let map = map(node, "a catalog", keys: Keys.catalog.names, required: ["version", "models"]),
            let id = map["catalog"].flatMap({ name($0.value, "the id of a catalog") })
        else { return nil }
        var catalog = CatalogDocument(node: node, id: id, version: version(map) ?? Located(Version(""), at: id.range))
        catalog.effective = instant(map["effective"], "effective")
        catalog.currency = currency(map["currency"])
        if let node = map["classes"]?.value {
            catalog.classes = elements(node, "classes", most: Bounds.classes).compactMap {
                name($0, "the name of a class")
            }
        }
        if let node = map["models"]?.value {
            catalog.models = namedEntries(node, "models", most: Bounds.models).compactMap { model($0) }
        }
        return catalog
    }

    private mutating func model(_ entry: YAMLEntry) -> ModelDeclaration? {
        guard
            let name = scalar(
                entry.key, "a model", { scanner throws(ScalarError) in try scanner.pattern("a model").text })
        else { return nil }
        var model = ModelDeclaration(name: name)
        if entry.value.isEmpty { return model }
        guard let map = map(entry.value, "a model", keys: Keys.model.names) else { return nil }
        model.modelClass = map["class"].flatMap { self.name($0.value, "class") }
        model.provider = map["provider"].flatMap { text($0.value, "provider")?.value }
        if let node = map["aliases"]?.value { model.aliases = patterns(node, "an alias", most: Bounds.aliases) }
        if let node = map["price"]?.value { model.price = price(node) }
        model.context = map["context"].flatMap { entry in
            scalar(entry.value, "context") { scanner throws(ScalarError) in try scanner.tokenCount() }?.value
        }
        return model
    }

    private mutating func price(_ node: YAMLNode) -> ModelDeclaration.Price? {
        guard
            let map = map(
                node, "a price", keys: Keys.price.names, required: ["input", "output"])
        else { return nil }
        var marks: [Located<CurrencyMark>] = []
        func perToken(_ key: String, _ reader: inout NodeReader) -> Int64? {
            guard let node = map[key]?.value,
                let price = reader.scalar(node, "price", { scanner throws(ScalarError) in try scanner.price() })
            else { return nil }
            marks.append(Located(price.value.currency, at: price.range))
            return price.value.picosPerToken
        }
        let input = perToken("input", &self)
        let cached = perToken("cached", &self)
        let output = perToken("output", &self)
        var price = ModelDeclaration.Price(input: input ?? 0, cached: cached, output: output ?? 0)
        if let node = map["request"]?.value,
            let fee = scalar(node, "request", { scanner throws(ScalarError) in try scanner.money() })
        {
            price.request = fee.value.nanos
            marks.append(Located(fee.value.currency, at: fee.range))
        }
        price.marks = marks
        // The error is reported. Without a price here, every use of the model would be reported too.
        return map["input"] == nil || map["output"] == nil ? nil : price
    }

    // MARK: - Tenants

    private mutating func tenants(_ node: YAMLNode) -> [TenantDeclaration] {
        guard let map = map(node, "a tenants document", keys: Keys.tenants.names), let tenants = map["tenants"]
        else {
            return []
        }
        return namedEntries(tenants.value, "tenants").compactMap { tenant($0) }
    }

    private enum Status: String, CaseIterable { case active, suspended }
    private enum Acceptance: String, CaseIterable { case downgrade }

    private mutating func tenant(_ entry: YAMLEntry) -> TenantDeclaration? {
        guard let id = freeName(entry.key, "a tenant") else { return nil }
        var tenant = TenantDeclaration(id: id)
        if entry.value.isEmpty { return tenant }
        guard let map = map(entry.value, "a tenant", keys: Keys.tenant.names) else { return nil }
        tenant.tier = map["tier"].flatMap { name($0.value, "tier") }
        if let node = map["status"]?.value { tenant.isSuspended = oneOf(node, "status", Status.self) == .suspended }
        if let node = map["accepts"]?.value {
            for element in elements(node, "accepts") where oneOf(element, "accepts", Acceptance.self) != nil {
                tenant.acceptsDowngrade = true
            }
        }
        tenant.group = map["group"].flatMap { freeName($0.value, "group")?.value }
        tenant.since = instant(map["since"], "since")
        if let node = map["prepaid"]?.value,
            let money = scalar(node, "prepaid", { scanner throws(ScalarError) in try scanner.money() })
        {
            tenant.grants.append(GrantDeclaration(amount: money, isBought: true))
        }
        if let node = map["grants"]?.value {
            tenant.grants += elements(node, "grants", most: Bounds.grants).compactMap { grant($0) }
        }
        tenant.models = map["models"].map { Located(patterns($0.value, "models"), at: $0.value.range) }
        tenant.downgrade = map["downgrade"].flatMap { downgrade($0.value) }
        tenant.block = map["block"].map { Located(texts($0.value, "block"), at: $0.value.range) }
        if let node = map["limits"]?.value { tenant.limits = limits(node) }
        tenant.weights = map["weights"].flatMap { weights($0.value) }
        tenant.upgrade = map["upgrade"].flatMap { upgrade($0.value) }
        if let node = map["scopes"]?.value { tenant.scopes = scopeTree(node) }
        if let node = map["exceptions"]?.value {
            tenant.exceptions = elements(node, "exceptions", most: Bounds.exceptions).compactMap { exception($0) }
        }
        return tenant
    }

    private enum GrantKind: String, CaseIterable { case granted, bought }

    private mutating func grant(_ node: YAMLNode) -> GrantDeclaration? {
        guard
            let map = map(
                node, "a grant", keys: Keys.grant.names, required: ["amount"]),
            let amount = map["amount"].flatMap({ entry in
                scalar(entry.value, "amount") { scanner throws(ScalarError) in try scanner.money() }
            })
        else { return nil }
        var grant = GrantDeclaration(amount: amount)
        grant.from = instant(map["from"], "from")
        grant.until = instant(map["until"], "until")
        if let node = map["priority"]?.value,
            let priority = scalar(node, "priority", { scanner throws(ScalarError) in try scanner.count("a priority") })
        {
            grant.priority = priority.value
        }
        if let node = map["kind"]?.value { grant.isBought = oneOf(node, "kind", GrantKind.self) == .bought }
        return grant
    }

    private mutating func exception(_ node: YAMLNode) -> ExceptionDeclaration? {
        guard
            let map = map(
                node, "an exception", keys: Keys.exception.names,
                required: ["limit", "amount", "until", "reason"]),
            let limit = map["limit"].flatMap({ name($0.value, "limit") }),
            let amount = map["amount"].flatMap({ quantity($0.value, "amount") }),
            let until = instant(map["until"], "until")
        else { return nil }
        return ExceptionDeclaration(
            limit: limit, amount: amount, until: until,
            reason: map["reason"].flatMap { text($0.value, "reason")?.value },
            approvedBy: map["approved by"].flatMap { text($0.value, "approved by")?.value })
    }

    private static let treeScopes: [Scope] = [
        .workspace, .app, .workflow, .agent, .toolset, .run, .session, .user, .apiKey, .feature, .model,
    ]

    /// Reads `workspace production: {limits: …, workflow x: {…}}`, nested to any depth that the reader allows.
    private mutating func scopeTree(_ node: YAMLNode) -> [ScopeDeclaration] {
        namedEntries(node, "scopes").compactMap { scopeNode($0) }
    }

    private mutating func scopeNode(_ entry: YAMLEntry) -> ScopeDeclaration? {
        let parts = entry.name.split(separator: " ", maxSplits: 1)
        let known = Self.treeScopes.map(\.rawValue)
        guard parts.count == 2, let scope = Scope(rawValue: String(parts[0])), Self.treeScopes.contains(scope) else {
            let near = parts.first.flatMap { nearest(String($0), among: known) }
            report(
                .syntaxUnknownKey, "a scope is named by its kind and its value, as in `workspace production`",
                at: entry.key.range,
                help: near.map { "did you mean `\($0)`?" } ?? "kinds: " + known.joined(separator: ", "))
            return nil
        }
        var node = ScopeDeclaration(
            scope: scope, value: Located(String(parts[1]), at: entry.key.range), limits: [], children: [])
        if entry.value.isEmpty { return node }
        guard let entries = entry.value.entries else {
            shape(entry.value, expected: "a map", for: "a scope")
            return nil
        }
        for child in entries {
            if child.name == "limits" {
                node.limits = limits(child.value)
            } else if child.name == "description" {
                _ = text(child.value, "description")
            } else if let child = scopeNode(child) {
                node.children.append(child)
            }
        }
        return node
    }
}

extension TextScanner {
    /// Parses `1k tokens` or `128k`.
    mutating func tokenCount() throws(ScalarError) -> Int64 {
        let number = try count("a number of tokens")
        skipSpaces()
        if takeWords("tokens") || takeWords("token") {}
        return number
    }

    /// Parses `$29/month`.
    mutating func monthlyPrice() throws(ScalarError) -> MoneyLiteral {
        let money = try money()
        guard take("/"), takeWords("month") else { throw unexpected("expected `/month`", help: "as in `$29/month`") }
        return money
    }
}
