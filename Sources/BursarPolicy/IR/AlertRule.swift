import BursarSyntax

/// When an alert is raised. It is raised once in a window for whatever it is told apart by.
package struct AlertRule: Sendable, Hashable {
    package struct Term: Sendable, Hashable, Codable {
        package enum Bound: Sendable, Hashable, Codable {
            /// Nano-units of money, a number of tokens or requests, or microseconds.
            case amount(Int64)
            case share(Percentage)
            /// Of what earlier windows had.
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

    /// What is told of a budget.
    package enum BudgetState: String, Sendable, Hashable, Codable { case warning, exceeded }

    /// What is asked of a window's sums.
    package struct Criteria: Sendable, Hashable, Codable {
        /// All must hold.
        package var terms: [Term] = []
        /// Requests that a window must have.
        package var atLeast: Int64 = 1
        /// Earlier windows with requests that a baseline is made of.
        package var baseline = 7

        package init() {}

        package var hasBaseline: Bool { terms.contains { if case .ofBaseline = $0.bound { true } else { false } } }

        /// Earlier windows without which there is no baseline yet.
        package var leastBaseline: Int { min(3, baseline) }

        package var hasQuantile: Bool {
            terms.contains { if case .tokenQuantile = $0.metric { true } else { false } }
        }
    }

    package var name: String
    /// Of a budget: the state that this rule tells of.
    package var state: BudgetState?
    package var criteria = Criteria()
    /// Whose counter is looked at; nil: what the window's requests add up to.
    package var limit: String?
    /// nil: the limit's own.
    package var window: Window?
    package var per: [AlertScope]
    /// Tenants are counted together.
    package var isAcrossTenants: Bool
    package var when: Condition?
    package var audiences: [String]
    package var source: SourceRange

    /// It needs what all tenants did, so it is judged when the window ends.
    package var isJudgedAtEnd: Bool { isAcrossTenants || criteria.terms.contains { $0.metric == .shareOfSpend } }

    /// Its name, and of a budget the state that it tells of: `monthly-state (warning)`.
    package var title: String { state.map { "\(name) (\($0.rawValue))" } ?? name }

    /// The same wherever it stands: what is kept for it outlives versions of the policy.
    package func isSame(as other: AlertRule) -> Bool {
        var moved = other
        moved.source = source
        return self == moved
    }

    /// Of a window so much must have passed before its pace says anything.
    package static let paceNeeds = Percentage(scaled: Percentage.one / 20)

    /// As the language writes its comparisons.
    package func text(currency: String) -> String {
        criteria.terms.map { term in
            let metric = limit.map { term.metric.isOfLimit ? "\(term.metric.text) of \($0)" : term.metric.text }
            return "\(metric ?? term.metric.text) \(term.order.rawValue) \(Self.text(term, currency))"
        }.joined(separator: " and ")
    }

    /// All that it says, for telling two versions apart.
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

/// The largest unit of the language that a length is a whole number of: `36h`.
package func durationText(_ micros: Int64) -> String {
    for (unit, name) in [(Micros.day, "d"), (Micros.hour, "h"), (Micros.minute, "m")] where micros % unit == 0 {
        return "\(micros / unit)\(name)"
    }
    return "\(micros / Micros.second)s"
}
