import BursarPolicy
import BursarSyntax

/// `rule/redundant`: a rule that the union of others covers, so that removing it changes no outcome. The later of two equal
/// rules is the one that is reported.
enum RedundantRuleCheck: Check {
    static func run(_ edition: Edition, of set: PolicySet, _ diagnostics: inout Diagnostics) {
        let rules = edition.policy.rules
        guard rules.count > 1 else { return }
        var space = RequestSpace(edition, set.tenants, conditions: rules.map(\.when))
        do throws(DecisionDiagram.TooLarge) {
            try run(edition, &space, &diagnostics)
        } catch {
            diagnostics.add(.notDecided("which rules others make superfluous", at: rules[0].source))
        }
    }

    private static func run(
        _ edition: Edition, _ space: inout RequestSpace, _ diagnostics: inout Diagnostics
    ) throws(DecisionDiagram.TooLarge) {
        let rules = edition.policy.rules
        let sets = try rules.map { rule throws(DecisionDiagram.TooLarge) in try space.set(rule.when) }
        var kept = Set(rules.indices)
        for index in rules.indices.reversed() where sets[index] != .none {
            // A deny makes every other effect superfluous; that is a conflict, unless rules of its own kind take part.
            let others = kept.filter { $0 != index && rules[$0].effect == rules[index].effect }.sorted()
            guard let cover = try covering(sets[index], others, sets, &space) else { continue }
            kept.remove(index)
            diagnostics.add(
                Diagnostic(
                    "rule/redundant",
                    "rule `\(rules[index].name)` changes nothing: "
                        + (cover.count == 1
                            ? "`\(rules[cover[0]].name)` holds wherever it does"
                            : "one of \(cover.count) others holds wherever it does"),
                    severity: .warning, at: rules[index].source,
                    notes: cover.map { .init("`\(rules[$0].name)` covers it", at: rules[$0].source) },
                    help: "remove it, or mend its condition", witness: space.witness(in: sets[index])?.json))
        }
    }

    /// A smallest set of others, in the sense that none of it can be left out; nil where they do not cover the set.
    private static func covering(
        _ set: DecisionDiagram.Node, _ others: [Int], _ sets: [DecisionDiagram.Node], _ space: inout RequestSpace
    ) throws(DecisionDiagram.TooLarge) -> [Int]? {
        for other in others where try space.diagram.isSubset(set, of: sets[other]) { return [other] }
        var union = DecisionDiagram.Node.none
        var cover: [Int] = []
        for other in others {
            let part = try space.diagram.intersection(set, sets[other])
            if part == .none { continue }
            let wider = try space.diagram.union(union, part)
            if wider != union { cover.append(other) }
            union = wider
        }
        guard try space.diagram.isSubset(set, of: union) else { return nil }
        for candidate in cover {
            var rest = DecisionDiagram.Node.none
            for other in cover where other != candidate { rest = try space.diagram.union(rest, sets[other]) }
            if try space.diagram.isSubset(set, of: rest) { cover.removeAll { $0 == candidate } }
        }
        return cover
    }
}

/// `rule/conflict`: deny and approve or confirm for the same requests. Deny wins, so the other never asks there. A warning
/// where the other rule is covered whole; where they only overlap, both may be meant, and it is a note.
enum RuleConflictCheck: Check {
    static func run(_ edition: Edition, of set: PolicySet, _ diagnostics: inout Diagnostics) {
        let rules = edition.policy.rules
        let denials = rules.filter { $0.effect == .deny }
        let others = rules.filter { $0.effect != .deny }
        guard !denials.isEmpty, !others.isEmpty else { return }
        var space = RequestSpace(edition, set.tenants, conditions: rules.map(\.when))
        for other in others {
            for denial in denials {
                do throws(DecisionDiagram.TooLarge) {
                    let asked = try space.set(other.when)
                    let both = try space.diagram.intersection(asked, try space.set(denial.when))
                    if both == .none { continue }
                    let covers = both == asked
                    diagnostics.add(
                        Diagnostic(
                            "rule/conflict",
                            "deny wins: wherever `\(denial.name)` holds too, `\(other.name)` does not ask to \(other.effect.rawValue)"
                                + (covers ? ", and so it never does" : ""),
                            severity: covers ? .warning : .note, at: other.source,
                            notes: [.init("`\(denial.name)` denies the same requests", at: denial.source)],
                            help: "exclude them from one of the two conditions", witness: space.witness(in: both)?.json)
                    )
                } catch {
                    diagnostics.add(
                        .notDecided("whether `\(other.name)` and `\(denial.name)` overlap", at: other.source))
                }
            }
        }
    }
}

