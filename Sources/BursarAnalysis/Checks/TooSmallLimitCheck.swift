import BursarPolicy
import BursarSyntax

/// `limit/too-small`, `weight/too-small`: no request fits, not even of one token in and one out of the cheapest model.
enum TooSmallLimitCheck: Check {
    static let limitTooSmall = DiagnosticRule(
        "limit/too-small", .warning,
        title: "No request fits into the limit",
        checks: """
            The smallest request of the tier (one token in, one token out, the cheapest model) fits into each limit. \
            `cap output to fit min N` has room for N tokens. The witness is a request that the limit refuses.
            """,
        why: "The limit refuses everything, and the customer reads about a budget.",
        example: "daily: $0.0000005/day",
        fix: "Raise the limit. To refuse everything, use `block`, `models` or a rule.")

    static let shareTooSmall = DiagnosticRule(
        "weight/too-small", .warning,
        title: "No request fits into a share",
        checks: """
            The smallest request of a feature fits into the share of the feature. The witness is a request that the \
            share refuses.
            """,
        why: "The feature is off, and the policy does not say so.",
        example: """
            daily: $0.00002/day
            weights: {of: daily, chat: 98%, search: 2%}
            """,
        fix: "Raise the share, or block the feature.")

    static let rules = [limitTooSmall, shareTooSmall]
    static let subject = "which limits are too small"

    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        let edition = context.edition
        for plan in context.allPlans {
            guard context.effort.spend(context.modelCount + plan.limits.count) else { return }
            let arithmetic = PlanArithmetic(plan, edition)
            for limit in plan.limits where limit.amount > 0 || limit.weight != nil {
                check(limit, plan, arithmetic, context, &diagnostics)
            }
        }
    }

    private static func check(
        _ limit: Limit, _ plan: Plan, _ arithmetic: PlanArithmetic, _ context: EditionContext,
        _ diagnostics: inout Diagnostics
    ) {
        let edition = context.edition
        if edition.policy.mode == .frozen { return }
        guard context.effort.spend(limit.unit == .spend ? context.modelCount : 1) else { return }
        if let feature = limit.weight?.feature, plan.blockedFeatures.contains(feature) { return }
        guard let room = room(limit, plan), let smallest = arithmetic.smallestRequest(limit.unit) else { return }
        let currency = edition.policy.currency
        if let weight = limit.weight {
            // `other: 0%` is how a policy refuses features without a share.
            guard weight.share.scaled > 0 else { return }
            guard smallest.amount > room, plan.limits[weight.of].amount > 0 else { return }
            let feature = weight.feature ?? "other-feature"
            guard let witness = witness(limit, plan, context, smallest.model, feature: feature) else { return }
            diagnostics.add(
                Diagnostic(
                    shareTooSmall,
                    "the share of `\(weight.feature ?? "other")` is \(limit.unit.text(Int128(room), currency)), and no request takes less than \(limit.unit.text(Int128(smallest.amount), currency))",
                    at: limit.source, help: "raise the share, or block the feature",
                    witness: witness))
            return
        }
        if smallest.amount > room {
            // What no request comes to is no worse for being too small.
            guard let witness = witness(limit, plan, context, smallest.model, feature: nil) else { return }
            diagnostics.add(
                Diagnostic(
                    limitTooSmall,
                    "no request fits into `\(limit.name)`: it has room for \(limit.unit.text(Int128(room), currency)), and the smallest takes \(limit.unit.text(Int128(smallest.amount), currency))",
                    at: limit.source,
                    help: "raise it; to refuse everything say `block`, `models` or a rule",
                    witness: witness))
            return
        }
        checkFit(limit, plan, arithmetic, edition, room, &diagnostics)
    }

    /// The most that a window can ever hold, for a share together with what is carried into what it divides.
    private static func room(_ limit: Limit, _ plan: Plan) -> Int64? {
        guard let weight = limit.weight, limit.bucketLength == nil else { return limit.hardBound?.withCarried }
        let whole = plan.limits[weight.of]
        if whole.isPrepaid { return nil }
        let full = whole.window.isRate ? whole.capacity : whole.amount
        let (most, overflow) = full.addingReportingOverflow(whole.mostCarried)
        return overflow ? nil : limit.hardBound(of: weight.share.floor(of: most))?.amount
    }

    /// `cap output to fit min N` where not even N tokens alone can be paid for.
    private static func checkFit(
        _ limit: Limit, _ plan: Plan, _ arithmetic: PlanArithmetic, _ edition: Edition, _ room: Int64,
        _ diagnostics: inout Diagnostics
    ) {
        for threshold in limit.thresholds {
            for action in threshold.actions {
                guard case .cap(.outputToFit(let minimum)) = action.alternatives[0] else { continue }
                let least: Int64? =
                    switch limit.unit {
                    case .spend: arithmetic.cheapest(input: 0, output: minimum)?.amount
                    default: minimum
                    }
                guard let least, least > room else { continue }
                diagnostics.add(
                    Diagnostic(
                        limitTooSmall,
                        "`cap output to fit min \(minimum)` never finds a way: \(minimum) tokens take \(limit.unit.text(Int128(least), edition.policy.currency)), more than the limit",
                        at: threshold.source, help: "lower the minimum, or raise the limit"))
            }
        }
    }

    /// One token in and one out.
    private static let smallest = Condition.all([
        .number(.inputTokens, .equal, 1), .number(.maxOutputTokens, .equal, 1),
    ])

    private static func witness(
        _ limit: Limit, _ plan: Plan, _ context: EditionContext, _ model: ModelID?, feature: String?
    ) -> String? {
        let (edition, set) = (context.edition, context.set)
        // A request that no rule denies, so that it comes as far as the limit.
        let denials = edition.denials(plan)
        var wanted = [limit.when, feature.map { .text(.feature, .equals, $0) }].compactMap { $0 }
        for scope in limit.within { wanted += scope.scope.attribute.map { [.text($0, .equals, scope.value)] } ?? [] }
        for scope in limit.per where scope != .tenant && scope != .model {
            wanted += scope.attribute.map { [.isPresent($0)] } ?? []
        }
        if limit.unit == .runs { wanted.append(.isPresent(.run)) }
        let takesInput = limit.unit.isBudget && limit.unit != .outputTokens
        let takesOutput = limit.unit.isBudget && limit.unit != .inputTokens
        if takesInput { wanted.append(.number(.inputTokens, .greaterOrEqual, 1)) }
        if takesOutput { wanted.append(.number(.maxOutputTokens, .greaterOrEqual, 1)) }
        if let owner = context.owner(of: plan) {
            wanted.append(.text(.tenant, .equals, owner))
        } else {
            // A tenant with keys of its own has another plan than its tier's.
            for case .text(.tenant, .equals, let name) in (limit.when?.comparisons ?? [])
                + denials.flatMap(\.comparisons)
            {
                let isOwn = set.tenantIndex(of: name).map { !set.tenants[$0].followsTier } ?? false
                if isOwn { wanted.append(.not(.text(.tenant, .equals, name))) }
            }
        }
        let condition = Condition.all(wanted + denials.map { .not($0) })
        let names = model.flatMap { model in edition.catalog.map { [$0[model].name] } }
        let steps = min(2_000_000, context.effort.left)
        guard context.effort.spend(1_000) else { return nil }
        let space = RequestSpace(
            edition, set.tenants, conditions: [condition, smallest], separatesModels: edition.catalog != nil,
            steps: steps)
        defer { _ = context.effort.spend(steps - space.stepsLeftForQuestions) }
        do throws(DecisionDiagram.TooLarge) {
            var found = try space.diagram.intersection(try space.set(condition), try space.set(tiers: [plan.tier]))
            let models = Set(names ?? allowedModels(plan, edition))
            if edition.catalog != nil { found = try space.diagram.intersection(found, try space.set(models: models)) }
            let small = try space.diagram.intersection(found, try space.set(Self.smallest))
            return space.witness(in: small == .none ? found : small)?.json
        } catch {
            return nil
        }
    }

    private static func allowedModels(_ plan: Plan, _ edition: Edition) -> [String] {
        let models = edition.catalog?.models ?? []
        return models.indices.filter {
            plan.models.allows(ModelID(rawValue: $0)) && (models[$0].price != nil || edition.policy.allowsUnpriced)
        }
        .map { models[$0].name }
    }
}
