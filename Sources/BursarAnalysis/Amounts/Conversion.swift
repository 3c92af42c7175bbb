import BursarPolicy
import BursarSyntax

/// Bounds on the usage of one unit per amount of another unit, over the requests of a plan.
struct PlanArithmetic {
    let plan: Plan
    let edition: Edition
    private let prices: [Price]
    /// Some requests have a model without a known price, or there is no catalog.
    private let hasUnknownPrices: Bool

    init(_ plan: Plan, _ edition: Edition) {
        self.plan = plan
        self.edition = edition
        let models = edition.catalog?.models ?? []
        let allowed = models.indices.filter { plan.models.allows(ModelID(rawValue: $0)) }
        prices = allowed.compactMap { models[$0].price }
        hasUnknownPrices = models.isEmpty
    }

    /// An upper bound, and the limits per request that justify it.
    struct Most {
        var amount: Int128
        var by: [Limit] = []
    }

    /// An upper bound of a unit for each unit of `other`; nil if there is none.
    ///
    /// - Parameter excluded: a limit that the bound must not use, because it is the limit in question.
    func most(of unit: Unit, for other: Unit, without excluded: SourceRange? = nil) -> Most? {
        if unit == other { return Most(amount: 1) }
        switch (other, unit) {
        case (.attempts, .requests), (.attempts, .runs), (.requests, .runs): return Most(amount: 1)
        case (.tokens, .inputTokens), (.tokens, .outputTokens): return Most(amount: 1)
        case (.tokens, .spend): return dearestToken.map { Most(amount: $0) }
        case (.requests, _), (.attempts, _): return largestRequest(unit, without: excluded)
        default: return nil
        }
    }

    /// The price of the most expensive token in nano-units, rounded up; nil if requests have a fee.
    private var dearestToken: Int128? {
        guard !hasUnknownPrices, prices.allSatisfy({ $0.request == 0 }), !prices.isEmpty else { return nil }
        let picos = prices.map { max($0.input, $0.cached, $0.output) }.max() ?? 0
        return (Int128(picos) + 999) / 1_000 + 1
    }

    /// The maximum usage of one request, derived from unconditional limits per request.
    func largestRequest(_ unit: Unit, without excluded: SourceRange? = nil) -> Most? {
        func bound(_ wanted: Unit) -> Most? {
            var least: Most?
            for limit in plan.limits
            where limit.unit == wanted && limit.window == .request && limit.when == nil && limit.scopeKinds.isEmpty
                && !limit.isShared && !limit.isShadow && limit.weight == nil && limit.source != excluded
            {
                guard let amount = limit.hardBound?.amount ?? limit.outputCap else { continue }
                if least.map({ Int128(amount) < $0.amount }) ?? true {
                    least = Most(amount: Int128(amount), by: [limit])
                }
            }
            return least
        }
        if let direct = bound(unit) { return direct }
        switch unit {
        case .requests, .attempts, .runs: return Most(amount: 1)
        case .tokens:
            guard let input = bound(.inputTokens), let output = bound(.outputTokens) else { return nil }
            return Most(amount: input.amount.addingSaturated(output.amount), by: input.by + output.by)
        case .inputTokens, .outputTokens: return bound(.tokens)
        case .spend:
            guard !hasUnknownPrices, !prices.isEmpty, let input = bound(.inputTokens) ?? bound(.tokens),
                let output = bound(.outputTokens) ?? bound(.tokens)
            else { return nil }
            return dearest(input, output)
        default: return nil
        }
    }

    private func dearest(_ input: Most, _ output: Most) -> Most? {
        let (tokensIn, tokensOut) = (Int64(clamping: input.amount), Int64(clamping: output.amount))
        var most: Int64 = 0
        for price in prices {
            let cached = price.input >= price.cached ? 0 : tokensIn
            guard let cost = price.cost(input: tokensIn, cached: cached, output: tokensOut) else { return nil }
            most = max(most, cost)
        }
        return Most(amount: Int128(most), by: input.by + output.by)
    }

    /// The minimum usage of one request: one input and one output token of the cheapest model.
    func smallestRequest(_ unit: Unit) -> (amount: Int64, model: ModelID?)? {
        switch unit {
        case .requests, .attempts, .runs, .concurrentRequests: return (1, nil)
        case .tokens: return (2, nil)
        case .inputTokens, .outputTokens: return (1, nil)
        case .characters, .toolCalls: return nil
        case .spend: return cheapest(input: 1, output: 1)
        }
    }

    /// The lowest cost of a number of tokens; nil if it is unknown.
    func cheapest(input: Int64, output: Int64) -> (amount: Int64, model: ModelID?)? {
        guard let catalog = edition.catalog, !edition.policy.allowsUnpriced else { return nil }
        var best: (amount: Int64, model: ModelID?)?
        for (index, model) in catalog.models.enumerated() where plan.models.allows(ModelID(rawValue: index)) {
            guard let price = model.price, let cost = price.cost(input: input, cached: 0, output: output) else {
                continue
            }
            if best.map({ cost < $0.amount }) ?? true { best = (cost, ModelID(rawValue: index)) }
        }
        return best
    }
}

extension Limit {
    /// The lowest cap on output tokens by a limit per request.
    fileprivate var outputCap: Int64? {
        guard unit == .outputTokens, !isShadow else { return nil }
        for threshold in thresholds {
            for action in threshold.actions where action.when == nil {
                if case .cap(.output(let tokens)) = action.alternatives[0] {
                    return max(tokens, threshold.bound(of: amount))
                }
            }
        }
        return nil
    }
}

extension BursarSyntax.Unit {
    /// An amount of this unit as text, for messages.
    func text(_ amount: Int128, _ currency: String) -> String {
        guard let exact = Int64(exactly: amount) else { return "more than can be counted" }
        if self == .spend { return withCurrency(moneyText(exact), currency) }
        let name = exact == 1 && rawValue.hasSuffix("s") ? String(rawValue.dropLast()) : rawValue
        return "\(exact) \(name)"
    }
}
