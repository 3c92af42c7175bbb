import BursarEngine
import BursarPolicy
import BursarSyntax
import Testing

/// The way of a brief decision against the full one, where the random policies of the other tests seldom lead.
@Suite struct FastPathTests {
    private static let policy = """
        catalog: c
        version: 1
        models:
          vast: {price: {input: $5/1k, output: $9/1k}}
          large: {price: {input: $1/1k, output: $2/1k}}
          small: {price: {input: $0.10/1k, cached: $0.01/1k, output: $0.20/1k}}
          tiny: {price: {input: $0.01/1k, output: $0.01/1k}}
        ---
        policy: p
        version: 1
        default tier: a
        audiences: {owner: account owner}
        tiers:
          a:
            models: [small, tiny]
            downgrade: [large -> small -> tiny]
            limits:
              daily: {amount: $1/day, rollover: 50%, at: {80%: notify owner, 100%: downgrade else deny}}
              tokens: {amount: 6k tokens/day, at: {100%: downgrade else deny quiet_please}}
              requests: 60 requests/day
            weights: {of: daily, chat: 40%, other: 20%}
          b:
            extends: a
            models: any
            limits: {daily: {amount: $2/day}, requests: 20 requests/day}
          # Nothing agrees to a substitute here.
          c:
            extends: a
            downgrade: {chains: [large -> small], consent: request}
            upgrade: {to: b}
        """

    private struct Told: Equatable {
        var outcome: Outcome
        var model: Symbol
        var spend: Int64?
        var reasons: [String]
        var upgrade: String?
        var events: Int

        init(_ decision: Decision) {
            outcome = decision.outcome
            model = decision.model
            spend = decision.estimate.spend
            reasons = decision.reasons.map {
                "\($0.code) \($0.action) \($0.policyLimit ?? "-") \($0.threshold ?? "-") \($0.source as Any)"
            }
            upgrade = decision.detail?.upgrade?.to
            events = decision.detail?.events.count ?? 0
        }
    }

    @Test(arguments: [UInt64(1), 2, 3, 4]) func `a brief decision is the full one with less told`(seed: UInt64) throws {
        let set = try PolicySet.compiled(Self.policy)
        let (brief, full) = (Engine(set), Engine(set))
        var state = seed
        func random(_ below: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(below))
        }
        var time: Int64 = 1_780_272_000_000_000
        var outcomes: [Outcome: Int] = [:]
        for number in 0..<20_000 {
            time += Int64(random(400)) * 1_000_000
            let names = (
                tenant: "t\(random(3))", tier: random(40) == 0 ? ["b", "c"][random(2)] : "a",
                model: ["large", "small", "tiny", "vast"][random(4)],
                feature: ["chat", "search", "code", ""][random(4)]
            )
            let (input, output) = (Int64(random(300)), Int64(random(100)))
            let cached = random(2) == 0 ? 0 : input / 2
            func decide(_ engine: Engine, _ detail: DetailLevel) -> (Decision, TenantID) {
                let tenant = engine.tenant(names.tenant)
                var request = Request(time: time, tenant: tenant, model: engine.symbols.intern(names.model))
                request[.tier] = engine.symbols.intern(names.tier)
                if !names.feature.isEmpty { request[.feature] = engine.symbols.intern(names.feature) }
                request.inputTokens = input
                request.cachedTokens = cached
                request.expectedOutputTokens = output
                return (engine.decide(request, detail: detail), tenant)
            }
            let (one, other) = (decide(brief, .brief), decide(full, .full))
            try #require(Told(one.0) == Told(other.0), "request \(number) of seed \(seed)")
            outcomes[one.0.outcome, default: 0] += 1
            if random(3) == 0, let left = one.0.reservation, let right = other.0.reservation {
                // Often what was estimated, or that but for what was cached.
                let usage = Usage(
                    inputTokens: input, cachedTokens: [cached, input / 3, 0][random(3)],
                    outputTokens: random(2) == 0 ? output : Int64(random(150)))
                try brief.settle(left, of: one.1, usage: usage)
                try full.settle(right, of: other.1, usage: usage)
            }
        }
        #expect(Set(outcomes.keys) == [.allow, .downgrade, .deny])
    }
}
