import BursarPolicy
import BursarSyntax

/// A request as plain text and numbers.
struct PlainRequest {
    var time: Int64
    var id: String
    var tenant: String
    var text: [Attribute: String] = [:]
    var labels: [String: String] = [:]
    var number: [Attribute: Int64] = [:]
    var expectedOutput: Int64?
    var tools: [String] = []
    var fallback: Bool?
    var confirmed = false
    var approved = false
    var accepts = false
}

struct PlainUsage {
    var input: Int64
    var cached: Int64
    var output: Int64
}

/// A decision in terms that both engines can be turned into.
struct PlainDecision: Equatable, CustomStringConvertible {
    var outcome = ""
    var model: String?
    var caps: [String] = []
    var reasons: [String] = []
    var events: [String] = []
    var remaining: [String] = []
    var estimate = ""
    var retryAfter: Int64?
    var isRepeat = false
    var shadow: [PlainDecision] = []

    var description: String {
        """
        \(outcome) model=\(model ?? "-") repeat=\(isRepeat) retry=\(retryAfter.map(String.init) ?? "-")
          estimate \(estimate)
          caps \(caps)
          reasons \(reasons.joined(separator: "\n          "))
          events \(events)
          remaining \(remaining.joined(separator: "\n            "))
        \(shadow.isEmpty ? "" : "shadow: \(shadow[0])")
        """
    }
}

/// `Docs/semantics.md` once more, for clarity alone: text instead of numbers, dictionaries instead of tables, every
/// window kept for ever, every sum made anew. It shares no code with the engine but the compiled policy and the arithmetic of
/// its prices and percentages.
final class ReferenceEngine {
    private let set: PolicySet
    private let lifetime: Int64
    private var calendar = ReferenceCalendar()

    /// What was counted: where, when, how much.
    private struct Entry {
        var time: Int64
        var amount: Int64
        var run: String?
    }

    private struct Book {
        var entries: [Int: Entry] = [:]
        /// When anything was first counted.
        var began: Int64?
        /// Of windows from first use: when the latest one opened.
        var opened: Int64?
        /// Of buckets: what they hold in units of 1/length, and since when.
        var level: Int128?
        var refilled: Int64 = .min
        /// By start of the window: the amount in force at the last request that was counted in it.
        var amounts: [Int64: Int64] = [:]
        var burned: [Int: Int64] = [:]
        var overdraft: Int64 = 0
        var burnedBy: [Int: Int64] = [:]
        var notified: [String: Int64] = [:]
        var throttles: [String: (level: Int128, refilled: Int64)] = [:]

        func level(_ limit: Limit, _ length: Int64, at now: Int64) -> Int128 {
            let full = Int128(limit.capacity) * Int128(length)
            guard let level else { return full }
            return min(full, level + Int128(limit.amount) * Int128(max(0, now - refilled)))
        }

        /// When the window from first use opened that holds an instant.
        func opened(_ length: Int64, at now: Int64) -> Int64? { opened.flatMap { now < $0 + length ? $0 : nil } }

        /// Events that were given while no window was open belong to the one that opens.
        mutating func open(at now: Int64) {
            opened = now
            for (key, time) in notified where key.hasSuffix("#next") {
                notified[key] = nil
                notified[key.replacing("#next", with: "#\(now)")] = time
            }
        }
    }

    private struct Reserved {
        var book: String
        var entry: Int
        var limit: Limit
        var amount: Int64
        var time: Int64
    }

    private struct OpenReservation {
        var tenant: String
        var parts: [Reserved]
        var price: Price?
        var grants: [Grant]
        var made: Int64
    }

    private struct Remembered {
        var request: PlainRequest
        var decision: PlainDecision
        var reservation: Int
    }

    private var books: [String: Book] = [:]
    private var recent: [String: Remembered] = [:]
    private var released: Set<Int> = []
    private var open: [Int: OpenReservation] = [:]
    private var nextEntry = 0
    private var nextReservation = 0

    init(_ set: PolicySet, lifetime: Int64) {
        self.set = set
        self.lifetime = lifetime
    }

    // MARK: - Surroundings of one request

    private struct Scene {
        var edition: Edition
        var plan: Plan
        var record: TenantRecord?
        var request: PlainRequest
        var includesShadow = true
    }

    private struct PlainCandidate {
        var id: ModelID?
        var name: String
        var price: Price?
    }

    private func candidate(_ id: ModelID?, named name: String, _ edition: Edition) -> PlainCandidate {
        PlainCandidate(
            id: id, name: id.flatMap { edition.catalog?[$0].name } ?? name,
            price: id.flatMap { edition.catalog?[$0].price })
    }

    private func value(_ attribute: Attribute, _ scene: Scene, _ candidate: PlainCandidate) -> String? {
        switch attribute {
        case .tenant: return scene.request.tenant
        case .tier: return scene.plan.tier
        case .group: return scene.record?.group ?? scene.request.text[.group]
        case .model: return candidate.name
        case .modelClass: return candidate.id.flatMap { scene.edition.catalog?[$0].modelClass }
        case .modelProvider: return candidate.id.flatMap { scene.edition.catalog?[$0].provider }
        case .label(let key): return scene.request.labels[key]
        default: return scene.request.text[attribute]
        }
    }

    private func number(_ attribute: Attribute, _ scene: Scene) -> Int64? {
        guard attribute == .hour || attribute == .weekday else { return scene.request.number[attribute] }
        let seconds = floorDiv(scene.request.time, 1_000_000)
        let clock = calendar.localClock(scene.edition.policy.zone, at: seconds)
        return attribute == .hour ? clock.secondOfDay / 3_600 : clock.weekday + 1
    }

    private func isCritical(_ scene: Scene) -> Bool {
        scene.request.text[.feature].map { scene.edition.policy.criticalFeatures.contains($0) } ?? false
    }

    private func matches(_ text: String, _ test: Condition.TextTest, _ other: String) -> Bool {
        switch test {
        case .equals: text == other
        case .startsWith: text.hasPrefix(other)
        case .endsWith: text.hasSuffix(other)
        }
    }

