import BursarPolicy
import BursarSyntax

/// `chain/consent`: a chain that needs the tenant's consent, where no tenant of the tier gives it.
enum ChainConsentCheck: Check {
    static let subject = "which chains have consent"

    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        let (edition, set) = (context.edition, context.set)
        // Tiers of tenants that consent; nil: the tier that a request names.
        let consenting = Set(set.tenants.filter(\.acceptsDowngrade).map { $0.tier ?? edition.defaultTier })
        for plan in context.tierPlans where plan.downgrade.consent == .tenant && !plan.downgrade.chains.isEmpty {
            if consenting.contains(plan.tier) || consenting.contains(nil) { continue }
            diagnostics.add(
                Diagnostic(
                    "chain/consent", "no tenant of tier `\(plan.tier)` accepts a downgrade, so its chain is never used",
                    severity: .warning, at: plan.downgrade.consentSource ?? plan.tierSource,
                    help: "say `accepts: [downgrade]` in the records of those who agreed, or `consent: plan`"))
        }
    }
}
