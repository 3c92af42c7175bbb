import BursarSyntax

/// Finds what the tests of a set cannot mean: values that their fields do not take, and names that the set does not have.
package struct TestChecker {
    private let set: PolicySet
    private let limits: LimitNames
    private let tiers: [String]
    private let rules: [String]
    private let codes: [String]
    private let audiences: [String]
    private let alerts: [String]
    private let features: [String]
    private var diagnostics = Diagnostics()

    /// The findings about the tests of a set that compiles.
    package static func check(_ documents: Documents, _ set: PolicySet) -> Diagnostics {
        if documents.tests.isEmpty { return Diagnostics() }
        var checker = TestChecker(documents, set)
        for test in documents.tests { checker.check(test) }
        return checker.diagnostics
    }

    private init(_ documents: Documents, _ set: PolicySet) {
        self.set = set
        limits = LimitNames(documents)
        tiers = Self.sorted(set.editions.flatMap(\.tierNames))
        rules = Self.sorted(documents.policies.flatMap { $0.rules.map(\.name.value) })
        let own = documents.policies.flatMap { $0.rules.map(\.code.value) }
        codes = Self.sorted(ReasonCodes.builtIn + own + limits.codes)
        audiences = Self.sorted(documents.policies.flatMap { $0.audiences.map(\.value) })
        alerts = Self.sorted(documents.policies.flatMap { $0.alerts.map(\.name.value) })
        features = Self.sorted(documents.policies.flatMap { $0.features.map(\.name.value) } + limits.features)
    }

    private static func sorted(_ names: [String]) -> [String] { Array(Set(names)).sorted() }

    private mutating func check(_ test: TestDeclaration) {
        let values = TestValues(test)
        diagnostics.add(contentsOf: values.diagnostics)
        for use in values.uses { check(use) }
        for given in test.given + test.cases.flatMap(\.given) { check(given) }
        guard let currency = set.editions.last?.policy.currency else { return }
        let context = CompileContext(zone: .utc, currency: currency, catalog: nil, audiences: [], isShadow: false)
        for mark in values.currencies { context.check(mark.value, at: mark.range, &diagnostics) }
    }

    // MARK: - Names

    private mutating func check(_ use: TestValues.Use) {
        let name = use.name.value
        switch use.kind {
        case .tier: require(use, tiers, unless: ["unknown_tenant"])
        case .model:
            if !isModel(name), !(use.isOfRequest && isUnpricedExpected(use)) { addUnknownModel(use) }
        case .feature:
            // Features are open, so only a name that is nearly another one is a mistake.
            guard !features.contains(name), diagnostics.canSuggest, nearestName(to: name, among: features) != nil
            else { return }
            diagnostics.addUnknown("feature", use.name, among: features)
        case .limit:
            if !limits.contains(name) { diagnostics.addUnknown("limit", use.name, among: limits.names) }
        case .rule: require(use, rules)
        case .code: require(use, codes)
        case .audience: require(use, audiences)
        case .alert: require(use, alerts)
        }
    }

    private mutating func require(_ use: TestValues.Use, _ known: [String], unless codes: [String] = []) {
        if known.contains(use.name.value) || use.expected.contains(where: { Self.mentions($0, codes) }) { return }
        diagnostics.addUnknown(use.kind.noun, use.name, among: known)
    }

    private func isModel(_ name: String) -> Bool {
        set.editions.contains { $0.catalog?.model(name) != nil }
    }

    /// The test is about a model without a price.
    private func isUnpricedExpected(_ use: TestValues.Use) -> Bool {
        use.expected.contains { node in
            Self.mentions(node, ["model_unpriced", "model_not_allowed"])
                || node.entries?.contains { $0.name == "unpriced" && $0.value.scalar == "true" } == true
        }
    }

    private mutating func addUnknownModel(_ use: TestValues.Use) {
        let known = set.editions.flatMap { $0.catalog?.knownNames ?? [] }
        var finding = Names.unknown("model", use.name, among: diagnostics.canSuggest ? Self.sorted(known) : [])
        if finding.fix == nil, use.isOfRequest {
            finding.help = "if the test is about a model without a price, expect `{code: model_unpriced}`"
        }
        diagnostics.add(finding)
    }

    /// Whether an expectation names one of these codes.
    private static func mentions(_ node: YAMLNode, _ codes: [String]) -> Bool {
        switch node.content {
        case .scalar: return false
        case .list(let nodes): return nodes.contains { mentions($0, codes) }
        case .map(let entries):
            return entries.contains { entry in
                if entry.name == "code", let code = entry.value.scalar { return codes.contains(code) }
                return mentions(entry.value, codes)
            }
        }
    }

    // MARK: - Amounts

    private mutating func check(_ given: GivenUsage) {
        guard limits.contains(given.limit.value) else {
            return diagnostics.addUnknown("limit", given.limit, among: limits.names)
        }
        let units = limits.units(of: given.limit.value)
        guard !units.isEmpty, !units.contains(where: { given.amount.value.nanosOrCount(of: $0) != nil }) else { return }
        diagnostics.add(given.mismatch(units.sorted { $0.rawValue < $1.rawValue }[0], set))
    }
}

