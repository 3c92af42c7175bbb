import BursarPolicy
import BursarSyntax

/// What holds between the rules of an edition. Versions whose rules say the same share it.
struct RuleFacts: Sendable {
    struct Redundancy: Sendable {
        var rule: Int
        /// A smallest set of others that cover it, in the sense that none of them can be left out.
        var cover: [Int]
        var witness: WitnessRequest?
    }

    struct Conflict: Sendable {
        var rule: Int
        var denial: Int
        var isCovered: Bool
        var witness: WitnessRequest?
    }

    private(set) var redundancies: [Redundancy] = []
    private(set) var conflicts: [Conflict] = []
    private(set) var isUndecided = false

    /// What the facts depend on.
    struct Basis: Hashable {
        var conditions: [Condition]
        var effects: [RuleDeclaration.Effect]
        var tiers: [String]
        var catalog: String?
        var critical: Set<String>
        var allowsUnpriced: Bool

        init(_ edition: Edition) {
            conditions = edition.policy.rules.map(\.when)
            effects = edition.policy.rules.map(\.effect)
            tiers = edition.tierNames
            catalog = edition.catalog?.digest
            critical = edition.policy.criticalFeatures
            allowsUnpriced = edition.policy.allowsUnpriced
        }
    }

    init(_ edition: Edition, _ tenants: [TenantRecord]) {
        let rules = edition.policy.rules
        guard rules.count > 1 else { return }
        let space = RequestSpace(edition, tenants, conditions: rules.map(\.when))
        do throws(DecisionDiagram.TooLarge) {
            var sets: [DecisionDiagram.Node] = []
            for rule in rules { sets.append(try space.set(rule.when)) }
            try findRedundancies(rules, sets, space)
            try findConflicts(rules, sets, space)
        } catch {
            isUndecided = true
        }
    }

    private mutating func findRedundancies(
        _ rules: [Rule], _ sets: [DecisionDiagram.Node], _ space: RequestSpace
    ) throws(DecisionDiagram.TooLarge) {
        var kept = Set(rules.indices)
        // Of two equal rules the later one is told.
        for index in try Self.coveredByOthers(rules, sets, space).reversed() {
            // A deny makes every other effect superfluous; that is a conflict, and told as such.
            let others = kept.filter { $0 != index && rules[$0].effect == rules[index].effect }.sorted()
            guard let cover = try Self.covering(sets[index], others, sets, space) else { continue }
            kept.remove(index)
            redundancies.append(
                Redundancy(rule: index, cover: cover, witness: space.witness(in: sets[index])))
        }
    }

    private mutating func findConflicts(
        _ rules: [Rule], _ sets: [DecisionDiagram.Node], _ space: RequestSpace
    ) throws(DecisionDiagram.TooLarge) {
        let denials = rules.indices.filter { rules[$0].effect == .deny }
        for index in rules.indices where rules[index].effect != .deny {
            for denial in denials {
                let both = try space.diagram.intersection(sets[index], sets[denial])
                if both == .none { continue }
                conflicts.append(
                    Conflict(
                        rule: index, denial: denial, isCovered: both == sets[index], witness: space.witness(in: both)))
            }
        }
    }

    /// Rules that all others of their kind cover together, so that a closer look is worth it.
    private static func coveredByOthers(
        _ rules: [Rule], _ sets: [DecisionDiagram.Node], _ space: RequestSpace
    ) throws(DecisionDiagram.TooLarge) -> [Int] {
        var covered: [Int] = []
        for effect in RuleDeclaration.Effect.allCases {
            let own = rules.indices.filter { rules[$0].effect == effect && sets[$0] != .none }
            var after: [DecisionDiagram.Node] = [.none]
            for index in own.reversed() { after.append(try space.diagram.union(after[after.count - 1], sets[index])) }
            var before = DecisionDiagram.Node.none
            for (place, index) in own.enumerated() {
                let rest = try space.diagram.difference(sets[index], before)
                if try space.diagram.isSubset(rest, of: after[own.count - place - 1]) { covered.append(index) }
                before = try space.diagram.union(before, sets[index])
            }
        }
        return covered.sorted()
    }

