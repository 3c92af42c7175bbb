/// The reason why a condition is rejected. The rule distinguishes syntax errors from wrong attributes and types.
package struct ConditionError: Error {
    package var rule: DiagnosticRule
    package var error: ScalarError
}

/// A recursive-descent parser for conditions; `Grammar/bursar.ebnf` contains the grammar.
package struct ConditionParser {
    private var scanner: TextScanner
    private var depth = 0
    private var terms = 0
    private var values = 0
    private var comparisons: [Term] = []

    /// A comparison of a condition with its position in the text.
    package struct Term: Sendable {
        package var condition: Condition
        package var lower: Int
        package var upper: Int
    }

    /// The comparisons of a condition in source order, negated ones with their `!`; empty if the text does not parse.
    package static func terms(of text: String) -> [Term] {
        var parser = ConditionParser(scanner: TextScanner(text, isList: true))
        guard (try? parser.anyOf()) != nil else { return [] }
        return parser.comparisons
    }

    package static func parse(_ text: String) throws(ConditionError) -> Condition {
        var parser = ConditionParser(scanner: TextScanner(text, isList: true))
        let condition = try parser.anyOf()
        parser.skip()
        guard parser.scanner.isAtEnd else {
            throw parser.wrong("expected `&&`, `||` or the end", help: parser.operatorHelp)
        }
        return condition
    }

    private init(scanner: TextScanner) { self.scanner = scanner }

    private mutating func skip() {
        while let byte = scanner.peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
            scanner.position += 1
        }
    }

    private func wrong(_ message: String, help: String? = nil) -> ConditionError {
        ConditionError(rule: .syntaxCondition, error: scanner.unexpected(message, help: help))
    }

    private func wrong(_ message: String, from start: Int, rule: DiagnosticRule = .syntaxCondition, help: String? = nil)
        -> ConditionError
    {
        ConditionError(rule: rule, error: scanner.error(message, from: start, help: help))
    }

    /// Advice for operators of other languages.
    private var operatorHelp: String? {
        switch scanner.peek {
        case UInt8(ascii: "="): "equality is `==`"
        case UInt8(ascii: "&"): "and is `&&`"
        case UInt8(ascii: "|"): "or is `||`"
        case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "*"), UInt8(ascii: "/"): "conditions have no arithmetic"
        case UInt8(ascii: "?"): "conditions have no `? :`; write two rules"
        case UInt8(ascii: "a"): "and is `&&`"
        case UInt8(ascii: "o"): "or is `||`"
        default: nil
        }
    }

    private mutating func anyOf() throws(ConditionError) -> Condition {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Bounds.conditionDepth else {
            throw wrong("more than \(Bounds.conditionDepth) levels of nesting")
        }
        var parts = [try allOf()]
        while true {
            skip()
            guard scanner.take("||") else { break }
            parts.append(try allOf())
        }
        return parts.count == 1 ? parts[0] : .any(parts)
    }

    private mutating func allOf() throws(ConditionError) -> Condition {
        var parts = [try negation()]
        while true {
            skip()
            guard scanner.take("&&") else { break }
            parts.append(try negation())
        }
        return parts.count == 1 ? parts[0] : .all(parts)
    }

    private mutating func negation() throws(ConditionError) -> Condition {
        var isNegated = false
        skip()
        let start = scanner.position
        while scanner.peek == UInt8(ascii: "!"), scanner.peek(1) != UInt8(ascii: "=") {
            scanner.position += 1
            isNegated.toggle()
            skip()
        }
        let isGroup = scanner.peek == UInt8(ascii: "(")
        let inner = try primary()
        let condition = isNegated ? Condition.not(inner) : inner
        if !isGroup || isNegated {
            comparisons.append(Term(condition: condition, lower: start, upper: scanner.position))
        }
        return condition
    }

    private mutating func primary() throws(ConditionError) -> Condition {
        skip()
        terms += 1
        guard terms <= Bounds.conditionTerms else { throw wrong("more than \(Bounds.conditionTerms) comparisons") }
        if scanner.take("(") {
            let inner = try anyOf()
            skip()
            guard scanner.take(")") else { throw wrong("expected `)`") }
            return inner
        }
        let start = scanner.position
        if let byte = scanner.peek,
            byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") || byte == UInt8(ascii: "$") || isDigit(byte)
        {
            return try literalFirst()
        }
        if scanner.takeWords("true") { return try constant(true, from: start) }
        if scanner.takeWords("false") { return try constant(false, from: start) }
        if scanner.takeWords("has") {
            skip()
            guard scanner.take("(") else { throw wrong("expected `(`") }
            skip()
            let attribute = try self.attribute()
            skip()
            guard scanner.take(")") else { throw wrong("expected `)`") }
            return .isPresent(attribute)
        }
        if let method = try method() { return method }
        let attribute = try self.attribute()
        return try comparison(of: attribute, from: start)
    }

    private mutating func constant(_ value: Bool, from start: Int) throws(ConditionError) -> Condition {
        skip()
        guard let comparison = takeComparison() else { return value ? .always : .never }
        let literal = Literal(value: .boolean(value), start: start, end: scanner.position)
        let attribute = try attributeAfterLiteral()
        return try compare(attribute, mirrored(comparison), literal)
    }

    // MARK: - Attributes and literals

    private mutating func dottedName() -> (name: String, start: Int) {
        let start = scanner.position
        guard let first = scanner.peek, isLetter(first) || first == UInt8(ascii: "_") else { return ("", start) }
        while let byte = scanner.peek {
            if isWordByte(byte) {
                scanner.position += 1
            } else if byte == UInt8(ascii: "."), let next = scanner.peek(1), isWordByte(next) {
                scanner.position += 1
            } else {
                break
            }
        }
        return (scanner.text(start, scanner.position), start)
    }

    private mutating func attribute() throws(ConditionError) -> Attribute {
        let (name, start) = dottedName()
        guard !name.isEmpty else { throw wrong("expected an attribute, such as `tier` or `input_tokens`") }
        if name == "labels" {
            skip()
            guard scanner.take("[") else { throw wrong("expected `[\"name\"]` after `labels`") }
            skip()
            let key = try quotedText()
            skip()
            guard scanner.take("]") else { throw wrong("expected `]`") }
            return .label(key)
        }
        guard let attribute = Attribute.named[name] else {
            throw wrong(
                "there is no attribute `\(name)`", from: start, rule: .typeAttribute,
                help: Attribute.help(for: name))
        }
        return attribute
    }

    private struct Literal {
        enum Value { case text(String), number(Int64), boolean(Bool), money, percentage }
        var value: Value
        var start: Int
        var end: Int

        var kind: String {
            switch value {
            case .text: "text"
            case .number: "a number"
            case .boolean: "true or false"
            case .money: "money"
            case .percentage: "a percentage"
            }
        }
    }

    private mutating func quotedText() throws(ConditionError) -> String {
        guard let quote = scanner.peek, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
            throw wrong("expected text in quotation marks", help: "text is quoted: tier == \"free\"")
        }
        let start = scanner.position
        scanner.position += 1
        var bytes: [UInt8] = []
        while let byte = scanner.peek, byte != quote {
            if byte == UInt8(ascii: "\\") {
                scanner.position += 1
                guard let escaped = scanner.peek, escaped == quote || escaped == UInt8(ascii: "\\") else {
                    throw wrong("only `\\\\` and an escaped quotation mark are known after `\\`")
                }
                bytes.append(escaped)
            } else {
                bytes.append(byte)
            }
            scanner.position += 1
        }
        guard scanner.peek == quote else { throw wrong("this text has no closing quotation mark", from: start) }
        scanner.position += 1
        return String(decoding: bytes, as: UTF8.self)
    }

    private mutating func literal() throws(ConditionError) -> Literal {
        skip()
        let start = scanner.position
        guard let byte = scanner.peek else { throw wrong("expected a value") }
        if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
            let text = try quotedText()
            return Literal(value: .text(text), start: start, end: scanner.position)
        }
        if scanner.takeWords("true") { return Literal(value: .boolean(true), start: start, end: scanner.position) }
        if scanner.takeWords("false") { return Literal(value: .boolean(false), start: start, end: scanner.position) }
        guard byte == UInt8(ascii: "$") || isDigit(byte) || byte == UInt8(ascii: "-") else {
            if isLetter(byte) {
                let (name, start) = dottedName()
                let isAttribute = Attribute.named[name] != nil
                throw wrong(
                    isAttribute
                        ? "an attribute is compared with a value, not with another attribute"
                        : "`\(name)` is neither text in quotation marks nor a number",
                    from: start, help: isAttribute ? nil : "text is quoted: \"\(name)\"")
            }
            throw wrong("expected text in quotation marks or a number")
        }
        do {
            if try scanner.moneyIfPresent() != nil {
                return Literal(value: .money, start: start, end: scanner.position)
            }
            let number = try scanner.count("a number")
            if scanner.take("%") { return Literal(value: .percentage, start: start, end: scanner.position) }
            return Literal(value: .number(number), start: start, end: scanner.position)
        } catch {
            throw ConditionError(rule: .syntaxCondition, error: error)
        }
    }

    // MARK: - Comparisons

    private mutating func takeComparison() -> Condition.Comparison? {
        if scanner.take("==") { return .equal }
        if scanner.take("!=") { return .notEqual }
        if scanner.take("<=") { return .lessOrEqual }
        if scanner.take(">=") { return .greaterOrEqual }
        if scanner.take("<") { return .less }
        if scanner.take(">") { return .greater }
        return nil
    }

    private func mirrored(_ comparison: Condition.Comparison) -> Condition.Comparison {
        switch comparison {
        case .less: .greater
        case .lessOrEqual: .greaterOrEqual
        case .greater: .less
        case .greaterOrEqual: .lessOrEqual
        default: comparison
        }
    }

    /// Parses `"search:web" in tools`, or a comparison with the literal on the left.
    private mutating func literalFirst() throws(ConditionError) -> Condition {
        let literal = try literal()
        skip()
        if scanner.takeWords("in") {
            skip()
            let start = scanner.position
            let attribute = try self.attribute()
            guard attribute.kind == .list else {
                throw wrong(
                    "`in` looks into a list, and `\(attribute.name)` is \(attribute.kind.rawValue)", from: start,
                    rule: .typeComparison, help: "as in `\"search\" in tools` or `tier in [\"free\", \"pro\"]`")
            }
            guard case .text(let text) = literal.value else { throw typeError(attribute, literal) }
            return .contains(attribute, .equals, text)
        }
        guard let comparison = takeComparison() else {
            throw wrong("expected a comparison after a value", help: operatorHelp)
        }
        let attribute = try attributeAfterLiteral()
        return try compare(attribute, mirrored(comparison), literal)
    }

    private mutating func attributeAfterLiteral() throws(ConditionError) -> Attribute {
        skip()
        if let byte = scanner.peek, byte == UInt8(ascii: "\"") || isDigit(byte) || byte == UInt8(ascii: "$") {
            throw wrong("two values are compared; one side must be an attribute")
        }
        return try attribute()
    }

    private mutating func comparison(of attribute: Attribute, from start: Int) throws(ConditionError) -> Condition {
        skip()
        if scanner.takeWords("in") { return try membership(of: attribute) }
        guard let comparison = takeComparison() else {
            guard attribute.kind == .boolean else {
                if scanner.isAtEnd || scanner.peek == UInt8(ascii: ")") || scanner.peek == UInt8(ascii: "&")
                    || scanner.peek == UInt8(ascii: "|")
                {
                    throw wrong(
                        "`\(attribute.name)` is \(attribute.kind.rawValue) and must be compared with something",
                        from: start,
                        rule: .typeComparison, help: "as in `has(\(attribute.name))`, or with `==`")
                }
                throw wrong("expected a comparison", help: operatorHelp)
            }
            return .boolean(attribute)
        }
        return try compare(attribute, comparison, try literal())
    }

    private func typeError(_ attribute: Attribute, _ literal: Literal) -> ConditionError {
        ConditionError(
            rule: .typeComparison,
            error: ScalarError(
                "`\(attribute.name)` is \(attribute.kind.rawValue) and cannot be compared with \(literal.kind)",
                literal.start,
                literal.end))
    }

    private func compare(
        _ attribute: Attribute, _ comparison: Condition.Comparison, _ literal: Literal
    ) throws(ConditionError) -> Condition {
        switch (attribute.kind, literal.value) {
        case (.text, .text(let text)):
            switch comparison {
            case .equal: return .text(attribute, .equals, text)
            case .notEqual: return .not(.text(attribute, .equals, text))
            default: throw orderError(attribute, literal)
            }
        case (.boolean, .boolean(let value)):
            switch comparison {
            case .equal: return .booleanEquals(attribute, value)
            case .notEqual: return .not(.booleanEquals(attribute, value))
            default: throw orderError(attribute, literal)
            }
        case (.number, .number(let number)), (.weekday, .number(let number)):
            return numeric(attribute, comparison, number)
        case (.weekday, .text(let text)):
            guard let number = Weekday.number(text) else { throw weekdayError(literal) }
            return numeric(attribute, comparison, number)
        default: throw typeError(attribute, literal)
        }
    }

    private func numeric(_ attribute: Attribute, _ comparison: Condition.Comparison, _ number: Int64) -> Condition {
        // An absent attribute counts as false, and `!=` is the negation of `==`.
        comparison == .notEqual ? .not(.number(attribute, .equal, number)) : .number(attribute, comparison, number)
    }

    private func orderError(_ attribute: Attribute, _ literal: Literal) -> ConditionError {
        ConditionError(
            rule: .typeComparison,
            error: ScalarError(
                "`\(attribute.name)` has no order: only `==`, `!=` and `in` compare it", literal.start, literal.end))
    }

    private func weekdayError(_ literal: Literal) -> ConditionError {
        ConditionError(
            rule: .typeComparison,
            error: ScalarError(
                "this is not a day of the week", literal.start, literal.end,
                help: "days: " + Weekday.names.joined(separator: ", ") + ", or 1 (Monday) to 7"))
    }

    private mutating func membership(of attribute: Attribute) throws(ConditionError) -> Condition {
        skip()
        guard scanner.take("[") else {
            throw wrong("expected `[` and values", help: "as in `tier in [\"free\", \"pro\"]`")
        }
        var texts: [String] = []
        var numbers: [Int64] = []
        skip()
        if !scanner.take("]") {
            while true {
                let literal = try literal()
                values += 1
                guard values <= Bounds.conditionValues else {
                    throw wrong("more than \(Bounds.conditionValues) values in lists", from: literal.start)
                }
                switch (attribute.kind, literal.value) {
                case (.text, .text(let text)): texts.append(text)
                case (.number, .number(let number)), (.weekday, .number(let number)): numbers.append(number)
                case (.weekday, .text(let text)):
                    guard let number = Weekday.number(text) else { throw weekdayError(literal) }
                    numbers.append(number)
                default: throw typeError(attribute, literal)
                }
                skip()
                if scanner.take("]") { break }
                guard scanner.take(",") else { throw wrong("expected `,` or `]`") }
            }
        }
        switch attribute.kind {
        case .text: return .textIn(attribute, texts)
        case .number, .weekday: return .numberIn(attribute, numbers)
        default:
            throw wrong(
                "`in` does not apply to `\(attribute.name)`", from: scanner.position, rule: .typeComparison)
        }
    }

    // MARK: - Methods

    /// Parses `x.startsWith("..")`, `x.endsWith("..")` or `tools.exists(t, t.startsWith(".."))`. Consumes nothing if
    /// the text is something else.
    private mutating func method() throws(ConditionError) -> Condition? {
        let start = scanner.position
        let (name, _) = dottedName()
        guard let dot = name.utf8.lastIndex(of: UInt8(ascii: ".")), scanner.peek == UInt8(ascii: "(") else {
            if name == "labels" { return try labelMethod(from: start) }
            scanner.position = start
            return nil
        }
        let receiver = String(name[..<dot])
        let method = String(name[name.index(after: dot)...])
        guard let attribute = Attribute.named[receiver] else {
            throw wrong(
                "there is no attribute `\(receiver)`", from: start, rule: .typeAttribute,
                help: Attribute.help(for: receiver))
        }
        if method == "exists" { return try exists(attribute, from: start) }
        return try textMethod(method, of: attribute, from: start)
    }

    private mutating func labelMethod(from start: Int) throws(ConditionError) -> Condition? {
        scanner.position = start
        let attribute = try self.attribute()
        guard scanner.take(".") else {
            scanner.position = start
            return nil
        }
        let method = scanner.word()
        return try textMethod(method, of: attribute, from: start)
    }

    private mutating func textMethod(
        _ method: String, of attribute: Attribute, from start: Int
    ) throws(ConditionError) -> Condition {
        guard let test = Condition.TextTest(rawValue: method), test != .equals else {
            throw wrong(
                "there is no function `\(method)`", from: start, help: "known: startsWith, endsWith, exists, has")
        }
        guard attribute.kind == .text else {
            throw wrong(
                "`\(method)` looks at text, and `\(attribute.name)` is \(attribute.kind.rawValue)", from: start,
                rule: .typeComparison)
        }
        return .text(attribute, test, try argument())
    }

    private mutating func argument() throws(ConditionError) -> String {
        guard scanner.take("(") else { throw wrong("expected `(`") }
        skip()
        let text = try quotedText()
        skip()
        guard scanner.take(")") else { throw wrong("expected `)`") }
        return text
    }

    private mutating func exists(_ attribute: Attribute, from start: Int) throws(ConditionError) -> Condition {
        guard attribute.kind == .list else {
            throw wrong(
                "`exists` looks into a list, and `\(attribute.name)` is \(attribute.kind.rawValue)", from: start,
                rule: .typeComparison)
        }
        guard scanner.take("(") else { throw wrong("expected `(`") }
        skip()
        let variable = scanner.word()
        guard !variable.isEmpty else {
            throw wrong("expected a variable", help: "as in `tools.exists(t, t.startsWith(\"db:\"))`")
        }
        skip()
        guard scanner.take(",") else { throw wrong("expected `,`") }
        skip()
        guard scanner.word() == variable else { throw wrong("expected `\(variable)`") }
        skip()
        let condition: Condition
        if scanner.take("==") {
            skip()
            condition = .contains(attribute, .equals, try quotedText())
        } else {
            guard scanner.take(".") else {
                throw wrong("expected `.startsWith(\"…\")`, `.endsWith(\"…\")` or `== \"…\"`")
            }
            let word = scanner.word()
            guard let test = Condition.TextTest(rawValue: word), test != .equals else {
                throw wrong("expected startsWith or endsWith", from: start)
            }
            condition = .contains(attribute, test, try argument())
        }
        skip()
        guard scanner.take(")") else { throw wrong("expected `)`") }
        return condition
    }
}
