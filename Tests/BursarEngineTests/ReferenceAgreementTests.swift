import BursarEngine
import BursarPolicy
import BursarSyntax
import Foundation
import RandomPolicies
import Testing

/// P1 of the laws: the engine and the plain implementation of the semantics agree on every field of every decision.
@Suite struct ReferenceAgreementTests {
    /// `BURSAR_DECISIONS` asks for more, `BURSAR_SEED` begins elsewhere: `make soak` sets them.
    static let wanted = ProcessInfo.processInfo.environment["BURSAR_DECISIONS"].flatMap(Int.init) ?? 200_000
    static let seed = ProcessInfo.processInfo.environment["BURSAR_SEED"].flatMap(UInt64.init) ?? 20_260_601

    @Test func `engine and reference decide alike on random policies and requests`() throws {
        var decided = 0
        var seed = Self.seed
        var outcomes: [String: Int] = [:]
        while decided < Self.wanted {
            let run = try Run(seed: seed)
            let difference = run.compare(requests: 250, outcomes: &outcomes)
            if let difference {
                Issue.record("seed \(seed):\n\(run.text)\n\(difference)")
                return
            }
            decided += 250
            seed += 1
        }
        print(
            "compared \(decided) decisions from seed \(Self.seed): \(outcomes.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "))"
        )
        // A generator that reaches only some outcomes would prove little. The few policies of a short run reach only some.
        if decided >= 20_000 { #expect(outcomes.count == Outcome.allCases.count) }
    }

    /// Policies that the two once decided otherwise: what a group's tenants are told, what a plan's change leaves of
    /// events, when a tenant was first seen, a later version that compounds, one whose shares are of what remains, and a run
    /// that was counted in two windows and released in the first.
    @Test(arguments: [1_190, 1_355, 2_709, 8_219, 5_552_166, 9_603_349] as [UInt64])
    func `what once went wrong stays right`(seed: UInt64) throws {
        var outcomes: [String: Int] = [:]
        let run = try Run(seed: seed)
        if let difference = run.compare(requests: 250, outcomes: &outcomes) {
            Issue.record("seed \(seed):\n\(run.text)\n\(difference)")
        }
    }

    /// Counters of users who are gone are forgotten and their places used again, of which no decision tells.
    @Test func `engine and reference decide alike where ever new users come`() throws {
        var outcomes: [String: Int] = [:]
        var forgotten = 0
        for seed in Self.seed..<(Self.seed + UInt64(max(20, Self.wanted / 2_000))) {
            let run = try Run(seed: seed, isCrowded: true)
            if let difference = run.compare(requests: 500, outcomes: &outcomes) {
                Issue.record("seed \(seed):\n\(run.text)\n\(difference)")
                return
            }
            forgotten += run.forgotten
        }
        print("forgot \(forgotten) counters: \(outcomes.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" })")
        #expect(forgotten > 100)
    }

    private final class Run {
        let text: String
        /// Users, sessions and runs come and go.
        private let isCrowded: Bool
        private var crowd: SeededGenerator
        private var repeats: SeededGenerator
        private var random: SeededGenerator
        private let engine: Engine
        private let reference: ReferenceEngine

        init(seed: UInt64, isCrowded: Bool = false) throws {
            self.isCrowded = isCrowded
            crowd = SeededGenerator(seed: seed &* 17 &+ 3)
            repeats = SeededGenerator(seed: seed &* 13 &+ 5)
            var generator = RandomPolicies(random: SeededGenerator(seed: seed))
            text = generator.policySet()
            random = SeededGenerator(seed: seed &* 31 &+ 7)
            var diagnostics = Diagnostics()
            let file = SourceFile(path: "random.yaml", name: "random.yaml", bytes: Array(text.utf8))
            let documents = DocumentLoader.read([file], diagnostics: &diagnostics)
            let result = Compiler.compile(documents, diagnostics)
            guard let set = result.set else {
                let renderer = DiagnosticTextRenderer(sources: result.sources)
                let found = result.diagnostics.sorted().filter { $0.severity == .error }.map(renderer.render).joined()
                throw CompileFailure(description: "seed \(seed):\n\(found)\n\(text)")
            }
            // Alerts look on and change nothing.
            let ignore: @Sendable (Alert) -> Void = { _ in }
            engine = Engine(set, reservationLifetime: Micros.hour, onAlert: seed % 4 == 0 ? ignore : nil)
            reference = ReferenceEngine(set, lifetime: Micros.hour)
        }

        struct CompileFailure: Error, CustomStringConvertible { let description: String }

        private struct Pending {
            var live: ReservationID?
            var plain: Int?
            var tenant: String
        }

        func compare(requests: Int, outcomes: inout [String: Int]) -> String? {
            var time: Int64 = 1_780_272_000_000_000 + Int64(random.below(86_400)) * Micros.second
            var pending: [Pending] = []
            let isObserved = random.chance(15)
            var earlier: [String: PlainRequest] = [:]
            for number in 0..<requests {
                time += step()
                var request = plainRequest(number, time)
                if isCrowded { crowd(&request, number) }
                if let first = earlier[request.id] { askAgain(first, as: &request) }
                earlier[request.id] = request
                let expected = reference.decide(request, observed: isObserved)
                let live = self.live(request)
                // Some requests ask for less, so that the fast path is held to the same.
                let level: DetailLevel = isObserved ? .full : random.pick([.brief, .reasons, .full])
                let decision = engine.decide(live, detail: level, counting: isObserved ? .observed : .decided)
                var got = describe(decision, request)
                outcomes[got.outcome, default: 0] += 1
                if decision.detail == nil, got.outcome == "allow" { got.remaining = expected.decision.remaining }
                if level == .brief || decision.isRepeat { got = briefly(got, as: expected.decision) }
                if got != expected.decision {
                    return "request \(number): \(request)\nexpected \(expected.decision)\ngot      \(got)"
                }
                if !decision.isRepeat, (decision.reservation == nil) != (expected.reservation == nil) {
                    return "request \(number): only one of the two reserved"
                }
                if !decision.isRepeat {
                    pending.append(
                        Pending(live: decision.reservation, plain: expected.reservation, tenant: request.tenant))
                }
                if let difference = settleSome(&pending, after: time) {
                    return "after request \(number): \(difference)"
                }
                if !engine.checkInvariants(of: live.tenant) { return "after request \(number): an invariant is broken" }
            }
            return nil
        }

        /// How many counters were forgotten.
        var forgotten: Int {
            ["acme", "beta", "core", "nobody"].reduce(0) { $0 + engine.sizes(of: engine.tenant($1)).forgotten }
                + ["g1", "g2"].reduce(0) { $0 + engine.groupSizes($1).forgotten }
        }

        /// Makes a request with an old id ask for the same, as a client does that tries again, or surely for something else.
        private func askAgain(_ first: PlainRequest, as request: inout PlainRequest) {
            guard repeats.chance(60) else {
                request.number[.characters] = (first.number[.characters] ?? 0) + 1
                return
            }
            let new = request
            request = first
            request.time = new.time
            request.number[.attempt] = new.number[.attempt]
            (request.confirmed, request.approved) = (new.confirmed, new.approved)
        }

        /// Gives a request one of a few users who are there now, or one who was there earlier.
        private func crowd(_ request: inout PlainRequest, _ number: Int) {
            for attribute in [Attribute.user, .run, .promptVersion, .workspace] where crowd.chance(70) {
                let who = crowd.chance(10) ? crowd.below(number + 1) : number / 4 + crowd.below(5)
                request.text[attribute] = "\(attribute) \(who)"
            }
        }

        private func step() -> Int64 {
            switch random.below(20) {
            case 0: 0
            case 1: 1
            case 2...9: Int64(random.below(20)) * Micros.second
            case 10...15: Int64(random.below(3_600)) * Micros.second
            case 16, 17: Int64(random.below(6)) * Micros.hour
            case 18: Micros.day
            default: random.chance(20) ? 40 * Micros.day : Micros.minute
            }
        }

        private func settleSome(_ pending: inout [Pending], after time: Int64) -> String? {
            while !pending.isEmpty, random.chance(45) {
                let item = pending.remove(at: random.below(pending.count))
                guard let live = item.live, let plain = item.plain else { continue }
                let tenant = engine.tenant(item.tenant)
                let isRelease = random.chance(20)
                let usage = PlainUsage(input: Int64(random.below(40)), cached: 0, output: Int64(random.below(40)))
                let end = time + Int64(repeats.below(120)) * Micros.second
                let used = Usage(inputTokens: usage.input, outputTokens: usage.output)
                let settled =
                    isRelease
                    ? try? engine.release(live, of: tenant, at: end)
                    : try? engine.settle(live, of: tenant, usage: used, at: end)
                let isLate =
                    isRelease ? reference.release(plain, at: end) : reference.settle(plain, usage, at: end)
                if settled.map({ $0 == .late }) != isLate {
                    return "one of the two had closed the reservation, or it was late"
                }
            }
            return nil
        }

        // MARK: - Requests

        private func plainRequest(_ number: Int, _ time: Int64) -> PlainRequest {
            let isAgain = number > 0 && random.chance(8)
            var request = PlainRequest(
                time: time, id: "r\(isAgain ? number - 1 - random.below(min(number, 3)) : number)",
                tenant: random.pick(["acme", "acme", "beta", "core", "nobody"]))
            func maybe(_ attribute: Attribute, _ percent: Int, _ values: [String]) {
                if random.chance(percent) { request.text[attribute] = random.pick(values) }
            }
            request.text[.model] = random.pick(
                ["ant", "ant", "bee", "cat", "dog", "ant-latest", "ant-v9", "ghost", "unheard-of"])
            maybe(.tier, 30, ["t0", "t1", "t9"])
            maybe(.group, 30, ["g1", "g2"])
            maybe(.workspace, 50, ["w1", "w2"])
            maybe(.user, 50, ["u1", "u2"])
            maybe(.run, 50, ["a", "b", "c"])
            maybe(.feature, 80, RandomPolicies.features + ["rare"])
            if random.chance(30) { request.labels["team"] = random.pick(["red", "blue"]) }
            request.number[.inputTokens] = Int64(random.below(30))
            if random.chance(30) {
                request.number[.cachedTokens] = Int64(random.below(Int(request.number[.inputTokens] ?? 0) + 1))
            }
            if random.chance(50) { request.number[.maxOutputTokens] = Int64(random.below(30)) }
            if random.chance(50) { request.expectedOutput = Int64(random.below(30)) }
            if random.chance(50) { request.number[.characters] = Int64(random.below(80)) }
            if random.chance(30) { request.number[.attempt] = Int64(1 + random.below(3)) }
            if random.chance(20) {
                request.tools =
                    [random.pick(["db:drop", "pay:card", "find:x", "else"])] + (random.chance(50) ? ["find:y"] : [])
            }
            if random.chance(40) { request.fallback = random.chance(50) }
            request.confirmed = random.chance(20)
            request.approved = random.chance(20)
            request.accepts = random.chance(40)
            return request
        }

        private func live(_ plain: PlainRequest) -> Request {
            func symbol(_ slot: AttributeSlot, _ text: String) -> Symbol {
                var text = text
                return text.withUTF8 { engine.symbol(slot, $0) }
            }
            var request = Request(time: plain.time, tenant: engine.tenant(plain.tenant), model: .absent)
            request.id = RequestID(plain.id)
            for (attribute, text) in plain.text {
                if let slot = AttributeSlot(attribute) { request[slot] = symbol(slot, text) }
            }
            request.labels = plain.labels.map {
                Request.Label(key: engine.symbols.intern($0), value: engine.symbols.intern($1))
            }
            request.inputTokens = plain.number[.inputTokens] ?? -1
            request.cachedTokens = plain.number[.cachedTokens] ?? -1
            request.maxOutputTokens = plain.number[.maxOutputTokens] ?? -1
            request.characters = plain.number[.characters] ?? -1
            request.attempt = plain.number[.attempt] ?? -1
            request.expectedOutputTokens = plain.expectedOutput ?? -1
            request.tools = plain.tools.map { engine.symbols.intern($0) }
            request.isFallback = plain.fallback
            request.isConfirmed = plain.confirmed
            request.isApproved = plain.approved
            request.acceptsDowngrade = plain.accepts
            return request
        }

        // MARK: - Description

        private func describe(_ decision: Decision, _ request: PlainRequest) -> PlainDecision {
            var plain = PlainDecision(outcome: decision.outcome.name)
            plain.model = decision.model.isPresent ? engine.symbols.text(decision.model) : nil
            plain.isRepeat = decision.isRepeat
            plain.retryAfter = decision.detail?.retryAfter
            let estimate = decision.estimate
            plain.estimate =
                "\(estimate.spend.map(String.init) ?? "?") \(estimate.inputTokens)/\(estimate.cachedTokens)/\(estimate.outputTokens) \(estimate.source.name)"
            let caps = decision.caps
            if let tokens = caps.maxOutputTokens { plain.caps.append("output \(tokens)") }
            if let tokens = caps.maxInputTokens { plain.caps.append("input \(tokens)") }
            if !caps.disabledTools.isEmpty { plain.caps.append("tools \(caps.disabledTools)") }
            if caps.serveCached { plain.caps.append("cached") }
            if let steps = caps.maxSteps { plain.caps.append("steps \(steps)") }
            if let micros = caps.coolDown { plain.caps.append("cool down \(micros)") }
            plain.reasons = decision.reasons.map(describe)
            plain.events = (decision.detail?.events ?? []).map {
                "\($0.limit) \($0.threshold) \($0.scope) \($0.audiences)"
            }
            plain.remaining = (decision.detail?.remaining ?? []).map { "\($0.limit) \($0.scope) \($0.remaining)" }
            plain.shadow = decision.shadow.map { [describe($0, request)] } ?? []
            return plain
        }

        /// A brief decision has no numbers; what it has must be right.
        private func briefly(_ got: PlainDecision, as expected: PlainDecision) -> PlainDecision {
            var got = got
            func codes(_ reasons: [String]) -> [String] {
                reasons.map { $0.split(separator: " ").prefix(3).joined(separator: " ") }
            }
            if codes(got.reasons) == codes(expected.reasons) { got.reasons = expected.reasons }
            got.remaining = expected.remaining
            got.retryAfter = expected.retryAfter
            got.shadow = zip(got.shadow, expected.shadow).map { briefly($0, as: $1) }
            return got
        }

        private func describe(_ reason: Reason) -> String {
            var text = "\(reason.code) \(reason.action) rule=\(reason.rule ?? "-") limit=\(reason.limit ?? "-")"
            if let numbers = reason.numbers {
                text += " \(reason.scope ?? "") at \(reason.threshold ?? "") used=\(numbers.used)"
                text +=
                    " estimate=\(numbers.estimate.map(String.init) ?? "?") amount=\(numbers.amount) carried=\(numbers.carried)"
            }
            if let overage = reason.overage { text += " overage=\(overage.excess) billed=\(overage.billed)" }
            return text
        }
    }
}
