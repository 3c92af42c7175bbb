import BursarAnalysis
import BursarEngine
import BursarPolicy
import BursarSyntax
import BursarTraffic
import Testing

/// Runs the witnesses of findings through the engine: each must be decided as its finding says.
struct WitnessCheck {
    private let set: PolicySet

    init(_ set: PolicySet) { self.set = set }

    func check(_ items: [Diagnostic]) throws {
        for item in items {
            guard let witness = item.witness else {
                #expect(
                    !Self.needWitness.contains(item.code) || Self.isUnshowable(item), "\(item.code) needs a witness")
                continue
            }
            try check(item, witness)
        }
    }

    private static let needWitness: Set<String> = [
        "rule/always", "rule/redundant", "rule/conflict", "rule/refuses-tier", "weight/too-small", "limit/too-small",
        "chain/dearer", "chain/context", "model/alias-overlap",
    ]

    /// A tier without a usable model refuses whatever is asked; `to fit` finds no way, which is no refusal yet.
    private static func isUnshowable(_ item: Diagnostic) -> Bool {
        item.message.hasPrefix("`cap output to fit")
            || item.notes.contains { $0.message.hasPrefix("no model") || $0.message.hasSuffix("lets nothing through") }
    }

    private func check(_ item: Diagnostic, _ witness: String) throws {
        let engine = Engine(set)
        let request = try request(witness, engine)
        let explanation = engine.explain(request)
        let decision = engine.decide(request, detail: .full)
        #expect(!decision.reasons.contains { $0.code == "bad_request" || $0.code == "unknown_tenant" }, "\(witness)")
        func holds(_ place: SourceRange?) -> Bool {
            explanation.steps.contains { $0.kind == "rule" && $0.source == place && $0.text.hasSuffix(": holds") }
        }
        let text = set.sources
        switch item.code {
        case "rule/redundant":
            #expect(holds(item.range), "\(witness)")
            #expect(item.notes.contains { holds($0.range) }, "\(witness)")
        case "rule/conflict":
            #expect(holds(item.range) && decision.outcome == .deny, "\(witness)")
            #expect(decision.reasons.contains { $0.source == item.notes.first?.range })
        case "rule/refuses-tier": #expect(decision.outcome.isRefused, "\(witness)")
        case "limit/too-small", "weight/too-small":
            #expect(decision.outcome.isRefused && decision.reasons.contains { $0.source == item.range }, "\(witness)")
        case "chain/dearer":
            let cheap = try #require(decision.estimate.spend)
            let substitute = item.range.map { text[$0]?.text($0) ?? "" } ?? ""
            let second = Engine(set)
            let dear = second.decide(try self.request(witness, second, model: substitute)).estimate.spend
            #expect(try #require(dear) > cheap, "\(witness)")
        case "rule/always":
            // The condition is a rule's or a limit's; as a filter it must hold for the witness.
            let condition = try ConditionParser.parse(Self.unquoted(item.range.map { text[$0]?.text($0) ?? "" } ?? ""))
            let filtered = Engine(set, filters: [condition])
            #expect(filtered.matchesFilters(try self.request(witness, filtered)))
        default: break
        }
    }

    private static func unquoted(_ text: String) -> String {
        text.hasPrefix("'") || text.hasPrefix("\"") ? String(text.dropFirst().dropLast()) : text
    }

    private func request(_ json: String, _ engine: Engine, model: String? = nil) throws -> Request {
        let (block, problem) = LogFormat.readSingle(Array(json.utf8))
        #expect(problem == nil)
        var builder = RequestBuilder(engine: engine, usesRecordedOutput: false)
        var request = try builder.evalRequest(block, now: 0)
        if let model { request[.model] = engine.symbols.intern(model) }
        return request
    }
}
