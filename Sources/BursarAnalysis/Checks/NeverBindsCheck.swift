import BursarPolicy
import BursarSyntax

/// `limit/never-binds`, `limit/child-above-parent`, `limit/looser-than-policy`: a limit that never does anything because
/// another always refuses first. What the other lets through in the longest window of this one is added up exactly, on the
/// assumption that nothing settles above its estimate.
enum NeverBindsCheck: Check {
    static let neverBinds = DiagnosticRule(
        "limit/never-binds", .warning,
        title: "A limit never has an effect, because another limit always refuses first",
        checks: """
            No other limit always refuses before this one. The check adds up what the other limit admits in the \
            longest window of this one, with all that rollover can add.
            """,
        why: "A team relies on a limit that has no effect.",
        example: """
            daily: $5/day
            monthly: $155/month   # 31 × $5
            """,
        fix: "Remove the limit, lower it, or raise the other one.")

    static let childAboveParent = DiagnosticRule(
        "limit/child-above-parent", .warning,
        title: "A budget is larger than the budget that contains it",
        checks: "A limit of a scope is at most as large as the limit that contains it.",
        why: "The scope never gets what the policy promises.",
        example: """
            limits: {monthly: $100/month}
            scopes:
              workspace a: {limits: {monthly: $150/month}}
            """,
        fix: "Lower the inner limit, or raise the outer one.")

    static let looserThanPolicy = DiagnosticRule(
        "limit/looser-than-policy", .warning,
        title: "A tenant has a larger limit than the whole policy allows",
        checks: "A tenant's own limit is at most as large as the policy-wide limit that counts the same requests.",
        why: "The customer was promised more than the policy admits.",
        example: "limits: {everyone: $10/day}   # tenants: acme: {limits: {daily: $20/day}}",
        fix: "Raise the policy-wide limit, or lower the tenant's.")

