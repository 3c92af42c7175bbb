import BursarEngine
import BursarPolicy
import BursarSyntax

/// The tiers, rules, limits, thresholds and actions that the tests of a set cover.
package struct Coverage: Sendable {
    package enum Kind: String, Sendable, CaseIterable { case tier, rule, limit, threshold, action }

    package struct Item: Sendable {
        package var kind: Kind
        package var name: String
        package var source: SourceRange
        /// The index of an action at its threshold.
        fileprivate var number = 0

        fileprivate var key: Key { Key(kind: kind, source: source, number: number) }
    }

    fileprivate struct Key: Hashable {
        var kind: Kind
        var source: SourceRange
        var number: Int
    }

    /// In the order of the files.
    package private(set) var items: [Item] = []
    private var counts: [Key: Int] = [:]

    /// Creates an empty coverage that counts the items of one run.
    package init() {}

    /// All items of the newest version of a set.
    package init(_ set: PolicySet) {
        var seen: Set<Key> = []
        func add(_ kind: Kind, _ name: String, _ source: SourceRange?, _ number: Int = 0) {
            guard let source else { return }
            let item = Item(kind: kind, name: name, source: source, number: number)
            if seen.insert(item.key).inserted { items.append(item) }
        }
        guard let edition = set.editions.last else { return }
        for rule in edition.policy.rules { add(.rule, rule.name, rule.source) }
        func addLimits(of plan: Plan) {
            for limit in plan.limits {
                add(.limit, limit.name, limit.source)
                // A share has the same thresholds as the limit that it divides.
                for threshold in limit.thresholds where limit.weight == nil {
                    add(.threshold, "\(limit.name) at \(threshold.text)", threshold.source)
                    for number in threshold.actions.indices {
                        add(
                            .action, "\(limit.name) at \(threshold.text), action \(number + 1)", threshold.source,
                            number)
                    }
                }
            }
        }
        for name in edition.tierNames {
            guard let plan = edition.plan(tier: name) else { continue }
            add(.tier, plan.tier, plan.tierSource)
            addLimits(of: plan)
        }
        for (index, record) in set.tenants.enumerated() where !record.followsTier {
            guard let tier = record.tier ?? edition.defaultTier else { continue }
            let time = max(edition.interval.start, 0)
            // Plans are looked at one by one: all of them together may not fit into memory.
            if let plan = edition.plan(tier: tier, tenant: index, record: record, at: time) { addLimits(of: plan) }
        }
        items.sort {
            ($0.source.file, $0.source.start, $0.kind.rawValue) < ($1.source.file, $1.source.start, $1.kind.rawValue)
        }
    }

    private mutating func count(_ kind: Kind, _ source: SourceRange, _ number: Int = 0) {
        counts[Key(kind: kind, source: source, number: number), default: 0] += 1
    }

    mutating func add(_ explanation: Explanation, _ decision: Decision, _ engine: Engine) {
        for step in explanation.steps where step.kind == .rule && step.holds == true {
            guard let source = step.source else { continue }
            count(.rule, source)
        }
        if decision.tier.isPresent {
            let tier = engine.symbols.text(decision.tier)
            let edition = engine.policySet.editions.last { $0.plan(tier: tier) != nil }
            if let source = edition?.plan(tier: tier)?.tierSource { count(.tier, source) }
        }
        for limit in explanation.limits {
            count(.limit, limit.source)
            for threshold in limit.thresholds where threshold.isCrossed {
                count(.threshold, threshold.source)
                for (number, holds) in threshold.holds.enumerated() where holds {
                    count(.action, threshold.source, number)
                }
            }
        }
    }

    /// Adds the counts of another run.
    package mutating func merge(_ other: Coverage) { counts.merge(other.counts, uniquingKeysWith: +) }

    package func count(of item: Item) -> Int { counts[item.key] ?? 0 }

    /// The number of covered items and of all items.
    package func total(_ kind: Kind? = nil) -> (met: Int, all: Int) {
        let own = items.filter { kind == nil || $0.kind == kind }
        return (own.count { count(of: $0) > 0 }, own.count)
    }
}
