import BursarSyntax

/// Makes the plans of one edition from its tiers' and tenants' declarations.
struct PlanBuilder: Sendable {
    var context: CompileContext
    let policyLimits: [LimitDeclaration]
    /// After `extends`.
    let tiers: [String: PlanDeclaration]
    let tierNames: [String]
    let tierSources: [String: SourceRange]
    let tenants: [TenantDeclaration]

    func plan(tier name: String) -> Plan {
        var diagnostics = Diagnostics()
        return plan(tier: name, tenant: nil, at: 0, diagnostics: &diagnostics)
    }

    func plan(tier name: String, tenant index: Int, at time: Int64) -> Plan {
        var diagnostics = Diagnostics()
        return plan(tier: name, tenant: tenants[index], at: time, diagnostics: &diagnostics)
    }

    /// Compiles a plan and reports what does not fit together.
    func plan(tier name: String, tenant: TenantDeclaration?, at time: Int64, diagnostics: inout Diagnostics) -> Plan {
        let tier = tiers[name] ?? PlanDeclaration()
        var merged = tier
        if let tenant { merged = tier.overridden(by: tenant) }
        var validity = Interval.always
        if let tenant { applyExceptions(of: tenant, at: time, to: &merged, &validity, &diagnostics) }
        let limits = limits(merged, tier: tier, tenant: tenant, &diagnostics)
        return Plan(
            tier: name, models: access(merged.models, &diagnostics),
            downgrade: downgrade(merged.downgrade, &diagnostics),
            blockedFeatures: Set(merged.block?.value.map(\.value) ?? []), limits: limits,
            upgrade: merged.upgrade.map { Upgrade(to: $0.to?.value, url: $0.url) }, price: merged.price?.value.nanos,
            grants: grants(tenant), validity: validity, modelsSource: merged.models?.range,
            blockSource: merged.block?.range, tierSource: tierSources[name])
    }

    // MARK: - Limits

    private func limits(
        _ merged: PlanDeclaration, tier: PlanDeclaration, tenant: TenantDeclaration?, _ diagnostics: inout Diagnostics
    ) -> [Limit] {
        var compiler = LimitCompiler(context: context)
        var limits = policyLimits.compactMap { compiler.limit($0, layer: .policy) }
        let policyCount = limits.count
        // A merged limit keeps the place of the first, so the tenant's own are those that its tier lacks.
        let tierNames = Set(tier.limits.map(\.name.value))
        limits += merged.limits.filter { tierNames.contains($0.name.value) }
            .compactMap { compiler.limit($0, layer: .plan) }
        let own = merged.limits.filter { !tierNames.contains($0.name.value) }
            .compactMap { compiler.limit($0, layer: .plan) }
        if let weights = merged.weights {
            add(weights, to: &limits, own: own, policyCount: policyCount, &compiler)
        } else {
            limits += own
        }
        if let tenant { addScopes(tenant.scopes, within: [], to: &limits, &compiler) }
        diagnostics.add(contentsOf: compiler.diagnostics)
        return limits
    }

    private func add(
        _ weights: WeightsDeclaration, to limits: inout [Limit], own: [Limit], policyCount: Int,
        _ compiler: inout LimitCompiler
    ) {
        checkShares(weights, &compiler.diagnostics)
        let name = weights.of.value
        let partCount = weights.shares.count + (weights.other == nil ? 0 : 1)
        let planIndex = limits[policyCount...].firstIndex { $0.name == name }
        let ownIndex = own.firstIndex { $0.name == name }
        let policyIndex = limits[..<policyCount].firstIndex { $0.name == name }
        if let index = planIndex ?? ownIndex.map({ limits.count + partCount + $0 }) ?? policyIndex {
            let base = index < limits.count ? limits[index] : own[index - limits.count - partCount]
            limits += compiler.weights(weights, of: index, base)
        } else {
            let known = (limits + own).map(\.name)
            compiler.diagnostics.add(Names.unknown("limit", weights.of, among: known))
        }
        limits += own
    }

    private func checkShares(_ weights: WeightsDeclaration, _ diagnostics: inout Diagnostics) {
        let shares = weights.shares.map(\.share.value.scaled) + [weights.other?.value.scaled ?? 0]
        let total = shares.sumSaturated()
        let text = Percentage(scaled: total).text
        if total > Percentage.one {
            diagnostics.add(
                Diagnostic(
                    "weight/over", "the shares of `\(weights.of.value)` are \(text) together, more than there is",
                    at: weights.range, help: "lower them to 100% together; limits of their own may overlap"))
        } else if total < Percentage.one {
            diagnostics.add(
                Diagnostic(
                    "weight/under",
                    "the shares of `\(weights.of.value)` are \(text) together: the rest is for no feature",
                    severity: .note, at: weights.range))
        }
    }

