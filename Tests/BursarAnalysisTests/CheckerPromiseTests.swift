import BursarAnalysis
import BursarEngine
import BursarPolicy
import BursarSyntax
import Foundation
import RandomPolicies
import Testing

/// What the checker says never happens does not happen, and what it says can happen does, with its witness.
@Suite struct CheckerPromiseTests {
    /// `make soak` asks for more.
    static let wanted = (ProcessInfo.processInfo.environment["BURSAR_DECISIONS"].flatMap(Int.init) ?? 200_000) / 2
    static let seed = ProcessInfo.processInfo.environment["BURSAR_SEED"].flatMap(UInt64.init) ?? 20_261_101

    @Test func `no random request breaks what was promised`() throws {
        var seed = Self.seed
        var decided = 0
        var promises: [String: Int] = [:]
        while decided < Self.wanted {
            seed += 1
            var generator = RandomPolicies(random: SeededGenerator(seed: seed))
            let text = generator.policySet()
            let result = check(text)
            // Counters outlive versions, so promises about totals are made for one version alone.
            guard let set = result.set, set.editions.count == 1 else { continue }
            let items = result.diagnostics.sorted()
            if let failure = try WitnessCheck(set).firstFailure(items) {
                Issue.record("seed \(seed): \(failure)\n\(text)")
                return
            }
            let run = PromiseRun(set, items, seed: seed)
            guard run.count > 0 else { continue }
            for item in items { promises[item.code, default: 0] += 1 }
            if let broken = run.firstBroken(requests: 200) {
                Issue.record("seed \(seed): \(broken)\n\(text)")
                return
            }
            decided += 200
        }
        print("held \(promises.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "))")
        for code in ["rule/never", "rule/always", "limit/never-binds", "rule/redundant"] {
            #expect(promises[code] != nil, "\(code) was never promised, so nothing was shown of it")
        }
    }

    private func check(_ text: String) -> Checker.Result {
        var diagnostics = Diagnostics()
        let file = SourceFile(path: "random.yaml", name: "random.yaml", bytes: Array(text.utf8))
        let documents = DocumentLoader.read([file], diagnostics: &diagnostics)
        return Checker.check(documents, diagnostics)
    }
}

/// A policy set, what was promised of it, and requests that might break that.
private final class PromiseRun {
    private struct Promise {
        var text: String
        /// Whether a request and its decision break it.
        var isBroken: (Request, Decision) -> Bool
    }

    private var promises: [Promise] = []
    private let engine: Engine
    private var engines: [Engine] = []
    private var random: SeededGenerator

    var count: Int { promises.count }

    init(_ set: PolicySet, _ items: [Diagnostic], seed: UInt64) {
        engine = Engine(set)
        random = SeededGenerator(seed: seed &* 17 &+ 3)
        for item in items { add(item, set) }
    }

    private func add(_ item: Diagnostic, _ set: PolicySet) {
        let text = "\(item.code): \(item.message)"
        switch item.code {
        case "rule/never", "rule/always":
            guard let range = item.range, let source = set.sources[range]?.text(range),
                let condition = try? ConditionParser.parse(Self.unquoted(source))
            else { return }
            let filter = Engine(set, filters: [condition])
            engines.append(filter)
            let tiers = tiers(of: range, set)
            promises.append(
                Promise(text: text) { [self] request, decision in
                    guard decision.tier.isPresent, tiers.contains(engine.symbols.text(decision.tier)) else {
                        return false
                    }
                    let other = translated(request, decision, to: filter)
                    return filter.matchesFilters(other) != (item.code == "rule/always")
                })
        case "rule/redundant":
            let covers = Set(item.notes.compactMap(\.range))
            promises.append(
                Promise(text: text) { _, decision in
                    let sources = Set(decision.reasons.compactMap(\.source))
                    return item.range.map(sources.contains) == true && sources.isDisjoint(with: covers)
                })
        case "limit/never-binds", "limit/child-above-parent", "limit/looser-than-policy":
            // What violates it violates another too, which stands for itself.
            // In a tenant's own plan that may be another one than in its tier's.
            let others = Set(item.notes.compactMap { $0.range.flatMap { place in set.sources[place]?.text(place) } })
            promises.append(
                Promise(text: text) { [self] request, decision in
                    let violated = decision.reasons.filter { $0.limit != nil }
                    return violated.contains { $0.source == item.range }
                        && !violated.contains {
                            isPlain(request, set) ? others.contains($0.limit ?? "") : $0.source != item.range
                        }
                })
        case "rule/refuses-tier":
            guard let range = item.range, let tier = set.sources[range]?.text(range) else { return }
            // A tenant's own keys may let through what its tier does not.
            promises.append(
                Promise(text: text) { [self] request, decision in
                    isPlain(request, set) && decision.tier.isPresent && engine.symbols.text(decision.tier) == tier
                        && decision.outcome.isAdmitted
                        && decision.shadow == nil
                })
        default: break
        }
    }

    /// The tenant's plan is its tier's.
    private func isPlain(_ request: Request, _ set: PolicySet) -> Bool {
        let name = engine.symbols.text(request.tenant.symbol)
        return set.tenantIndex(of: name).map { set.tenants[$0].followsTier } ?? true
    }

    /// Tiers in whose plans the condition stands; all for a rule's.
    private func tiers(of range: SourceRange, _ set: PolicySet) -> Set<String> {
        let edition = set.editions[0]
        if edition.policy.rules.contains(where: { $0.whenSource == range }) { return Set(edition.tierNames) }
        let holders = edition.tierNames.filter { tier in
            edition.plan(tier: tier)?.limits.contains { limit in
                limit.whenSource == range || limit.thresholds.flatMap(\.actions).contains { $0.whenSource == range }
            } == true
        }
        return Set(holders)
    }

    private static func unquoted(_ text: String) -> String {
        text.hasPrefix("'") ? String(text.dropFirst().dropLast()) : text
    }

    /// The same request for another engine, with the tier that was decided by.
    private func translated(_ request: Request, _ decision: Decision, to other: Engine) -> Request {
        var copy = request
        copy.tenant = other.tenant(engine.symbols.text(request.tenant.symbol))
        for slot in AttributeSlot.allCases where slot != .tenant && request[slot].isPresent {
            copy[slot] = other.symbols.intern(engine.symbols.text(request[slot]))
        }
        copy[.tier] = other.symbols.intern(engine.symbols.text(decision.tier))
        copy.tools = request.tools.map { other.symbols.intern(engine.symbols.text($0)) }
        copy.labels = request.labels.map {
            Request.Label(
                key: other.symbols.intern(engine.symbols.text($0.key)),
                value: other.symbols.intern(engine.symbols.text($0.value)))
        }
        return copy
    }

    func firstBroken(requests: Int) -> String? {
        var time: Int64 = 1_780_272_000_000_000
        for number in 0..<requests {
            time += random.pick([0, Micros.second, Micros.minute, Micros.hour, 7 * Micros.hour])
            let request = engine.randomRequest(number, time, &random)
            let decision = engine.decide(request, detail: .full)
            for promise in promises where promise.isBroken(request, decision) {
                let name = engine.symbols.text(request.tenant.symbol)
                let reasons = decision.reasons.map { "\($0.code) \($0.limit ?? $0.rule ?? "") \($0.threshold ?? "")" }
                return """
                    \(promise.text)
                    broken by request \(number) of \(name): \(request)
                    \(decision.outcome) \(reasons) \(decision.estimate)
                    """
            }
        }
        return nil
    }
}
