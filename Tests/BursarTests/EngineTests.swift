import Bursar
import Testing

/// The library as a service uses it: nothing but `Bursar` is imported.
struct EngineTests {
    private static let noon = Timestamp(microsecondsSince1970: 1_780_488_000_000_000)

    private func engine() throws -> Engine {
        Engine(try PolicySet(contentsOf: Samples.path("Policies/saas-tiers")))
    }

    private func request(_ tenant: String, model: String = "gpt-4o-mini") -> Engine.Request {
        Engine.Request(
            tenant: tenant, model: model, tier: "free", inputTokens: 1_000, maxOutputTokens: 500, time: Self.noon)
    }

    @Test func aRequestIsAdmittedAndSettledOnce() throws {
        let decision = try engine().decide(request("acme"))
        #expect(decision.outcome == .allow)
        #expect(decision.model == "gpt-4o-mini")
        #expect(decision.reservation != nil)
        try decision.settle(inputTokens: 1_000, outputTokens: 200)
        #expect(throws: SettlementError.notOpen) { try decision.settle(inputTokens: 1_000, outputTokens: 200) }
        #expect(throws: SettlementError.notOpen) { try decision.release() }
    }

    /// The free tier allows 50 requests a day.
    @Test func aReleasedRequestCountsNothing() throws {
        let engine = try engine()
        for _ in 0..<200 {
            let decision = engine.decide(request("acme"))
            #expect(decision.isAdmitted)
            try decision.release()
        }
    }

    @Test func aRefusalTellsLimitNumbersAndLine() throws {
        let engine = try engine()
        var decision = engine.decide(request("acme"))
        while decision.isAdmitted { decision = engine.decide(request("acme")) }
        #expect(decision.outcome == .deny)
        #expect(decision.model == nil)
        let reason = try #require(decision.reasons.first)
        #expect(reason.code == "quota_exceeded")
        #expect(reason.limit == "requests")
        #expect(reason.used == .count(50))
        #expect(reason.amount == .count(50))
        #expect(reason.resetsAt.map { $0 > Self.noon } == true)
        #expect(reason.source?.contains(".yaml:") == true)
        #expect(decision.json.contains(#""outcome":"deny""#))
        #expect(throws: SettlementError.notAdmitted) { try decision.settle(inputTokens: 1, outputTokens: 1) }
        // Another tenant has a quota of its own.
        #expect(engine.decide(request("globex")).isAdmitted)
    }

    @Test func aRepeatedIdCountsNothingAgain() throws {
        let engine = try engine()
        var request = request("acme")
        request.id = "call-1"
        #expect(!engine.decide(request).isRepeat)
        for _ in 0..<100 {
            let decision = engine.decide(request)
            #expect(decision.isRepeat)
            #expect(decision.isAdmitted)
        }
    }

    @Test func aFullDecisionTellsWhatRemains() throws {
        let decision = try engine().decide(request("acme"), detail: .full)
        let requests = try #require(decision.remaining.first { $0.limit == "requests" })
        #expect(requests.remaining == .count(49))
        let daily = try #require(decision.remaining.first { $0.limit == "daily" })
        guard case .money(let left) = daily.remaining else {
            Issue.record("the limit `daily` is on spend")
            return
        }
        #expect(left > Money(nanoUnits: 0))
        #expect(left.nanoUnits < 500_000_000)
    }

    @Test func impossibleRequestsAreDenied() throws {
        let engine = try engine()
        for defect in [
            Engine.Request(tenant: "", model: "gpt-4o"), Engine.Request(tenant: "acme", model: ""),
            Engine.Request(tenant: "acme", model: "gpt-4o", inputTokens: -1),
            Engine.Request(tenant: "acme", model: "gpt-4o", inputTokens: .max),
            Engine.Request(tenant: "acme", model: "gpt-4o", inputTokens: 1, cachedTokens: 2),
            Engine.Request(tenant: "acme", model: "gpt-4o", maxOutputTokens: .min),
        ] {
            let decision = engine.decide(defect)
            #expect(decision.outcome == .deny)
            #expect(decision.reasons.first?.code == "bad_request")
            #expect(throws: SettlementError.notAdmitted) { try decision.release() }
        }
    }

    @Test func impossibleUsageIsRefusedAndChangesNothing() throws {
        let decision = try engine().decide(request("acme"))
        let impossible = [
            (-1, 0, 0), (0, 0, -1), (1, 2, 0), (Int.max, 0, 0), (0, 0, Int.max), (0, Int.min, 0),
        ]
        for (input, cached, output) in impossible {
            do throws(SettlementError) {
                try decision.settle(inputTokens: input, cachedTokens: cached, outputTokens: output)
                Issue.record("\(input), \(cached), \(output) was accepted")
            } catch {
                guard case .invalidUsage = error else {
                    Issue.record("\(error)")
                    return
                }
            }
        }
        try decision.settle(inputTokens: 1_000, outputTokens: 200)
    }

    @Test func anotherEnginesReservationIsNotOpen() throws {
        let (first, second) = (try engine(), try engine())
        let reservation = try #require(first.decide(request("acme")).reservation)
        #expect(throws: SettlementError.notOpen) {
            try second.settle(reservation, inputTokens: 1_000, outputTokens: 200)
        }
        #expect(throws: SettlementError.notOpen) { try second.release(reservation) }
        try first.settle(reservation, inputTokens: 1_000, outputTokens: 200)
    }

    /// A decision keeps its engine.
    @Test func aDecisionOutlivesItsEngine() throws {
        var engine: Engine? = try engine()
        let decision = try #require(engine?.decide(request("acme")))
        engine = nil
        #expect(decision.json.contains("acme"))
        try decision.settle(inputTokens: 1_000, outputTokens: 200)
    }

    @Test func wrongPoliciesThrowWhatCheckPrints() throws {
        let folder = try Samples.folder(["policy.yaml": "policy: x\ntires:\n  free: {}\n"])
        do throws(PolicyError) {
            _ = try PolicySet(contentsOf: folder)
            Issue.record("the policies compiled")
        } catch {
            let finding = try #require(error.findings.first { $0.message.contains("tires") })
            #expect(finding.line == 2)
            #expect(finding.column == 1)
            #expect(error.description.contains("policy.yaml:2:1: error:"))
        }
        #expect(throws: PolicyError.self) { try PolicySet(contentsOf: folder + "/missing") }
    }

    @Test func versionsTellWhenTheyDecide() throws {
        let policies = try PolicySet(contentsOf: Samples.path("Policies/saas-tiers"))
        let version = try #require(policies.versions.first)
        #expect(version.digest.hasPrefix("sha256:"))
        #expect(version.effective < Self.noon)
    }

    @Test func aCandidateIsTriedBesideTheEngine() throws {
        let strict = try Samples.folder([
            "policy.yaml": """
            policy: strict
            version: 1
            effective: 2020-01-01
            unpriced: allow
            tiers:
              free:
                models: any
                limits: {requests: 1 request/day}
            """
        ])
        let differences = Gathered<String>()
        let engines = CandidateEngine(active: try engine(), candidate: try PolicySet(contentsOf: strict)) {
            differences.add("\($0.active.outcome) \($0.candidate.outcome)")
        }
        for _ in 0..<3 { try engines.decide(request("acme")).settle(inputTokens: 1_000, outputTokens: 200) }
        #expect(differences.all == ["allow deny", "allow deny"])
    }
}
