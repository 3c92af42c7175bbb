import BursarAnalysis
import BursarEngine
import BursarPolicy
import BursarSyntax
import RandomPolicies
import Testing

/// P12 of the laws: the difference of a policy with itself is empty, and that of two holds exactly where decisions differ.
@Suite struct DiffPropertyTests {
    private func compile(_ text: String) throws -> PolicySet {
        var diagnostics = Diagnostics()
        let file = SourceFile(path: "random.yaml", name: "random.yaml", bytes: Array(text.utf8))
        let documents = DocumentLoader.read([file], diagnostics: &diagnostics)
        return try #require(Compiler.compile(documents, diagnostics).set)
    }

    private func random(_ seed: UInt64, hasLimits: Bool) -> String {
        var generator = RandomPolicies(random: SeededGenerator(seed: seed))
        generator.hasLimits = hasLimits
        return generator.policySet()
    }

    @Test func `a policy is the same as itself`() throws {
        for seed in UInt64(1)...300 {
            let text = random(seed, hasLimits: true)
            let diff = PolicyDiff.between(try compile(text), try compile(text))
            #expect(diff.isSame, "seed \(seed): \(diff)")
        }
    }

    @Test func `regions are where decisions differ, request by request`() throws {
        var compared = 0
        var differing = 0
        for seed in UInt64(1)...400 {
            let texts = [random(seed, hasLimits: false), random(seed + 1_000, hasLimits: false)]
            let old = try compile(texts[0])
            let new = try compile(texts[1])
            let diff = PolicyDiff.between(old, new)
            // Another time zone makes another hour of the same instant.
            if !diff.undecided.isEmpty { continue }
            // Conditions cannot ask for a tool that none of them names.
            if diff.regions.contains(where: { $0.omitted > 0 || $0.condition.contains("other-tool") }) { continue }
            let conditions = try diff.regions.map { try ConditionParser.parse($0.condition) }
            let engines = [Engine(old), Engine(new)]
            let filters = conditions.map { Engine(new, filters: [$0]) }
            var generators = [SeededGenerator](repeating: SeededGenerator(seed: seed &* 13), count: 2 + filters.count)
            for number in 0..<40 {
                // After every version of the generator's has taken effect; hours and days vary.
                let time = 1_781_000_000_000_000 + Int64(number) * 7 * Micros.hour
                let tenants = diff.tiers.map { ("someone", $0.name) }
                let outcomes = try (0..<2).map { side in
                    var request = engines[side].randomRequest(number, time, &generators[side], tenants: tenants)
                    request.isApproved = false
                    request.isConfirmed = false
                    request.acceptsDowngrade = false
                    return try #require(FirstOutcome(engines[side].decide(request).outcome))
                }
                compared += 1
                if outcomes[0] != outcomes[1] { differing += 1 }
                for (index, region) in diff.regions.enumerated() {
                    let request = filters[index].randomRequest(number, time, &generators[2 + index], tenants: tenants)
                    let isMeant = outcomes[0] == region.old && outcomes[1] == region.new
                    let holds = filters[index].matchesFilters(request)
                    if isMeant != holds {
                        Issue.record(
                            "seed \(seed), request \(number): \(outcomes), but \(region.old) -> \(region.new) where \(region.condition) \(holds ? "holds" : "does not hold")\n\(texts[0])\n=====\n\(texts[1])"
                        )
                        return
                    }
                }
                if outcomes[0] != outcomes[1] {
                    let isTold = diff.regions.contains { $0.old == outcomes[0] && $0.new == outcomes[1] }
                    if !isTold {
                        Issue.record(
                            "seed \(seed), request \(number): \(outcomes) is not among \(diff.regions)\n\(texts[0])\n=====\n\(texts[1])"
                        )
                        return
                    }
                }
            }
        }
        print("compared \(compared) requests, \(differing) with a different decision")
        #expect(differing > 500)
    }
}

extension FirstOutcome {
    init?(_ outcome: Outcome) {
        switch outcome {
        case .deny, .throttle: self = .deny
        case .approve: self = .approve
        case .confirm: self = .confirm
        case .downgrade: self = .downgrade
        case .allow, .allowWithCaps: self = .allow
        }
    }
}
