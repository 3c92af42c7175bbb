import BursarPolicy
import BursarSyntax

/// Thresholds above the point at which a limit refuses every request.
enum UnreachableThresholdCheck: Check {
    static let rule = DiagnosticRule(
        "limit/threshold-unreachable", .warning, or: .note,
        title: "Usage does not reach a threshold",
        checks: """
            No threshold is above one that denies every request, or above the ceiling of an overage. The finding is a note if \
            the threshold notifies: one refused request that is large enough, or usage that settles above its estimate, can \
            still reach it.
            """,
        why: "The actions of the threshold never happen.",
        example: "at: {100%: deny, 120%: downgrade}",
        fix: "Put the threshold below the one that denies.")

    static let rules = [rule]

    static let subject = "which thresholds are reached"

    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        let currency = context.edition.policy.currency
        for limit in context.allPlans.flatMap(\.limits) where limit.weight == nil && limit.thresholds.count > 1 {
            guard context.effort.spend(20 * limit.thresholds.count) else { return }
            guard let wall = Wall(limit) else { continue }
            for (index, threshold) in limit.thresholds.enumerated() where index != wall.index {
                let distance = wall.distance(to: threshold)
                guard distance > 0 || (distance == 0 && index > wall.index && !threshold.notifies) else { continue }
                // Each request by itself may be as large as it likes.
                if threshold.notifies, limit.window == .request { continue }
                let text = limit.unit.text(Int128(wall.bound(wall.bases[0])), currency)
                diagnostics.add(
                    Diagnostic(
                        rule,
                        threshold.notifies
                            ? "only a refused request, or usage that settles above its estimate, gets to \(threshold.text): every request above \(text) is refused"
                            : "nothing gets to \(threshold.text): every request above \(text) is refused",
                        isLesser: threshold.notifies, at: threshold.source,
                        notes: [.init("it is refused here", at: wall.threshold.source)],
                        help: "put it below \(text), or remove it"))
            }
        }
    }

    /// The lowest point at which every request is refused.
    private struct Wall {
        let index: Int
        let threshold: Threshold
        private let ceiling: Int64
        /// The least and the most that the amount can be with what is carried over.
        let bases: [Int64]

        init?(_ limit: Limit) {
            let base = limit.bucketLength == nil ? limit.amount : limit.capacity
            bases = [base, base.addingSaturated(limit.mostCarried)]
            var lowest: (index: Int, ceiling: Int64, bound: Int64)?
            for (index, threshold) in limit.thresholds.enumerated() {
                for action in threshold.actions where action.when == nil && action.alternatives.count == 1 {
                    let ceiling: Int64
                    switch action.alternatives[0] {
                    case .deny: ceiling = 0
                    case .overage(let most?, _): ceiling = most
                    default: continue
                    }
                    let bound = threshold.bound(of: base).addingSaturated(ceiling)
                    if lowest.map({ bound < $0.bound }) ?? true { lowest = (index, ceiling, bound) }
                }
            }
            guard let lowest else { return nil }
            index = lowest.index
            threshold = limit.thresholds[lowest.index]
            ceiling = lowest.ceiling
        }

        func bound(_ base: Int64) -> Int64 { threshold.bound(of: base).addingSaturated(ceiling) }

        /// How far a threshold is above the wall at least, whatever is carried over.
        func distance(to other: Threshold) -> Int64 {
            bases.map { other.bound(of: $0).subtractingSaturated(bound($0)) }.min() ?? 0
        }
    }
}

extension Threshold {
    fileprivate var notifies: Bool {
        actions.flatMap(\.alternatives).contains { if case .notify = $0 { true } else { false } }
    }
}
