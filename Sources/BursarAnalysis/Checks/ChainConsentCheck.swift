import BursarPolicy
import BursarSyntax

/// `chain/consent`: a chain that needs the tenant's consent, where no tenant of the tier gives it.
enum ChainConsentCheck: Check {
    static let rule = DiagnosticRule(
        "chain/consent", .warning,
        title: "No tenant consents to a downgrade",
        checks: "If a chain needs the consent of the tenant, some tenant of the tier gives it.",
        why: "The chain is never used.",
        example: "downgrade: {chains: [big -> small], consent: tenant}",
        fix: "Add `accepts: [downgrade]` to the records of the tenants that agreed, or use `consent: plan`.")

    static let rules = [rule]
    static let subject = "which chains have consent"

    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        let (edition, set) = (context.edition, context.set)
        // Tiers of tenants that consent; nil: the tier that a request names.
        let consenting = Set(set.tenants.filter(\.acceptsDowngrade).map { $0.tier ?? edition.defaultTier })
        for plan in context.tierPlans where plan.downgrade.consent == .tenant && !plan.downgrade.chains.isEmpty {
            if consenting.contains(plan.tier) || consenting.contains(nil) { continue }
            diagnostics.add(
                Diagnostic(
                    rule, "no tenant of tier `\(plan.tier)` accepts a downgrade, so its chain is never used",
                    at: plan.downgrade.consentSource ?? plan.tierSource,
                    help: "say `accepts: [downgrade]` in the records of those who agreed, or `consent: plan`"))
        }
    }
}
