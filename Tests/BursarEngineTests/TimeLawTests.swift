import BursarEngine
import BursarPolicy
import BursarSyntax
import Foundation
import RandomPolicies
import Testing

/// A request that counts nothing changes no later decision, wherever it comes: time belongs to the event.
@Suite struct TimeLawTests {
    private static let start: Int64 = 1_780_272_000_000_000
    private static let tenants = ["acme", "beta", "core", "nobody"]

    /// Two engines get the same requests, but one of them also those that are refused. No decision tells them apart.
    @Test(arguments: [false, true])
    func `refused requests change no later decision`(isJittered: Bool) throws {
        var (decided, refused) = (0, 0)
        for seed in UInt64(1)...(ReferenceAgreementTests.wanted > 200_000 ? 800 : 160) {
            var policies = RandomPolicies(random: SeededGenerator(seed: seed &+ (isJittered ? 500_000 : 0)))
            // A refused request is an attempt, and counts as one.
            let text = policies.policySet().replacing(" attempts", with: " requests")
            guard let set = try? PolicySet.compiled(text) else { continue }
            let quiet = Engine(set, reservationLifetime: Micros.hour)
            let busy = Engine(set, reservationLifetime: Micros.hour)
            var random = SeededGenerator(seed: seed &* 7_919)
            var now = Self.start
            var open: [(ReservationID, ReservationID, TenantID, TenantID, made: Int64)] = []
            for number in 0..<200 {
                now += Self.step(&random)
                let time = isJittered ? now - Int64(random.below(1_800)) * Micros.second : now
                let draft = Draft(number, time, &random)
                let theirs = busy.decide(draft.request(busy), detail: .full)
                decided += 1
                if theirs.reservation == nil, random.chance(60) {
                    refused += 1
                    continue
                }
                let ours = quiet.decide(draft.request(quiet), detail: .full)
                let (got, expected) = (Self.text(theirs, busy), Self.text(ours, quiet))
                guard got == expected else {
                    Issue.record("seed \(seed), request \(number): \(draft)\n\(expected)\n\(got)\n\(text)")
                    return
                }
                if let a = ours.reservation, let b = theirs.reservation {
                    open.append((a, b, quiet.tenant(draft.tenant), busy.tenant(draft.tenant), time))
                }
                while !open.isEmpty, random.chance(45) {
                    let item = open.remove(at: random.below(open.count))
                    let usage = Usage(inputTokens: Int64(random.below(40)), outputTokens: Int64(random.below(40)))
                    let end = max(item.made, now - Int64(random.below(600)) * Micros.second)
                    let isReleased = random.chance(20)
                    let settled = [(quiet, item.0, item.2), (busy, item.1, item.3)].map { engine, reservation, tenant in
                        isReleased
                            ? try? engine.release(reservation, of: tenant, at: end)
                            : try? engine.settle(reservation, of: tenant, usage: usage, at: end)
                    }
                    #expect(settled[0] == settled[1], "seed \(seed), request \(number)")
                }
            }
        }
        print("left out \(refused) of \(decided) requests")
        #expect(refused > decided / 10)
    }

    private static func step(_ random: inout SeededGenerator) -> Int64 {
        switch random.below(10) {
        case 0: 0
        case 1...4: Int64(random.below(20)) * Micros.second
        case 5...7: Int64(random.below(3_600)) * Micros.second
        case 8: Int64(random.below(6)) * Micros.hour
        default: random.chance(30) ? 30 * Micros.hour : Micros.minute
        }
    }

    /// A request before its names are known to an engine.
    private struct Draft: CustomStringConvertible {
        let time: Int64
        let tenant: String
        let model: String
        var texts: [(AttributeSlot, String)] = []
        var (input, most, expected, characters): (Int64, Int64, Int64, Int64) = (0, -1, -1, -1)
        var isApproved = false

        init(_ number: Int, _ time: Int64, _ random: inout SeededGenerator) {
            self.time = time
            tenant = random.pick(TimeLawTests.tenants)
            model = random.pick(["ant", "ant", "bee", "cat", "dog", "ghost", "unheard-of"])
            for (slot, values) in [
                (AttributeSlot.user, ["u1", "u2"]), (.workspace, ["w1", "w2"]), (.run, ["a", "b", "c"]),
                (.feature, ["chat", "search", "rare"]), (.group, ["g1", "g2"]), (.tier, ["t0", "t1"]),
            ] where random.chance(50) { texts.append((slot, random.pick(values))) }
            input = Int64(random.below(30))
            if random.chance(50) { most = Int64(random.below(30)) }
            if random.chance(50) { expected = Int64(random.below(30)) }
            if random.chance(50) { characters = Int64(random.below(80)) }
            isApproved = random.chance(30)
        }

        var description: String { "\(instantText(time)) \(tenant) \(model) \(texts) \(input) \(most) \(expected)" }

