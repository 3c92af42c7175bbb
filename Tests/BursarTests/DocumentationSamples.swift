import Bursar
import Testing

/// Every Swift sample of the documentation, compiled and run. A region between `sample:` and `end` is a sample as a page
/// shows it; `DocumentationTests` compares the two. Tests run in the repository's folder.
struct DocumentationSamples {
    /// `Policies/saas-tiers` under the name that the samples use.
    private let policyFolder = Samples.path("Policies/saas-tiers")

    private func call(_ model: String, maxOutputTokens: Int?) async throws -> Answer {
        Answer(text: "Hello.", inputTokens: 1_180, outputTokens: 240)
    }

    private struct Answer {
        var text: String
        var inputTokens: Int
        var outputTokens: Int
    }

    @Test func readme() async throws {
        func answer(_ prompt: String) async throws -> String {
            // sample: README
            let policies = try PolicySet(contentsOf: "Policies/saas-tiers")  // throws what `bursar check` prints
            let engine = Engine(policies)

            let decision = engine.decide(
                tenant: "acme", tier: "pro", model: "gpt-4o", inputTokens: 1_200, maxOutputTokens: 800)
            guard let model = decision.model else {
                return "Refused: \(decision.reasons[0])"  // code, limit, numbers, file:line:column
            }
            let answer = try await call(model, maxOutputTokens: decision.caps.maxOutputTokens)
            try decision.settle(inputTokens: answer.inputTokens, outputTokens: answer.outputTokens)
            // end
            return answer.text
        }
        #expect(try await answer("Hello?") == "Hello.")
    }

    @Test func request() throws {
        let engine = Engine(try PolicySet(contentsOf: policyFolder))
        // sample: embedding, request
        var request = Engine.Request(tenant: "acme", model: "gpt-4o", tier: "pro", feature: "chat", user: "ada")
        request.id = "call-4711"  // the same for every retry of this call
        request.inputTokens = 1_200
        request.maxOutputTokens = 800
        request.labels = ["project": "search"]
        let decision = engine.decide(request, detail: .full)
        // end
        #expect(decision.isAdmitted)
        #expect(!decision.remaining.isEmpty)
    }

    @Test func refusal() throws {
        let engine = Engine(try PolicySet(contentsOf: policyFolder))
        let decision = engine.decide(tenant: "acme", tier: "free", model: "o3", inputTokens: 1)
        var log: [String] = []
        func print(_ text: String) { log.append(text) }
        // sample: embedding, refusal
        switch decision.outcome {
        case .allow, .allowWithCaps, .downgrade:
            break  // call `decision.model` within `decision.caps`
        case .confirm, .approve:
            print("ask the user or an approver, then decide again with isConfirmed or isApproved")
        case .throttle:
            print("wait \(decision.retryAfter ?? .seconds(1))")
        case .deny:
            for reason in decision.reasons { print("\(reason)") }
        }
        // end
        #expect(log.count == 1)
        #expect(log[0].hasPrefix("model_not_allowed"))
    }

    @Test func errors() {
        var log: [String] = []
        func print(_ text: String) { log.append(text) }
        // sample: embedding, errors
        do {
            let policies = try PolicySet(contentsOf: "policies/")
            for warning in policies.warnings { print(warning.description) }
        } catch {
            print(error.description)  // as `bursar check` prints it
            for finding in error.findings { print("\(finding.file ?? "-"):\(finding.line ?? 0): \(finding.code)") }
        }
        // end
        #expect(log.count >= 2)
    }

    @Test func alerts() throws {
        let queue = Gathered<Alert>()
        let policies = try PolicySet(contentsOf: Samples.path("Policies/alerts"))
        // sample: embedding, alerts
        let engine = Engine(policies, onAlert: { alert in queue.add(alert) })  // hand it on and return
        // end
        let decision = engine.decide(tenant: "acme", model: "gpt-4o-mini", inputTokens: 1)
        #expect(decision.outcome == .allow || !decision.reasons.isEmpty)
        #expect(queue.all.isEmpty)
    }

    @Test func candidate() throws {
        let queue = Gathered<CandidateEngine.Difference>()
        let engine = Engine(try PolicySet(contentsOf: policyFolder))
        let next = try PolicySet(contentsOf: Samples.path("Policies/copilot"))
        let request = Engine.Request(tenant: "acme", model: "gpt-4o-mini", tier: "free", inputTokens: 1)
        // sample: embedding, candidate
        let engines = CandidateEngine(active: engine, candidate: next) { difference in
            queue.add(difference)  // on the deciding thread: hand it on and return
        }
        let pair = engines.decide(request)
        // … call pair.decision.model …
        try pair.settle(inputTokens: 1_180, outputTokens: 240)
        // end
        #expect(pair.decision.outcome == .allow)
        #expect(queue.all.count == 1)
    }
}