    private func holds(_ condition: Condition?, _ scene: Scene, _ candidate: PlainCandidate) -> Bool {
        switch condition {
        case nil, .always?: return true
        case .never?: return false
        case .not(let inner)?: return !holds(inner, scene, candidate)
        case .all(let parts)?: return parts.allSatisfy { holds($0, scene, candidate) }
        case .any(let parts)?: return parts.contains { holds($0, scene, candidate) }
        case .isPresent(let attribute)?:
            switch attribute {
            case .tools: return !scene.request.tools.isEmpty
            case .fallback: return scene.request.fallback != nil
            case .featureCritical: return scene.request.text[.feature] != nil
            default:
                return attribute.kind == .number || attribute.kind == .weekday
                    ? number(attribute, scene) != nil : value(attribute, scene, candidate) != nil
            }
        case .boolean(let attribute)?:
            return attribute == .fallback ? scene.request.fallback == true : isCritical(scene)
        case .booleanEquals(let attribute, let wanted)?:
            if attribute == .fallback { return scene.request.fallback == wanted }
            return scene.request.text[.feature] != nil && isCritical(scene) == wanted
        case .text(let attribute, let test, let text)?:
            return value(attribute, scene, candidate).map { matches($0, test, text) } ?? false
        case .textIn(let attribute, let list)?:
            return value(attribute, scene, candidate).map { list.contains($0) } ?? false
        case .number(let attribute, let comparison, let other)?:
            guard let number = number(attribute, scene) else { return false }
            switch comparison {
            case .equal: return number == other
            case .notEqual: return number != other
            case .less: return number < other
            case .lessOrEqual: return number <= other
            case .greater: return number > other
            case .greaterOrEqual: return number >= other
            }
        case .numberIn(let attribute, let list)?: return number(attribute, scene).map { list.contains($0) } ?? false
        case .contains(_, let test, let text)?: return scene.request.tools.contains { matches($0, test, text) }
        }
    }

    // MARK: - Deciding

    func decide(_ request: PlainRequest, observed: Bool = false) -> (decision: PlainDecision, reservation: Int?) {
        guard let edition = set.edition(at: request.time) else {
            return (refused([plainReason("no_policy_in_force")]), nil)
        }
        let record = set.tenantIndex(of: request.tenant).map { set.tenants[$0] }
        return decide(request, edition, record, observed: observed)
    }

    /// The request with this id that was admitted lately.
    private func remembered(_ request: PlainRequest, _ edition: Edition) -> Remembered? {
        guard let earlier = recent["\(request.tenant)|\(request.id)"], !released.contains(earlier.reservation),
            request.time < earlier.request.time + edition.policy.retryWindow
        else { return nil }
        return earlier
    }

    private func asksTheSame(_ a: PlainRequest, _ b: PlainRequest) -> Bool {
        func numbers(_ request: PlainRequest) -> [Attribute: Int64] {
            request.number.filter { $0.key != .attempt }
        }
        return a.text == b.text && a.labels == b.labels && numbers(a) == numbers(b)
            && a.expectedOutput == b.expectedOutput && a.tools.sorted() == b.tools.sorted()
            && a.fallback == b.fallback && a.accepts == b.accepts
    }

    private func again(_ earlier: Remembered, _ scene: Scene) -> PlainDecision {
        let name = earlier.decision.model ?? scene.request.text[.model] ?? ""
        countAttempt(scene, candidate(scene.edition.catalog?.model(name), named: name, scene.edition))
        var again = earlier.decision
        again.isRepeat = true
        return again
    }

    private func plan(_ edition: Edition, _ record: TenantRecord?, _ request: PlainRequest) -> Plan? {
        guard let tier = record?.tier ?? request.text[.tier] ?? edition.defaultTier else { return nil }
        guard let record, let index = set.tenantIndex(of: request.tenant) else { return edition.plan(tier: tier) }
        return edition.plan(tier: tier, tenant: index, record: record, at: request.time)
    }

    private func decide(
        _ request: PlainRequest, _ edition: Edition, _ record: TenantRecord?, observed: Bool
    ) -> (decision: PlainDecision, reservation: Int?) {
        let name = request.text[.model] ?? ""
        let requested = candidate(edition.catalog?.model(name), named: name, edition)
        let plan = plan(edition, record, request)
        let isShadow = edition.policy.mode == .shadow
        var early: String?
        if edition.policy.mode == .frozen {
            early = "policy_frozen"
        } else if record?.isSuspended == true {
            early = "tenant_suspended"
        }
        if early == nil, plan == nil { early = "unknown_tenant" }
        if let early {
            if let plan {
                countAttempt(Scene(edition: edition, plan: plan, record: record, request: request), requested)
            }
            let refusal = refused([plainReason(early)])
            guard isShadow else { return (refusal, nil) }
            return (
                PlainDecision(outcome: "allow", model: name, estimate: describe(PlainEstimate()), shadow: [refusal]),
                nil
            )
        }
        guard let plan else { return (refused([]), nil) }
        let scene = Scene(edition: edition, plan: plan, record: record, request: request)
        let earlier = remembered(request, edition)
        if let earlier, asksTheSame(earlier.request, request) { return (again(earlier, scene), nil) }
        let full: Verdict =
            earlier != nil
            ? Verdict(outcome: "deny", reasons: [plainReason("request_id_reused")], isAccess: true)
            : access(scene, requested) ?? verdict(scene, requested)
        var enforced = full
        let hasShadowLimits = plan.limits.contains(where: \.isShadow)
        if isShadow {
            enforced = asItIs(scene, requested)
        } else if hasShadowLimits, !full.isAccess {
            var other = scene
            other.includesShadow = false
            enforced = verdict(other, requested)
        }
        let events = full.isAccess ? [] : events(full.first, scene)
        var decision = describe(enforced, scene, requested)
        decision.events = events
        var reservation: Int?
        if observed {
            if requested.price != nil { reservation = reserve(asItIs(scene, requested).chosen, scene) }
        } else if ["allow", "allow_with_caps", "downgrade"].contains(enforced.outcome), let chosen = enforced.chosen {
            reservation = reserve(chosen, scene)
            if !isShadow, let trial = full.chosen { passThrottles(trial, scene) { $0.isShadow } }
        } else {
            let first = enforced.first
            countAttempt(scene, first?.candidate ?? requested)
        }
        if let shown = enforced.chosen ?? enforced.first { decision.remaining = remaining(shown, scene) }
        var trial = describe(full, scene, requested)
        trial.events = []
        trial.remaining = []
        if isShadow || hasShadowLimits, !(full.isAccess && !isShadow), differs(full, enforced) {
            decision.shadow = [trial]
        }
        if let reservation {
            recent["\(request.tenant)|\(request.id)"] = Remembered(
                request: request, decision: decision, reservation: reservation)
        }
        return (decision, reservation)
    }

