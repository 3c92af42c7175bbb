import BursarPolicy
import BursarSyntax

/// An edition with data that several checks share, computed once.
final class EditionContext {
    let edition: Edition
    let set: PolicySet

    let ruleFacts: RuleFacts

    /// The remaining effort of the current check.
    var effort = Effort(Effort.check)
    private let solverSteps: Int

    init(_ edition: Edition, _ set: PolicySet, _ ruleFacts: RuleFacts, steps: Int) {
        self.edition = edition
        self.set = set
        self.ruleFacts = ruleFacts
        solverSteps = steps
    }

    /// The number of models in the catalog.
    var modelCount: Int { edition.catalog?.models.count ?? 0 }

    /// The plans of all tiers, in source order.
    private(set) lazy var tierPlans: [Plan] = edition.tierNames.compactMap { edition.plan(tier: $0) }

    /// The plans of tenants whose records change something, one plan for each period between exceptions. A tenant is
    /// checked in the newest version that has its tier.
    private(set) lazy var ownPlanSequences: [(record: TenantRecord, plans: [Plan])] = {
        let later = set.editions.drop { $0.policy !== edition.policy }.filter { $0.policy !== edition.policy }
        let newer = Set(later.flatMap(\.tierNames))
        var sequences: [(record: TenantRecord, plans: [Plan])] = []
        var limitsLeft = Self.mostLimits
        for (index, record) in set.tenants.enumerated() where !record.followsTier {
            // Requests of a tenant without a tier may name any tier.
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

    /// The maximum number of limits in all plans of tenants; each takes about 500 bytes in memory.
    private static let mostLimits = 200_000

    /// Some plans of tenants exceed the bound and are not checked.
    private(set) var hasMorePlans = false

    private(set) lazy var ownPlans: [(record: TenantRecord, plan: Plan)] = ownPlanSequences.flatMap { own in
        own.plans.map { (own.record, $0) }
    }

    private(set) lazy var allPlans: [Plan] = tierPlans + ownPlans.map(\.plan)

    /// The tenant of a plan; nil for the plan of a tier.
    func owner(of plan: Plan) -> String? { owners[ObjectIdentifier(plan)] }

    private lazy var owners: [ObjectIdentifier: String] = Dictionary(
        ownPlans.map { (ObjectIdentifier($0.plan), $0.record.id) }, uniquingKeysWith: { first, _ in first })

    /// The maximum number of plans per tenant; few tenants have more exceptions.
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

    /// Every condition of the edition once, with the tiers whose plans contain it.
    private(set) lazy var conditions: [AskedCondition] = AskedCondition.all(of: self)

    /// The requests that the conditions of the edition distinguish.
    private(set) lazy var space = RequestSpace(
        edition, set.tenants, conditions: conditions.map(\.condition), steps: solverSteps)
}
