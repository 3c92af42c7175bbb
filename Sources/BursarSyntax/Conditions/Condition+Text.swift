extension Condition {
    /// The condition in the syntax of the language. Parsing it gives the same condition without double negations.
    package var text: String { text(inside: nil) }

    private enum Operator { case and, or, not }

    private func text(inside outer: Operator?) -> String {
        switch self {
        case .always: return "true"
        case .never: return "false"
        case .not(let inner):
            switch inner {
            case .not(let innermost): return innermost.text(inside: outer)
            case .text(let attribute, .equals, let text):
                return Self.negatable("\(attribute.name) != \(Self.quoted(text))", outer)
            case .number(let attribute, .equal, let number):
                return Self.negatable("\(attribute.name) != \(number)", outer)
            case .booleanEquals(let attribute, let value):
                return Self.negatable("\(attribute.name) != \(value)", outer)
            default: return "!" + inner.text(inside: .not)
            }
        case .all(let parts): return Self.joined(parts, .and, inside: outer)
        case .any(let parts): return Self.joined(parts, .or, inside: outer)
        case .isPresent(let attribute): return "has(\(attribute.name))"
        case .boolean(let attribute): return attribute.name
        case .booleanEquals(let attribute, let value): return Self.negatable("\(attribute.name) == \(value)", outer)
        case .text(let attribute, .equals, let text):
            return Self.negatable("\(attribute.name) == \(Self.quoted(text))", outer)
        case .text(let attribute, let test, let text):
            return "\(attribute.name).\(test.rawValue)(\(Self.quoted(text)))"
        case .textIn(let attribute, let texts):
            return Self.negatable("\(attribute.name) in [\(texts.map(Self.quoted).joined(separator: ", "))]", outer)
        case .number(let attribute, let comparison, let number):
            return Self.negatable("\(attribute.name) \(comparison.rawValue) \(number)", outer)
        case .numberIn(let attribute, let numbers):
            return Self.negatable(
                "\(attribute.name) in [\(numbers.map { String($0) }.joined(separator: ", "))]", outer)
        case .contains(let attribute, .equals, let text):
            return Self.negatable("\(Self.quoted(text)) in \(attribute.name)", outer)
        case .contains(let attribute, let test, let text):
            return "\(attribute.name).exists(t, t.\(test.rawValue)(\(Self.quoted(text))))"
        }
    }

    private static func joined(_ parts: [Condition], _ connective: Operator, inside outer: Operator?) -> String {
        if parts.isEmpty { return connective == .and ? "true" : "false" }
        if parts.count == 1 { return parts[0].text(inside: outer) }
        let text = parts.map { $0.text(inside: connective) }.joined(separator: connective == .and ? " && " : " || ")
        return outer == nil || (outer == .or && connective == .and) ? text : "(\(text))"
    }

    private static func negatable(_ text: String, _ outer: Operator?) -> String { outer == .not ? "(\(text))" : text }

    private static func quoted(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
}