    private func differs(_ a: Verdict, _ b: Verdict) -> Bool {
        a.outcome != b.outcome || (a.chosen?.caps ?? PlainCaps()) != (b.chosen?.caps ?? PlainCaps())
            || a.reasons.count != b.reasons.count || a.chosen?.candidate.name != b.chosen?.candidate.name
    }

    private func plainReason(_ code: String, _ action: String = "deny", rule: String? = nil) -> String {
        "\(code) \(action) rule=\(rule ?? "-") limit=-"
    }

    private func refused(_ reasons: [String]) -> PlainDecision {
        PlainDecision(outcome: "deny", reasons: reasons, estimate: describe(PlainEstimate()))
    }

    // MARK: - Access

    private struct Verdict {
        var outcome: String
        var chosen: PlainJudgement?
        var first: PlainJudgement?
        var reasons: [String]
        var retryAfter: Int64?
        var isAccess = false
    }

    private func access(_ scene: Scene, _ requested: PlainCandidate) -> Verdict? {
        if requested.price == nil, !scene.edition.policy.allowsUnpriced {
            return Verdict(outcome: "deny", reasons: [plainReason("model_unpriced")], isAccess: true)
        }
        var reasons: [String] = []
        for rule in scene.edition.policy.rules where rule.effect == .deny && holds(rule.when, scene, requested) {
            reasons.append(plainReason(rule.code, rule: rule.name))
        }
        if let feature = scene.request.text[.feature], scene.plan.blockedFeatures.contains(feature) {
            reasons.append(plainReason("feature_blocked"))
        }
        if scene.request.tools.contains(where: { toolVerdict($0, scene) == "deny" }) {
            reasons.append(plainReason("tool_denied"))
        }
        return reasons.isEmpty ? nil : Verdict(outcome: "deny", reasons: reasons, isAccess: true)
    }

    private func toolVerdict(_ tool: String, _ scene: Scene) -> String {
        let tools = scene.edition.policy.tools
        if tools.deny.contains(where: { $0.matches(tool) }) { return "deny" }
        if tools.approve.contains(where: { $0.matches(tool) }) { return "approve" }
        if tools.allow.contains(where: { $0.matches(tool) }) { return "allow" }
        return tools.fallback.rawValue
    }

    // MARK: - Candidates and choice

    private func verdict(_ scene: Scene, _ requested: PlainCandidate) -> Verdict {
        let plan = scene.plan
        let isAllowed =
            requested.id.map { plan.models.allows($0) } ?? plan.models.allows(unlisted: requested.name)
        let consented: Bool
        switch plan.downgrade.consent {
        case .plan: consented = true
        case .tenant: consented = scene.record?.acceptsDowngrade == true
        case .request: consented = scene.request.accepts
        }
        let chain = requested.id.map { Array(plan.downgrade.substitutes(for: $0)) } ?? []
        func usable(_ ids: [ModelID]) -> [PlainCandidate] {
            var seen: [ModelID] = []
            var result: [PlainCandidate] = []
            for id in ids where id != requested.id && !seen.contains(id) {
                seen.append(id)
                let made = candidate(id, named: "", scene.edition)
                guard plan.models.allows(id), made.price != nil else { continue }
                let isDenied = scene.edition.policy.rules.contains { $0.effect == .deny && holds($0.when, scene, made) }
                if !isDenied { result.append(made) }
            }
            return consented ? result : []
        }
        if !isAllowed {
            // In turn: what comes after the chosen one is never looked at.
            var first: PlainJudgement?
            for substitute in usable(chain) {
                let judged = judge(substitute, scene)
                first = first ?? judged
                if judged.violations.isEmpty, let first {
                    return admit(
                        judged, first, scene, downgradeReasons: [plainReason("model_not_allowed", "downgrade")])
                }
            }
            if let first { return refuse(first, first, scene) }
            return Verdict(outcome: "deny", reasons: [plainReason("model_not_allowed")])
        }
        let first = judge(requested, scene)
        if first.downgrades.isEmpty {
            return first.violations.isEmpty
                ? admit(first, first, scene, downgradeReasons: nil) : refuse(first, first, scene)
        }
        let wanted = first.downgrades.flatMap { $0.to.map { [$0] } ?? chain }
        for substitute in usable(wanted) {
            let judged = judge(substitute, scene)
            if judged.violations.isEmpty {
                var seen: Set<Int> = []
                let reasons = first.downgrades.filter { seen.insert($0.state).inserted }
                    .map { limitReason(first, $0.state, $0.threshold, nil, "downgrade") }
                return admit(judged, first, scene, downgradeReasons: reasons)
            }
        }
        let last = judge(requested, scene, isFallback: true)
        return last.violations.isEmpty ? admit(last, first, scene, downgradeReasons: nil) : refuse(last, first, scene)
    }

    private func refuse(_ judged: PlainJudgement, _ first: PlainJudgement, _ scene: Scene) -> Verdict {
        let isThrottle = judged.violations.allSatisfy(\.isRate)
        let waits = judged.violations.map(\.wait)
        let shown = judged.states.indices.compactMap { state in
            let ofLimit = judged.violations.filter { $0.state == state }
            return ofLimit.first { !$0.isRate } ?? ofLimit.first
        }
        return Verdict(
            outcome: isThrottle ? "throttle" : "deny", chosen: nil, first: first,
            reasons: shown.map { limitReason(judged, $0.state, $0.threshold, $0.code, $0.action) },
            retryAfter: isThrottle && !waits.contains(nil) ? waits.compactMap { $0 }.max() : nil)
    }

