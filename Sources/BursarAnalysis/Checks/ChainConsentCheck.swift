import BursarPolicy
import BursarSyntax

/// `chain/consent`: a chain that needs the tenant's consent, where no tenant of the tier gives it.
enum ChainConsentCheck: Check {
    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        let (edition, set) = (context.edition, context.set)
        for plan in context.tierPlans where plan.downgrade.consent == .tenant && !plan.downgrade.chains.isEmpty {
            let consents = set.tenants.contains {
                ($0.tier ?? edition.defaultTier ?? plan.tier) == plan.tier && $0.acceptsDowngrade
            }
            if consents { continue }
            diagnostics.add(
                Diagnostic(
                    "chain/consent", "no tenant of tier `\(plan.tier)` accepts a downgrade, so its chain is never used",
                    severity: .warning, at: plan.downgrade.consentSource ?? plan.tierSource,
                    help: "say `accepts: [downgrade]` in the records of those who agreed, or `consent: plan`"))
        }
    }
}
