import BursarPolicy
import BursarSyntax

/// Runs the checks on a compiled set: what is allowed, but hardly meant.
public enum Analysis {
    /// Each check stands in a file of its theme, with what it finds and why that is bad.
    private static var checks: [any Check.Type] {
        [
            ConditionCheck.self, RedundantRuleCheck.self, RuleConflictCheck.self, RefusedTierCheck.self,
            ZeroLimitCheck.self, UnreachableThresholdCheck.self, TooSmallLimitCheck.self, NeverBindsCheck.self,
            OversubscribedCheck.self, NoHardStopCheck.self, WorstCaseMarginCheck.self,
            ChainNotAllowedCheck.self, ChainMissingCheck.self, DearerChainCheck.self, ChainContextCheck.self,
            ChainConsentCheck.self, UnusedNameCheck.self, UnknownFeatureCheck.self,
        ]
    }

    public static func run(_ set: PolicySet) -> Diagnostics {
        var diagnostics = Diagnostics()
        for edition in set.editions {
            for check in checks { check.run(edition, of: set, &diagnostics) }
        }
        CatalogChecks.run(set, &diagnostics)
        return diagnostics
    }
}

/// One thing that is looked for in each edition of a policy.
protocol Check: Sendable {
    static func run(_ edition: Edition, of set: PolicySet, _ diagnostics: inout Diagnostics)
}

extension Edition {
    /// The plans of all tiers, in the order in which they were written.
    var tierPlans: [Plan] { tierNames.compactMap { plan(tier: $0) } }

    /// When the plans of tenants are looked at: their exceptions are those that hold then.
    var lookTime: Int64 { max(interval.start, 0) }

    /// The plans of tenants whose records change something, one after the other where exceptions end.
    func ownPlans(of set: PolicySet) -> [(record: TenantRecord, plan: Plan)] {
        ownPlanSequences(of: set).flatMap { own in own.plans.map { (own.record, $0) } }
    }

    func ownPlanSequences(of set: PolicySet) -> [(record: TenantRecord, plans: [Plan])] {
        var sequences: [(record: TenantRecord, plans: [Plan])] = []
        for (index, record) in set.tenants.enumerated() where !record.followsTier {
            // Without a tier in the record, requests may name any.
            for tier in record.tier.map({ [$0] }) ?? tierNames {
                var plans: [Plan] = []
                var time = lookTime
                while let plan = plan(tier: tier, tenant: index, record: record, at: time) {
                    plans.append(plan)
                    time = plan.validity.end
                    if time >= interval.end || plans.count > Self.mostPlans { break }
                }
                if !plans.isEmpty { sequences.append((record, plans)) }
            }
        }
        return sequences
    }

    /// A tenant has hardly more exceptions; those beyond are not looked at.
    private static var mostPlans: Int { 16 }

    func allPlans(of set: PolicySet) -> [Plan] { tierPlans + ownPlans(of: set).map(\.plan) }
}
