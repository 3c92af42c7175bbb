import BursarSyntax

/// Builds the plans of one edition from the declarations of tiers and tenants. Parts that plans share are compiled
/// once.
struct PlanBuilder: Sendable {
    let context: CompileContext
    private let policyLimits: [LimitDeclaration]
    /// The tiers after `extends`.
    private let tiers: [String: PlanDeclaration]
    let tierNames: [String]
    private let tierSources: [String: SourceRange]
    private let tenants: [TenantDeclaration]
    private let policyPart: [Limit]
    private let tierParts: [String: TierPart]

    /// The parts of a tier that tenants use without changes.
    private struct TierPart {
        /// The limits by name that compile without errors.
        var limits: [String: Limit] = [:]
        var models: ModelAccess
        var downgrade: Downgrade
    }

    init(
        context: CompileContext, document: PolicyDocument, tiers: [String: PlanDeclaration],
        tenants: [TenantDeclaration], diagnostics: inout Diagnostics
    ) {
        self.init(
            context: context, policyLimits: LimitDeclaration.merge([], with: document.limits), tiers: tiers,
            tierNames: document.tiers.map(\.name.value),
            tierSources: Dictionary(
                document.tiers.map { ($0.name.value, $0.name.range) }, uniquingKeysWith: { first, _ in first }),
            tenants: tenants, diagnostics: &diagnostics)
    }

    private init(
        context: CompileContext, policyLimits: [LimitDeclaration], tiers: [String: PlanDeclaration],
        tierNames: [String], tierSources: [String: SourceRange], tenants: [TenantDeclaration],
        diagnostics: inout Diagnostics
    ) {
        self.context = context
        self.policyLimits = policyLimits
        self.tiers = tiers
        self.tierNames = tierNames
        self.tierSources = tierSources
        self.tenants = tenants
        var compiler = LimitCompiler(context: context)
        policyPart = policyLimits.compactMap { compiler.limit($0, layer: .policy) }
        var parts: [String: TierPart] = [:]
        for name in tierNames {
            let tier = tiers[name] ?? PlanDeclaration()
            var part = TierPart(
                models: context.access(tier.models, &diagnostics),
                downgrade: context.downgrade(tier.downgrade, &diagnostics))
            for declaration in tier.limits {
                part.limits[declaration.name.value] = compiler.limit(declaration, layer: .plan)
            }
            parts[name] = part
        }
        tierParts = parts
        diagnostics.add(contentsOf: compiler.diagnostics)
    }

    /// The same plans after the policy leaves shadow mode: a limit stays in shadow only if it is marked itself.
    func enforced() -> PlanBuilder {
        var context = context
        context.isShadow = false
        var diagnostics = Diagnostics()
        return PlanBuilder(
            context: context, policyLimits: policyLimits, tiers: tiers, tierNames: tierNames,
            tierSources: tierSources, tenants: tenants, diagnostics: &diagnostics)
    }

    func plan(tier name: String) -> Plan {
        var diagnostics = Diagnostics()
        return plan(tier: name, tenant: nil, at: 0, diagnostics: &diagnostics)
    }

    func plan(tier name: String, tenant index: Int, at time: Int64) -> Plan {
        var diagnostics = Diagnostics()
        return plan(tier: name, tenant: tenants[index], at: time, diagnostics: &diagnostics)
    }

    /// Compiles a plan and reports conflicts.
    func plan(tier name: String, tenant: TenantDeclaration?, at time: Int64, diagnostics: inout Diagnostics) -> Plan {
        let tier = tiers[name] ?? PlanDeclaration()
        var merged = tier
        if let tenant { merged = tier.overridden(by: tenant) }
        var validity = Interval.always
        var changed = Set(tenant?.limits.map(\.name.value) ?? [])
        if let tenant { changed.formUnion(applyExceptions(of: tenant, at: time, to: &merged, &validity, &diagnostics)) }
        let limits = limits(merged, tier: name, changed: changed, tenant: tenant, &diagnostics)
        let part = tierParts[name]
        let ownModels = part == nil || tenant?.models != nil
        let ownDowngrade = part == nil || tenant?.downgrade != nil
        return Plan(
            tier: name,
            models: ownModels ? context.access(merged.models, &diagnostics) : part?.models ?? .any,
            downgrade: ownDowngrade ? context.downgrade(merged.downgrade, &diagnostics) : part?.downgrade ?? .none,
            blockedNames: merged.block?.value ?? [], limits: limits,
            upgrade: merged.upgrade.map { Upgrade(to: $0.to?.value, url: $0.url) }, price: merged.price?.value.nanos,
            grants: grants(tenant), validity: validity, modelsSource: merged.models?.range,
            blockSource: merged.block?.range, tierSource: tierSources[name])
    }

    // MARK: - Limits