    private func admit(
        _ chosen: PlainJudgement, _ first: PlainJudgement, _ scene: Scene, downgradeReasons: [String]?
    ) -> Verdict {
        var approvals: [String] = []
        var confirmations: [String] = []
        func once(_ crossings: [(state: Int, threshold: Int)], _ code: String, _ action: String) -> [String] {
            var seen: Set<Int> = []
            return crossings.filter { seen.insert($0.state).inserted }
                .map { limitReason(chosen, $0.state, $0.threshold, code, action) }
        }
        for rule in scene.edition.policy.rules where holds(rule.when, scene, chosen.candidate) {
            if rule.effect == .approve { approvals.append(plainReason(rule.code, "approve", rule: rule.name)) }
            if rule.effect == .confirm { confirmations.append(plainReason(rule.code, "confirm", rule: rule.name)) }
        }
        if scene.request.tools.contains(where: { toolVerdict($0, scene) == "approve" }) {
            approvals.append(plainReason("approval_required", "approve"))
        }
        approvals += once(chosen.approvals, "approval_required", "approve")
        confirmations += once(chosen.confirmations, "confirmation_required", "confirm")
        if scene.request.approved { approvals = [] }
        if scene.request.confirmed { confirmations = [] }
        var outcome = "allow"
        if chosen.caps != PlainCaps() { outcome = "allow_with_caps" }
        if downgradeReasons != nil { outcome = "downgrade" }
        if !confirmations.isEmpty { outcome = "confirm" }
        if !approvals.isEmpty { outcome = "approve" }
        var reasons = approvals + confirmations + (downgradeReasons ?? [])
        var seen: Set<Int> = []
        for cap in chosen.capping where seen.insert(cap.state).inserted {
            reasons.append(limitReason(chosen, cap.state, cap.threshold, nil, cap.action, raw: true))
        }
        for overage in chosen.overages {
            let state = chosen.states[overage.state]
            let bound = state.limit.thresholds[overage.threshold].bound(of: state.base)
            let excess = max(0, min(state.estimate ?? 0, state.used + (state.estimate ?? 0) - bound))
            reasons.append(
                limitReason(chosen, overage.state, overage.threshold, nil, "overage")
                    + " overage=\(excess) billed=\(overage.rate.floor(of: excess))")
        }
        return Verdict(outcome: outcome, chosen: chosen, first: first, reasons: reasons)
    }

    /// What a policy in shadow gives: the request as it asked.
    private func asItIs(_ scene: Scene, _ requested: PlainCandidate) -> Verdict {
        var judged = judge(requested, scene)
        judged.caps = PlainCaps()
        judged.estimate = judged.rawEstimate
        for index in judged.states.indices { judged.states[index].estimate = judged.states[index].rawEstimate }
        return Verdict(outcome: "allow", chosen: judged, first: judged, reasons: [])
    }

    // MARK: - Judging a candidate

    private struct PlainEstimate: Equatable {
        var input: Int64 = 0
        var cached: Int64 = 0
        var output: Int64 = 0
        var spend: Int64? = 0
        var source = "default"
    }

    private struct PlainCaps: Equatable {
        var output: Int64?
        var input: Int64?
        var tools: [String] = []
        var cached = false
        var steps: Int64?
        var coolDown: Int64?
    }

    private struct PlainState {
        var limit: Limit
        var name: String
        var scope: String
        var book: String
        var used: Int64 = 0
        var amount: Int64 = 0
        var carried: Int64 = 0
        var level: Int128 = 0
        var rawEstimate: Int64?
        var estimate: Int64?
        var base: Int64 { amount + carried }
    }

    private struct PlainViolation {
        var state: Int
        var threshold: Int
        var code: String
        var action: String
        var isRate: Bool
        var wait: Int64?
    }

    private struct PlainJudgement {
        var candidate: PlainCandidate
        var states: [PlainState] = []
        var rawEstimate = PlainEstimate()
        var estimate = PlainEstimate()
        /// With the most output that the answer may have.
        var most = PlainEstimate()
        var caps = PlainCaps()
        var capping: [(state: Int, threshold: Int, action: String)] = []
        var crossings: [(state: Int, threshold: Int)] = []
        var violations: [PlainViolation] = []
        var downgrades: [(state: Int, threshold: Int, to: ModelID?)] = []
        var approvals: [(state: Int, threshold: Int)] = []
        var confirmations: [(state: Int, threshold: Int)] = []
        var overages: [(state: Int, threshold: Int, rate: Percentage)] = []
        var throttles: [(state: Int, threshold: Int, action: Int, requests: Int64, window: Int64)] = []
    }

    private func applies(_ limit: Limit, _ scene: Scene, _ candidate: PlainCandidate) -> Bool {
        for inner in limit.within
        where value(Attribute.named[inner.scope.rawValue] ?? .tenant, scene, candidate) != inner.value {
            return false
        }
        for scope in limit.per where value(Attribute.named[scope.rawValue] ?? .tenant, scene, candidate) == nil {
            return false
        }
        if limit.unit == .runs, scene.request.text[.run] == nil { return false }
        if let weight = limit.weight {
            guard let feature = scene.request.text[.feature] else { return false }
            if let named = weight.feature {
                if named != feature { return false }
            } else if weight.named.contains(feature) {
                return false
            }
        }
        return holds(limit.when, scene, candidate)
    }

    private func scope(_ limit: Limit, _ scene: Scene, _ candidate: PlainCandidate) -> String {
        var parts = limit.isShared ? [] : ["tenant=\(scene.request.tenant)"]
        parts += limit.within.map { "\($0.scope.rawValue)=\($0.value)" }
        for scope in limit.per {
            parts.append(
                "\(scope.rawValue)=\(value(Attribute.named[scope.rawValue] ?? .tenant, scene, candidate) ?? "")")
        }
        return parts.joined(separator: ",")
    }

    private func price(_ estimate: PlainEstimate, _ candidate: PlainCandidate) -> Int64? {
        guard let price = candidate.price else { return nil }
        let picos =
            Int128(estimate.input - estimate.cached) * Int128(price.input) + Int128(estimate.cached)
            * Int128(price.cached)
            + Int128(estimate.output) * Int128(price.output) + price.request
        return Int64(clamping: (picos + 999) / 1_000)
    }

