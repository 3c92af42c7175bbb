import BursarPolicy
import BursarSyntax

/// The direction of a change.
package enum DiffDirection: String, Sendable, CaseIterable { case looser, stricter, other }

/// One change in terms of the language.
package struct PolicyChange: Sendable, Hashable {
    /// The key path in the document: `tiers.pro.limits.daily`.
    package var path: String
    /// The text before and after; nil if it was or is absent.
    package var old: String?
    package var new: String?
    package var direction: DiffDirection
    /// `file:line:column` of the new text, or of the old text if there is no new one.
    package var source: String
}

/// The differences between two policy sets.
package struct PolicyDiff: Sendable {
    package var changes: [PolicyChange]
    /// Requests without history that get a different decision.
    package var regions: [DiffRegion]
    /// Questions that exceed the solver's bound.
    package var undecided: [String]
    /// For each tier of both sides, the direction of its regions and limits.
    package var tiers: [(name: String, verdict: String)]

    /// There is no observable difference; proved for conditions whose text differs.
    package var isSame: Bool { changes.isEmpty && regions.isEmpty && undecided.isEmpty }

    /// `the same`, `looser`, `stricter` or `both`.
    package var verdict: String {
        isSame ? "the same" : Self.verdict(Set(changes.map(\.direction) + regions.map(\.direction)))
    }

    static func verdict(_ directions: Set<DiffDirection>) -> String {
        switch (directions.contains(.looser), directions.contains(.stricter)) {
        case (true, true): "both looser and stricter"
        case (true, false): "looser"
        case (false, true): "stricter"
        case (false, false): directions.isEmpty ? "the same" : "different, neither looser nor stricter"
        }
    }

    /// Compares the newest versions of two sets.
    package static func between(_ old: PolicySet, _ new: PolicySet) -> PolicyDiff {
        var diff = PolicyDiff(changes: [], regions: [], undecided: [], tiers: [])
        guard let before = old.editions.last, let after = new.editions.last else { return diff }
        var comparer = EditionComparison(old, before, new, after)
        diff.changes = comparer.changes()
        let regions = RegionComparison.compare(old, before, new, after)
        diff.regions = regions.regions
        diff.undecided = regions.undecided
        if comparer.effort.isSpent {
            diff.undecided.append(
                "which conditions are equivalent: there are too many, so each counts as changed")
        }
        var directions = comparer.tierDirections
        for region in diff.regions {
            for tier in region.tiers { directions[tier, default: []].insert(region.direction) }
        }
        for tier in after.tierNames where before.plan(tier: tier) != nil {
            diff.tiers.append((tier, verdict(directions[tier] ?? [])))
        }
        return diff
    }
}

/// Compares two editions in terms of the language.
struct EditionComparison {
    private let old: Edition
    private let new: Edition
    private let oldSet: PolicySet
    private let newSet: PolicySet
    private var found: [PolicyChange] = []
    private var implications: Implications
    private(set) var effort = Effort(Effort.check)
    /// The directions of the changes of each tier.
    private(set) var tierDirections: [String: Set<DiffDirection>] = [:]
    private var currentTier: String?
    private let oldText: LimitText
    private let newText: LimitText

    init(_ oldSet: PolicySet, _ old: Edition, _ newSet: PolicySet, _ new: Edition) {
        (self.old, self.new, self.oldSet, self.newSet) = (old, new, oldSet, newSet)
        implications = Implications(new, newSet)
        oldText = LimitText(currency: old.policy.currency, catalog: old.catalog)
        newText = LimitText(currency: new.policy.currency, catalog: new.catalog)
    }

    mutating func changes() -> [PolicyChange] {
        policy()
        rules()
        alerts()
        tiers()
        tenants()
        catalog()
        return found
    }

