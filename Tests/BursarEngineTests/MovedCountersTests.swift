import BursarEngine
import BursarPolicy
import BursarSyntax
import Foundation
import Testing

/// A request may add a counter while it is decided. The counters then move, and none of them may be reached where it was.
@Suite struct MovedCountersTests {
    private static func engine(_ limits: String) throws -> Engine { try Engine.limited(by: limits, price: "$1/1M") }

    /// Admitted requests of as many users as requests.
    private static func admitted(_ engine: Engine, requests: Int, detail: DetailLevel) -> Int {
        let tenant = engine.tenant("a")
        let model = engine.symbols.intern("m")
        var admitted = 0
        for number in 0..<requests {
            var request = Request(time: 1_780_272_000_000_000 + Int64(number), tenant: tenant, model: model)
            request[.user] = engine.symbols.intern("user \(number)")
            request.inputTokens = 10
            request.expectedOutputTokens = 5
            guard engine.decide(request, detail: detail).outcome.isAdmitted else { continue }
            admitted += 1
        }
        return admitted
    }

    @Test(arguments: [1, 2, 7, 15, 16, 40])
    func `a limit behind one per user is kept for ever new users`(others: Int) throws {
        let more = (0..<others).map { "other\($0): 1M requests/day" }.joined(separator: ", ")
        let engine = try Self.engine("each: {amount: 1k requests/day, per: user}, daily: 5k requests/day, \(more)")
        #expect(Self.admitted(engine, requests: 10_000, detail: .brief) == 5_000)
    }

    @Test func `limits per user between others are kept at every level of detail`() throws {
        for detail in [DetailLevel.brief, .reasons, .full] {
            let engine = try Self.engine(
                """
                first: 600 requests/day, each: {amount: 1k requests/day, per: user}, tokens: 7500 tokens/day,
                session: {amount: 10 requests/hour, per: user}, last: 500 requests/day
                """)
            // 15 tokens a request: 500 requests fit both of the last limits.
            #expect(Self.admitted(engine, requests: 1_000, detail: detail) == 500)
        }
    }
}