    /// - Parameter changed: the limits of the tier that the tenant overrides.
    private func limits(
        _ merged: PlanDeclaration, tier name: String, changed: Set<String>, tenant: TenantDeclaration?,
        _ diagnostics: inout Diagnostics
    ) -> [Limit] {
        var compiler = LimitCompiler(context: context)
        var limits = policyPart
        let part = tierParts[name]?.limits ?? [:]
        // A merged limit keeps its position, so the tenant's own limits are those that the tier lacks.
        let tierNames = Set(tiers[name]?.limits.map(\.name.value) ?? [])
        for limit in merged.limits where tierNames.contains(limit.name.value) {
            let made = changed.contains(limit.name.value) ? compiler.limit(limit, layer: .plan) : part[limit.name.value]
            if let made { limits.append(made) }
        }
        let own = merged.limits.filter { !tierNames.contains($0.name.value) }
            .compactMap { compiler.limit($0, layer: .plan) }
        if let weights = merged.weights {
            if tenant == nil || tenant?.weights != nil { checkShares(weights, &compiler.diagnostics) }
            add(weights, to: &limits, own: own, policyCount: policyPart.count, &compiler)
        } else {
            limits += own
        }
        if let tenant {
            var members = MemberLimits()
            addScopes(tenant.scopes, within: [], to: &limits, &members, &compiler)
            members.replace(in: &limits)
        }
        diagnostics.add(contentsOf: compiler.diagnostics)
        if limits.count > Bounds.planLimits {
            diagnostics.add(
                Diagnostic(
                    .syntaxBound,
                    "\(limits.count) limits in one plan, with those of the policy and of its tier; at most \(Bounds.planLimits) are allowed",
                    at: tenant?.id.range ?? tierSources[name] ?? policyLimits.first?.name.range,
                    help: "count per feature, user or workspace (`per: feature`) instead of one limit for each"))
            limits.removeSubrange(Bounds.planLimits...)
        }
        return limits
    }

    private func add(
        _ weights: WeightsDeclaration, to limits: inout [Limit], own: [Limit], policyCount: Int,
        _ compiler: inout LimitCompiler
    ) {
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
            compiler.diagnostics.addUnknown("limit", weights.of, among: known)
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
                    .weightOver, "the shares of `\(weights.of.value)` are \(text) together, more than there is",
                    at: weights.range, help: "lower them to 100% together; limits of their own may overlap"))
        } else if weights.other == nil {
            diagnostics.add(
                Diagnostic(
                    .weightNoOther,
                    "a feature without a share of `\(weights.of.value)` can use up the shares of all others",
                    at: weights.range, help: "add `other: 5%` for each such feature, or `other: 0%` to refuse them"))
        } else if total < Percentage.one {
            diagnostics.add(
                Diagnostic(
                    .weightUnder,
                    "the shares of `\(weights.of.value)` are \(text) together: no feature can use the rest",
                    at: weights.range))
        }
    }

    private func addScopes(
        _ scopes: [ScopeDeclaration], within outer: [Limit.ScopeValue], to limits: inout [Limit],
        _ members: inout MemberLimits, _ compiler: inout LimitCompiler
    ) {
        for scope in scopes {
            let path = outer + [Limit.ScopeValue(scope: scope.scope, value: scope.value.value)]
            for declaration in scope.limits {
                guard let limit = compiler.limit(declaration, layer: .scope, within: path) else { continue }
                members.add(limit, to: limits)
                limits.append(limit)
            }
            addScopes(scope.children, within: path, to: &limits, &members, &compiler)
        }
    }

    /// Returns the names of the limits that an exception changes at this time.
    private func applyExceptions(
        of tenant: TenantDeclaration, at time: Int64, to merged: inout PlanDeclaration, _ validity: inout Interval,
        _ diagnostics: inout Diagnostics
    ) -> Set<String> {
        if tenant.exceptions.isEmpty { return [] }
        var changed: Set<String> = []
        let places = Dictionary(
            merged.limits.enumerated().map { ($1.name.value, $0) }, uniquingKeysWith: { first, _ in first })
        for exception in tenant.exceptions {
            let until = context.instant(exception.until.value)
            let name = exception.limit.value
            guard let index = places[name] else {
                reportUnknown(exception.limit, merged, &diagnostics)
                continue
            }
            let current = merged.limits[index].amount
            guard exception.keepsCounter(of: current?.value) else {
                diagnostics.add(
                    Diagnostic(
                        .exceptionQuantity,
                        "an exception keeps the unit and the window of its limit, and `\(name)` has others",
                        at: exception.amount.range,
                        notes: current.map { [.init("the amount of the limit is here", at: $0.range)] } ?? []))
                continue
            }
            guard until > time else {
                validity.start = max(validity.start, until)
                continue
            }
            validity.end = min(validity.end, until)
            // Of several exceptions the largest holds.
            if let current, changed.contains(name), current.value.amount >= exception.amount.value.amount { continue }
            merged.limits[index].amount = exception.amount
            merged.limits[index].name.range = exception.limit.range
            changed.insert(name)
        }
        return changed
    }

    /// An exception changes limits of the tier and the tenant alone.
    private func reportUnknown(_ name: Name, _ merged: PlanDeclaration, _ diagnostics: inout Diagnostics) {
        if let limit = policyLimits.first(where: { $0.name.value == name.value }) {
            diagnostics.add(
                Diagnostic(
                    .nameUnknown, "`\(name.value)` is a limit of the policy, and no exception changes it",
                    at: name.range,
                    notes: [.init("the limit is here", at: limit.name.range)],
                    help: "an exception changes a limit of the tier or of the tenant"))
        } else {
            diagnostics.addUnknown("limit", name, among: merged.limits.map(\.name.value))
        }
    }

    // MARK: - Grants

    /// Order: priority (low first), earlier end (no end last), granted before bought, earlier start, source order.
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

extension ExceptionDeclaration {
    /// The same unit and window as the amount that it replaces. A prepaid limit may have no amount.
    fileprivate func keepsCounter(of other: QuantityLiteral?) -> Bool {
        let own = amount.value
        guard let other else { return own.unit == .spend && own.window == nil }
        return own.unit == other.unit && (own.window ?? .lifetime) == (other.window ?? .lifetime)
    }
}