    private func addScopes(
        _ scopes: [ScopeDeclaration], within outer: [Limit.ScopeValue], to limits: inout [Limit],
        _ compiler: inout LimitCompiler
    ) {
        for scope in scopes {
            let path = outer + [Limit.ScopeValue(scope: scope.scope, value: scope.value.value)]
            limits += scope.limits.compactMap { compiler.limit($0, layer: .scope, within: path) }
            addScopes(scope.children, within: path, to: &limits, &compiler)
        }
    }

    private func applyExceptions(
        of tenant: TenantDeclaration, at time: Int64, to merged: inout PlanDeclaration, _ validity: inout Interval,
        _ diagnostics: inout Diagnostics
    ) {
        for exception in tenant.exceptions {
            let until = context.instant(exception.until.value)
            guard let index = merged.limits.firstIndex(where: { $0.name.value == exception.limit.value }) else {
                diagnostics.add(Names.unknown("limit", exception.limit, among: merged.limits.map(\.name.value)))
                continue
            }
            if until > time {
                merged.limits[index].amount = exception.amount
                merged.limits[index].name.range = exception.limit.range
                validity.end = min(validity.end, until)
            } else {
                validity.start = max(validity.start, until)
            }
        }
    }

    // MARK: - Models

    private func access(_ models: Located<[Located<Pattern>]>?, _ diagnostics: inout Diagnostics) -> ModelAccess {
        let count = context.catalog?.models.count ?? 0
        guard let models else { return ModelAccess(allowsAny: true, allowed: [], patterns: []) }
        var access = ModelAccess(allowsAny: false, allowed: [Bool](repeating: false, count: count), patterns: [])
        for item in models.value {
            let text = item.value.text
            if text == "any" {
                access.allowsAny = true
                continue
            }
            var found = false
            access.patterns.append(item.value)
            if let catalog = context.catalog {
                if catalog.classes.contains(text) {
                    found = true
                    for (index, model) in catalog.models.enumerated() where model.modelClass == text {
                        access.allowed[index] = true
                    }
                } else if item.value.isExact {
                    if let id = catalog.model(text) {
                        access.allowed[id.rawValue] = true
                        found = true
                    }
                } else {
                    for (index, model) in catalog.models.enumerated() where item.value.matches(model.name) {
                        access.allowed[index] = true
                        found = true
                    }
                }
            }
            if !found { report(item, &diagnostics) }
        }
        return access
    }

    private func report(_ item: Located<Pattern>, _ diagnostics: inout Diagnostics) {
        if item.value.isExact {
            let known = (context.catalog?.classes ?? []) + (context.catalog?.knownNames ?? [])
            diagnostics.add(Names.unknown("model or class", Located(item.value.text, at: item.range), among: known))
        } else {
            diagnostics.add(
                Diagnostic(
                    "model/pattern-empty", "`\(item.value.text)` matches no model of the catalog", severity: .warning,
                    at: item.range))
        }
    }

    private func downgrade(_ declaration: DowngradeDeclaration?, _ diagnostics: inout Diagnostics) -> Downgrade {
        guard let declaration else { return Downgrade(chains: [], sources: [], consent: .plan) }
        var chains: [[ModelID]] = []
        var sources: [[SourceRange]] = []
        for chain in declaration.chains {
            var models: [ModelID] = []
            var places: [SourceRange] = []
            for name in chain.value {
                guard let catalog = context.catalog, let id = catalog.model(name.value) else {
                    diagnostics.add(Names.unknown("model", name, among: context.catalog?.knownNames ?? []))
                    continue
                }
                if catalog[id].price == nil {
                    diagnostics.add(
                        Diagnostic(
                            "chain/unpriced",
                            "the catalog has no price for `\(name.value)`, so it cannot stand in a chain",
                            at: name.range, notes: [.init("the model is listed here", at: catalog[id].source)]))
                }
                if models.contains(id) {
                    diagnostics.add(
                        Diagnostic(
                            "chain/cycle", "the chain comes back to `\(name.value)`", at: name.range,
                            help: "a chain goes from dear to cheap; remove the second `\(name.value)`"))
                    continue
                }
                models.append(id)
                places.append(name.range)
            }
            chains.append(models)
            sources.append(places)
        }
        return Downgrade(
            chains: chains, sources: sources, consent: declaration.consent, consentSource: declaration.consentSource)
    }

    // MARK: - Grants

    /// Priority (low first), earlier end (none last), granted before bought, earlier start, as written.
    private func grants(_ tenant: TenantDeclaration?) -> [Grant] {
        let all = (tenant?.grants ?? []).enumerated().map { index, grant in
            (
                grant: Grant(
                    amount: grant.amount.value.nanos, from: grant.from.map { context.instant($0.value) } ?? .min,
                    until: grant.until.map { context.instant($0.value) } ?? .max),
                priority: grant.priority, bought: grant.isBought ? 1 : 0, index: index
            )
        }
        return all.sorted { a, b in
            (a.priority, a.grant.until, a.bought, a.grant.from, a.index)
                < (b.priority, b.grant.until, b.bought, b.grant.from, b.index)
        }.map(\.grant)
    }
}