    static let rules = [neverBinds, childAboveParent, looserThanPolicy]
    static let subject = "which limits never bind"

    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        let (edition, set) = (context.edition, context.set)
        var search = Search(edition, set, context.effort)
        for plan in context.tierPlans { search.look(at: [plan], inherited: nil, owner: nil) }
        for (record, plans) in context.ownPlanSequences {
            search.look(at: plans, inherited: edition.plan(tier: plans[0].tier), owner: record)
        }
        context.effort = search.effort
        for place in search.order {
            if let found = search.found[place], let finding = found { diagnostics.add(finding) }
        }
    }

    /// What a pair of limits shows.
    fileprivate struct Proof {
        var total: Int128
        var windows: Int64
        /// Limits per request that it rests on.
        var by: [Limit] = []
    }

    /// A limit that stands in several plans never binds if it does so in none of them.
    private struct Search {
        let edition: Edition
        var windows = WindowArithmetic()
        var implications: Implications
        var order: [Place] = []
        /// nil: the limit binds in some plan.
        var found: [Place: Diagnostic?] = [:]

        var effort: Effort

        init(_ edition: Edition, _ set: PolicySet, _ effort: Effort) {
            self.effort = effort
            self.edition = edition
            implications = Implications(edition, set)
        }

        /// - Parameter plans: of one tenant, where exceptions change it from time to time.
        mutating func look(at plans: [Plan], inherited: Plan?, owner: TenantRecord?) {
            let models = edition.catalog?.models.count ?? 0
            guard effort.spend((inherited?.limits.count ?? 0) + plans.count * models) else { return }
            let taken = Set((inherited?.limits ?? []).map(Place.init))
            for plan in plans {
                let arithmetic = PlanArithmetic(plan, edition)
                for limit in plan.limits where limit.isJudged && !limit.isPrepaid && limit.amount > 0 {
                    let place = Place(limit)
                    if case .some(.none) = found[place] { continue }
                    guard !effort.isSpent else { return }
                    let isFirst = found[place] == nil
                    // That one tenant has a tighter budget makes its tier's limits no worse.
                    if isFirst, taken.contains(place) { continue }
                    if isFirst { order.append(place) }
                    let finding = finding(
                        for: limit, in: plan, plans, arithmetic, owner: owner, wantsWitness: isFirst)
                    if isFirst {
                        found[place] = .some(finding)
                    } else {
                        found[place] = .some(finding.flatMap { merged(found[place] ?? nil, with: $0) })
                    }
                }
            }
        }

        /// In another plan it may be another limit that refuses first.
        private func merged(_ first: Diagnostic?, with second: Diagnostic) -> Diagnostic? {
            guard var merged = first else { return nil }
            for note in second.notes
            where merged.notes.count < 8 && !merged.notes.contains(where: { $0.range == note.range }) {
                merged.notes.append(note)
            }
            return merged
        }

        private mutating func finding(
            for limit: Limit, in plan: Plan, _ plans: [Plan], _ arithmetic: PlanArithmetic, owner: TenantRecord?,
            wantsWitness: Bool
        ) -> Diagnostic? {
            let isOverride = owner != nil
            for other in plan.limits where other.isJudged && Place(other) != Place(limit) {
                // Each plan of a tenant is searched for both.
                guard effort.spend(10 + (plans.count > 1 ? plans.count * plans.count * plan.limits.count : 0)) else {
                    return nil
                }
                guard let proof = proof(limit, other, plans, arithmetic) else { continue }
                // Two equal limits each make the other superfluous: the later one is told.
                let isLater =
                    plan.limits.firstIndex { Place($0) == Place(other) } ?? 0
                    > plan.limits.firstIndex { Place($0) == Place(limit) } ?? 0
                if isLater, self.proof(other, limit, plans, arithmetic) != nil { continue }
                var finding = NeverBindsCheck.finding(limit, other, proof, edition, isOverride: isOverride)
                // The search looks at all limits of the plan.
                if wantsWitness, effort.spend(plan.limits.count) {
                    finding.witness = FirstRefusal.witness(of: limit, other, plan, edition, owner: owner)
                }
                return finding
            }
            return nil
        }

        /// The proof must hold with whatever amount an exception gives either of the two, as a window may see both.
        private mutating func proof(
            _ limit: Limit, _ other: Limit, _ plans: [Plan], _ arithmetic: PlanArithmetic
        ) -> Proof? {
            if plans.count == 1 {
                return NeverBindsCheck.proof(limit, other, arithmetic, &windows, &implications, &effort)
            }
            var proof: Proof?
            for first in plans {
                guard let limit = first.limits.first(where: { $0.isSame(as: limit) }) else { return nil }
                for second in plans {
                    guard let other = second.limits.first(where: { $0.isSame(as: other) }),
                        let found = NeverBindsCheck.proof(
                            limit, other, arithmetic, &windows, &implications, &effort)
                    else { return nil }
                    if proof.map({ found.total > $0.total }) ?? true { proof = found }
                }
            }
            return proof
        }
    }

    fileprivate struct Place: Hashable {
        var name: SourceRange
        var amount: SourceRange?

        init(_ limit: Limit) {
            name = limit.source
            amount = limit.amountSource
        }
    }

    /// That a limit never gets to its first effect because of another; nil where that is not so, or not shown.
    fileprivate static func proof(
        _ limit: Limit, _ other: Limit, _ arithmetic: PlanArithmetic, _ windows: inout WindowArithmetic,
        _ implications: inout Implications, _ effort: inout Effort
    ) -> Proof? {
        guard let bound = other.hardBound, let first = limit.firstEffect, other.holds(limit),
            limit.rescues.isSubset(of: other.rescues(below: bound)),
            (limit.unit == .concurrentRequests) == (other.unit == .concurrentRequests),
            let factor = arithmetic.most(of: limit.unit, for: other.unit, without: limit.source)
        else { return nil }
        // A limit per request judges the most that may come, others what is expected.
        if limit.window == .request, limit.unit.dependsOnOutput, other.window != .request { return nil }
        if limit.window.isRate {
            guard var proof = rateProof(limit, other, bound, factor.amount, first) else { return nil }
            proof.by = factor.by
            return implications.holds(limit.when, other.when, &effort) ? proof : nil
        }
        guard let (total, count) = windows.most(of: other, bound, in: limit.window) else { return nil }
        let (product, overflow) = total.multipliedReportingOverflow(by: factor.amount)
        guard !overflow, product <= Int128(first), implications.holds(limit.when, other.when, &effort) else {
            return nil
        }
        return Proof(total: product, windows: count, by: factor.by)
    }

    /// A bucket never runs dry if two whole windows of the other fit into it, which may meet at their border, and the other
    /// grows no faster than the bucket fills.
    private static func rateProof(
        _ limit: Limit, _ other: Limit, _ bound: HardBound, _ factor: Int128, _ first: Int64
    ) -> Proof? {
        guard case .rate(let length) = limit.window, other.unit != .concurrentRequests else { return nil }
        // What passes 128 bits is no proof.
        if case .rate(let otherLength) = other.window {
            guard let growth = exactProduct(Int128(other.amount), factor, Int128(length)),
                let fill = exactProduct(Int128(limit.amount), Int128(otherLength)), growth <= fill,
                let total = exactProduct(Int128(bound.amount), factor), total <= Int128(first)
            else { return nil }
            return Proof(total: total, windows: 1)
        }
        guard let span = WindowArithmetic.longest(other.window), span > 0,
            let most = exactProduct(Int128(bound.withCarried), factor),
            let both = exactProduct(most, 2), both <= Int128(first),
            let growth = exactProduct(most, Int128(length)),
            let fill = exactProduct(Int128(limit.amount), Int128(span)), growth <= fill / 2
        else { return nil }
        return Proof(total: both, windows: 2)
    }

    fileprivate static func finding(
        _ limit: Limit, _ other: Limit, _ proof: Proof, _ edition: Edition, isOverride: Bool
    ) -> Diagnostic {
        let currency = edition.policy.currency
        let sum = limit.unit.text(proof.total, currency)
        let window =
            limit.window == .request ? "one request" : limit.window.text.isEmpty ? "all" : "a \(limit.window.text)"
        var count = ""
        if proof.windows > 1, let bound = other.hardBound {
            count = " (\(proof.windows) × \(other.unit.text(Int128(bound.amount), currency))"
            count += bound.carried > 0 ? ", and \(other.unit.text(Int128(bound.carried), currency)) carried over)" : ")"
        }
        let reason =
            "`\(other.name)` lets at most \(sum) through in \(window)\(count), if nothing settles above its estimate"
        let notes =
            [Diagnostic.Note("it is refused here first", at: other.source)]
            + proof.by.map { .init("`\($0.name)` bounds each request", at: $0.source) }
        let isInside = limit.scopeKinds.isStrictSuperset(of: other.scopeKinds)
        if isInside, limit.unit == other.unit, limit.window == other.window, limit.amount > other.amount {
            return Diagnostic(
                childAboveParent, "`\(limit.name)` is larger than what holds it: \(reason)",
                at: limit.source, notes: notes,
                help: "lower it below \(other.unit.text(Int128(other.amount), currency)), or raise `\(other.name)`")
        }
        if isOverride, other.layer == .policy, limit.layer != .policy {
            return Diagnostic(
                looserThanPolicy, "`\(limit.name)` allows more than the policy does for everyone: \(reason)",
                at: limit.source, notes: notes,
                help: "a policy-wide limit holds for every tenant; raise it, or lower this one")
        }
        return Diagnostic(
            neverBinds, "`\(limit.name)` never does anything: \(reason)", at: limit.source,
            notes: notes, help: "remove it, lower it, or raise `\(other.name)`")
    }
}