    private func estimate(_ scene: Scene, _ candidate: PlainCandidate) -> PlainEstimate {
        let request = scene.request
        var estimate = PlainEstimate()
        estimate.input = request.number[.inputTokens] ?? 0
        estimate.cached = request.number[.cachedTokens] ?? 0
        let most = request.number[.maxOutputTokens]
        if let expected = request.expectedOutput, scene.edition.policy.estimateBasis == .expected || most == nil {
            (estimate.output, estimate.source) = (expected, "expected_output_tokens")
        } else if let most {
            (estimate.output, estimate.source) = (most, "max_output_tokens")
        } else if let output = scene.edition.policy.estimatedOutput {
            (estimate.output, estimate.source) = (output, "policy")
        } else {
            (estimate.output, estimate.source) = (1_000, "default")
        }
        if let most { estimate.output = min(estimate.output, most) }
        estimate.spend = price(estimate, candidate)
        return estimate
    }

    private func amount(_ estimate: PlainEstimate, _ state: PlainState, _ scene: Scene) -> Int64? {
        switch state.limit.unit {
        case .spend: return estimate.spend
        case .tokens: return estimate.input + estimate.output
        case .inputTokens: return estimate.input
        case .outputTokens: return estimate.output
        case .requests, .attempts, .concurrentRequests: return 1
        case .characters: return scene.request.number[.characters] ?? 0
        case .toolCalls: return Int64(scene.request.tools.count)
        case .runs: return hasSeenRun(state, scene) ? 0 : 1
        }
    }

    private func hasSeenRun(_ state: PlainState, _ scene: Scene) -> Bool {
        let now = scene.request.time
        let entries = (books[state.book]?.entries.values.filter { $0.run == scene.request.text[.run] }) ?? []
        return entries.contains { entry in
            switch state.limit.window {
            case .rate(let length): now - entry.time < length
            case .request: false
            case .lifetime: true
            case .fromFirstUse(let length): books[state.book]?.opened(length, at: now).map { entry.time >= $0 } ?? false
            default: counts(entry, state.limit, at: now)
            }
        }
    }

    /// Whether what was counted then still counts now.
    private func counts(_ entry: Entry, _ limit: Limit, at now: Int64) -> Bool {
        switch limit.window {
        case .calendar, .every: calendar.interval(limit.window, at: now).contains(entry.time)
        case .rolling(let length): floorDiv(entry.time, length / 60) >= floorDiv(now, length / 60) - 60
        case .fromFirstUse: true
        case .lifetime: limit.unit != .concurrentRequests || now < entry.time + lifetime
        case .rate, .request: false
        }
    }

    private func isRemaining(_ limit: Limit) -> Bool { limit.weight?.isOfRemaining == true }

    private func countsUse(_ limit: Limit) -> Bool { limit.window != .request && limit.weight?.isOfRemaining != true }

    private func state(_ limit: Limit, _ scene: Scene, _ candidate: PlainCandidate) -> PlainState {
        let scope = scope(limit, scene, candidate)
        let now = scene.request.time
        var name = limit.name
        if let weight = limit.weight, weight.feature == nil {
            name = "\(scene.plan.limits[weight.of].name)/\(scene.request.text[.feature] ?? "")"
        }
        var state = PlainState(
            limit: limit, name: name, scope: scope, book: "\(limit.counterKey)|\(scope)")
        state.amount = limit.amount
        let book = books[state.book] ?? Book()
        switch limit.window {
        case .rate(let length) where !isRemaining(limit):
            let full = Int128(limit.capacity) * Int128(length)
            state.amount = limit.capacity
            state.level = book.level(limit, length, at: now)
            state.used = Int64(clamping: (full - state.level + Int128(length) - 1) / Int128(length))
        case .fromFirstUse(let length):
            if let opened = book.opened(length, at: now) {
                state.used = book.entries.values.filter { $0.time >= opened }.reduce(0) { $0 + $1.amount }
            }
        case .request, .rate: break
        default:
            if countsUse(limit) {
                state.used = book.entries.values.filter { counts($0, limit, at: now) }.reduce(0) { $0 + $1.amount }
            }
        }
        if limit.window.isPeriodic {
            let window = calendar.interval(limit.window, at: now)
            state.carried = carried(limit, limit.amount, scene, into: window, book)
        }
        if limit.isPrepaid {
            state.used = book.overdraft
            if !scene.plan.grants.isEmpty {
                state.amount = 0
                for (index, grant) in scene.plan.grants.enumerated() where grant.holds(at: now) {
                    state.amount += grant.amount
                    state.used += book.burned[index] ?? 0
                }
            }
        }
        if let weight = limit.weight, isRemaining(limit) || !limit.window.isRate {
            let base = self.state(scene.plan.limits[weight.of], scene, candidate)
            state.amount = max(0, weight.share.floor(of: weight.isOfRemaining ? base.base - base.used : base.base))
            state.carried = 0
        }
        return state
    }

    /// carried(k) from carried(k−1), from the first window on.
    private func carried(_ limit: Limit, _ today: Int64, _ scene: Scene, into window: Interval, _ book: Book) -> Int64 {
        guard let rollover = limit.rollover, let first = book.began else { return 0 }
        if first >= window.start { return 0 }
        if let since = scene.record?.since, !limit.isShared, since >= window.start { return 0 }
        let before = calendar.interval(limit.window, at: window.start - 1)
        func amount(_ interval: Interval) -> Int64 { book.amounts[interval.start] ?? limit.amount }
        let used = book.entries.values.filter { before.contains($0.time) }.reduce(0) { $0 + $1.amount }
        var whole = amount(before)
        if rollover.isCompounding { whole += carried(limit, amount(before), scene, into: before, book) }
        return min(rollover.cap.floor(of: today), max(0, whole - used))
    }

    private func isCrossed(_ threshold: Threshold, _ state: PlainState, _ estimate: Int64?) -> Bool {
        let isSpend = state.limit.unit == .spend
        if case .rate(let length) = state.limit.window, !isRemaining(state.limit) {
            let window = Int128(length)
            let used = Int128(state.limit.capacity) * window - state.level
            let one = Int128(Percentage.one)
            if let estimate, isSpend, estimate == 0 { return false }
            switch threshold.level {
            case .amount(let absolute):
                return estimate.map { used + Int128($0) * window > Int128(absolute) * window }
                    ?? (used >= Int128(absolute) * window)
            case .share(let share):
                let bound = Int128(share.scaled) * Int128(state.limit.capacity) * window
                return estimate.map { (used + Int128($0) * window) * one > bound } ?? (used * one >= bound)
            }
        }
        if let estimate, isSpend, estimate == 0 { return false }
        switch threshold.level {
        case .amount(let absolute): return estimate.map { state.used + $0 > absolute } ?? (state.used >= absolute)
        case .share(let share):
            let bound = Int128(share.scaled) * Int128(state.base)
            let one = Int128(Percentage.one)
            return estimate.map { Int128(state.used + $0) * one > bound }
                ?? (state.used >= share.floor(of: state.base))
        }
    }

