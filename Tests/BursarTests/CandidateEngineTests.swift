import Bursar
import Dispatch
import Synchronization
import Testing

/// A candidate beside the active policies decides as it would alone, and never changes what the active ones decide.
@Suite struct CandidateEngineTests {
    private static func policies(_ limits: String, models: String = "any") throws -> PolicySet {
        let text = """
            catalog: c
            version: 1
            models:
              dear: {price: {input: $2/1k, output: $2/1k}}
              cheap: {price: {input: $1/1k, output: $1/1k}}
            ---
            policy: p
            version: 1
            default tier: t
            tiers: {t: {models: \(models), downgrade: dear -> cheap, limits: {\(limits)}}}
            """
        return try PolicySet(contentsOf: Samples.folder(["policy.yaml": text]))
    }

    private static func engines(
        _ active: PolicySet, _ candidate: PolicySet, counting: CandidateEngine.Counting = .simulated,
        onDifference: @escaping @Sendable (CandidateEngine.Difference) -> Void
    ) -> CandidateEngine {
        CandidateEngine(active: Engine(active), candidate: candidate, counting: counting, onDifference: onDifference)
    }

    /// The same requests for any engine.
    private static func request(_ number: Int) -> Engine.Request {
        var request = Engine.Request(
            tenant: "acme", model: number % 3 == 0 ? "cheap" : "dear", user: "user-\(number % 5)",
            inputTokens: number % 7 * 10,
            time: Timestamp(microsecondsSince1970: 1_780_272_000_000_000 + Int64(number) * 60_000_000))
        request.expectedOutputTokens = 10
        return request
    }

    private static func alone(_ policies: PolicySet, _ count: Int) -> [Outcome] {
        let engine = Engine(policies)
        return (0..<count).map { number in
            let decision = engine.decide(request(number))
            if decision.reservation != nil { _ = try? decision.settle(inputTokens: 30, outputTokens: 5) }
            return decision.outcome
        }
    }

    /// A refused request has nothing to settle.
    private static func settle(_ pair: CandidateEngine.Pair) throws {
        do throws(SettlementError) {
            try pair.settle(inputTokens: 30, outputTokens: 5)
        } catch {
            #expect(error == .notAdmitted)
            #expect(!pair.decision.isAdmitted)
        }
    }

    @Test func `both decide as they would alone, and every difference is reported`() throws {
        // The candidate counts by user, which the active policy does not tell apart.
        let old = try Self.policies("daily: $5/day")
        let new = try Self.policies("daily: $3/day, user: {amount: $0.5/day, per: user}")
        let count = 400
        let expected = (Self.alone(old, count), Self.alone(new, count))
        let differences = Mutex<[(Outcome, Outcome)]>([])
        let engines = Self.engines(old, new) { difference in
            differences.withLock { $0.append((difference.active.outcome, difference.candidate.outcome)) }
        }
        var outcomes: [Outcome] = []
        for number in 0..<count {
            let pair = engines.decide(Self.request(number))
            outcomes.append(pair.decision.outcome)
            try Self.settle(pair)
        }
        #expect(outcomes == expected.0)
        let different = zip(expected.0, expected.1).filter { $0 != $1 }
        #expect(differences.withLock { $0 }.elementsEqual(different, by: ==))
        #expect(!different.isEmpty)
    }

    @Test func `another model is a difference`() throws {
        let count = Atomic(0)
        let engines = Self.engines(
            try Self.policies("daily: $5/day"), try Self.policies("daily: $5/day", models: "[cheap]")
        ) { difference in
            #expect(difference.candidate.outcome == .downgrade)
            count.add(1, ordering: .relaxed)
        }
        let pair = engines.decide(Self.request(1))
        #expect(pair.decision.outcome == .allow)
        try pair.release()
        #expect(count.load(ordering: .relaxed) == 1)
        #expect(throws: SettlementError.self) { try pair.release() }
    }

    @Test func `observed counters follow what happened`() throws {
        // What the candidate refuses still happened, so its limit stays used up.
        let outcomes = Gathered<Outcome>()
        let engines = Self.engines(
            try Self.policies("daily: $100/day"), try Self.policies("daily: $0.1/day"), counting: .observed
        ) { outcomes.add($0.candidate.outcome) }
        for number in 0..<10 { try Self.settle(engines.decide(Self.request(number))) }
        #expect(outcomes.all.count >= 7)
        #expect(outcomes.all.allSatisfy { $0 == .deny })
    }

    @Test func `many threads share one`() throws {
        let engines = Self.engines(
            try Self.policies("requests: 500 requests/day"), try Self.policies("requests: 300 requests/day")
        ) { _ in }
        let admitted = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
            for number in 0..<200 where engines.decide(Self.request(number)).decision.isAdmitted {
                admitted.add(1, ordering: .relaxed)
            }
        }
        #expect(admitted.load(ordering: .relaxed) == 500)
    }
}
