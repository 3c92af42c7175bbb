import BursarPolicy
import BursarSyntax

extension PolicyTest {
    /// The steps of the test in a set whose largest plan has `limits` limits: every request evaluates all limits, and
    /// every 100 bytes of what a request holds or is expected to give are compared with all of them.
    private func steps(largestPlan limits: Int64) -> Int64 {
        let own = Self.bytes(test.request).addingSaturated(Self.bytes(variation))
        let requests = test.steps.reduce(Int64(1)) { sum, step in
            let bytes = own.addingSaturated(Self.bytes(step))
            return sum.addingSaturated(max(1, step.times).multipliedSaturated(by: (bytes / 100).addingSaturated(1)))
        }
        return requests.multipliedSaturated(by: limits.addingSaturated(5))
    }

    private static func bytes(_ entries: [YAMLEntry]) -> Int64 {
        entries.reduce(0) { $0.addingSaturated(bytes($1.range)) }
    }

    private static func bytes(_ step: TestStep) -> Int64 {
        bytes(step.request).addingSaturated(step.expect.map { bytes($0.range) } ?? 0)
            .addingSaturated(bytes(step.settle ?? []))
    }

    private static func bytes(_ variation: TestCase?) -> Int64 {
        guard let variation else { return 0 }
        return bytes(variation.request).addingSaturated(variation.expect.map { bytes($0.range) } ?? 0)
    }

    private static func count(_ scopes: [ScopeDeclaration]) -> Int {
        scopes.reduce(0) { $0 + $1.limits.count + count($1.children) }
    }

    private static func bytes(_ range: SourceRange) -> Int64 {
        Int64(range.end).subtractingSaturated(Int64(range.start))
    }

    /// Why some tests of a set cannot be run: together they take too many steps. The number does not depend on the machine.
    package static func beyondBounds(_ tests: [PolicyTest], _ set: PolicySet, _ documents: Documents) -> Diagnostic? {
        let tiers = set.editions.flatMap { edition in
            edition.tierNames.map { edition.plan(tier: $0)?.limits.count ?? 0 }
        }
        let own = documents.tenants.map { $0.limits.count + count($0.scopes) }
        let largest = Int64((tiers.max() ?? 0) + (own.max() ?? 0))
        let alerts = Int64(set.editions.map(\.policy.alerts.count).max() ?? 0)
        var left = Bounds.testSteps
        for test in tests {
            left.subtractSaturated(test.steps(largestPlan: largest.addingSaturated(alerts)))
            guard left < 0 else { continue }
            return Diagnostic(
                .syntaxBound,
                "the tests of a set may take \(Bounds.testSteps) steps, and they take more from this one on",
                at: test.range,
                help:
                    "a request takes a step for each limit of the largest plan, which has \(largest), and for each alert; "
                    + "lower `repeat`, or give more usage under `given`")
        }
        return nil
    }
}