        func request(_ engine: Engine) -> Request {
            func symbol(_ slot: AttributeSlot, _ text: String) -> Symbol {
                var text = text
                return text.withUTF8 { engine.symbol(slot, $0) }
            }
            var request = Request(time: time, tenant: engine.tenant(tenant), model: symbol(.model, model))
            for (slot, text) in texts { request[slot] = symbol(slot, text) }
            request.inputTokens = input
            request.maxOutputTokens = most
            request.expectedOutputTokens = expected
            request.characters = characters
            request.isApproved = isApproved
            return request
        }
    }

    /// All of a decision but its events, which are given once.
    private static func text(_ decision: Decision, _ engine: Engine) -> String {
        func line(_ decision: Decision) -> String {
            let model = decision.model.isPresent ? engine.symbols.text(decision.model) : "-"
            let reasons = decision.reasons.map { reason in
                "\(reason.code) \(reason.limit ?? "-") \(reason.scope ?? "-") \(reason.numbers.map { "\($0)" } ?? "-")"
            }
            let wait = decision.detail?.retryAfter.map(String.init) ?? "-"
            return "\(decision.outcome.name) \(model) \(decision.caps) \(reasons) \(wait)"
        }
        let remaining = (decision.detail?.remaining ?? []).map {
            "\($0.limit) \($0.scope) \($0.remaining) \($0.resetsAt ?? 0)"
        }
        return "\(line(decision)) \(remaining) shadow \(decision.shadow.map(line) ?? "-")"
    }

    // MARK: - Single cases

    private static func request(
        _ engine: Engine, _ tenant: String = "a", at time: Int64, model: String = "m", input: Int64 = 1,
        output: Int64 = 0
    ) -> Request {
        var request = Request(time: start + time, tenant: engine.tenant(tenant), model: engine.symbols.intern(model))
        request.inputTokens = input
        request.expectedOutputTokens = output
        return request
    }

    private static func remaining(_ decision: Decision, _ limit: String) -> Int64? {
        decision.detail?.remaining.first { $0.limit == limit }?.remaining
    }

    /// An engine with a free model `free` beside `m`.
    private static func engine(_ limits: String, rest: String = "", documents: String = "") throws -> Engine {
        let text = """
            catalog: c
            version: 1
            models: {m: {price: {input: $1/1k, output: $1/1k}}, free: {price: {input: $0/1k, output: $0/1k}}}
            ---
            policy: p
            version: 1
            default tier: t
            \(rest)
            tiers: {t: {limits: {\(limits)}}}
            \(documents)
            """
        return Engine(try PolicySet.compiled(text))
    }

    static let moneyLimits = [
        "l: $0.01/day", "l: $0.01/5 hours from first use", "l: {amount: $0.01/day, rollover: 50%}",
        "l: {amount: $0.01/day, rollover: {cap: 100%, compounding: true}}", "l: $0.01/rolling 24 hours",
        "l: $0.01/hour",
        "l: $0.01", "l: {amount: $0.01/day, per: user}", "l: $0.01/every 12 hours from 2026-01-15",
    ]

    @Test(arguments: moneyLimits) func `free requests change no later decision`(limits: String) throws {
        let (quiet, busy) = (try Self.engine(limits), try Self.engine(limits))
        var random = SeededGenerator(seed: 7)
        var time: Int64 = 0
        for number in 0..<300 {
            time += Int64(random.below(5 * 3_600)) * Micros.second
            // A free request of a time to come, or of one that has passed.
            let other = time + Int64(random.below(7_200) - 3_600) * Micros.second
            for detail in [DetailLevel.brief, .reasons, .full] {
                var free = Self.request(busy, at: other, model: "free", input: 100)
                free[.user] = busy.symbols.intern("u")
                #expect(busy.decide(free, detail: detail).outcome == .allow)
            }
            let output = Int64(random.below(4))
            let texts = [quiet, busy].map { engine -> String in
                var request = Self.request(engine, at: time, input: 1, output: output)
                request[.user] = engine.symbols.intern("u")
                return Self.text(engine.decide(request, detail: .full), engine)
            }
            #expect(texts[0] == texts[1], "request \(number)")
        }
    }

    @Test(arguments: [false, true]) func `a late settlement counts in full`(isAsked: Bool) throws {
        let engine = try Self.engine("daily: $1/day, rolling: $1/rolling 24 hours, slots: 1 concurrent requests")
        let first = engine.decide(Self.request(engine, at: 0, input: 100), detail: .full)
        #expect(Self.remaining(first, "slots") == 0)
        if isAsked { _ = engine.decide(Self.request(engine, at: 90 * Micros.minute, input: 10_000), detail: .full) }
        let reservation = try #require(first.reservation)
        let settlement = try engine.settle(
            reservation, of: engine.tenant("a"), usage: Usage(inputTokens: 900, outputTokens: 0),
            at: Self.start + 2 * Micros.hour)
        #expect(settlement == .late)
        let next = engine.decide(Self.request(engine, at: 3 * Micros.hour, model: "free"), detail: .full)
        #expect(Self.remaining(next, "daily") == 100_000_000)
        #expect(Self.remaining(next, "rolling") == 100_000_000)
    }

