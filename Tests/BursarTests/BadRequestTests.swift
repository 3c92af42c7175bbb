import Bursar
import Testing

/// The refusal of a request that cannot be decided still says whose request it was.
@Suite struct BadRequestTests {
    @Test(arguments: [-1, 2_000_000_000_000_000]) func `a refusal keeps the id and the tenant`(count: Int) throws {
        let text = "policy: p\nversion: 1\ndefault tier: t\ntiers: {t: {models: any, limits: {r: 5 requests/day}}}\n"
        let policies = try PolicySet(contentsOf: try Samples.folder(["p.yaml": text]))
        let decision = Engine(policies).decide(tenant: "acme", model: "m", inputTokens: count, id: "r-1")
        #expect(decision.outcome == .deny)
        #expect(decision.reasons.map(\.code) == ["bad_request"])
        #expect(decision.json.hasPrefix("{\"request_id\":\"r-1\""))
        #expect(decision.json.contains("\"tenant\":\"acme\""))
        #expect(decision.requestedModel == "m")
    }
}
