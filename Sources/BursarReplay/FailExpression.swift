import BursarEngine
import BursarSyntax

/// The condition under which a replay fails: `deny`, or a comparison such as `refused > 0.1%`.
package struct FailExpression: Sendable {
    package enum Figure: String, CaseIterable {
        case refused, downgraded, shadowed, spend, coverage, rejected, alerts
        case tenantsRefused = "tenants_refused"
    }

    private let figure: Figure
    private let comparison: String
    /// A share of 1 if `isShare` is set; a number if not.
    private let bound: Double
    private let isShare: Bool
    package let text: String

    /// nil if the text is not a valid expression.
    package init?(_ text: String) {
        self.text = text
        if text == "deny" {
            (figure, comparison, bound, isShare) = (.refused, ">", 0, false)
            return
        }
        let operators = [">=", "<=", ">", "<"]
        guard let found = operators.first(where: { text.contains($0) }) else { return nil }
        let parts = text.split(separator: found, maxSplits: 1, omittingEmptySubsequences: false)
            .map { $0.filter { !$0.isWhitespace } }
        guard parts.count == 2, let figure = Figure(rawValue: parts[0]) else { return nil }
        var number = parts[1]
        isShare = number.hasSuffix("%")
        if isShare { number.removeLast() }
        if number.hasPrefix("+") { number.removeFirst() }
        guard let value = Double(number), value.isFinite else { return nil }
        self.figure = figure
        comparison = found
        bound = isShare ? value / 100 : value
    }

    /// The syntax of an expression, for a help text.
    package static var help: String {
        "deny, or FIGURE > NUMBER with one of " + Figure.allCases.map(\.rawValue).joined(separator: ", ")
            + "; a number with % is a share"
    }

    /// The condition is true for the result of a replay.
    package func holds(for summary: ReplaySummary) -> Bool {
        let decided = Double(max(1, summary.decided))
        let value: Double
        switch figure {
        case .refused: value = Double(summary.total.refused) / (isShare ? decided : 1)
        case .downgraded: value = Double(summary.total[.downgrade]) / (isShare ? decided : 1)
        case .shadowed: value = Double(summary.total.shadowed) / (isShare ? decided : 1)
        case .tenantsRefused:
            value = Double(summary.touchedTenants) / (isShare ? Double(max(1, summary.tenants.count)) : 1)
        case .rejected: value = Double(summary.rejected) / (isShare ? Double(max(1, summary.read)) : 1)
        case .alerts: value = Double(summary.alerts.count) / (isShare ? decided : 1)
        case .coverage:
            value = Double(summary.covered) / (isShare ? decided : 1)
        case .spend:
            // Compares with the other policy set, or with the recorded cost.
            let before = Double(summary.against?.policyCost ?? summary.total.recordedCost)
            let now = Double(summary.total.policyCost)
            value = isShare ? (before == 0 ? (now > 0 ? .infinity : 0) : (now - before) / before) : now / 1e9
        }
        switch comparison {
        case ">": return value > bound
        case ">=": return value >= bound
        case "<": return value < bound
        default: return value <= bound
        }
    }
}
