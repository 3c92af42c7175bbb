import BursarPolicy
import BursarSyntax

/// Runs the checks on a compiled set: what is allowed, but hardly meant.
public enum Analysis {
    /// Each check stands in a file of its own, with what it finds and why that is bad.
    private static var checks: [any Check.Type] {
        [
            ZeroLimitCheck.self, UnreachableThresholdCheck.self, ChainNotAllowedCheck.self, ChainMissingCheck.self,
            DearerChainCheck.self, UnusedAudienceCheck.self,
        ]
    }

    public static func run(_ set: PolicySet) -> Diagnostics {
        var diagnostics = Diagnostics()
        for edition in set.editions {
            for check in checks { check.run(edition, of: set, &diagnostics) }
        }
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
}