extension GivenUsage.Amount {
    /// The amount for a limit of a unit; nil if it is an amount of something else.
    package func nanosOrCount(of unit: Unit) -> Int64? {
        switch self {
        case .money(let money): unit == .spend ? money.nanos : nil
        case .count(let count, let written):
            unit != .spend && (written == nil || written == unit) ? count : nil
        case .fraction: nil
        }
    }
}

extension GivenUsage {
    /// The finding about an amount that is not one of the limit's unit.
    package func mismatch(_ unit: Unit, _ set: PolicySet) -> Diagnostic {
        let text = set.sources[amount.range]?.text(amount.range) ?? ""
        var finding = Diagnostic(
            .syntaxScalar,
            unit == .spend
                ? "`\(limit.value)` limits spend, and `\(text)` is not an amount of money"
                : "`\(limit.value)` limits \(unit.rawValue), and `\(text)` is not a whole number of them",
            at: amount.range)
        let bare = text.hasPrefix("$") ? String(text.dropFirst()) : text
        let isBare = bare.utf8.allSatisfy {
            ($0 >= 0x30 && $0 <= 0x39) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "_")
        }
        switch amount.value {
        case .count(_, nil) where unit == .spend && isBare, .fraction where unit == .spend && isBare:
            let currency = set.editions.last?.policy.currency ?? "USD"
            finding.fix = .init(
                "write the currency", replace: amount.range,
                with: currency == "USD" ? "$" + bare : "\(bare) \(currency)")
        case .money where isBare && !bare.contains("."):
            finding.fix = .init("write the number", replace: amount.range, with: bare)
        default: break
        }
        return finding
    }
}

/// The codes that decisions give by themselves; `Docs/reason-codes.md` explains them.
package enum ReasonCodes {
    package static let builtIn = [
        "approval_required", "bad_request", "concurrency_exceeded", "confirmation_required", "feature_blocked",
        "feature_budget_exceeded", "model_not_allowed", "model_unpriced", "no_policy_in_force", "policy_frozen",
        "prepaid_balance_required", "quota_exceeded", "rate_limited", "request_id_reused", "request_too_large",
        "run_budget_exceeded", "scope_budget_exceeded", "tenant_budget_exceeded", "tenant_suspended", "tool_denied",
        "unknown_tenant",
    ]

    /// Codes of requests that never reached a limit or a rule of the policy. A test that expects a refusal and gets one of
    /// these has shown nothing, unless it names the code.
    package static let beforePolicy: Set = [
        "bad_request", "model_unpriced", "no_policy_in_force", "request_id_reused", "unknown_tenant",
    ]
}

/// The limits of a set's documents by name, with the units that they count.
private struct LimitNames {
    private var units: [String: Set<Unit>] = [:]
    /// By the limit that is divided: features with a share, and whether others have one.
    private var shares: [String: (features: Set<String>, isOpen: Bool)] = [:]
    /// The codes of their `deny CODE`.
    private(set) var codes: [String] = []

    init(_ documents: Documents) {
        for policy in documents.policies {
            add(policy.limits)
            for tier in policy.tiers {
                add(tier.limits)
                add(tier.weights)
            }
        }
        for tenant in documents.tenants {
            add(tenant.limits)
            add(tenant.weights)
            add(tenant.scopes)
        }
    }

    private mutating func add(_ scopes: [ScopeDeclaration]) {
        for scope in scopes {
            add(scope.limits)
            add(scope.children)
        }
    }

    private mutating func add(_ limits: [LimitDeclaration]) {
        for limit in limits {
            units[limit.name.value, default: []].formUnion(limit.amount.map { [$0.value.unit] } ?? [])
            if limit.prepaid?.value == true { units[limit.name.value, default: []].insert(.spend) }
            for action in limit.thresholds?.value.flatMap(\.actions) ?? [] {
                for case .deny(let code?) in action.action.value.alternatives { codes.append(code) }
            }
        }
    }

    private mutating func add(_ weights: WeightsDeclaration?) {
        guard let weights else { return }
        shares[weights.of.value, default: ([], false)].features.formUnion(weights.shares.map(\.feature.value))
        if weights.other != nil { shares[weights.of.value, default: ([], false)].isOpen = true }
    }

    var features: [String] { shares.values.flatMap(\.features) }

    /// Limits and shares, sorted.
    var names: [String] {
        let parts = shares.flatMap { base, share in
            (share.features + (share.isOpen ? ["other"] : [])).map { "\(base)/\($0)" }
        }
        return (Array(units.keys) + parts).sorted()
    }

    private func base(of name: String) -> String? {
        guard let slash = name.firstIndex(of: "/") else { return nil }
        let base = String(name[..<slash])
        guard let share = shares[base] else { return nil }
        return share.isOpen || share.features.contains(String(name[name.index(after: slash)...])) ? base : nil
    }

    func contains(_ name: String) -> Bool { units[name] != nil || base(of: name) != nil }

    func units(of name: String) -> Set<Unit> { units[name] ?? base(of: name).flatMap { units[$0] } ?? [] }
}
