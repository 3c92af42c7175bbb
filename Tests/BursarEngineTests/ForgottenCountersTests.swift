import BursarEngine
import BursarPolicy
import BursarSyntax
import Testing

/// Counters of users and sessions that change no decision any more are forgotten, so that memory follows how many there
/// are at a time and not how many there ever were. `ReferenceAgreementTests` shows that no decision changes by it.
@Suite struct ForgottenCountersTests {
    private static let start: Int64 = 1_780_272_000_000_000

    private static func engine(_ limit: String, tenants: String = "") throws -> Engine {
        try Engine.limited(
            by: "daily: 1M requests/day, each: \(limit)", price: "$1/1M", settings: "audiences: {owner: account owner}",
            documents: tenants)
    }

    private static func request(_ engine: Engine, _ user: String, at time: Int64) -> Request {
        var request = Request(time: time, tenant: engine.tenant("a"), model: engine.symbols.intern("m"))
        request[.user] = engine.symbols.intern(user)
        request[.feature] = engine.symbols.intern("chat")
        request.inputTokens = 10
        request.expectedOutputTokens = 5
        return request
    }

    /// Every window 200 users that were never seen before, each with one request more than its limit lets through.
    private static func run(
        _ engine: Engine, window: Int64, windows: Range<Int>, admitted expected: Int, settles: Bool = true
    ) throws {
        let tenant = engine.tenant("a")
        for number in windows {
            for user in 0..<200 {
                var admitted = 0
                var open: [ReservationID] = []
                for attempt in 0...expected {
                    let time = start + Int64(number) * window + Int64(user) * Micros.second + Int64(attempt)
                    let decision = engine.decide(request(engine, "\(number) \(user)", at: time), detail: .brief)
                    if decision.outcome.isAdmitted { admitted += 1 }
                    if let reservation = decision.reservation { open.append(reservation) }
                }
                #expect(admitted == expected, "user \(user) of window \(number)")
                guard settles else { continue }
                for reservation in open {
                    try engine.settle(reservation, of: tenant, usage: Usage(inputTokens: 10, outputTokens: 5))
                }
            }
            #expect(engine.checkInvariants(of: tenant))
        }
    }

    @Test(
        arguments: [
            ("{amount: 2 requests/day, per: user}", Micros.day),
            ("{amount: 2 requests/minute, per: user}", Micros.hour * 2),
            ("{amount: 2 requests/rolling 24 hours, per: user}", Micros.day * 2),
            ("{amount: 2 requests/5 hours from first use, per: user}", Micros.day),
            ("{amount: 2 requests/day, per: [user, feature]}", Micros.day),
            ("{amount: 2 concurrent requests, per: user}", Micros.day),
            ("{amount: 2 requests/day, per: user, at: {50%: notify owner, 100%: deny}}", Micros.day),
        ])
    func `ever new users need no more memory than those of one window`(limit: String, window: Int64) throws {
        let engine = try Self.engine(limit)
        let tenant = engine.tenant("a")
        try Self.run(engine, window: window, windows: 0..<3, admitted: 2)
        let early = engine.sizes(of: tenant)
        try Self.run(engine, window: window, windows: 3..<43, admitted: 2)
        let late = engine.sizes(of: tenant)
        #expect(late.counters <= 700 && late.scopes <= 700 && late.extras <= 700, "\(early), then \(late)")
        #expect(late.forgotten > 7_000, "\(late)")
    }

    @Test func `what was never settled is kept until it expires`() throws {
        let engine = try Self.engine("{amount: 2 concurrent requests, per: user}")
        try Self.run(engine, window: Micros.day, windows: 0..<20, admitted: 2, settles: false)
        #expect(engine.sizes(of: engine.tenant("a")).counters <= 900)
    }

    @Test func `a settlement after its counter was forgotten reaches no other one`() throws {
        let engine = try Self.engine("{amount: 100 tokens/1 minute from first use, per: user}")
        let tenant = engine.tenant("a")
        let first = try #require(engine.decide(Self.request(engine, "first", at: Self.start)).reservation)
        // The first user's counter is forgotten, and others are counted in its place.
        for user in 0..<40 {
            _ = engine.decide(
                Self.request(engine, "other \(user)", at: Self.start + Micros.minute * 2 + Int64(user) * Micros.second))
        }
        #expect(engine.sizes(of: tenant).forgotten > 0)
        try engine.settle(first, of: tenant, usage: Usage(inputTokens: 1_000_000, outputTokens: 0))
        for user in 0..<40 {
            let decision = engine.decide(
                Self.request(engine, "other \(user)", at: Self.start + Micros.minute * 2 + 45 * Micros.second))
            #expect(decision.outcome == .allow, "user \(user)")
        }
    }

    @Test func `a user who comes back has what was carried over`() throws {
        let engine = try Self.engine("{amount: 10 requests/day, per: user, rollover: 50%}")
        let tenant = engine.tenant("a")
        _ = engine.decide(Self.request(engine, "returns", at: Self.start))
        try Self.run(engine, window: Micros.day, windows: 0..<12, admitted: 10)
        let sizes = engine.sizes(of: tenant)
        #expect(sizes.counters < 1_200 && sizes.forgotten > 1_000, "\(sizes)")
        let later = Self.start + 12 * Micros.day
        let admitted = (0..<20).count { attempt in
            engine.decide(Self.request(engine, "returns", at: later + Int64(attempt))).outcome.isAdmitted
        }
        #expect(admitted == 15)
    }

    @Test func `one time far ahead forgets nothing`() throws {
        let engine = try Self.engine("{amount: 2 requests/day, per: user}")
        for user in 0..<50 {
            for _ in 0..<2 { _ = engine.decide(Self.request(engine, "\(user)", at: Self.start)) }
        }
        _ = engine.decide(Self.request(engine, "astray", at: Self.start + 300 * Micros.day))
        for user in 0..<50 {
            let request = Self.request(engine, "\(user)", at: Self.start + Micros.second)
            #expect(engine.decide(request).outcome == .deny, "user \(user)")
        }
        #expect(engine.sizes(of: engine.tenant("a")).forgotten == 0)
    }

    @Test func `counters of users of a group's tenants are forgotten too`() throws {
        let engine = try Self.engine(
            "{amount: 2 requests/day, per: [group, user]}", tenants: "---\ntenants: {a: {group: g}}")
        try Self.run(engine, window: Micros.day, windows: 0..<20, admitted: 2)
        #expect(engine.groupSizes("g").counters <= 700)
    }

    @Test func `a tenant with limits of its own keeps its counters`() throws {
        let engine = try Self.engine(
            "{amount: 2 requests/day, per: user}", tenants: "---\ntenants: {a: {limits: {own: 1M requests/day}}}")
        try Self.run(engine, window: Micros.day, windows: 0..<3, admitted: 2)
        #expect(engine.sizes(of: engine.tenant("a")).forgotten == 0)
    }
}
