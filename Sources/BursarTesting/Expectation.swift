import BursarSyntax
import BursarLogs

/// The expectation of a test on a decision: an outcome, or any subset of its fields, in the format of `bursar eval`.
///
/// Its fields and values are valid.
struct Expectation {
    let node: YAMLNode

    /// A difference between a decision and its expectation.
    struct Mismatch: Sendable {
        var path: String
        var expected: String
        var got: String
        var range: SourceRange

        var message: String { "\(path): expected \(Self.brief(expected)), got \(Self.brief(got))" }

        /// A value as it fits into a message: a list of a decision may be long.
        private static func brief(_ text: String) -> String {
            let most = 400
            guard text.utf8.count > most else { return text }
            return String(decoding: text.utf8.prefix(most * 3 / 4), as: UTF8.self) + " … "
                + String(decoding: text.utf8.suffix(most / 4), as: UTF8.self)
        }
    }

    func mismatches(_ decision: JSONTree) -> [Mismatch] {
        var found: [Mismatch] = []
        if node.scalar != nil {
            compare(node, decision["outcome"], "outcome", .text, &found)
            return found
        }
        for entry in node.entries ?? [] {
            let form = Self.form(of: entry.name, in: TestFields.expectation)
            if TestFields.shortcuts.contains(entry.name) {
                guard case .list(let reasons) = decision["reasons"] else { continue }
                compare(entry.value, reasons.first?[entry.name], entry.name, form, &found)
            } else {
                compare(entry.value, decision[entry.name], entry.name, form, &found)
            }
        }
        return found
    }

    /// The expectation contains this code.
    func names(code: String) -> Bool { Self.names(code, in: node) }

    private static func names(_ code: String, in node: YAMLNode) -> Bool {
        switch node.content {
        case .scalar: false
        case .list(let nodes): nodes.contains { names(code, in: $0) }
        case .map(let entries):
            entries.contains { $0.name == "code" ? $0.value.scalar == code : names(code, in: $0.value) }
        }
    }

    private static func form(of name: String, in fields: [TestField]) -> TestForm {
        fields.first { $0.name == name }?.form ?? .text
    }

    private func compare(
        _ node: YAMLNode, _ value: JSONTree?, _ path: String, _ form: TestForm, _ found: inout [Mismatch]
    ) {
        guard found.count < Bounds.mismatches else { return }
        if node.scalar == "none" {
            if !Self.isAbsent(value) {
                found.append(Mismatch(path: path, expected: "none", got: Self.text(value), range: node.range))
            }
            return
        }
        switch (node.content, form) {
        case (.map(let entries), .map(let fields)): compare(entries, value, path, fields, &found)
        case (.map(let entries), .decision): compare(entries, value, path, TestFields.decision, &found)
        case (.map(let entries), .list(let fields)): compare(entries, value, path, fields, &found)
        case (.map(let entries), _): compare(entries, value, path, [], &found)
        case (.list(let nodes), .list(let fields)): compare(nodes, value, path, .map(fields), node.range, &found)
        case (.list(let nodes), _): compare(nodes, value, path, .text, node.range, &found)
        case (.scalar, .texts): compare([node], value, path, .text, node.range, &found)
        case (.scalar(let text, _), _):
            if Self.isEqual(text, value, form) { return }
            found.append(Mismatch(path: path, expected: text, got: Self.text(value), range: node.range))
        }
    }

    private func compare(
        _ entries: [YAMLEntry], _ value: JSONTree?, _ path: String, _ fields: [TestField], _ found: inout [Mismatch]
    ) {
        for entry in entries {
            compare(
                entry.value, value?[entry.name], "\(path).\(entry.name)", Self.form(of: entry.name, in: fields), &found)
        }
    }

    /// Each expected element must match an element of the list, in order.
    private func compare(
        _ nodes: [YAMLNode], _ value: JSONTree?, _ path: String, _ form: TestForm, _ range: SourceRange,
        _ found: inout [Mismatch]
    ) {
        guard case .list(let values) = value else {
            if nodes.isEmpty, value == nil { return }
            found.append(Mismatch(path: path, expected: "a list", got: Self.text(value), range: range))
            return
        }
        if nodes.isEmpty, !values.isEmpty {
            found.append(Mismatch(path: path, expected: "none", got: Self.text(value), range: range))
        }
        var next = 0
        for (index, element) in nodes.enumerated() {
            var position = next
            var nearest: [Mismatch]?
            while position < values.count {
                var missed: [Mismatch] = []
                compare(element, values[position], "\(path)[\(index)]", form, &missed)
                if missed.isEmpty { break }
                if missed.count < nearest?.count ?? .max { nearest = missed }
                position += 1
            }
            if position == values.count {
                found +=
                    nearest ?? [
                        Mismatch(
                            path: "\(path)[\(index)]", expected: "an element", got: "none", range: element.range)
                    ]
            } else {
                next = position + 1
            }
        }
    }

    // MARK: - Values

    private static func isAbsent(_ value: JSONTree?) -> Bool {
        switch value {
        case nil, .null: true
        case .list(let values): values.isEmpty
        case .string(let text): text == "none"
        default: false
        }
    }

    /// The value equals the expected one. Money and counts compare by value, instants by time.
    private static func isEqual(_ expected: String, _ value: JSONTree?, _ form: TestForm) -> Bool {
        let got = text(value)
        switch form {
        case .count:
            var scanner = TextScanner(expected)
            guard let count = try? scanner.count(), scanner.isAtEnd, case .number = value else { return false }
            return String(count) == got
        case .decimal, .money, .amount: return isEqual(amount: expected, value)
        case .instant:
            guard let wanted = instant(expected), let time = instant(got) else { return false }
            return wanted == time
        default: return value != nil && expected == got
        }
    }

    private static func isEqual(amount expected: String, _ value: JSONTree?) -> Bool {
        var scanner = TextScanner(expected)
        guard let wanted = try? scanner.expectedAmount("an amount"), scanner.isAtEnd else { return false }
        switch (wanted, value) {
        case (.money(let nanos), .string(let text)): return number(text) == Int128(nanos)
        case (.number(let scaled), .string(let text)), (.number(let scaled), .number(let text)):
            return number(text) == scaled
        case (.count(let count), .number(let text)): return text == String(count)
        default: return false
        }
    }

    /// A decimal of a decision in 10^-9.
    private static func number(_ text: String) -> Int128? {
        let isNegative = text.hasPrefix("-")
        var scanner = TextScanner(isNegative ? String(text.dropFirst()) : text)
        guard case .number(let scaled)? = try? scanner.expectedAmount("an amount"), scanner.isAtEnd else { return nil }
        return isNegative ? -scaled : scaled
    }

    private static func instant(_ text: String) -> Int64? {
        var scanner = TextScanner(text)
        guard case .exact(let micros)? = try? scanner.instant(), scanner.isAtEnd else { return nil }
        return micros
    }

    private static func text(_ value: JSONTree?) -> String {
        switch value {
        case nil, .null: "none"
        case .boolean(let flag): flag ? "true" : "false"
        case .number(let text), .string(let text): text
        case .list(let values): "[\(values.map(text).joined(separator: ", "))]"
        case .object(let entries): "{\(entries.map { "\($0.key): \(text($0.value))" }.joined(separator: ", "))}"
        }
    }
}
