import BursarPolicy
import BursarSyntax

/// A raised alert with its drivers.
package struct Alert: Sendable, Codable {
    /// A comparison that was true, in the syntax of the language.
    package struct Measure: Sendable, Codable {
        package var metric: String
        package var value: String
        package var bound: String
        /// The value of earlier windows, if the metric is compared with a baseline.
        package var baseline: String?
    }

    package struct Driver: Sendable, Codable {
        package var name: String
        package var requests: Int64
        /// Nano-units.
        package var cost: Int64
    }

    package var name: String
    /// For a budget: `warning`, `exceeded`, or `ok` when a reported state has ended.
    package var state: String?
    /// nil: the alert covers all tenants together.
    package var tenant: String?
    /// The subject besides the tenant.
    package var subject: [String: String]
    package var limit: String?
    /// The time of the latest request, in microseconds since 1970.
    package var time: Int64
    package var windowStart: Int64
    package var windowEnd: Int64
    package var measures: [Measure]
    package var audiences: [String]
    /// `file:line:column` of the alert's declaration.
    package var source: String
    /// The requests in the window so far.
    package var requests: Int64
    package var retries: Int64
    /// Nano-units: the cost of the alert's subject, and of all tenants so far (in a replay: until the end of the
    /// window).
    package var cost: Int64
    package var totalCost: Int64?
    /// The most expensive first, at most three of each.
    package var features: [Driver]
    package var promptVersions: [Driver]
    package var tenants: [Driver]
    /// Prompt versions that are new in this window.
    package var newPromptVersions: [String]
    /// The burn rate of the alert's limit, or of the tenant's budget that is used up fastest.
    package var burnRate: String?
    package var burnRateLimit: String?
    /// When that budget is used up at the current pace, if that is within its window.
    package var endsAt: Int64?

    static let mostDrivers = 3
}

extension Alert {
    /// A total order that depends only on the alerts.
    package static func areInOrder(_ left: Alert, _ right: Alert) -> Bool {
        left.time != right.time ? left.time < right.time : left.order.lexicographicallyPrecedes(right.order)
    }

    /// Alerts with the same order show the same.
    private var order: [String] {
        let parts = subject.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] }
        let measured = measures.flatMap { [$0.metric, $0.value, $0.bound, $0.baseline ?? ""] }
        let sums = [windowEnd, requests, retries, cost].map { String($0) }
        return [name, tenant ?? "", String(windowStart), state ?? ""] + parts + [limit ?? "", source] + measured + sums
    }
}

/// The constant parts of a rule's alerts, and the data for their evaluation.
struct AlertHeading: Sendable, Hashable, Codable {
    var name: String
    var state: String?
    var criteria: AlertRule.Criteria
    var limit: String?
    var per: [String]
    var audiences: [String]
    var source: String
    var currency: String

    init(_ rule: AlertRule, source: String, currency: String) {
        name = rule.name
        state = rule.state?.rawValue
        criteria = rule.criteria
        limit = rule.limit
        per = rule.per.map(\.rawValue)
        audiences = rule.audiences
        self.source = source
        self.currency = currency
    }

    func alert<Name>(
        _ window: AlertWindow<Name>, _ series: AlertSeries<Name>, _ measures: [AlertMeasure], at time: Int64,
        tenant: String?, subject: [String], total: Int64?, _ text: (Name) -> String
    ) -> Alert {
        func drivers(_ all: [Name: AlertDriver]) -> [Alert.Driver] {
            let named = all.map { Alert.Driver(name: text($0.key), requests: $0.value.requests, cost: $0.value.cost) }
            return Array(
                named.sorted { ($1.cost, $1.requests, $0.name) < ($0.cost, $0.requests, $1.name) }
                    .prefix(Alert.mostDrivers))
        }
        // Versions in the first window are not new, because no earlier window exists.
        let isFirst = series.windows.first?.start == window.start
        let fresh = isFirst ? [] : window.versions.keys.filter { series.firstSeen[$0] == window.start }
        return Alert(
            name: name, state: state, tenant: tenant,
            subject: Dictionary(
                zip(per, subject).map { ($0, $1) }, uniquingKeysWith: { first, _ in first }),
            limit: limit, time: time, windowStart: window.start, windowEnd: window.end,
            measures: measures.map(measure), audiences: audiences, source: source,
            requests: window.sums.requests, retries: window.sums.retries, cost: window.sums.cost, totalCost: total,
            features: drivers(window.features), promptVersions: drivers(window.versions),
            tenants: drivers(window.tenants), newPromptVersions: fresh.map(text).sorted(), burnRate: nil,
            burnRateLimit: nil, endsAt: nil)
    }

    private func measure(_ measure: AlertMeasure) -> Alert.Measure {
        let form = measure.term.metric.form
        let bound: String
        switch measure.term.bound {
        case .amount(let amount): bound = text(Fraction(Int128(amount)), form)
        case .share(let share): bound = share.text
        case .ofBaseline(let share): bound = "\(share.text) of baseline"
        }
        let metric = measure.term.metric
        return Alert.Measure(
            metric: metric.isOfLimit ? "\(metric.text) of \(limit ?? "")" : metric.text,
            value: text(measure.value, form), bound: "\(measure.term.order.rawValue) \(bound)",
            baseline: measure.baseline.map { text($0, form) })
    }

    func text(_ value: Fraction, _ form: AlertMetric.Form) -> String {
        switch form {
        // Six decimals show the cost of a request; further digits are meaningless in a quotient.
        case .money: withCurrency(moneyText(Int64(clamping: value.floor / 1_000 * 1_000)), currency)
        case .count: String(value.floor)
        case .percentage: Self.percentage(value)
        case .duration: durationText(Int64(clamping: value.floor))
        }
    }

    /// With one decimal, rounded down.
    static func percentage(_ value: Fraction) -> String {
        let thousandths = value.dividend.multipliedReportingOverflow(by: 1_000)
        // A large percentage needs no decimal.
        let whole =
            thousandths.overflow
            ? Int128(Int64(clamping: value.floor)).multipliedSaturated(by: 1_000)
            : thousandths.partialValue / value.divisor
        return decimalText(Int64(clamping: whole), scale: 10) + "%"
    }
}
