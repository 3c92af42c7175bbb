import BursarSyntax
import BursarLogs

/// The expectations of a test on a decision: any subset of its fields, in the format of `bursar eval`.
struct Expectation {
    let node: YAMLNode

    /// A difference between a decision and its expectation.
    struct Mismatch: Sendable {
        var path: String
        var expected: String
        var got: String
        var range: SourceRange
    }

    /// Short names for frequent fields.
    private static let shortcuts = ["code", "limit", "rule", "threshold", "action"]

    func mismatches(_ decision: JSONTree) -> [Mismatch] {
        var found: [Mismatch] = []
        if let outcome = node.scalar {
            compare(outcome, node.range, decision["outcome"], "outcome", &found)
            return found
        }
        for entry in node.entries ?? [] {
            if Self.shortcuts.contains(entry.name) {
                guard case .list(let reasons) = decision["reasons"] else { continue }
                compare(entry.value, reasons.first?[entry.name], entry.name, &found)
            } else {
                compare(entry.value, decision[entry.name], entry.name, &found)
            }
        }
        return found
    }

    private func compare(_ node: YAMLNode, _ value: JSONTree?, _ path: String, _ found: inout [Mismatch]) {
        switch node.content {
        case .scalar(let text, _): compare(text, node.range, value, path, &found)
        case .map(let entries):
            for entry in entries { compare(entry.value, value?[entry.name], "\(path).\(entry.name)", &found) }
        case .list(let nodes):
            guard case .list(let values) = value else {
                if nodes.isEmpty, value == nil { return }
                found.append(Mismatch(path: path, expected: "a list", got: Self.text(value), range: node.range))
                return
            }
            if nodes.isEmpty, !values.isEmpty {
                found.append(Mismatch(path: path, expected: "nothing", got: Self.text(value), range: node.range))
            }
            // The expected elements must occur in this order in the list.
            var next = 0
            for (index, element) in nodes.enumerated() {
                var position = next
                var nearest: [Mismatch]?
                while position < values.count {
                    var missed: [Mismatch] = []
                    compare(element, values[position], "\(path)[\(index)]", &missed)
                    if missed.isEmpty { break }
                    nearest = nearest ?? missed
                    position += 1
                }
                if position == values.count {
                    found +=
                        nearest ?? [
                            Mismatch(
                                path: "\(path)[\(index)]", expected: "an element", got: "nothing", range: element.range)
                        ]
                } else {
                    next = position + 1
                }
            }
        }
    }

    private func compare(
        _ text: String, _ range: SourceRange, _ value: JSONTree?, _ path: String, _ found: inout [Mismatch]
    ) {
        let got = Self.text(value)
        if text == got || (value == nil && (text == "none" || text.isEmpty)) || (got == "null" && text == "none") {
            return
        }
        // Numbers and money are compared by value: `8k` equals 8000, `$0.50` equals 0.5.
        if let expected = Self.number(text), let number = Self.number(got), expected == number { return }
        found.append(Mismatch(path: path, expected: text, got: got, range: range))
    }

    private static func number(_ text: String) -> Int64? {
        var scanner = TextScanner(text)
        if let money = try? scanner.money(), scanner.isAtEnd { return money.nanos }
        var plain = TextScanner("$" + text)
        if let decimal = try? plain.money(), plain.isAtEnd { return decimal.nanos }
        var counter = TextScanner(text)
        guard let count = try? counter.count(), counter.isAtEnd else { return nil }
        let (nanos, overflow) = count.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? nil : nanos
    }

    private static func text(_ value: JSONTree?) -> String {
        switch value {
        case nil: "nothing"
        case .null: "null"
        case .boolean(let flag): flag ? "true" : "false"
        case .number(let text), .string(let text): text
        case .list(let values): "[\(values.map(text).joined(separator: ", "))]"
        case .object(let entries): "{\(entries.map { "\($0.key): \(text($0.value))" }.joined(separator: ", "))}"
        }
    }
}
