import BursarAnalysis
import BursarEngine
import BursarPolicy
import BursarSyntax
import BursarLogs
import Testing

/// Runs the witnesses of findings through the engine: each must be decided as its finding says.
struct WitnessCheck {
    private let set: PolicySet

    init(_ set: PolicySet) { self.set = set }

    /// What does not do as its finding says; nil where all do.
    func firstFailure(_ items: [Diagnostic]) throws -> String? {
        for item in items {
            guard let witness = item.witness else {
                if Self.needWitness.contains(item.code), !Self.isUnshowable(item) {
                    return "\(item.code) needs a witness"
                }
                continue
            }
            if let failure = try failure(item, witness) {
                return "\(item.code): \(item.message)\n\(witness)\n\(failure)"
            }
        }
        return nil
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

    private func failure(_ item: Diagnostic, _ witness: String) throws -> String? {
        let engine = Engine(set)
        let request = try request(witness, engine)
        let explanation = engine.explain(request)
        // What a policy in shadow would do stands there.
        let given = engine.decide(request, detail: .full)
        let decision = given.shadow ?? given
        let codes = decision.reasons.map(\.code)
        if codes.contains("bad_request") || codes.contains("unknown_tenant") { return "\(codes)" }
        // These come before all else, until the tenant or the policy is free again.
        if codes.contains("policy_frozen") || codes.contains("tenant_suspended") { return nil }
        func holds(_ place: SourceRange?) -> Bool {
            explanation.steps.contains { $0.kind == .rule && $0.source == place && $0.holds == true }
        }
        let outcome = "\(decision.outcome) for \(codes)"
        let reasonPlaces = decision.reasons.map(\.source)
        switch item.code {
        case "rule/redundant":
            return holds(item.range) && item.notes.contains { holds($0.range) } ? nil : outcome
        case "rule/conflict":
            let denies = reasonPlaces.contains(item.notes.first?.range) && decision.outcome == .deny
            return holds(item.range) && denies ? nil : outcome
        case "rule/refuses-tier": return decision.outcome.isRefused ? nil : outcome
        case "limit/too-small", "weight/too-small":
            // A limit that counts some models alone may leave the way to another.
            return decision.outcome != .allow && reasonPlaces.contains(item.range) ? nil : outcome
        case "limit/never-binds", "limit/child-above-parent", "limit/looser-than-policy":
            // The other refuses, and this one would not have.
            let isFirst = reasonPlaces.contains(item.notes[0].range) && !reasonPlaces.contains(item.range)
            return decision.outcome != .allow && isFirst ? nil : outcome
        case "chain/dearer":
            let catalog = try #require(set.editions[0].catalog)
            let price = item.notes.first?.range
            let substitute = try #require(price.flatMap { place in set.sources[place].map { $0.text(place) } })
            let costs = try [engine.symbols.text(request[.model]), substitute].map { name in
                catalog[try #require(catalog.model(name))].price?.cost(
                    input: max(0, request.inputTokens), cached: max(0, request.cachedTokens),
                    output: max(0, request.maxOutputTokens))
            }
            return try #require(costs[1]) > (try #require(costs[0])) ? nil : "\(costs)"
        case "rule/always":
            // The condition is a rule's or a limit's; as a filter it must hold for the witness.
            let text = item.range.flatMap { place in set.sources[place].map { $0.text(place) } } ?? ""
            let filtered = Engine(set, filters: [try ConditionParser.parse(Self.unquoted(text))])
            return filtered.matchesFilters(try self.request(witness, filtered)) ? nil : "it does not hold"
        default: return nil
        }
    }

    private static func unquoted(_ text: String) -> String {
        text.hasPrefix("'") || text.hasPrefix("\"") ? String(text.dropFirst().dropLast()) : text
    }

    private func request(_ json: String, _ engine: Engine) throws -> Request {
        let (block, problem) = LogFormat.readSingle(Array(json.utf8))
        #expect(problem == nil)
        let builder = RequestBuilder(engine: engine, usesRecordedOutput: false)
        return try builder.evalRequest(block, now: 0)
    }
}