extension Limit {
    fileprivate var isJudged: Bool { weight == nil && !isShadow }

    /// What a limit does that can let a request through that another limit would refuse: a cheaper model, a shorter answer.
    fileprivate var rescues: Set<Effect> {
        Set(thresholds.flatMap(\.actions).flatMap(\.alternatives).filter(\.isRescue))
    }

    /// Those that it does for every request that comes to its hard bound.
    fileprivate func rescues(below bound: HardBound) -> Set<Effect> {
        let base = bucketLength == nil ? amount : capacity
        let reached = thresholds.filter { $0.bound(of: base) <= bound.amount }
        return Set(reached.flatMap(\.actions).filter { $0.when == nil }.map { $0.alternatives[0] }.filter(\.isRescue))
    }

    /// The same limit in the plan of another time.
    fileprivate func isSame(as other: Limit) -> Bool {
        name == other.name && layer == other.layer && within == other.within && weight == other.weight
    }
}

extension Effect {
    fileprivate var isRescue: Bool {
        switch self {
        // Caps are gathered before they are applied, so that one can hold where another has made room.
        case .downgrade, .cap: true
        default: false
        }
    }
}

/// A request that one limit refuses and another, which never does anything because of it, would let through.
private enum FirstRefusal {
    /// nil where it takes more than one request to show it.
    static func witness(of limit: Limit, _ other: Limit, _ plan: Plan, _ edition: Edition, owner: TenantRecord?)
        -> String?
    {
        guard limit.unit == other.unit, other.when == nil, other.scopeKinds.isEmpty, !other.isShared,
            let bound = other.hardBound?.withCarried, let first = limit.firstEffect, bound < first,
            plan.limits.allSatisfy({ $0.rescues.isEmpty }), edition.policy.mode != .frozen,
            !edition.policy.rules.contains(where: { $0.effect == .deny }),
            let model = dearest(plan, edition)
        else { return nil }
        var witness = WitnessRequest(edition)
        if let owner { witness.take(Cell(values: [.tenant: .text(owner.id)], isRecorded: owner.tier != nil)) }
        witness[.tier] = .text(plan.tier)
        witness[.model] = .text(model.name)
        witness[.maxOutputTokens] = .number(0)
        switch limit.unit {
        case .spend:
            guard let price = model.price, price.input > 0, price.request == 0 else { return nil }
            let tokens = (Int128(bound).multipliedSaturated(by: 1_000) / Int128(price.input)).addingSaturated(1)
            guard tokens <= Int128(RequestSpace.largestCount),
                let cost = price.cost(input: Int64(tokens), cached: 0, output: 0), cost > bound, cost <= first
            else { return nil }
            witness[.inputTokens] = .number(Int64(tokens))
        case .tokens, .inputTokens: witness[.inputTokens] = .number(bound.addingSaturated(1))
        case .characters: witness[.characters] = .number(bound.addingSaturated(1))
        default: return nil
        }
        return witness.json
    }