    private mutating func note(
        _ path: String, _ before: String?, _ after: String?, _ direction: DiffDirection = .other,
        at newRange: SourceRange?, _ oldRange: SourceRange? = nil
    ) {
        guard before != after else { return }
        let source = newRange.map(newSet.sources.reference) ?? oldRange.map(oldSet.sources.reference) ?? ""
        if let currentTier { tierDirections[currentTier, default: []].insert(direction) }
        found.append(PolicyChange(path: path, old: before, new: after, direction: direction, source: source))
    }

    private mutating func policy() {
        let (a, b) = (old.policy, new.policy)
        let place = b.source
        if a.id != b.id { note("policy", a.id, b.id, at: place) }
        note("mode", a.mode.rawValue, b.mode.rawValue, Self.modeDirection(a.mode, b.mode), at: place)
        note("timezone", a.zone.name, b.zone.name, at: place)
        note("currency", a.currency, b.currency, at: place)
        note(
            "default tier", old.defaultTier, new.defaultTier,
            old.defaultTier == nil ? .looser : new.defaultTier == nil ? .stricter : .other, at: place)
        note(
            "unpriced", a.allowsUnpriced ? "allow" : "deny", b.allowsUnpriced ? "allow" : "deny",
            b.allowsUnpriced ? .looser : .stricter, at: place)
        note(
            "estimate.output", a.estimatedOutput.map { "\($0) tokens" }, b.estimatedOutput.map { "\($0) tokens" },
            at: place)
        note("estimate.by", a.estimateBasis.rawValue, b.estimateBasis.rawValue, at: place)
        note("retry window", "\(a.retryWindow / Micros.second)s", "\(b.retryWindow / Micros.second)s", at: place)
        note(
            "features", a.criticalFeatures.sorted().joined(separator: ", "),
            b.criticalFeatures.sorted().joined(separator: ", "), at: place)
        for (name, before, after) in [
            ("deny", a.tools.deny, b.tools.deny), ("approve", a.tools.approve, b.tools.approve),
            ("allow", a.tools.allow, b.tools.allow),
        ] {
            note(
                "tools.\(name)", Self.list(before.map(\.text)), Self.list(after.map(\.text)),
                at: name == "deny" ? b.tools.denySource ?? place : b.tools.approveSource ?? place)
        }
        note("tools.default", a.tools.fallback.rawValue, b.tools.fallback.rawValue, at: place)
    }

    private static func modeDirection(_ old: PolicyMode, _ new: PolicyMode) -> DiffDirection {
        let order: [PolicyMode] = [.frozen, .enforce, .shadow]
        return (order.firstIndex(of: new) ?? 0) > (order.firstIndex(of: old) ?? 0) ? .looser : .stricter
    }

    /// The order has no meaning in these lists.
    private static func list(_ names: [String]) -> String { Array(Set(names)).sorted().joined(separator: ", ") }

    // MARK: - Rules