    /// nil where they do not cover the set.
    private static func covering(
        _ set: DecisionDiagram.Node, _ others: [Int], _ sets: [DecisionDiagram.Node], _ space: RequestSpace
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

/// `rule/redundant`: a rule that the union of others covers, so that removing it changes no outcome.
enum RedundantRuleCheck: Check {
    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        let rules = context.edition.policy.rules
        if context.ruleFacts.isUndecided {
            diagnostics.add(.notDecided("which rules overlap, and which are superfluous", at: rules.first?.source))
        }
        for fact in context.ruleFacts.redundancies {
            diagnostics.add(
                Diagnostic(
                    "rule/redundant",
                    "rule `\(rules[fact.rule].name)` changes nothing: "
                        + (fact.cover.count == 1
                            ? "`\(rules[fact.cover[0]].name)` holds wherever it does"
                            : "one of \(fact.cover.count) others holds wherever it does"),
                    severity: .warning, at: rules[fact.rule].source,
                    notes: fact.cover.map { .init("`\(rules[$0].name)` covers it", at: rules[$0].source) },
                    help: "remove it, or mend its condition", witness: fact.witness?.json(for: context.edition)))
        }
    }
}

/// `rule/conflict`: deny and approve or confirm for the same requests. Deny wins, so the other never asks there. A warning
/// where the other rule is covered whole; where they only overlap, both may be meant, and it is a note.
enum RuleConflictCheck: Check {
    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        let rules = context.edition.policy.rules
        let byRule = Dictionary(grouping: context.ruleFacts.conflicts, by: \.rule)
        for (rule, facts) in byRule.sorted(by: { $0.key < $1.key }) {
            // One finding a rule: what covers it whole says all; else every rule that takes a part of it is named.
            let covering = facts.first(where: \.isCovered)
            let told = covering.map { [$0] } ?? facts
            let other = rules[rule]
            let names = told.prefix(3).map { "`\(rules[$0.denial].name)`" }.joined(separator: ", ")
            let more = told.count > 3 ? " and \(told.count - 3) more" : ""
            diagnostics.add(
                Diagnostic(
                    "rule/conflict",
                    "deny wins: wherever \(names)\(more) \(told.count == 1 ? "holds" : "hold") too, `\(other.name)` does not ask to \(other.effect.rawValue)"
                        + (covering == nil ? "" : ", and so it never does"),
                    severity: covering == nil ? .note : .warning, at: other.source,
                    notes: told.prefix(8).map { fact in
                        .init("`\(rules[fact.denial].name)` denies the same requests", at: rules[fact.denial].source)
                    },
                    help: "exclude them from one of the two conditions",
                    witness: told.first?.witness?.json(for: context.edition)))
        }
    }
}

/// `rule/refuses-tier`: a tier of which no request can be admitted, because of its models, of rules that deny, or of a limit
/// of zero.
enum RefusedTierCheck: Check {
    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        let (edition, set) = (context.edition, context.set)
        let denials = edition.policy.rules.filter { $0.effect == .deny }
        let space = RequestSpace(
            edition, set.tenants, conditions: denials.map(\.when), separatesModels: edition.catalog != nil)
        // Asked of each tier again, so made once.
        let sets = denials.map { rule in Result { () throws(DecisionDiagram.TooLarge) in try space.set(rule.when) } }
        for plan in context.tierPlans {
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
                try denied(plan, edition, denials, sets, space, &diagnostics)
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
        _ plan: Plan, _ edition: Edition, _ denials: [Rule],
        _ sets: [Result<DecisionDiagram.Node, DecisionDiagram.TooLarge>], _ space: RequestSpace,
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
        for (rule, set) in zip(denials, sets) {
            let next = try space.diagram.difference(left, try set.get())
            if next != left { used.append(rule) }
            left = next
        }
        guard left == .none, tried != .none else { return }
        add(
            plan, used.map { .init("`\($0.name)` refuses \($0.code)", at: $0.source) },
            space.witness(in: tried)?.json, &diagnostics)
    }
}