    private static func dearest(_ plan: Plan, _ edition: Edition) -> Model? {
        let models = edition.catalog?.models ?? []
        return models.indices.filter { plan.models.allows(ModelID(rawValue: $0)) && models[$0].price != nil }
            .map { models[$0] }.max { ($0.price?.input ?? 0) < ($1.price?.input ?? 0) }
    }
}

/// Whether one condition implies another, asked again and again.
struct Implications {
    private let edition: Edition
    private let tenants: [TenantRecord]
    private var known: [[Condition?]: Bool] = [:]

    init(_ edition: Edition, _ set: PolicySet) {
        self.edition = edition
        tenants = set.tenants
    }

    /// Every request for which the first holds, the second holds for too. What is not decided is not claimed.
    mutating func holds(_ condition: Condition?, _ other: Condition?, _ effort: inout Effort) -> Bool {
        guard let other else { return true }
        if condition == other { return true }
        let key = [condition, other]
        if let answer = known[key] { return answer }
        let first = condition ?? .always
        guard effort.spend(1_000) else { return false }
        let steps = 1_000_000
        let space = RequestSpace(edition, tenants, conditions: [first, other], limit: 100_000, steps: steps)
        defer { _ = effort.spend(steps - space.stepsLeftForQuestions) }
        var answer = false
        do throws(DecisionDiagram.TooLarge) {
            answer = try space.diagram.isSubset(try space.set(first), of: try space.set(other))
        } catch {}
        known[key] = answer
        return answer
    }
}