    private func fit(_ threshold: Threshold, _ state: PlainState, _ judged: PlainJudgement) -> Int64? {
        // By trial: the largest whole number of tokens that does not cross.
        func crosses(_ output: Int64) -> Bool {
            var estimate = judged.rawEstimate
            estimate.output = output
            estimate.spend = price(estimate, judged.candidate)
            let amount: Int64? =
                switch state.limit.unit {
                case .spend: estimate.spend
                case .tokens: estimate.input + output
                default: output
                }
            if state.limit.unit == .spend, amount == 0 {
                // Staying within is asked of the projection, whether or not the request may pass for free.
                return state.used > threshold.bound(of: state.base)
            }
            return isCrossed(threshold, state, amount)
        }
        if crosses(0) { return nil }
        if state.limit.unit == .spend, judged.candidate.price.map({ $0.output == 0 }) ?? true { return nil }
        var low: Int64 = 0
        var high: Int64 = 1
        while !crosses(high) {
            low = high
            high *= 2
        }
        while high - low > 1 {
            let middle = (low + high) / 2
            if crosses(middle) { high = middle } else { low = middle }
        }
        return low
    }

    private func active(
        _ alternatives: [Effect], _ threshold: Threshold, _ state: PlainState, _ judged: PlainJudgement,
        _ isFallback: Bool
    ) -> [(effect: Effect, fit: Int64?)] {
        guard let first = alternatives.first else { return [] }
        let rest = Array(alternatives.dropFirst())
        switch first {
        case .cap(.outputToFit(let minimum)):
            if let fit = fit(threshold, state, judged), fit >= minimum { return [(first, fit)] }
            return active(rest, threshold, state, judged, isFallback)
        case .downgrade:
            let binds = isFallback || (alternatives.last.map { if case .deny = $0 { true } else { false } } ?? false)
            return [(first, nil)] + (binds ? active(rest, threshold, state, judged, isFallback) : [])
        default: return [(first, nil)]
        }
    }

    private func judge(_ candidate: PlainCandidate, _ scene: Scene, isFallback: Bool = false) -> PlainJudgement {
        var judged = PlainJudgement(candidate: candidate)
        judged.rawEstimate = estimate(scene, candidate)
        judged.estimate = judged.rawEstimate
        judged.most = judged.rawEstimate
        if let most = scene.request.number[.maxOutputTokens] {
            judged.most.output = most
            judged.most.spend = price(judged.most, candidate)
        }
        for limit in scene.plan.limits where applies(limit, scene, candidate) {
            var state = state(limit, scene, candidate)
            state.rawEstimate = amount(limit.window == .request ? judged.most : judged.rawEstimate, state, scene)
            state.estimate = state.rawEstimate
            judged.states.append(state)
        }
        forEachAction(judged, scene, isFallback, raw: true) { index, threshold, _, effect, fit in
            guard case .cap(let cap) = effect else { return }
            var name = "cap output"
            switch cap {
            case .output(let tokens): judged.caps.output = min(judged.caps.output ?? .max, tokens)
            case .outputToFit: judged.caps.output = min(judged.caps.output ?? .max, fit ?? .max)
            case .input(let tokens): (judged.caps.input, name) = (min(judged.caps.input ?? .max, tokens), "cap input")
            case .disableTools(let patterns):
                name = "disable tools"
                for pattern in patterns where !judged.caps.tools.contains(pattern.text) {
                    judged.caps.tools.append(pattern.text)
                }
            case .serveCached: (judged.caps.cached, name) = (true, "serve cached")
            case .steps(let steps): (judged.caps.steps, name) = (min(judged.caps.steps ?? .max, steps), "cap steps")
            case .coolDown(let micros):
                (judged.caps.coolDown, name) = (max(judged.caps.coolDown ?? 0, micros), "cool down")
            }
            judged.capping.append((index, threshold, name))
        }
        if let cap = judged.caps.output {
            judged.estimate.output = min(judged.estimate.output, cap)
            judged.estimate.spend = price(judged.estimate, candidate)
            judged.most.output = min(judged.most.output, cap)
            judged.most.spend = price(judged.most, candidate)
            for index in judged.states.indices where judged.states[index].limit.unit.dependsOnOutput {
                let limit = judged.states[index].limit
                judged.states[index].estimate = amount(
                    limit.window == .request ? judged.most : judged.estimate, judged.states[index], scene)
            }
        }
        for (index, state) in judged.states.enumerated() where scene.includesShadow || !state.limit.isShadow {
            for (position, threshold) in state.limit.thresholds.enumerated()
            where isCrossed(threshold, state, state.estimate) {
                judged.crossings.append((index, position))
            }
        }
        forEachAction(judged, scene, isFallback, raw: false) { index, position, number, effect, _ in
            let state = judged.states[index]
            var violation: PlainViolation?
            switch effect {
            case .notify, .cap: break
            case .downgrade(let to): judged.downgrades.append((index, position, to))
            case .approve: judged.approvals.append((index, position))
            case .confirm: judged.confirmations.append((index, position))
            case .deny(let code):
                violation = PlainViolation(
                    state: index, threshold: position, code: code ?? state.limit.defaultCode, action: "deny",
                    isRate: state.limit.window.isRate, wait: wait(state, position))
            case .throttle(let requests, let window):
                let wait = throttleWait(state, position, number, requests, window, scene)
                if wait > 0 {
                    violation = PlainViolation(
                        state: index, threshold: position, code: "rate_limited", action: "throttle", isRate: true,
                        wait: wait)
                } else {
                    judged.throttles.append((index, position, number, requests, window))
                }
            case .overage(let ceiling, let rate):
                let excess = state.used + (state.estimate ?? 0) - state.limit.thresholds[position].bound(of: state.base)
                if let ceiling, excess > ceiling {
                    violation = PlainViolation(
                        state: index, threshold: position, code: state.limit.defaultCode, action: "overage",
                        isRate: false, wait: nil)
                } else {
                    judged.overages.append((index, position, rate))
                }
            }
            if let violation { judged.violations.append(violation) }
        }
        return judged
    }