    /// 90 tokens, half a minute's refill up to the capacity, 140 tokens more than estimated, and another half minute.
    @Test(arguments: [false, true]) func `a bucket is settled at the time of the settlement`(isAsked: Bool) throws {
        let engine = try Self.engine("tpm: 100 tokens/minute")
        let first = engine.decide(Self.request(engine, at: 0, input: 0, output: 10), detail: .full)
        if isAsked {
            let refused = engine.decide(Self.request(engine, at: 29 * Micros.second, input: 5_000), detail: .full)
            #expect(refused.outcome == .throttle)
        }
        try engine.settle(
            try #require(first.reservation), of: engine.tenant("a"), usage: Usage(inputTokens: 0, outputTokens: 150),
            at: Self.start + 30 * Micros.second)
        let next = engine.decide(Self.request(engine, at: Micros.minute, input: 5_000), detail: .full)
        #expect(Self.remaining(next, "tpm") == 10)
    }

    @Test(arguments: [DetailLevel.brief, .full])
    func `one time far ahead closes no reservation and frees no slot`(detail: DetailLevel) throws {
        let engine = try Self.engine("daily: $1/day, slots: 2 concurrent requests")
        let tenant = engine.tenant("a")
        let first = engine.decide(Self.request(engine, at: 0, input: 100), detail: detail)
        let far = 300 * Micros.day
        let astray = engine.decide(Self.request(engine, at: far, input: 1), detail: detail)
        #expect(astray.outcome == .allow)
        for _ in 0..<2 {
            #expect(engine.decide(Self.request(engine, at: Micros.second, input: 5_000)).outcome == .deny)
        }
        let second = engine.decide(Self.request(engine, at: Micros.second, input: 1), detail: .full)
        #expect(second.outcome == .allow)
        #expect(Self.remaining(second, "slots") == 0)
        let usage = Usage(inputTokens: 200, outputTokens: 0)
        try engine.settle(try #require(first.reservation), of: tenant, usage: usage, at: Self.start + Micros.minute)
        let third = engine.decide(Self.request(engine, at: Micros.minute, model: "free"), detail: .full)
        #expect(Self.remaining(third, "daily") == 798_000_000)
    }

    @Test func `a slot that a group shares comes free at its time, whoever asks`() throws {
        let engine = try Self.engine(
            "own: 9 requests/day", rest: "limits: {pool: {amount: 1 concurrent requests, per: group}}",
            documents: "---\ntenants: {east: {tier: t, group: g}, west: {tier: t, group: g}}")
        func outcome(_ tenant: String, _ time: Int64) -> Outcome {
            engine.decide(Self.request(engine, tenant, at: time), detail: .full).outcome
        }
        #expect(outcome("east", 0) == .allow)
        #expect(outcome("west", Micros.hour - 1) == .deny)
        #expect(outcome("west", Micros.hour) == .allow)
        #expect(outcome("east", 2 * Micros.hour - 1) == .deny)
        #expect(outcome("west", 50 * Micros.hour) == .allow)
    }

    @Test func `a list that names the tenant beside the group is counted for each tenant`() throws {
        for (per, isShared) in [("group", true), ("[tenant, group]", false), ("[group, tenant]", false)] {
            let engine = try Self.engine("one: {amount: 1 requests/day, per: \(per)}")
            let outcomes = ["a", "b"].map { tenant in
                var request = Self.request(engine, tenant, at: 0)
                request[.group] = engine.symbols.intern("g")
                return engine.decide(request).outcome
            }
            #expect(outcomes == [.allow, isShared ? .deny : .allow], "\(per)")
        }
    }

    @Test func `a refused request closes and opens no window`() throws {
        let engine = try Self.engine(
            "first: 1 requests/12 minutes from first use, day: 1 requests/day, each: 10 characters/request")
        func decide(_ time: Int64, characters: Int64 = 1) -> Outcome {
            var request = Self.request(engine, at: time)
            request.characters = characters
            return engine.decide(request, detail: .full).outcome
        }
        #expect(decide(0) == .allow)
        #expect(decide(30 * Micros.hour, characters: 11) == .deny)
        #expect(decide(90 * Micros.second) == .deny)
    }

    /// Nothing was saved up by a counter that has not counted.
    @Test func `carry-over begins with the counter`() throws {
        let text = """
            catalog: c
            version: 1
            models: {m: {price: {input: $1/1k, output: $1/1k}}}
            ---
            policy: p
            version: 1
            default tier: t
            tiers: {t: {limits: {other: 100 requests/day}}}
            ---
            policy: p
            version: 2
            effective: 2026-06-03
            default tier: t
            tiers: {t: {limits: {other: 100 requests/day, daily: {amount: 4 requests/day, rollover: 50%}}}}
            """
        let engine = Engine(try PolicySet.compiled(text))
        func left(_ day: Int64) -> Int64? {
            Self.remaining(engine.decide(Self.request(engine, at: day * Micros.day), detail: .full), "daily")
        }
        #expect(left(0) == nil)
        #expect(left(2) == 3)
        #expect(left(3) == 5)
        // A tenant that was merely idle keeps its carry.
        #expect(left(9) == 5)
    }
}
