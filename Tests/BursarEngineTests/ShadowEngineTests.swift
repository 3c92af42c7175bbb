import BursarEngine
import BursarPolicy
import BursarSyntax
import Dispatch
import Synchronization
import Testing

/// A candidate beside the active policy decides as it would alone, and never changes what the active one decides.
@Suite struct ShadowEngineTests {
    private static func engine(_ limits: String, models: String = "any") throws -> Engine {
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
        return Engine(try PolicySet.compiled(text))
    }

    /// The same requests on any engine.
    private static func request(_ number: Int, tenant: TenantID, _ symbol: (AttributeSlot, String) -> Symbol) -> Request
    {
        var request = Request(
            time: 1_780_272_000_000_000 + Int64(number) * 60_000_000, tenant: tenant,
            model: symbol(.model, number % 3 == 0 ? "cheap" : "dear"))
        request[.user] = symbol(.user, "user-\(number % 5)")
        request.inputTokens = Int64(number % 7) * 10
        request.expectedOutputTokens = 10
        return request
    }

    private static let usage = Usage(inputTokens: 30, outputTokens: 5)

    private static func alone(_ engine: Engine, _ count: Int) -> [Outcome] {
        let tenant = engine.tenant("acme")
        return (0..<count).map { number in
            let request = request(number, tenant: tenant) { engine.symbols.intern($1) }
            let decision = engine.decide(request)
            if let reservation = decision.reservation { try? engine.settle(reservation, of: tenant, usage: usage) }
            return decision.outcome
        }
    }

    @Test func `both decide as they would alone, and every divergence is told`() throws {
        // The candidate counts by user, which the active policy does not tell apart.
        let (old, new) = ("daily: $5/day", "daily: $3/day, user: {amount: $0.5/day, per: user}")
        let count = 400
        let expected = (Self.alone(try Self.engine(old), count), Self.alone(try Self.engine(new), count))
        let divergences = Mutex<[(Outcome, Outcome)]>([])
        let shadow = ShadowEngine(active: try Self.engine(old), candidate: try Self.engine(new)) { divergence in
            divergences.withLock { $0.append((divergence.active.outcome, divergence.candidate.outcome)) }
        }
        let tenant = shadow.active.tenant("acme")
        var outcomes: [Outcome] = []
        for number in 0..<count {
            let request = Self.request(number, tenant: tenant) { shadow.symbol($0, $1) }
            let (decision, ticket) = shadow.decide(request)
            outcomes.append(decision.outcome)
            try shadow.settle(ticket, usage: Self.usage)
        }
        #expect(outcomes == expected.0)
        let otherwise = zip(expected.0, expected.1).filter { $0 != $1 }
        #expect(divergences.withLock { $0 }.elementsEqual(otherwise, by: ==))
        #expect(!otherwise.isEmpty)
    }

    @Test func `another model is a divergence`() throws {
        let count = Atomic(0)
        let shadow = ShadowEngine(
            active: try Self.engine("daily: $5/day"), candidate: try Self.engine("daily: $5/day", models: "[cheap]")
        ) { divergence in
            #expect(divergence.candidate.outcome == .downgrade)
            count.add(1, ordering: .relaxed)
        }
        let tenant = shadow.active.tenant("acme")
        let (decision, ticket) = shadow.decide(Self.request(1, tenant: tenant) { shadow.symbol($0, $1) })
        #expect(decision.outcome == .allow)
        try shadow.release(ticket)
        #expect(count.load(ordering: .relaxed) == 1)
        #expect(throws: Engine.SettlementError.self) { try shadow.release(ticket) }
    }

    @Test func `observed counters follow what happened`() throws {
        // What the candidate refuses still happened, so its limit stays used up.
        let told = Mutex<[Outcome]>([])
        let shadow = ShadowEngine(
            active: try Self.engine("daily: $100/day"), candidate: try Self.engine("daily: $0.1/day"), state: .observed
        ) { divergence in told.withLock { $0.append(divergence.candidate.outcome) } }
        let tenant = shadow.active.tenant("acme")
        for number in 0..<10 {
            let (_, ticket) = shadow.decide(Self.request(number, tenant: tenant) { shadow.symbol($0, $1) })
            try shadow.settle(ticket, usage: Self.usage)
        }
        let outcomes = told.withLock { $0 }
        #expect(outcomes.count >= 7)
        #expect(outcomes.allSatisfy { $0 == .deny })
    }

    @Test func `many threads share one`() throws {
        let shadow = ShadowEngine(
            active: try Self.engine("requests: 500 requests/day"),
            candidate: try Self.engine("requests: 300 requests/day")
        ) { _ in }
        let tenant = shadow.active.tenant("acme")
        let admitted = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
            for number in 0..<200 {
                let request = Self.request(number, tenant: tenant) { shadow.symbol($0, $1) }
                if shadow.decide(request).decision.outcome.isAdmitted { admitted.add(1, ordering: .relaxed) }
            }
        }
        #expect(admitted.load(ordering: .relaxed) == 500)
    }
}