    private func forEachAction(
        _ judged: PlainJudgement, _ scene: Scene, _ isFallback: Bool, raw: Bool,
        _ body: (Int, Int, Int, Effect, Int64?) -> Void
    ) {
        for (index, state) in judged.states.enumerated() where scene.includesShadow || !state.limit.isShadow {
            for (position, threshold) in state.limit.thresholds.enumerated()
            where isCrossed(threshold, state, raw ? state.rawEstimate : state.estimate) {
                for (number, action) in threshold.actions.enumerated() where holds(action.when, scene, judged.candidate)
                {
                    for (effect, fit) in active(action.alternatives, threshold, state, judged, isFallback) {
                        body(index, position, number, effect, fit)
                    }
                }
            }
        }
    }

    private func wait(_ state: PlainState, _ position: Int) -> Int64? {
        guard case .rate(let length) = state.limit.window, !isRemaining(state.limit), state.limit.amount > 0,
            let estimate = state.estimate
        else { return nil }
        let window = Int128(length)
        let full = Int128(state.limit.capacity) * window
        let bound: Int128
        switch state.limit.thresholds[position].level {
        case .amount(let absolute): bound = Int128(absolute) * window
        case .share(let share):
            bound = Int128(share.scaled) * Int128(state.limit.capacity) * window / Int128(Percentage.one)
        }
        let keep = full - bound
        let needed = keep + Int128(estimate) * window
        if needed > full { return nil }
        return Int64(clamping: (needed - state.level + Int128(state.limit.amount) - 1) / Int128(state.limit.amount))
    }

    private func throttleWait(
        _ state: PlainState, _ position: Int, _ number: Int, _ requests: Int64, _ window: Int64, _ scene: Scene
    ) -> Int64 {
        guard let bucket = books[state.book]?.throttles["\(position)/\(number)"] else { return 0 }
        let full = Int128(requests) * Int128(window)
        let level = min(full, bucket.level + Int128(requests) * Int128(scene.request.time - bucket.refilled))
        let missing = Int128(window) - level
        return missing <= 0 ? 0 : Int64(clamping: (missing + Int128(requests) - 1) / Int128(requests))
    }

    // MARK: - Counting

    private func add(_ amount: Int64, to state: PlainState, _ scene: Scene) -> Reserved {
        var book = books[state.book] ?? Book()
        let now = scene.request.time
        nextEntry += 1
        if amount != 0 {
            book.began = book.began ?? now
            switch state.limit.window {
            case .rate(let length):
                book.level = book.level(state.limit, length, at: now) - Int128(amount) * Int128(length)
                book.refilled = max(book.refilled, now)
            case .fromFirstUse(let length):
                if book.opened(length, at: now) == nil { book.open(at: now) }
            case .calendar, .every:
                book.amounts[calendar.interval(state.limit.window, at: now).start] = state.limit.amount
            default: break
            }
        }
        let run = state.limit.unit == .runs && amount > 0 ? scene.request.text[.run] : nil
        // What comes before a window that a settlement has opened counts in it.
        let time = if case .fromFirstUse = state.limit.window { max(now, book.opened ?? now) } else { now }
        book.entries[nextEntry] = Entry(time: time, amount: amount, run: run)
        if state.limit.isPrepaid { burn(amount, &book, scene.plan.grants, at: now) }
        books[state.book] = book
        return Reserved(book: state.book, entry: nextEntry, limit: state.limit, amount: amount, time: now)
    }

    private func burn(_ amount: Int64, _ book: inout Book, _ grants: [Grant], at time: Int64) {
        var left = amount
        for (index, grant) in grants.enumerated() where grant.holds(at: time) {
            let taken = min(left, grant.amount - (book.burned[index] ?? 0))
            book.burned[index, default: 0] += taken
            left -= taken
        }
        book.overdraft += left
    }

    private func unburn(_ amount: Int64, _ book: inout Book, _ grants: [Grant], at time: Int64) {
        var left = amount
        let overdrawn = min(left, book.overdraft)
        book.overdraft -= overdrawn
        left -= overdrawn
        for (index, grant) in grants.enumerated().reversed() where grant.holds(at: time) {
            let back = min(left, book.burned[index] ?? 0)
            book.burned[index, default: 0] -= back
            left -= back
        }
    }

    private func reserve(_ judged: PlainJudgement?, _ scene: Scene) -> Int? {
        guard let judged else { return nil }
        nextReservation += 1
        var parts: [Reserved] = []
        for state in judged.states where countsUse(state.limit) {
            guard let amount = state.estimate else { continue }
            parts.append(add(amount, to: state, scene))
        }
        passThrottles(judged, scene) { _ in true }
        open[nextReservation] = OpenReservation(
            tenant: scene.request.tenant, parts: parts, price: judged.candidate.price, grants: scene.plan.grants,
            made: scene.request.time)
        return nextReservation
    }

    private func passThrottles(_ judged: PlainJudgement, _ scene: Scene, where isMeant: (Limit) -> Bool) {
        for throttle in judged.throttles where isMeant(judged.states[throttle.state].limit) {
            var book = books[judged.states[throttle.state].book] ?? Book()
            let key = "\(throttle.threshold)/\(throttle.action)"
            let full = Int128(throttle.requests) * Int128(throttle.window)
            let bucket = book.throttles[key] ?? (full, scene.request.time)
            let level = min(
                full, bucket.level + Int128(throttle.requests) * Int128(scene.request.time - bucket.refilled))
            book.throttles[key] = (level - Int128(throttle.window), scene.request.time)
            books[judged.states[throttle.state].book] = book
        }
    }

    private func countAttempt(_ scene: Scene, _ candidate: PlainCandidate) {
        for limit in scene.plan.limits
        where limit.unit == .attempts && countsUse(limit) && applies(limit, scene, candidate) {
            _ = add(1, to: state(limit, scene, candidate), scene)
        }
    }

