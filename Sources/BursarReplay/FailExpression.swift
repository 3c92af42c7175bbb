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

    package init(_ text: String) throws(ScalarError) {
        self.text = text
        var scanner = TextScanner(text)
        scanner.skipSpaces()
        let start = scanner.position
        while let byte = scanner.peek, byte == UInt8(ascii: "_") || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A) {
            scanner.position += 1
        }
        let word = scanner.text(start, scanner.position)
        scanner.skipSpaces()
        if word == "deny", scanner.isAtEnd {
            (figure, comparison, bound, isShare) = (.refused, ">", 0, false)
            return
        }
        guard let figure = Figure(rawValue: word) else {
            let known = Figure.allCases.map(\.rawValue) + ["deny"]
            let near = nearestName(to: word, among: known)
            throw scanner.error(
                word.isEmpty ? "expected a figure" : "there is no figure `\(word)`", from: start,
                help: near.map { "did you mean `\($0)`?" } ?? "figures: \(known.joined(separator: ", "))")
        }
        self.figure = figure
        guard
            let comparison = [">=", "<=", ">", "<"].first(where: {
                scanner.text(scanner.position, scanner.bytes.count).hasPrefix($0)
            })
        else { throw scanner.unexpected("expected `>`, `>=`, `<` or `<=`", help: "as in `refused > 0.1%`") }
        self.comparison = comparison
        scanner.position += comparison.utf8.count
        scanner.skipSpaces()
        (bound, isShare) = try Self.bound(&scanner, figure)
    }

    /// The number after the comparison: a share, money for `spend`, or a count.
    private static func bound(
        _ scanner: inout TextScanner, _ figure: Figure
    ) throws(ScalarError) -> (value: Double, isShare: Bool) {
        let start = scanner.position
        // A change of spend can be negative.
        let isNegative = figure == .spend && scanner.take("-")
        if !isNegative, scanner.take("+") {}
        let sign: Double = isNegative ? -1 : 1
        var share = scanner
        if let percentage = try? share.percentage() {
            scanner = share
            scanner.skipSpaces()
            try scanner.expectEnd()
            guard figure == .spend || percentage <= .full else {
                throw scanner.error("a share of \(figure.rawValue) is at most 100%", from: start)
            }
            return (sign * Double(percentage.scaled) / Double(Percentage.one), true)
        }
        let amount = try scanner.expectedAmount("a number")
        scanner.skipSpaces()
        try scanner.expectEnd()
        switch amount {
        case .money(let nanos):
            guard figure == .spend else {
                throw scanner.error("`\(figure.rawValue)` is a count, not money", from: start)
            }
            return (sign * Double(nanos) / 1e9, false)
        case .number(let scaled): return (sign * Double(scaled) / 1e9, false)
        case .count(let count): return (sign * Double(count), false)
        }
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
