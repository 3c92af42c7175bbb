import BursarPolicy
import BursarSyntax

/// `limit/threshold-unreachable`: a threshold above one that refuses every request that crosses it. Only an event could
/// still be given there, so a threshold with `notify` is not reported.
enum UnreachableThresholdCheck: Check {
    static let rule = DiagnosticRule(
        "limit/threshold-unreachable", .warning,
        title: "Usage never reaches a threshold",
        checks: "No threshold is above another one that denies every request. A threshold with `notify` is exempt.",
        why: "The actions of the threshold never happen.",
        example: "at: {100%: deny, 120%: downgrade}",
        fix: "Put the threshold below the one that denies.")

    static let rules = [rule]
    static let subject = "which thresholds are reached"

    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        for limit in context.tierPlans.flatMap(\.limits) where limit.weight == nil {
            guard let wall = limit.thresholds.firstIndex(where: refusesAll) else { continue }
            for threshold in limit.thresholds[(wall + 1)...] where !notifies(threshold) {
                diagnostics.add(
                    Diagnostic(
                        rule,
                        "nothing gets to \(threshold.text): every request is refused at \(limit.thresholds[wall].text)",
                        at: threshold.source,
                        notes: [.init("it is refused here", at: limit.thresholds[wall].source)]))
            }
        }
    }

    private static func refusesAll(_ threshold: Threshold) -> Bool {
        threshold.actions.contains { $0.when == nil && $0.alternatives.count == 1 && $0.alternatives[0].isDeny }
    }

    private static func notifies(_ threshold: Threshold) -> Bool {
        threshold.actions.flatMap(\.alternatives).contains { if case .notify = $0 { true } else { false } }
    }
}