    private func change(_ part: Reserved, to amount: Int64, _ grants: [Grant], at time: Int64) {
        var book = books[part.book] ?? Book()
        let delta = amount - part.amount
        if delta == 0 { return }
        // What was reserved is nothing, so that this is the first that is counted of the request.
        if part.amount == 0 { book.began = min(book.began ?? part.time, part.time) }
        switch part.limit.window {
        case .rate(let length):
            let full = Int128(part.limit.capacity) * Int128(length)
            book.level = min(full, book.level(part.limit, length, at: time) - Int128(delta) * Int128(length))
            book.refilled = max(book.refilled, time)
        case .fromFirstUse(let length) where part.amount == 0:
            if book.opened(length, at: time) == nil { book.open(at: time) }
            book.entries[part.entry]?.time = book.opened ?? time
        case .calendar, .every:
            let window = calendar.interval(part.limit.window, at: part.time).start
            book.amounts[window] = book.amounts[window] ?? part.limit.amount
        default: break
        }
        if part.limit.isPrepaid {
            if delta > 0 {
                burn(delta, &book, grants, at: part.time)
            } else {
                unburn(-delta, &book, grants, at: part.time)
            }
        }
        book.entries[part.entry]?.amount = amount
        if part.limit.unit == .runs, amount == 0 { book.entries[part.entry]?.run = nil }
        books[part.book] = book
    }

    /// Whether the reservation was past its lifetime; nil where it was not open.
    func settle(_ reservation: Int, _ usage: PlainUsage, at time: Int64) -> Bool? {
        guard let held = close(reservation, at: time) else { return nil }
        for part in held.parts {
            var amount = part.amount
            switch part.limit.unit {
            case .spend:
                var estimate = PlainEstimate()
                (estimate.input, estimate.cached, estimate.output) = (usage.input, usage.cached, usage.output)
                if let price = held.price {
                    amount = self.price(estimate, PlainCandidate(id: nil, name: "", price: price)) ?? amount
                }
            case .tokens: amount = usage.input + usage.output
            case .inputTokens: amount = usage.input
            case .outputTokens: amount = usage.output
            case .concurrentRequests: amount = 0
            default: break
            }
            change(part, to: amount, held.grants, at: time)
        }
        return time >= held.made + lifetime
    }

    func release(_ reservation: Int, at time: Int64) -> Bool? {
        guard let held = close(reservation, at: time) else { return nil }
        released.insert(reservation)
        for part in held.parts where part.limit.unit != .attempts { change(part, to: 0, held.grants, at: time) }
        return time >= held.made + lifetime
    }

    private func close(_ reservation: Int, at time: Int64) -> OpenReservation? {
        guard let held = open[reservation], time < held.made + lifetime + Micros.day else { return nil }
        open[reservation] = nil
        return held
    }

    // MARK: - Events and description

    private func events(_ judged: PlainJudgement?, _ scene: Scene) -> [String] {
        guard let judged else { return [] }
        var events: [String] = []
        for (index, position) in judged.crossings {
            let state = judged.states[index]
            let threshold = state.limit.thresholds[position]
            var audiences: [String] = []
            for action in threshold.actions where holds(action.when, scene, judged.candidate) {
                for case .notify(let names) in action.alternatives {
                    for name in names where !audiences.contains(name) { audiences.append(name) }
                }
            }
            if audiences.isEmpty { continue }
            var book = books[state.book] ?? Book()
            let now = scene.request.time
            switch state.limit.window {
            case .request: break
            case .rate(let length), .rolling(let length):
                if let last = book.notified[threshold.text], now < last + length { continue }
                book.notified[threshold.text] = now
            case .fromFirstUse(let length):
                let key = "\(threshold.text)#\(book.opened(length, at: now).map(String.init) ?? "next")"
                if book.notified[key] != nil { continue }
                book.notified[key] = now
            default:
                let key = "\(threshold.text)@\(calendar.interval(state.limit.window, at: now).start)"
                if book.notified[key] != nil { continue }
                book.notified[key] = now
            }
            books[state.book] = book
            events.append("\(state.name) \(threshold.text) \(state.scope) \(audiences)")
        }
        return events
    }

    private func remaining(_ judged: PlainJudgement, _ scene: Scene) -> [String] {
        judged.states.compactMap { before in
            guard countsUse(before.limit) else { return nil }
            let now = state(before.limit, scene, judged.candidate)
            return "\(now.name) \(now.scope) \(max(0, now.base - now.used))"
        }
    }

    private func limitReason(
        _ judged: PlainJudgement, _ index: Int, _ position: Int, _ code: String?, _ action: String, raw: Bool = false
    ) -> String {
        let state = judged.states[index]
        let estimate = raw ? state.rawEstimate : state.estimate
        return "\(code ?? state.limit.defaultCode) \(action) rule=- limit=\(state.name) \(state.scope)"
            + " at \(state.limit.thresholds[position].text) used=\(state.used) estimate=\(estimate.map(String.init) ?? "?")"
            + " amount=\(state.amount) carried=\(state.carried)"
    }

    private func describe(_ estimate: PlainEstimate) -> String {
        "\(estimate.spend.map(String.init) ?? "?") \(estimate.input)/\(estimate.cached)/\(estimate.output) \(estimate.source)"
    }

    private func describe(_ verdict: Verdict, _ scene: Scene, _ requested: PlainCandidate) -> PlainDecision {
        var decision = PlainDecision(outcome: verdict.outcome, model: verdict.chosen?.candidate.name)
        decision.reasons = verdict.reasons
        decision.retryAfter = verdict.retryAfter
        decision.estimate = describe((verdict.chosen ?? verdict.first)?.estimate ?? estimate(scene, requested))
        if let caps = verdict.chosen?.caps {
            if let tokens = caps.output { decision.caps.append("output \(tokens)") }
            if let tokens = caps.input { decision.caps.append("input \(tokens)") }
            if !caps.tools.isEmpty { decision.caps.append("tools \(caps.tools)") }
            if caps.cached { decision.caps.append("cached") }
            if let steps = caps.steps { decision.caps.append("steps \(steps)") }
            if let micros = caps.coolDown { decision.caps.append("cool down \(micros)") }
        }
        return decision
    }
}
