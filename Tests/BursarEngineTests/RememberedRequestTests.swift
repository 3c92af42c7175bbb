import BursarEngine
import BursarPolicy
import BursarSyntax
import Testing

/// Only requests that were admitted are remembered by their id.
@Suite struct RememberedRequestTests {
    private static let start: Int64 = 1_780_272_000_000_000

    private static func request(_ engine: Engine, after seconds: Int64 = 0, tokens: Int64 = 1) -> Request {
        var request = Request(
            time: start + seconds * Micros.second, tenant: engine.tenant("a"), model: engine.symbols.intern("m"))
        request.id = RequestID("call")
        request.inputTokens = tokens
        request.expectedOutputTokens = 0
        return request
    }

    private static let levels: [DetailLevel] = [.brief, .reasons, .full]

    @Test(arguments: levels) func `a refused request is decided anew`(level: DetailLevel) throws {
        let engine = try Engine.limited(by: "rate: {amount: 1 requests/minute, burst: 1}")
        var other = Self.request(engine)
        other.id = nil
        #expect(engine.decide(other, detail: level).outcome == .allow)
        #expect(engine.decide(Self.request(engine), detail: level).outcome == .throttle)
        let again = engine.decide(Self.request(engine, after: 60), detail: level)
        #expect(again.outcome == .allow && !again.isRepeat)
        #expect(engine.decide(Self.request(engine, after: 61), detail: level).isRepeat)
    }

    @Test(arguments: levels) func `a need that was met is decided anew`(level: DetailLevel) throws {
        let engine = try Engine.limited(by: "daily: {amount: 9 requests/day, at: {0%: confirm}}")
        var request = Self.request(engine)
        #expect(engine.decide(request, detail: level).outcome == .confirm)
        request.isConfirmed = true
        #expect(engine.decide(request, detail: level).outcome == .allow)
        request.isConfirmed = false
        let again = engine.decide(request, detail: level)
        #expect(again.outcome == .allow && again.isRepeat)
    }

    @Test(arguments: levels) func `a released request was never made`(level: DetailLevel) throws {
        let engine = try Engine.limited(by: "daily: 2 requests/day")
        let tenant = engine.tenant("a")
        for second in 0..<200 {
            let decision = engine.decide(Self.request(engine, after: Int64(second)), detail: level)
            #expect(decision.outcome == .allow && !decision.isRepeat)
            try engine.release(try #require(decision.reservation), of: tenant)
        }
        let kept = engine.decide(Self.request(engine, after: 300), detail: level)
        let again = engine.decide(Self.request(engine, after: 301), detail: level)
        #expect(again.isRepeat && again.reservation == kept.reservation)
    }

    @Test(arguments: levels) func `a request that asks for something else is refused`(level: DetailLevel) throws {
        let engine = try Engine.limited(by: "daily: {amount: 5 requests/day, per: user}")
        #expect(engine.decide(Self.request(engine), detail: level).outcome == .allow)
        let changes: [(inout Request) -> Void] = [
            { $0.inputTokens = 2 }, { $0.cachedTokens = 1 }, { $0.maxOutputTokens = 1 },
            { $0.expectedOutputTokens = 1 },
            { $0.characters = 1 }, { $0.isFallback = false }, { $0.acceptsDowngrade = true },
            { $0[.user] = engine.symbols.intern("u") }, { $0.tools = [engine.symbols.intern("search")] },
        ]
        for change in changes {
            var request = Self.request(engine, after: 1)
            change(&request)
            let decision = engine.decide(request, detail: level)
            #expect(decision.reasons.map(\.code) == ["request_id_reused"])
            #expect(!decision.isRetryable && decision.reservation == nil)
        }
        var same = Self.request(engine, after: 2)
        same.attempt = 2
        same.isApproved = true
        #expect(engine.decide(same, detail: level).isRepeat)
    }

    @Test func `a policy in shadow refuses no reused id`() throws {
        let engine = try Engine.limited(by: "daily: 5 requests/day", settings: "mode: shadow")
        #expect(engine.decide(Self.request(engine), detail: .full).outcome == .allow)
        let decision = engine.decide(Self.request(engine, after: 1, tokens: 2), detail: .full)
        #expect(decision.outcome == .allow)
        #expect(decision.shadow?.reasons.map(\.code) == ["request_id_reused"])
        #expect(decision.detail?.remaining.map(\.remaining) == [3])
    }
}
