import BursarSyntax

/// The condition of an alert. An alert is raised once per window for each subject.
package struct AlertRule: Sendable, Hashable {
    package struct Term: Sendable, Hashable, Codable {
        package enum Bound: Sendable, Hashable, Codable {
            /// Nano-units of money, a number of tokens or requests, or microseconds.
            case amount(Int64)
            case share(Percentage)
            /// A share of the baseline from earlier windows.
            case ofBaseline(Percentage)
        }

        package var metric: AlertMetric
        package var order: AlertTerm.Order
        package var bound: Bound

        package init(metric: AlertMetric, order: AlertTerm.Order, bound: Bound) {
            self.metric = metric
            self.order = order
            self.bound = bound
        }
    }

    /// A reported state of a budget.
    package enum BudgetState: String, Sendable, Hashable, Codable { case warning, exceeded }

    /// The conditions on the sums of a window.
    package struct Criteria: Sendable, Hashable, Codable {
        /// All terms must be true.
        package var terms: [Term] = []
        /// The minimum number of requests in a window.
        package var atLeast: Int64 = 1
        /// The number of earlier windows with requests in the baseline.
        package var baseline = 7

        package init() {}

        package var hasBaseline: Bool { terms.contains { if case .ofBaseline = $0.bound { true } else { false } } }

        /// The minimum number of earlier windows for a baseline.
        package var leastBaseline: Int { min(3, baseline) }

        package var hasQuantile: Bool {
            terms.contains { if case .tokenQuantile = $0.metric { true } else { false } }
        }
    }

    package var name: String
    /// For a budget alert: the state that this rule reports.
    package var state: BudgetState?
    package var criteria = Criteria()
    /// The limit whose counter is compared; nil: the sums of the window's requests.
    package var limit: String?
    /// nil: the window of the limit.
    package var window: Window?
    package var per: [AlertScope]
    /// The alert covers all tenants together.
    package var isAcrossTenants: Bool
    package var when: Condition?
    package var audiences: [String]
    package var source: SourceRange

    /// The rule needs data of all tenants, so it is evaluated at the end of the window.
    package var isJudgedAtEnd: Bool { isAcrossTenants || criteria.terms.contains { $0.metric == .shareOfSpend } }

    /// The name, and for a budget alert its state: `monthly-state (warning)`.
    package var title: String { state.map { "\(name) (\($0.rawValue))" } ?? name }

    /// The rules are equal except for their source, so their state survives a change of the policy version.
    package func isSame(as other: AlertRule) -> Bool {
        var moved = other
        moved.source = source
        return self == moved
    }

    /// The share of a window that must elapse before its pace is meaningful.
    package static let paceNeeds = Percentage(scaled: Percentage.one / 20)

    /// The comparisons in the syntax of the language.
    package func text(currency: String) -> String {
        criteria.terms.map { term in
            let metric = limit.map { term.metric.isOfLimit ? "\(term.metric.text) of \($0)" : term.metric.text }
            return "\(metric ?? term.metric.text) \(term.order.rawValue) \(Self.text(term, currency))"
        }.joined(separator: " and ")
    }

    /// The whole content of the rule, for comparing versions.
    package func fullText(currency: String) -> String {
        var parts = [text(currency: currency)]
        if let window { parts.append("window \(window.text)") }
        if !per.isEmpty { parts.append("per " + per.map(\.rawValue).joined(separator: ", ")) }
        if isAcrossTenants { parts.append("across tenants") }
        if let when { parts.append("when \(when.text)") }
        if criteria.atLeast > 1 { parts.append("at least \(criteria.atLeast) requests") }
        if criteria.hasBaseline { parts.append("baseline \(criteria.baseline) windows") }
        if !audiences.isEmpty { parts.append("notify " + audiences.joined(separator: ", ")) }
        return parts.joined(separator: "; ")
    }

    private static func text(_ term: Term, _ currency: String) -> String {
        switch term.bound {
        case .share(let share): share.text
        case .ofBaseline(let share): "\(share.text) of baseline"
        case .amount(let amount):
            switch term.metric.form {
            case .money: withCurrency(moneyText(amount), currency)
            case .duration: durationText(amount)
            default: String(amount)
            }
        }
    }
}

/// A length in the largest unit of the language that divides it: `36h`.
package func durationText(_ micros: Int64) -> String {
    for (unit, name) in [(Micros.day, "d"), (Micros.hour, "h"), (Micros.minute, "m")] where micros % unit == 0 {
        return "\(micros / unit)\(name)"
    }
    return "\(micros / Micros.second)s"
}
