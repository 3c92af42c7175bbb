import BursarPolicy
import BursarSyntax

/// An edition with what several checks ask of it, made once.
final class EditionContext {
    let edition: Edition
    let set: PolicySet

    let ruleFacts: RuleFacts

    /// Of the check that runs.
    var effort = Effort(Effort.check)
    private let solverSteps: Int

    init(_ edition: Edition, _ set: PolicySet, _ ruleFacts: RuleFacts, steps: Int) {
        self.edition = edition
        self.set = set
        self.ruleFacts = ruleFacts
        solverSteps = steps
    }

    /// Models of the catalog.
    var modelCount: Int { edition.catalog?.models.count ?? 0 }

    /// The plans of all tiers, in the order in which they were written.
    private(set) lazy var tierPlans: [Plan] = edition.tierNames.compactMap { edition.plan(tier: $0) }

    /// The plans of tenants whose records change something, one after the other where exceptions end. A tenant is looked at
    /// in the newest version that has its tier.
    private(set) lazy var ownPlanSequences: [(record: TenantRecord, plans: [Plan])] = {
        let later = set.editions.drop { $0.policy !== edition.policy }.filter { $0.policy !== edition.policy }
        let newer = Set(later.flatMap(\.tierNames))
        var sequences: [(record: TenantRecord, plans: [Plan])] = []
        var limitsLeft = Self.mostLimits
        for (index, record) in set.tenants.enumerated() where !record.followsTier {
            // Without a tier in the record, requests may name any.
            for tier in record.tier.map({ [$0] }) ?? edition.tierNames where !newer.contains(tier) {
                guard limitsLeft > 0 else {
                    hasMorePlans = true
                    return sequences
                }
                let plans = plans(of: index, record, tier)
                if !plans.isEmpty { sequences.append((record, plans)) }
                limitsLeft -= plans.reduce(1) { $0 + $1.limits.count }
            }
        }
        return sequences
    }()

    /// Limits of tenants' own plans that are looked at together; each takes about 500 bytes in memory.
    private static let mostLimits = 200_000

    /// Some tenants' own plans are not among those that are looked at.
    private(set) var hasMorePlans = false

    private(set) lazy var ownPlans: [(record: TenantRecord, plan: Plan)] = ownPlanSequences.flatMap { own in
        own.plans.map { (own.record, $0) }
    }

    private(set) lazy var allPlans: [Plan] = tierPlans + ownPlans.map(\.plan)

    /// The tenant whose own plan it is; nil for a tier's.
    func owner(of plan: Plan) -> String? { owners[ObjectIdentifier(plan)] }

    private lazy var owners: [ObjectIdentifier: String] = Dictionary(
        ownPlans.map { (ObjectIdentifier($0.plan), $0.record.id) }, uniquingKeysWith: { first, _ in first })

    /// A tenant has hardly more exceptions; those beyond are not looked at.
    private static let mostPlans = 16

    private func plans(of index: Int, _ record: TenantRecord, _ tier: String) -> [Plan] {
        var plans: [Plan] = []
        var time = max(edition.interval.start, 0)
        while let plan = edition.plan(tier: tier, tenant: index, record: record, at: time) {
            plans.append(plan)
            time = plan.validity.end
            if time >= edition.interval.end || plans.count > Self.mostPlans { break }
        }
        return plans
    }

    /// Every condition of the edition once, with the tiers in whose plans it stands.
    private(set) lazy var conditions: [AskedCondition] = AskedCondition.all(of: self)

    /// The requests that the conditions of the edition tell apart.
    private(set) lazy var space = RequestSpace(
        edition, set.tenants, conditions: conditions.map(\.condition), steps: solverSteps)
}