    private mutating func rules() {
        let before = Dictionary(old.policy.rules.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let after = Dictionary(new.policy.rules.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        for rule in new.policy.rules {
            let path = "rules.\(rule.name)"
            guard let earlier = before[rule.name] else {
                note(path, nil, Self.text(rule), .stricter, at: rule.source)
                continue
            }
            let isSame = implications.areEqual(earlier.when, rule.when, &effort)
            if !isSame || earlier.effect != rule.effect || earlier.code != rule.code {
                note(path, Self.text(earlier), Self.text(rule), direction(earlier, rule), at: rule.source)
            }
        }
        for rule in old.policy.rules where after[rule.name] == nil {
            note("rules.\(rule.name)", Self.text(rule), nil, .looser, at: nil, rule.source)
        }
    }

    private mutating func direction(_ old: Rule, _ new: Rule) -> DiffDirection {
        guard old.effect == new.effect else { return .other }
        if implications.holds(old.when, new.when, &effort) {
            return implications.areEqual(old.when, new.when, &effort) ? .other : .stricter
        }
        return implications.holds(new.when, old.when, &effort) ? .looser : .other
    }

    private static func text(_ rule: Rule) -> String {
        (rule.whenSource == nil ? "" : "when \(rule.when.text): ") + "\(rule.effect.rawValue) \(rule.code)"
    }

    // MARK: - Alerts

    /// Alerts decide nothing, so their changes are neither looser nor stricter.
    private mutating func alerts() {
        func texts(_ edition: Edition) -> [(name: String, text: String, source: SourceRange)] {
            edition.policy.alerts.map { ($0.title, $0.fullText(currency: edition.policy.currency), $0.source) }
        }
        let (before, after) = (texts(old), texts(new))
        let known = Dictionary(before.map { ($0.name, $0.text) }, uniquingKeysWith: { first, _ in first })
        let kept = Set(after.map(\.name))
        for alert in after { note("alerts.\(alert.name)", known[alert.name], alert.text, at: alert.source) }
        for alert in before where !kept.contains(alert.name) {
            note("alerts.\(alert.name)", alert.text, nil, at: nil, alert.source)
        }
    }

    // MARK: - Tiers and tenants

    private mutating func tiers() {
        for tier in new.tierNames {
            guard let after = new.plan(tier: tier) else { continue }
            guard let before = old.plan(tier: tier) else {
                note("tiers.\(tier)", nil, "new", .other, at: after.tierSource)
                continue
            }
            currentTier = tier
            plans("tiers.\(tier)", before, after)
            currentTier = nil
        }
        for tier in old.tierNames where new.plan(tier: tier) == nil {
            note("tiers.\(tier)", "there", nil, .stricter, at: nil, old.plan(tier: tier)?.tierSource)
        }
        // Every plan contains the limits of the policy; they are reported once.
        let before = policyLimits(old)
        let after = policyLimits(new)
        limits("limits", before, after)
    }

    private func policyLimits(_ edition: Edition) -> [Limit] {
        let plan = edition.tierNames.first.flatMap { edition.plan(tier: $0) }
        return (plan?.limits ?? []).filter { $0.layer == .policy && $0.weight == nil }
    }

    private mutating func tenants() {
        for (index, record) in newSet.tenants.enumerated() {
            let path = "tenants.\(record.id)"
            guard let earlierIndex = oldSet.tenantIndex(of: record.id) else {
                note(path, nil, record.tier ?? "new", .other, at: record.source)
                continue
            }
            let earlier = oldSet.tenants[earlierIndex]
            note("\(path).tier", earlier.tier, record.tier, at: record.source)
            note("\(path).group", earlier.group, record.group, at: record.source)
            note(
                "\(path).status", earlier.isSuspended ? "suspended" : "active",
                record.isSuspended ? "suspended" : "active", record.isSuspended ? .stricter : .looser, at: record.source
            )
            note(
                "\(path).accepts", earlier.acceptsDowngrade ? "downgrade" : nil,
                record.acceptsDowngrade ? "downgrade" : nil, record.acceptsDowngrade ? .looser : .stricter,
                at: record.source)
            note(
                "\(path).since", earlier.since.map(instantText), record.since.map(instantText), at: record.source)
            if earlier.followsTier, record.followsTier { continue }
            let time = max(old.interval.start, new.interval.start, 0)
            guard let tier = record.tier ?? new.defaultTier, (earlier.tier ?? old.defaultTier) == tier,
                let before = old.plan(tier: tier, tenant: earlierIndex, record: earlier, at: time),
                let after = new.plan(tier: tier, tenant: index, record: record, at: time)
            else { continue }
            plans(path, before, after, overTier: (old.plan(tier: tier), new.plan(tier: tier)))
            let text = newText
            let grants = { (plan: Plan) in plan.grants.map { text.money($0.amount) }.joined(separator: ", ") }
            note("\(path).grants", grants(before), grants(after), at: record.source)
        }
        for record in oldSet.tenants where newSet.tenantIndex(of: record.id) == nil {
            note("tenants.\(record.id)", record.tier ?? "there", nil, .other, at: nil, record.source)
        }
    }

    /// - Parameter overTier: the plans of the tenant's tier; changes that they share are reported there.
    private mutating func plans(
        _ path: String, _ before: Plan, _ after: Plan, overTier: (old: Plan?, new: Plan?) = (nil, nil)
    ) {
        let place = after.tierSource
        if overTier.new == nil {
            note("\(path).price", before.price.map(oldText.money), after.price.map(newText.money), at: place)
            note(
                "\(path).upgrade", before.upgrade.map { "\($0.to ?? "") \($0.url ?? "")" },
                after.upgrade.map { "\($0.to ?? "") \($0.url ?? "")" }, at: place)
        }
        models(path, before, after, overTier)
        let chains = { (plan: Plan, catalog: Catalog?) in
            plan.downgrade.chains.map { chain in
                chain.map { catalog?[$0].name ?? "" }.joined(separator: " -> ")
            }.joined(separator: ", ")
                + (plan.downgrade.consent == .plan ? "" : " (consent: \(plan.downgrade.consent.rawValue))")
        }
        if overTier.new.map({ chains($0, new.catalog) != chains(after, new.catalog) }) ?? true {
            note("\(path).downgrade", chains(before, old.catalog), chains(after, new.catalog), at: place)
        }
        if overTier.new.map({ $0.blockedFeatures != after.blockedFeatures }) ?? true {
            let direction: DiffDirection =
                before.blockedFeatures.isSubset(of: after.blockedFeatures)
                ? .stricter : after.blockedFeatures.isSubset(of: before.blockedFeatures) ? .looser : .other
            note(
                "\(path).block", Self.list(Array(before.blockedFeatures)), Self.list(Array(after.blockedFeatures)),
                direction, at: after.blockSource ?? place)
        }
        func own(_ plan: Plan, _ tier: Plan?) -> [Limit] {
            let taken = Set((tier?.limits ?? []).map(\.source))
            return plan.limits.filter { $0.layer != .policy && (tier == nil || !taken.contains($0.source)) }
        }
        limits("\(path).limits", own(before, overTier.old), own(after, overTier.new))
    }

    private mutating func models(
        _ path: String, _ before: Plan, _ after: Plan, _ overTier: (old: Plan?, new: Plan?)
    ) {
        func names(_ plan: Plan, _ catalog: Catalog?) -> Set<String> {
            Set(
                (catalog?.models ?? []).indices.filter { plan.models.allows(ModelID(rawValue: $0)) }.map {
                    catalog?.models[$0].name ?? ""
                })
        }
        // A model that is new in the catalog is reported there.
        let known = Set(old.catalog?.models.map(\.name) ?? []).intersection(new.catalog?.models.map(\.name) ?? [])
        let had = names(before, old.catalog).intersection(known)
        let has = names(after, new.catalog).intersection(known)
        if let tier = overTier.new, names(tier, new.catalog).intersection(known) == has { return }
        for name in has.subtracting(had).sorted() {
            note("\(path).models", nil, name, .looser, at: after.modelsSource ?? after.tierSource)
        }
        for name in had.subtracting(has).sorted() {
            note("\(path).models", name, nil, .stricter, at: after.modelsSource ?? after.tierSource)
        }
    }

    // MARK: - Limits

    private mutating func limits(_ path: String, _ before: [Limit], _ after: [Limit]) {
        let known = Dictionary(before.map { (LimitPlace($0), $0) }, uniquingKeysWith: { first, _ in first })
        let kept = Set(after.map(LimitPlace.init))
        for limit in after {
            let name = "\(path).\(Self.name(limit))"
            guard let earlier = known[LimitPlace(limit)] else {
                note(name, nil, newText.amount(limit), .stricter, at: limit.source)
                continue
            }
            compare(name, earlier, limit)
        }
        for limit in before where !kept.contains(LimitPlace(limit)) {
            note("\(path).\(Self.name(limit))", oldText.amount(limit), nil, .looser, at: nil, limit.source)
        }
    }

    private static func name(_ limit: Limit) -> String {
        (limit.within.map { "\($0.scope.rawValue) \($0.value)" } + [limit.name]).joined(separator: ".")
    }

    /// The identity of a limit in both editions.
    private struct LimitPlace: Hashable {
        var name: String
        var layer: Layer
        var within: [Limit.ScopeValue]

        init(_ limit: Limit) {
            name = limit.name
            layer = limit.layer
            within = limit.within
        }
    }

    private mutating func compare(_ path: String, _ a: Limit, _ b: Limit) {
        let isComparable = a.unit == b.unit && a.window.inUTC == b.window.inUTC && a.weight == nil && b.weight == nil
        let direction: DiffDirection =
            a.weight != nil && b.weight != nil
            ? (b.weight?.share.scaled ?? 0) > (a.weight?.share.scaled ?? 0) ? .looser : .stricter
            : isComparable ? (b.amount > a.amount ? .looser : .stricter) : .other
        let place = b.amountSource ?? b.source
        note(path, oldText.amount(a), newText.amount(b), direction, at: place)
        let scopes = { (limit: Limit) in
            limit.per.isEmpty ? "tenant" : limit.per.map(\.rawValue).joined(separator: ", ")
        }
        note("\(path).per", scopes(a), scopes(b), at: b.source)
        if a.when != b.when, !implications.areEqual(a.when ?? .always, b.when ?? .always, &effort) {
            note("\(path).when", a.when?.text, b.when?.text, at: b.whenSource ?? b.source)
        }
        if a.weight == nil { note("\(path).at", oldText.thresholds(a), newText.thresholds(b), at: b.source) }
        let wider = (b.rollover?.cap.scaled ?? 0) > (a.rollover?.cap.scaled ?? 0)
        note(
            "\(path).rollover", oldText.rollover(a.rollover), newText.rollover(b.rollover), wider ? .looser : .stricter,
            at: b.source)
        if a.weight == nil {
            note(
                "\(path).burst", a.burst.map { String($0) }, b.burst.map { String($0) },
                b.capacity > a.capacity ? .looser : .stricter, at: b.source)
        }
        note(
            "\(path).mode", a.isShadow ? "shadow" : "enforce", b.isShadow ? "shadow" : "enforce",
            b.isShadow ? .looser : .stricter, at: b.source)
    }

    // MARK: - Catalog

    private mutating func catalog() {
        guard let after = new.catalog else {
            if let before = old.catalog { note("catalog", before.id, nil, at: nil, new.policy.source) }
            return
        }
        guard let before = old.catalog else {
            note("catalog", nil, after.id, at: new.policy.source)
            return
        }
        if before.digest == after.digest { return }
        func aliases(_ catalog: Catalog) -> [String: [String]] {
            Dictionary(grouping: catalog.aliases, by: { catalog[$0.model].name }).mapValues {
                $0.map(\.pattern.value.text)
            }
        }
        let (oldAliases, newAliases) = (aliases(before), aliases(after))
        for model in after.models {
            let path = "catalog.\(model.name)"
            guard let id = before.model(named: model.name) else {
                note(path, nil, newText.price(model.price), .looser, at: model.source)
                continue
            }
            let earlier = before[id]
            note("\(path).price", oldText.price(earlier.price), newText.price(model.price), at: model.source)
            note("\(path).class", earlier.modelClass, model.modelClass, at: model.source)
            note("\(path).provider", earlier.provider, model.provider, at: model.source)
            note(
                "\(path).context", earlier.context.map { String($0) }, model.context.map { String($0) },
                at: model.source)
            note(
                "\(path).aliases", Self.list(oldAliases[model.name] ?? []), Self.list(newAliases[model.name] ?? []),
                at: model.source)
        }
        for model in before.models where after.model(named: model.name) == nil {
            note("catalog.\(model.name)", oldText.price(model.price), nil, .stricter, at: nil, model.source)
        }
    }
}

extension Implications {
    mutating func areEqual(_ a: Condition, _ b: Condition, _ effort: inout Effort) -> Bool {
        a == b || (holds(a, b, &effort) && holds(b, a, &effort))
    }
}
