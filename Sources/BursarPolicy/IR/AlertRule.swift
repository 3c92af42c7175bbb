import BursarSyntax

/// When an alert is raised. It is raised once in a window for whatever it is told apart by.
public struct AlertRule: Sendable, Hashable {
    public struct Term: Sendable, Hashable, Codable {
        public enum Bound: Sendable, Hashable, Codable {
            /// Nano-units of money, a number of tokens or requests, or microseconds.
            case amount(Int64)
            case share(Percentage)
            /// Of what earlier windows had.
            case ofBaseline(Percentage)
        }

        public var metric: AlertMetric
        public var order: AlertTerm.Order
        public var bound: Bound

        public init(metric: AlertMetric, order: AlertTerm.Order, bound: Bound) {
            self.metric = metric
            self.order = order
            self.bound = bound
        }
    }

    /// What is told of a budget.
    public enum BudgetState: String, Sendable, Hashable, Codable { case warning, exceeded }

    /// What is asked of a window's sums.
    public struct Criteria: Sendable, Hashable, Codable {
        /// All must hold.
        public var terms: [Term] = []
        /// Requests that a window must have.
        public var atLeast: Int64 = 1
        /// Earlier windows with requests that a baseline is made of.
        public var baseline = 7

        public init() {}

        public var hasBaseline: Bool { terms.contains { if case .ofBaseline = $0.bound { true } else { false } } }

        /// Earlier windows without which there is no baseline yet.
        public var leastBaseline: Int { min(3, baseline) }

        public var hasQuantile: Bool {
            terms.contains { if case .tokenQuantile = $0.metric { true } else { false } }
        }
    }

    public var name: String
    /// Of a budget: the state that this rule tells of.
    public var state: BudgetState?
    public var criteria = Criteria()
    /// Whose counter is looked at; nil: what the window's requests add up to.
    public var limit: String?
    /// nil: the limit's own.
    public var window: Window?
    public var per: [AlertScope]
    /// Tenants are counted together.
    public var isAcrossTenants: Bool
    public var when: Condition?
    public var audiences: [String]
    public var source: SourceRange

    /// It needs what all tenants did, so it is judged when the window ends.
    public var isJudgedAtEnd: Bool { isAcrossTenants || criteria.terms.contains { $0.metric == .shareOfSpend } }

    /// Its name, and of a budget the state that it tells of: `monthly-state (warning)`.
    public var title: String { state.map { "\(name) (\($0.rawValue))" } ?? name }

    /// The same wherever it stands: what is kept for it outlives versions of the policy.
    public func isSame(as other: AlertRule) -> Bool {
        var moved = other
        moved.source = source
        return self == moved
    }

    /// Of a window so much must have passed before its pace says anything.
    public static let paceNeeds = Percentage(scaled: Percentage.one / 20)

    /// As the language writes its comparisons.
    public func text(currency: String) -> String {
        criteria.terms.map { term in
            let metric = limit.map { term.metric.isOfLimit ? "\(term.metric.text) of \($0)" : term.metric.text }
            return "\(metric ?? term.metric.text) \(term.order.rawValue) \(Self.text(term, currency))"
        }.joined(separator: " and ")
    }

    /// All that it says, for telling two versions apart.
    public func fullText(currency: String) -> String {
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
public func durationText(_ micros: Int64) -> String {
    for (unit, name) in [(Micros.day, "d"), (Micros.hour, "h"), (Micros.minute, "m")] where micros % unit == 0 {
        return "\(micros / unit)\(name)"
    }
    return "\(micros / Micros.second)s"
}
