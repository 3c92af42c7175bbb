/// The figure that an alert compares.
package enum AlertMetric: Sendable, Hashable, Codable {
    /// Sums over a window.
    case spend, tokens, requests
    case costPerRequest
    /// A quantile of the input and output tokens per request: `percent` of the requests use at most this many.
    case tokenQuantile(percent: Int)
    /// The share of settled requests that succeeded.
    case successRatio
    /// The share of requests that are retries, and the share that are refused.
    case retryRatio, refusalRatio
    /// The tenant's share of the spend of all tenants.
    case shareOfSpend
    /// Metrics of a limit: the used share of its amount, that share divided by the elapsed share of its window, and the
    /// time until the amount is used up at the current pace.
    case use, burnRate, timeLeft

    /// The metric in the syntax of the language, without the limit.
    package var text: String {
        switch self {
        case .spend: "spend"
        case .tokens: "tokens"
        case .requests: "requests"
        case .costPerRequest: "cost per request"
        case .tokenQuantile(let percent): "p\(percent) tokens"
        case .successRatio: "success ratio"
        case .retryRatio: "retry ratio"
        case .refusalRatio: "refusal ratio"
        case .shareOfSpend: "share of spend"
        case .use: "use"
        case .burnRate: "burn rate"
        case .timeLeft: "time left"
        }
    }

    /// The kind of value that the metric is compared with.
    package enum Form: Sendable { case money, count, percentage, duration }

    package var form: Form {
        switch self {
        case .spend, .costPerRequest: .money
        case .tokens, .requests, .tokenQuantile: .count
        case .successRatio, .retryRatio, .refusalRatio, .shareOfSpend, .use, .burnRate: .percentage
        case .timeLeft: .duration
        }
    }

    /// The metric reads a limit's counter.
    package var isOfLimit: Bool {
        switch self {
        case .use, .burnRate, .timeLeft: true
        default: false
        }
    }

    /// The metric can be compared with earlier windows.
    package var hasBaseline: Bool { !isOfLimit && self != .shareOfSpend }

    /// The metric is meaningless for a few requests.
    package var needsSample: Bool {
        switch self {
        case .spend, .tokens, .requests, .use: false
        default: true
        }
    }

    package static let all: [AlertMetric] = [
        .spend, .tokens, .requests, .costPerRequest, .tokenQuantile(percent: 95), .tokenQuantile(percent: 99),
        .successRatio, .retryRatio, .refusalRatio, .shareOfSpend, .use, .burnRate, .timeLeft,
    ]
}

/// One comparison of an alert: `spend > 200% of baseline`.
package struct AlertTerm: Sendable, Hashable {
    package enum Order: String, Sendable, Hashable, CaseIterable, Codable {
        case atLeast = ">="
        case atMost = "<="
        case above = ">"
        case below = "<"
    }

    package enum Bound: Sendable, Hashable {
        case money(MoneyLiteral)
        case count(Int64)
        case percentage(Percentage)
        /// A share of the baseline from earlier windows.
        case ofBaseline(Percentage)
        /// Microseconds.
        case duration(Int64)
    }

    package var metric: AlertMetric
    /// The name of the limit, for metrics of a limit.
    package var limit: String?
    package var order: Order
    package var bound: Bound
}

extension TextScanner {
    /// Parses `spend > 200% of baseline and spend > $5`. The alert requires every term.
    package mutating func alertCondition() throws(ScalarError) -> [AlertTerm] {
        var terms: [AlertTerm] = []
        while true {
            skipSpaces()
            let start = position
            terms.append(try alertTerm())
            guard terms.count <= Bounds.alertTerms else { throw error("too many comparisons", from: start) }
            let end = position
            skipSpaces()
            guard position > end, takeWords("and") else { break }
            try expectSpace()
        }
        try expectEnd(help: "comparisons are joined by `and`")
        return terms
    }

    private mutating func alertTerm() throws(ScalarError) -> AlertTerm {
        let metric = try alertMetric()
        var limit: String?
        if metric.isOfLimit {
            try expectSpace()
            guard takeWords("of") else { throw unexpected("expected `of` and a limit", help: "as in `use of monthly`") }
            try expectSpace()
            limit = try name("the name of a limit")
        }
        skipSpaces()
        let start = position
        guard let order = alertOrder() else { throw unexpected("expected `>`, `>=`, `<` or `<=`") }
        skipSpaces()
        if metric == .timeLeft, order == .above || order == .atLeast {
            throw error("`time left` is looked at for being short: write `<`", from: start)
        }
        return AlertTerm(metric: metric, limit: limit, order: order, bound: try alertBound(metric))
    }

    private mutating func alertMetric() throws(ScalarError) -> AlertMetric {
        for metric in AlertMetric.all where takeText(metric.text) { return metric }
        let start = position
        let word = word()
        let near = nearestName(to: word, among: AlertMetric.all.map { String($0.text.prefix { $0 != " " }) })
        throw word.isEmpty
            ? unexpected("expected a metric")
            : error(
                "there is no metric `\(word)`", from: start,
                help: near.map { "did you mean `\($0)`?" } ?? "one of: "
                    + AlertMetric.all.map { $0.isOfLimit ? "\($0.text) of LIMIT" : $0.text }
                    .joined(separator: ", "))
    }

    private mutating func takeText(_ text: String) -> Bool {
        let start = position
        for (index, word) in text.split(separator: " ").enumerated() {
            if index > 0 {
                guard take(" ") else {
                    position = start
                    return false
                }
                skipSpaces()
            }
            guard takeWords(String(word)) else {
                position = start
                return false
            }
        }
        return true
    }

    private mutating func alertOrder() -> AlertTerm.Order? {
        if take(">=") { return .atLeast }
        if take("<=") { return .atMost }
        if take(">") { return .above }
        return take("<") ? .below : nil
    }

    private mutating func alertBound(_ metric: AlertMetric) throws(ScalarError) -> AlertTerm.Bound {
        if metric.form == .duration { return .duration(try duration()) }
        let start = position
        let what = "a bound"
        let money = try moneyIfPresent()
        if let money {
            guard metric.form == .money else {
                throw error("`\(metric.text)` is not an amount of money", from: start)
            }
            return .money(money)
        }
        _ = try digits(what)
        let isPercentage = peek == UInt8(ascii: "%")
        position = start
        guard isPercentage else {
            guard metric.form == .count else {
                throw error(
                    metric.form == .money
                        ? "`\(metric.text)` is money, as in `$5`" : "`\(metric.text)` is a percentage, as in `20%`",
                    from: start)
            }
            let count = try count(what)
            skipTokensOrRequests(metric)
            return .count(count)
        }
        let percentage = try percentage()
        let end = position
        skipSpaces()
        if position > end, takeWords("of") {
            try expectSpace()
            guard takeWords("baseline") else { throw unexpected("expected `baseline`") }
            guard metric.hasBaseline else {
                throw error("`\(metric.text)` has no baseline: compare it with a percentage", from: start)
            }
            return .ofBaseline(percentage)
        }
        position = end
        guard metric.form == .percentage else {
            throw error(
                "`\(metric.text)` is not a percentage", from: start,
                help: "`\(percentage.text) of baseline` compares it with earlier windows")
        }
        return .percentage(percentage)
    }

    /// Skips the optional word after a count.
    private mutating func skipTokensOrRequests(_ metric: AlertMetric) {
        let end = position
        skipSpaces()
        let isSaid = metric == .requests ? takeWords("requests") : takeWords("tokens")
        if position == end || !isSaid { position = end }
    }
}
