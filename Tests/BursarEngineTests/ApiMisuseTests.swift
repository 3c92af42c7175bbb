import BursarEngine
import BursarPolicy
import BursarSyntax
import Synchronization
import Testing

/// What an embedding program may do wrong is an error: it stops no program and spends nothing that there is not.
@Suite struct ApiMisuseTests {
    private static let start: Int64 = 1_780_272_000_000_000

    private static func engine(
        _ limits: String, alerts: String = "", onAlert: (@Sendable (Alert) -> Void)? = nil
    ) throws -> Engine {
        try Engine.limited(by: limits, settings: "retry window: 10m\n\(alerts)", onAlert: onAlert)
    }

    private static func request(
        _ engine: Engine, _ tenant: String = "a", at time: Int64 = start, tokens: Int64 = 1, id: String? = nil
    ) -> Request {
        var request = Request(time: time, tenant: engine.tenant(tenant), model: engine.symbols.intern("m"))
        request.inputTokens = tokens
        request.expectedOutputTokens = 0
        request.id = id.map { RequestID($0) }
        return request
    }

    private func code(_ decision: Decision) -> String? { decision.reasons.first?.code }

    // MARK: - Reservations

    @Test func `a reservation is closed once`() throws {
        let engine = try Self.engine("daily: $1/day")
        let tenant = engine.tenant("a")
        let usage = Usage(inputTokens: 1, outputTokens: 0)
        let settled = try #require(engine.decide(Self.request(engine)).reservation)
        try engine.settle(settled, of: tenant, usage: usage)
        #expect(throws: Engine.SettlementError.self) { try engine.settle(settled, of: tenant, usage: usage) }
        #expect(throws: Engine.SettlementError.self) { try engine.release(settled, of: tenant) }
        let released = try #require(engine.decide(Self.request(engine)).reservation)
        try engine.release(released, of: tenant)
        #expect(throws: Engine.SettlementError.self) { try engine.settle(released, of: tenant, usage: usage) }
        // An hour of life, and a day in which a settlement is late.
        for (wait, settlement) in [(Micros.hour - 1, Engine.Settlement.inTime), (25 * Micros.hour - 1, .late)] {
            let late = try #require(engine.decide(Self.request(engine)).reservation)
            #expect(try engine.settle(late, of: tenant, usage: usage, at: Self.start + wait) == settlement)
        }
        let expired = try #require(engine.decide(Self.request(engine)).reservation)
        for _ in 0..<2 {
            #expect(throws: Engine.SettlementError.self) {
                try engine.settle(expired, of: tenant, usage: usage, at: Self.start + 25 * Micros.hour)
            }
            _ = engine.decide(Self.request(engine, at: Self.start + 25 * Micros.hour))
        }
        for time in [Int64.min, .max] {
            let open = try #require(engine.decide(Self.request(engine, at: Self.start + 25 * Micros.hour)).reservation)
            #expect(throws: Engine.SettlementError.self) { try engine.settle(open, of: tenant, usage: usage, at: time) }
        }
        #expect(engine.checkInvariants(of: tenant))
    }

    @Test func `a reservation of another tenant or engine is not open`() throws {
        let (engine, other) = (try Self.engine("daily: $1/day"), try Self.engine("daily: $1/day"))
        let own = try #require(engine.decide(Self.request(engine, "a")).reservation)
        let foreign = try #require(engine.decide(Self.request(engine, "b")).reservation)
        let elsewhere = try #require(other.decide(Self.request(other, "a")).reservation)
        let tenant = engine.tenant("a")
        let usage = Usage(inputTokens: 500, outputTokens: 0)
        for stranger in [foreign, elsewhere] {
            #expect(throws: Engine.SettlementError.self) { try engine.settle(stranger, of: tenant, usage: usage) }
            #expect(throws: Engine.SettlementError.self) { try engine.release(stranger, of: tenant) }
        }
        // Its own is open still.
        try engine.settle(own, of: tenant, usage: usage)
    }

    @Test func `usage that cannot be is refused and changes nothing`() throws {
        let engine = try Self.engine("daily: $1/day")
        let tenant = engine.tenant("a")
        let reservation = try #require(engine.decide(Self.request(engine)).reservation)
        for usage in [
            Usage(inputTokens: 1, outputTokens: 0, cost: -1), Usage(inputTokens: 1, outputTokens: 0, cost: .min),
            Usage(inputTokens: -1, outputTokens: 0), Usage(inputTokens: 1, outputTokens: .min),
            Usage(inputTokens: .max, outputTokens: .max), Usage(inputTokens: 1, cachedTokens: .max, outputTokens: 0),
        ] {
            #expect(throws: Engine.SettlementError.self) { try engine.settle(reservation, of: tenant, usage: usage) }
        }
        try engine.settle(reservation, of: tenant, usage: Usage(inputTokens: 1, outputTokens: 0, cost: .max))
        #expect(!engine.decide(Self.request(engine)).outcome.isAdmitted)
    }

    @Test func `no cost brings a prepaid balance out of 64 bits`() throws {
        let engine = try Self.engine("balance: {prepaid: true}")
        let tenant = engine.tenant("a")
        for cost in [Int64.max, 0, .max, 1] {
            guard let reservation = engine.decide(Self.request(engine), counting: .observed).reservation else {
                continue
            }
            try engine.settle(reservation, of: tenant, usage: Usage(inputTokens: 1, outputTokens: 0, cost: cost))
        }
        #expect(engine.checkInvariants(of: tenant))
    }

    // MARK: - Other engines

    @Test func `a tenant of another engine is refused, whether its engine exists or not`() throws {
        let engine = try Self.engine("daily: $1/day")
        var strangers: [Request] = []
        do {
            let gone = try Self.engine("daily: $1/day")
            strangers.append(Self.request(gone))
            // Its reservation is left open.
            _ = gone.decide(strangers[0])
        }
        let other = try Self.engine("daily: $1/day")
        strangers.append(Self.request(other))
        let own = try #require(engine.decide(Self.request(engine)).reservation)
        for request in strangers {
            #expect(code(engine.decide(request)) == "bad_request")
            #expect(code(engine.decide(request, detail: .full, counting: .observed)) == "bad_request")
            #expect(throws: Engine.SettlementError.self) { try engine.release(own, of: request.tenant) }
            #expect(engine.explain(request).steps.count == 1)
            #expect(engine.presume("daily", before: request) { _ in 1 } == .noSuchLimit)
            #expect(!engine.checkInvariants(of: request.tenant))
        }
    }

    @Test func `symbols of another engine name nothing here`() throws {
        let engine = try Self.engine("daily: {amount: $1/day, per: user}", alerts: "")
        for raw in [UInt32.max, 1_000_000, 1_000] {
            let stranger = Symbol(rawValue: raw)
            var request = Self.request(engine)
            for slot in AttributeSlot.allCases where slot != .tenant { request[slot] = stranger }
            request.labels = [Request.Label(key: stranger, value: stranger)]
            request.tools = [stranger]
            for detail in [DetailLevel.brief, .full] {
                #expect(!engine.decide(request, detail: detail).outcome.isAdmitted)
            }
            _ = engine.explain(request)
            request = Self.request(engine)
            request[.user] = stranger
            _ = engine.decide(request, detail: .full)
            #expect(engine.symbols.text(stranger) == "(other)")
            let nobody = Request(time: Self.start, tenant: engine.tenant(stranger), model: engine.symbols.intern("m"))
            #expect(code(engine.decide(nobody)) == "bad_request")
        }
    }

    // MARK: - Times

    @Test(arguments: [Int64.min, .min + 1, -1_000_000_000_000_000_000, 1_000_000_000_000_000_000, .max - 1, .max])
    func `a time outside the years 0000 to 9999 is refused and moves nothing`(time: Int64) throws {
        let engine = try Self.engine(
            "daily: {amount: $1/day, rollover: 50%}, rate: 60 requests/minute, last: 100 requests/rolling 24 hours")
        let open = try #require(engine.decide(Self.request(engine)).reservation)
        for detail in [DetailLevel.brief, .full] {
            #expect(code(engine.decide(Self.request(engine, at: time), detail: detail)) == "bad_request")
        }
        #expect(engine.explain(Self.request(engine, at: time)).steps.count == 1)
        _ = engine.presume("daily", before: Self.request(engine, at: time)) { _ in 1 }
        try engine.settle(open, of: engine.tenant("a"), usage: Usage(inputTokens: 1, outputTokens: 0))
    }

    /// All kinds of windows, so that each is moved forward and back.
    private static let windows = """
        daily: 1000 requests/day, carried: {amount: 1000 requests/day, rollover: {cap: 100%, compounding: true}},
        rate: {amount: 600 requests/minute, burst: 1000}, last: 1000 requests/rolling 24 hours,
        session: 1000 requests/5 hours from first use, fixed: 1000 requests/every 30 days from 2026-01-15,
        open: 100 concurrent requests, tries: 1000 attempts/day, own: {amount: 1000 requests/day, per: user}
        """

    @Test func `any order of times keeps the counters whole`() throws {
        let engine = try Self.engine(Self.windows)
        let years: [Int64] = [0, 100, -100, 0, 7_000, 0, 0, -1_900, -1_900, 0, 7_000, 7_000, 0]
        for (number, year) in years.enumerated() {
            let time = Self.start + year * 365 * Micros.day + Int64(number) * Micros.minute
            let decision = engine.decide(Self.request(engine, at: time, id: "r\(number)"), detail: .full)
            #expect(decision.outcome.isAdmitted, "\(number): \(decision.reasons)")
            #expect(engine.checkInvariants(of: engine.tenant("a")))
        }
    }

    @Test(arguments: [
        "daily: 3 requests/day", "rate: 3 requests/hour", "last: 3 requests/rolling 24 hours",
        "session: 3 requests/5 hours from first use", "fixed: 3 requests/every 1 days from 2026-01-15",
    ])
    func `a time far ahead holds no limit for ever, and frees none`(limit: String) throws {
        let engine = try Self.engine(limit)
        func isAdmitted(_ time: Int64) -> Bool { engine.decide(Self.request(engine, at: time)).outcome.isAdmitted }
        #expect(isAdmitted(Self.start))
        #expect(isAdmitted(Self.start + 100 * 365 * Micros.day))
        // Late, then right: what was used stays used.
        let admitted = (1...6).filter { isAdmitted(Self.start + Int64($0)) }.count
        #expect(admitted < 3)
        // Two days later everything is free again.
        let later = Self.start + 2 * Micros.day
        #expect((0..<3).filter { isAdmitted(later + Int64($0)) }.count == 3)
    }

    @Test func `one time in the past opens nothing again`() throws {
        let engine = try Self.engine("daily: 2 requests/day, rate: {amount: 2 requests/hour, burst: 2}")
        func isAdmitted(_ time: Int64) -> Bool { engine.decide(Self.request(engine, at: time)).outcome.isAdmitted }
        #expect(isAdmitted(Self.start) && isAdmitted(Self.start))
        #expect(!isAdmitted(Self.start - 365 * Micros.day))
        #expect(!isAdmitted(Self.start))
    }

    @Test func `a reservation and an id from a wrong time are given up`() throws {
        let engine = try Self.engine("open: 1 concurrent requests")
        let future = Self.start + 100 * 365 * Micros.day
        let wrong = try #require(engine.decide(Self.request(engine, at: future, id: "r")).reservation)
        // The first one later is only late: the place is taken. By the second one it is known which time was wrong.
        #expect(!engine.decide(Self.request(engine)).outcome.isAdmitted)
        let decision = engine.decide(Self.request(engine, id: "r"))
        #expect(decision.outcome.isAdmitted && !decision.isRepeat)
        #expect(throws: Engine.SettlementError.self) { try engine.release(wrong, of: engine.tenant("a")) }
        // The id is known again, for as long as it should be.
        #expect(engine.decide(Self.request(engine, at: Self.start + Micros.minute, id: "r")).isRepeat)
        #expect(!engine.decide(Self.request(engine, at: Self.start + Micros.hour, id: "r")).isRepeat)
    }

    @Test func `alerts follow times that go back`() throws {
        let raised = RaisedCount()
        let engine = try Self.engine(
            "daily: $1/day", alerts: "alerts: {busy: {if: requests > 2, window: hour}}", onAlert: { _ in raised.add() })
        _ = engine.decide(Self.request(engine, at: Self.start + 100 * 365 * Micros.day))
        for number in 0..<6 { _ = engine.decide(Self.request(engine, at: Self.start + Int64(number))) }
        _ = engine.decide(Self.request(engine, at: .max))
        #expect(raised.count == 1)
    }

    // MARK: - Numbers

    @Test func `the largest and the least numbers of a request are decided or refused`() throws {
        let engine = try Self.engine(
            "daily: $1/day, tokens: 1M tokens/day, each: 1000 characters/request, rate: 100k tokens/minute")
        let numbers: [Int64] = [.min, .min + 1, -1, 0, 1, 1_000_000_000_000_000, 1_000_000_000_000_001, .max]
        for input in numbers {
            for output in numbers {
                var request = Self.request(engine, tokens: input)
                request.cachedTokens = output
                request.maxOutputTokens = output
                request.expectedOutputTokens = output
                request.characters = input
                request.attempt = output
                for detail in [DetailLevel.brief, .full] { _ = engine.decide(request, detail: detail) }
                _ = engine.explain(request)
                _ = engine.cost(
                    of: engine.symbols.intern("m"), at: input, input: input, cached: output, output: output)
                _ = engine.presume("daily", before: request) { _ in input }
            }
        }
        #expect(engine.checkInvariants(of: engine.tenant("a")))
    }
}

private final class RaisedCount: Sendable {
    private let raised = Atomic(0)

    func add() { raised.add(1, ordering: .relaxed) }

    var count: Int { raised.load(ordering: .relaxed) }
}
