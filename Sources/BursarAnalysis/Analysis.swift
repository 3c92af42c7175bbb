import BursarPolicy
import BursarSyntax
import Dispatch

/// Runs every check on a compiled set.
package enum Analysis {
    /// Checks each version of the policy with the newest catalog that is in force with it.
    package static func run(_ set: PolicySet) -> Diagnostics {
        let editions = set.editions.indices.filter { index in
            index + 1 == set.editions.count || set.editions[index + 1].policy !== set.editions[index].policy
        }.map { set.editions[$0].enforced }
        var groups: [RuleFacts.Basis: Int] = [:]
        var examples: [Edition] = []
        let group = editions.map { edition in
            let basis = RuleFacts.Basis(edition)
            if let known = groups[basis] { return known }
            groups[basis] = examples.count
            examples.append(edition)
            return examples.count - 1
        }
        let solverSteps = Effort.share(Effort.solver, among: examples.count)
        let facts = concurrentMap(examples) { RuleFacts($0, set.tenants, steps: solverSteps) }
        let checkSteps = Effort.share(Effort.check, among: editions.count)
        let found = concurrentMap(Array(zip(editions, group))) { edition, group in
            let context = EditionContext(edition, set, facts[group], steps: solverSteps)
            var diagnostics = Diagnostics()
            for check in CheckList.checks {
                context.effort = Effort(checkSteps)
                check.run(context, &diagnostics)
                if context.effort.isSpent { diagnostics.add(.notDecided(check.subject, at: edition.policy.source)) }
            }
            if context.hasMorePlans {
                diagnostics.add(
                    .notDecided(
                        "what holds for tenants beyond the first \(context.ownPlanSequences.count) with keys of their own",
                        at: edition.policy.source))
            }
            return diagnostics
        }
        var diagnostics = Diagnostics()
        for part in found { diagnostics.add(contentsOf: part) }
        for check in CheckList.setChecks { check.run(set, &diagnostics) }
        return diagnostics
    }
}

/// Maps elements on all cores. The results are in the order of the elements.
package func concurrentMap<Element: Sendable, Result: Sendable>(
    _ elements: [Element], _ transform: @Sendable (Element) -> Result
) -> [Result] {
    var results = [Result?](repeating: nil, count: elements.count)
    results.withUnsafeMutableBufferPointer { buffer in
        // Each iteration writes only its own element.
        nonisolated(unsafe) let places = buffer
        DispatchQueue.concurrentPerform(iterations: elements.count) { index in
            places[index] = transform(elements[index])
        }
    }
    return results.compactMap { $0 }
}
