import BursarPolicy
import BursarSyntax

/// Relations between the rules of an edition. Versions with equal rules share them.
struct RuleFacts: Sendable {
    struct Redundancy: Sendable {
        var rule: Int
        /// A minimal set of other rules that cover the rule: without any one of them, it is no longer covered.
        var cover: [Int]
        var witness: WitnessRequest?
    }

    /// A conflict between a rule and deny rules.
    struct Conflict: Sendable {
        var rule: Int
        /// One deny rule that covers the rule completely, or the first ones that cover a part.
        var denials: [Int]
        var isCovered: Bool
        /// The number of deny rules that cover a part.
        var count: Int
        var witness: WitnessRequest?
    }

    private(set) var redundancies: [Redundancy] = []
    private(set) var conflicts: [Conflict] = []
    private(set) var isUndecided = false

    /// The input of the facts.
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

    init(_ edition: Edition, _ tenants: [TenantRecord], steps: Int) {
        let rules = edition.policy.rules
        guard rules.count > 1 else { return }
        let space = RequestSpace(edition, tenants, conditions: rules.map(\.when), steps: steps)
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
        // The later one of two equal rules is reported.
        for index in try Self.coveredByOthers(rules, sets, space).reversed() {
            // A deny makes every other effect redundant; that is reported as a conflict.
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
            var conflict = Conflict(rule: index, denials: [], isCovered: false, count: 0)
            for denial in denials {
                let both = try space.diagram.intersection(sets[index], sets[denial])
                if both == .none { continue }
                let isCovered = both == sets[index]
                if conflict.count == 0 || isCovered { conflict.witness = space.witness(in: both) }
                if isCovered {
                    (conflict.denials, conflict.count, conflict.isCovered) = ([denial], 1, true)
                    break
                }
                conflict.count += 1
                if conflict.denials.count < 8 { conflict.denials.append(denial) }
            }
            if conflict.count > 0 { conflicts.append(conflict) }
        }
    }

    /// Rules that all others of their kind cover together, which are candidates for a closer check.
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

    /// nil if the rules do not cover the set.
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