/// `rule/refuses-tier`: a tier of which no request can be admitted, because of its models, of rules that deny, or of a limit
/// of zero.
enum RefusedTierCheck: Check {
    static func run(_ edition: Edition, of set: PolicySet, _ diagnostics: inout Diagnostics) {
        let denials = edition.policy.rules.filter { $0.effect == .deny }
        var space = RequestSpace(
            edition, set.tenants, conditions: denials.map(\.when), separatesModels: edition.catalog != nil)
        for plan in edition.tierPlans {
            if let reasons = models(plan, edition) {
                add(plan, reasons, nil, &diagnostics)
                continue
            }
            if let zero = plan.limits.first(where: isWall) {
                let reason = Diagnostic.Note("`\(zero.name)` lets nothing through", at: zero.source)
                add(plan, [reason], nil, &diagnostics)
                continue
            }
            guard !denials.isEmpty else { continue }
            do throws(DecisionDiagram.TooLarge) {
                try denied(plan, edition, denials, &space, &diagnostics)
            } catch {
                diagnostics.add(.notDecided("whether tier `\(plan.tier)` can do anything", at: plan.tierSource))
            }
        }
    }

    private static func add(
        _ plan: Plan, _ notes: [Diagnostic.Note], _ witness: String?, _ diagnostics: inout Diagnostics
    ) {
        diagnostics.add(
            Diagnostic(
                "rule/refuses-tier", "no request of tier `\(plan.tier)` can be admitted", severity: .warning,
                at: plan.tierSource, notes: notes, witness: witness))
    }

    /// Refuses every request, whatever it asks for.
    private static func isWall(_ limit: Limit) -> Bool {
        limit.when == nil && !limit.isShadow && limit.weight == nil && limit.per.allSatisfy { $0 == .tenant }
            && limit.unit == .requests && limit.hardBound.map { $0.withCarried < 1 } == true
    }

    /// Why no model can serve the tier; nil where one can.
    private static func models(_ plan: Plan, _ edition: Edition) -> [Diagnostic.Note]? {
        guard let catalog = edition.catalog, !edition.policy.allowsUnpriced else { return nil }
        let serves = catalog.models.indices.contains {
            plan.models.allows(ModelID(rawValue: $0)) && catalog.models[$0].price != nil
        }
        if serves { return nil }
        return [.init("no model that the catalog prices is allowed here", at: plan.modelsSource)]
    }

    private static func denied(
        _ plan: Plan, _ edition: Edition, _ denials: [Rule], _ space: inout RequestSpace,
        _ diagnostics: inout Diagnostics
    ) throws(DecisionDiagram.TooLarge) {
        var tried = try space.set(tiers: [plan.tier])
        if let catalog = edition.catalog, !edition.policy.allowsUnpriced {
            let chained = Set(plan.downgrade.chains.joined())
            let usable = catalog.models.indices.filter {
                let model = ModelID(rawValue: $0)
                return plan.models.allows(model) || chained.contains(model)
            }
            tried = try space.diagram.intersection(
                tried, try space.set(models: Set(usable.map { catalog.models[$0].name })))
        }
        var left = tried
        var used: [Rule] = []
        for rule in denials {
            let next = try space.diagram.difference(left, try space.set(rule.when))
            if next != left { used.append(rule) }
            left = next
        }
        guard left == .none, tried != .none else { return }
        add(
            plan, used.map { .init("`\($0.name)` refuses \($0.code)", at: $0.source) },
            space.witness(in: tried)?.json, &diagnostics)
    }
}
