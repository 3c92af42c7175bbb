import BursarPolicy
import BursarSyntax

/// `name/feature`: a feature with a share of its own that is nearly one of those under `features`. Features are open, so it
/// is a warning, and only where a misspelling is likely.
enum UnknownFeatureCheck: Check {
    static let rule = DiagnosticRule(
        "name/feature", .warning,
        title: "A feature is nearly one of the declared features",
        checks:
            "A feature that the policy names is declared under `features`, or is not similar to a declared one. `block` lists names alone.",
        why: "Features are open, so that any name is allowed. A misspelt feature gets the share of no feature.",
        example: """
            features: {checkout: {critical: true}}
            tiers:
              free: {limits: {daily: $5/day}, weights: {of: daily, chekout: 40%}}
            """,
        fix: "Correct the spelling (`bursar check --fix`), or declare the feature.")

    static let rules = [rule]
    static let subject = "which features are misspelt"

    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        checkPrefixes(context, &diagnostics)
        let known = context.edition.policy.features.map(\.value)
        guard !known.isEmpty else { return }
        let names = Set(known)
        var seen: Set<String> = []
        checkConditions(context, known, names, &seen, &diagnostics)
        for feature in context.allPlans.flatMap(\.blockedNames) where !names.contains(feature.value) {
            guard context.effort.spend(1), isLookedUp(feature.value, &seen),
                let near = nearestName(to: feature.value, among: known)
            else { continue }
            diagnostics.add(
                Diagnostic(
                    rule, "no feature is named `\(feature.value)`, so this blocks nothing", at: feature.range,
                    fix: .init("did you mean", replace: feature.range, with: near)))
        }
        for limit in context.allPlans.flatMap(\.limits) {
            guard let feature = limit.weight?.feature, !names.contains(feature), context.effort.spend(1),
                isLookedUp(feature, &seen), let near = nearestName(to: feature, among: known)
            else { continue }
            diagnostics.add(
                Diagnostic(
                    rule, "no feature is named `\(feature)`", at: limit.source,
                    fix: .init("did you mean", replace: limit.source, with: near)))
        }
    }

    /// `block: [feature chat]`: the kind is no part of the name.
    private static func checkPrefixes(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        for feature in context.allPlans.flatMap(\.blockedNames) where feature.value.hasPrefix("feature ") {
            let name = feature.value.dropFirst("feature ".count).drop { $0 == " " }
            diagnostics.add(
                Diagnostic(
                    rule, "`block` lists features, so this blocks a feature with the name `\(feature.value)`",
                    at: feature.range, fix: .init("did you mean", replace: feature.range, with: String(name))))
        }
    }

    /// The nearest feature is looked up of the first names that are not among those under `features`.
    private static func isLookedUp(_ name: String, _ seen: inout Set<String>) -> Bool {
        if seen.contains(name) { return true }
        guard seen.count < Bounds.suggestions else { return false }
        seen.insert(name)
        return true
    }

    /// Features that conditions compare with.
    private static func checkConditions(
        _ context: EditionContext, _ known: [String], _ names: Set<String>, _ seen: inout Set<String>,
        _ diagnostics: inout Diagnostics
    ) {
        let sources = context.set.sources
        for item in context.conditions where item.condition.attributes.contains(.feature) {
            for term in sources.terms(at: item.source) {
                for name in term.condition.comparisons.flatMap(features) where !names.contains(name) {
                    guard isLookedUp(name, &seen), let near = nearestName(to: name, among: known),
                        let place = sources.place(of: name, in: term.range)
                    else { continue }
                    diagnostics.add(
                        Diagnostic(
                            rule, "no feature is named `\(name)`", at: place,
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
