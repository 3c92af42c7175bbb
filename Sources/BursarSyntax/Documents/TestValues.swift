/// What the values of one test say, read by the form of their fields.
package struct TestValues: Sendable {
    /// A name that must be one of the policy set.
    package struct Use: Sendable {
        package var kind: TestName
        package var name: Name
        /// The fields of requests that it is one of; otherwise of an expectation.
        package var isOfRequest: Bool
        /// The expectations that speak of this request.
        package var expected: [YAMLNode]
    }

    package var diagnostics = Diagnostics()
    package var uses: [Use] = []
    package var currencies: [Located<CurrencyMark>] = []

    /// Reads all values of a test.
    package init(_ test: TestDeclaration) {
        let ofSteps = test.steps.compactMap(\.expect)
        let ofCases = test.cases.compactMap(\.expect)
        read(test.request, expected: ofSteps + ofCases)
        for step in test.steps {
            read(step.request, expected: (step.expect.map { [$0] } ?? []) + ofCases)
            if let expect = step.expect { read(expectation: expect) }
            if let settle = step.settle { read(usage: settle) }
            for alert in step.alerts?.value ?? [] { use(.alert, alert) }
        }
        for variation in test.cases {
            read(variation.request, expected: variation.expect.map { [$0] } ?? ofSteps)
            if let expect = variation.expect { read(expectation: expect) }
        }
        for given in test.given + test.cases.flatMap(\.given) {
            if case .money(let money) = given.amount.value {
                currencies.append(Located(money.currency, at: given.amount.range))
            }
        }
        requireExpectation(test)
    }

    private mutating func use(_ kind: TestName, _ name: Name, ofRequest expected: [YAMLNode]? = nil) {
        uses.append(Use(kind: kind, name: name, isOfRequest: expected != nil, expected: expected ?? []))
    }

    private mutating func report(
        _ code: DiagnosticRule, _ message: String, at range: SourceRange, help: String? = nil
    ) {
        diagnostics.add(Diagnostic(code, message, at: range, help: help))
    }

    // MARK: - Parts of a test

    /// Each run of a test must expect something, or it passes whatever the policy does.
    private mutating func requireExpectation(_ test: TestDeclaration) {
        if test.steps.contains(where: { $0.expect != nil || $0.alerts != nil }) { return }
        if test.cases.isEmpty {
            report(
                .syntaxShape, "the test `\(test.name.value)` expects nothing, so it cannot fail", at: test.name.range,
                help: "write `expect: allow`, `expect: {outcome: deny, code: …}` or `alerts: […]`")
        }
        for variation in test.cases where variation.expect == nil {
            report(
                .syntaxShape, "this variation expects nothing, so it cannot fail", at: variation.range,
                help: "write `expect: allow`, or give `expect` to the test")
        }
    }

    private mutating func read(_ entries: [YAMLEntry], expected: [YAMLNode]) {
        for entry in entries {
            guard let field = TestFields.request.first(where: { $0.name == entry.name }) else {
                if let help = TestFields.recordOnly[entry.name] {
                    report(
                        .syntaxUnknownKey,
                        "`\(entry.name)` is known only after a request, so no decision depends on it",
                        at: entry.key.range, help: help)
                } else {
                    unknown(entry, "no request has a field `\(entry.name)`", TestFields.request)
                }
                continue
            }
            if case .name(let kind) = field.form, let name = text(entry.value, entry.name) {
                use(kind, name, ofRequest: expected)
            } else {
                read(entry.value, entry.name, field.form)
            }
        }
        let counts = Dictionary(entries.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        if let input = counts["input_tokens"], let cached = counts["cached_tokens"] { compare(cached, input) }
    }

    private mutating func read(usage entries: [YAMLEntry]) {
        if entries.isEmpty { return }
        for entry in entries {
            guard let field = TestFields.usage.first(where: { $0.name == entry.name }) else {
                unknown(entry, "`settle` has no field `\(entry.name)`", TestFields.usage)
                continue
            }
            read(entry.value, entry.name, field.form)
        }
        let counts = Dictionary(entries.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        if let input = counts["input_tokens"], let cached = counts["cached_tokens"] { compare(cached, input) }
    }

    /// Reports more cached tokens than input tokens, where both are written.
    private mutating func compare(_ cached: YAMLNode, _ input: YAMLNode) {
        guard let most = Self.count(input), let count = Self.count(cached), count > most else { return }
        report(
            .syntaxScalar, "`cached_tokens` is greater than `input_tokens`, of which they are a part",
            at: cached.range)
    }

    private mutating func read(expectation node: YAMLNode) {
        if node.isEmpty || node.entries?.isEmpty == true {
            report(
                .syntaxShape, "`expect` is empty, so the step cannot fail", at: node.range,
                help: "write an outcome, or fields of the decision")
        } else if node.scalar != nil {
            word(node, "outcome", TestFields.outcomes)
        } else {
            read(node, "expect", .map(TestFields.expectation))
        }
    }

    private mutating func unknown(_ entry: YAMLEntry, _ message: String, _ known: [TestField]) {
        let names = known.map(\.name)
        let near = nearestName(to: entry.name, among: names)
        diagnostics.add(
            Diagnostic(
                .syntaxUnknownKey, message, at: entry.key.range,
                help: near == nil ? "fields: " + names.joined(separator: ", ") : nil,
                fix: near.map { .init("did you mean", replace: entry.key.range, with: $0) }))
    }

    // MARK: - Values

    private mutating func read(_ node: YAMLNode, _ what: String, _ form: TestForm) {
        switch form {
        case .text: _ = text(node, what)
        case .name(let kind): if let name = text(node, what) { use(kind, name) }
        case .word(let words): word(node, what, words)
        case .count:
            scalar(node, what) { scanner throws(ScalarError) in
                let start = scanner.position
                guard try scanner.count("a count") <= Bounds.requestCount else {
                    throw scanner.error("a count is too large: at most 10^15", from: start)
                }
            }
        case .boolean:
            if node.scalar != "true", node.scalar != "false" {
                report(.syntaxScalar, "`\(what)` must be `true` or `false`", at: node.range)
            }
        case .instant:
            scalar(node, what) { scanner throws(ScalarError) in
                let start = scanner.position
                guard case .exact = try scanner.instant() else {
                    throw scanner.error(
                        "an instant needs a time", from: start, help: "as in 2026-06-01T09:00:00Z")
                }
            }
        case .money: money(node, what)
        case .decimal, .amount:
            scalar(node, what) { scanner throws(ScalarError) in _ = try scanner.expectedAmount("an amount") }
            if let text = node.scalar { noteCurrency(of: text, at: node.range) }
        case .texts(let kind): texts(node, what, kind)
        case .labels:
            guard let entries = node.entries else { return shape(node, "a map", what, "as in {project: atlas}") }
            for entry in entries { _ = text(entry.value, entry.name) }
        case .map(let fields): map(node, what, fields)
        case .list(let fields): list(node, what, fields)
        case .decision: map(node, what, TestFields.decision)
        }
    }

    private mutating func shape(_ node: YAMLNode, _ expected: String, _ what: String, _ help: String? = nil) {
        report(.syntaxShape, "`\(what)` must be \(expected), not \(node.shape)", at: node.range, help: help)
    }

    private mutating func scalar(
        _ node: YAMLNode, _ what: String, _ grammar: (inout TextScanner) throws(ScalarError) -> Void
    ) {
        var reader = NodeReader()
        _ = reader.scalar(node, what) { scanner throws(ScalarError) in try grammar(&scanner) }
        diagnostics.add(contentsOf: reader.diagnostics)
    }

    private mutating func text(_ node: YAMLNode, _ what: String) -> Name? {
        guard let text = node.scalar, !node.isEmpty else {
            shape(node, "text", what)
            return nil
        }
        return Located(text, at: node.range)
    }

    private mutating func word(_ node: YAMLNode, _ what: String, _ words: [String]) {
        guard let name = text(node, what), !words.contains(name.value) else { return }
        let near =
            TestFields.otherOutcomes[name.value].flatMap { words.contains($0) ? $0 : nil }
            ?? nearestName(to: name.value, among: words)
        diagnostics.add(
            Diagnostic(
                .syntaxScalar, "there is no \(what) `\(name.value)`", at: node.range,
                help: near == nil ? "\(what)s: " + words.joined(separator: ", ") : nil,
                fix: near.map { .init("did you mean", replace: node.range, with: $0) }))
    }

    /// Money with its currency: a bare number could be a count of anything.
    private mutating func money(_ node: YAMLNode, _ what: String) {
        if let text = node.scalar, Self.isPlainNumber(text) {
            report(
                .syntaxScalar, "`\(what)` is money, and `\(text)` has no currency", at: node.range,
                help: "write `$\(text)`, or the code of another currency as in `\(text) EUR`")
            return
        }
        scalar(node, what) { scanner throws(ScalarError) in _ = try scanner.money() }
        if let text = node.scalar { noteCurrency(of: text, at: node.range) }
    }

    private mutating func noteCurrency(of text: String, at range: SourceRange) {
        var scanner = TextScanner(text)
        guard let money = try? scanner.moneyIfPresent() else { return }
        currencies.append(Located(money.currency, at: range))
    }

    private mutating func texts(_ node: YAMLNode, _ what: String, _ kind: TestName?) {
        let elements: [YAMLNode]
        switch node.content {
        case .list(let nodes): elements = nodes
        case .scalar: elements = [node]
        case .map: return shape(node, "a list of texts", what)
        }
        for element in elements {
            guard let name = text(element, what) else { continue }
            if let kind { use(kind, name) }
        }
    }

    private mutating func map(_ node: YAMLNode, _ what: String, _ fields: [TestField]) {
        guard let entries = node.entries else {
            return shape(node, "a map", what, "fields: " + fields.map(\.name).joined(separator: ", "))
        }
        for entry in entries {
            guard let field = fields.first(where: { $0.name == entry.name }) else {
                let owner = what == "expect" || what == "shadow" ? "a decision" : "`\(what)` of a decision"
                unknown(entry, "\(owner) has no field `\(entry.name)`", fields)
                continue
            }
            if entry.value.isEmpty {
                report(
                    .syntaxShape, "`\(entry.name)` has no value", at: entry.key.range,
                    help: "write `none` where the field must be absent")
                continue
            }
            // `none`: the field is absent.
            if entry.value.scalar != "none" { read(entry.value, entry.name, field.form) }
        }
    }

    private mutating func list(_ node: YAMLNode, _ what: String, _ fields: [TestField]) {
        guard case .list(let elements) = node.content else {
            return shape(node, "a list", what, "as in [{…}], or [] for none")
        }
        for element in elements { map(element, what, fields) }
    }

    // MARK: - Reading what is known to be right

    package static func count(_ node: YAMLNode) -> Int64? {
        var scanner = TextScanner(node.scalar ?? "")
        guard let count = try? scanner.count(), scanner.isAtEnd else { return nil }
        return count
    }

    /// `0.1` or `5`, without currency, suffix and unit.
    private static func isPlainNumber(_ text: String) -> Bool {
        var scanner = TextScanner(text)
        return (try? scanner.digits("a number")) != nil && scanner.isAtEnd
    }
}

/// An amount that a test expects: its kind follows from how it is written.
package enum ExpectedAmount: Sendable, Hashable {
    /// Nano-units, with a currency.
    case money(Int64)
    /// `0.5` or `5`, as decisions print both: in 10^-9.
    case number(Int128)
    /// `8k`.
    case count(Int64)
}

extension TextScanner {
    package mutating func expectedAmount(_ what: String) throws(ScalarError) -> ExpectedAmount {
        let start = position
        if let money = try moneyIfPresent(what) { return .money(money.nanos) }
        let digits = try digits(what)
        if isAtEnd {
            guard digits.fraction.count <= 9 else {
                throw error("\(what) has at most 9 digits after the point", from: start)
            }
            let whole = try exact(Digits(whole: digits.whole, fraction: [], start: start), scale: 1, what)
            let part = try exact(
                Digits(whole: [0x30], fraction: digits.fraction, start: start), scale: Self.nanosPerUnit, what)
            return .number(Int128(whole) * Int128(Self.nanosPerUnit) + Int128(part))
        }
        position = start
        return .count(try count(what))
    }
}

/// What a request of a test really used.
package struct TestUsage: Sendable {
    package var inputTokens: Int64?
    package var cachedTokens: Int64?
    package var outputTokens: Int64?
    /// Nano-units.
    package var cost: Int64?
    package var hasFailed = false

    /// - Parameter entries: fields without a defect.
    package init(_ entries: [YAMLEntry]) {
        for entry in entries {
            switch entry.name {
            case "input_tokens": inputTokens = TestValues.count(entry.value)
            case "cached_tokens": cachedTokens = TestValues.count(entry.value)
            case "output_tokens": outputTokens = TestValues.count(entry.value)
            case "cost":
                var scanner = TextScanner(entry.value.scalar ?? "")
                cost = (try? scanner.money())?.nanos
            case "failed": hasFailed = entry.value.scalar == "true"
            default: break
            }
        }
    }
}
