import BursarPolicy
import BursarSyntax

/// `name/unknown`: a feature with a share of its own that is nearly one of those under `features`. Features are open, so it
/// is a warning, and only where a misspelling is likely.
enum UnknownFeatureCheck: Check {
    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        let known = context.edition.policy.features.map(\.value)
        guard !known.isEmpty else { return }
        checkConditions(context, known, &diagnostics)
        for limit in context.allPlans.flatMap(\.limits) {
            guard let feature = limit.weight?.feature, !known.contains(feature),
                let near = nearestName(to: feature, among: known)
            else { continue }
            diagnostics.add(
                Diagnostic(
                    "name/unknown", "no feature is named `\(feature)`", severity: .warning, at: limit.source,
                    fix: .init("did you mean", replace: limit.source, with: near)))
        }
    }

    /// Features that conditions compare with.
    private static func checkConditions(
        _ context: EditionContext, _ known: [String], _ diagnostics: inout Diagnostics
    ) {
        let sources = context.set.sources
        for item in context.conditions where item.condition.attributes.contains(.feature) {
            for term in sources.terms(at: item.source) {
                for name in term.condition.comparisons.flatMap(features) where !known.contains(name) {
                    guard let near = nearestName(to: name, among: known),
                        let place = sources.place(of: name, in: term.range)
                    else { continue }
                    diagnostics.add(
                        Diagnostic(
                            "name/unknown", "no feature is named `\(name)`", severity: .warning, at: place,
                            fix: .init("did you mean", replace: place, with: near)))
                }
            }
        }
    }

    private static func features(_ comparison: Condition) -> [String] {
        switch comparison {
        case .text(.feature, .equals, let name): [name]
        case .textIn(.feature, let names): names
        default: []
        }
    }
}
