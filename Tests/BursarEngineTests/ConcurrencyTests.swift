import BursarEngine
import BursarPolicy
import BursarSyntax
import Dispatch
import Synchronization
import Testing

/// Many threads on one engine never spend more than there is.
@Suite struct ConcurrencyTests {
    private static func engine(_ limits: String, tenants: String = "") throws -> Engine {
        try Engine.limited(by: limits, documents: tenants)
    }

    private static func hammer(_ engine: Engine, tenants: [String], requests: Int, settles: Bool) -> Int {
        let admitted = Atomic(0)
        let ids = tenants.map { engine.tenant($0) }
        let model = engine.symbols.intern("m")
        DispatchQueue.concurrentPerform(iterations: 8) { worker in
            for number in 0..<requests {
                let tenant = ids[(worker + number) % ids.count]
                var request = Request(time: 1_780_272_000_000_000 + Int64(number), tenant: tenant, model: model)
                request.inputTokens = 1
                request.expectedOutputTokens = 0
                let decision = engine.decide(request)
                guard decision.outcome.isAdmitted, let reservation = decision.reservation else { continue }
                admitted.add(1, ordering: .relaxed)
                if settles {
                    _ = try? engine.settle(reservation, of: tenant, usage: Usage(inputTokens: 1, outputTokens: 0))
                }
            }
        }
        return admitted.load(ordering: .relaxed)
    }

    @Test func `one tenant's budget is never overspent`() throws {
        // $1 at $0.001 a request is exactly 1,000 requests, however many ask at once.
        let engine = try Self.engine("daily: $1/day")
        #expect(Self.hammer(engine, tenants: ["a"], requests: 2_000, settles: false) == 1_000)
    }

    @Test func `settling at the estimate changes nothing`() throws {
        let engine = try Self.engine("daily: $1/day, requests: 100k requests/day")
        #expect(Self.hammer(engine, tenants: ["a"], requests: 2_000, settles: true) == 1_000)
    }

    @Test func `each tenant has its own budget`() throws {
        let engine = try Self.engine("daily: $1/day")
        #expect(Self.hammer(engine, tenants: ["a", "b", "c", "d"], requests: 4_000, settles: false) == 4_000)
    }

    @Test func `a budget that a group shares is never overspent`() throws {
        let engine = try Self.engine(
            "shared: {amount: $1/day, per: group}",
            tenants: "---\ntenants: {a: {group: g}, b: {group: g}, c: {group: g}}")
        #expect(Self.hammer(engine, tenants: ["a", "b", "c"], requests: 2_000, settles: false) == 1_000)
    }

    @Test func `a reservation is settled or released once`() throws {
        let engine = try Self.engine("daily: $1/day")
        let tenant = engine.tenant("a")
        var request = Request(time: 1_780_272_000_000_000, tenant: tenant, model: engine.symbols.intern("m"))
        request.inputTokens = 10
        request.expectedOutputTokens = 0
        let reservation = try #require(engine.decide(request).reservation)
        #expect(throws: Engine.SettlementError.self) {
            try engine.settle(reservation, of: tenant, usage: Usage(inputTokens: 1, cachedTokens: 2, outputTokens: 0))
        }
        try engine.settle(reservation, of: tenant, usage: Usage(inputTokens: 1, outputTokens: 0))
        #expect(throws: Engine.SettlementError.self) { try engine.release(reservation, of: tenant) }
    }
}
