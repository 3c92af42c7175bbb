/// A test of a policy set: requests in order, with expectations for each.
package struct TestDeclaration: Sendable {
    package var name: Name
    package var range: SourceRange
    /// The time of the first request; nil: when the newest version takes effect.
    package var at: Located<InstantLiteral>?
    /// Fields of every request of the test.
    package var request: [YAMLEntry] = []
    package var given: [GivenUsage] = []
    package var steps: [TestStep] = []
    /// Variations; the test runs once for each.
    package var cases: [TestCase] = []
}

/// The usage of a limit before the first request.
package struct GivenUsage: Sendable {
    package enum Amount: Sendable {
        case money(MoneyLiteral)
        /// With the unit if it was written.
        case count(Int64, Unit?)
        /// A fraction without a currency, which no limit counts.
        case fraction
    }

    package var limit: Name
    package var amount: Located<Amount>
}

package struct TestStep: Sendable {
    package enum Time: Sendable {
        case instant(InstantLiteral)
        /// Microseconds after the previous step.
        case after(Int64)
    }

    package var range: SourceRange
    package var at: Located<Time>?
    package var request: [YAMLEntry] = []
    package var times: Int64 = 1
    /// Microseconds between repetitions.
    package var spacing: Located<Int64>?
    package var expect: YAMLNode?
    /// The actual usage of the request.
    package var settle: [YAMLEntry]?
    package var isReleased = false
    /// The names of the expected alerts; nil: any.
    package var alerts: Located<[Name]>?
}

package struct TestCase: Sendable {
    package var name: Name?
    package var range: SourceRange
    package var request: [YAMLEntry]
    package var given: [GivenUsage]
    package var expect: YAMLNode?
}

extension NodeReader {
    mutating func tests(_ node: YAMLNode) -> [TestDeclaration] {
        guard let map = map(node, "a tests document", keys: Keys.tests.names), let tests = map["tests"] else {
            return []
        }
        return namedEntries(tests.value, "tests").compactMap { test($0) }
    }

    private mutating func test(_ entry: YAMLEntry) -> TestDeclaration? {
        guard let name = freeName(entry.key, "the name of a test"),
            let map = map(
                entry.value, "a test",
                keys: Keys.test.names)
        else { return nil }
        var test = TestDeclaration(name: name, range: entry.range)
        if let node = map["given"]?.value { test.given = given(node) }
        if let node = map["description"]?.value { _ = text(node, "description") }
        if let steps = map["steps"] {
            if let node = map["at"]?.value {
                test.at = scalar(node, "at") { scanner throws(ScalarError) in try scanner.instant() }
            }
            if let node = map["request"]?.value { test.request = fields(node, "request") }
            for key in ["repeat", "every", "expect", "settle", "release", "alerts"] {
                if let stray = map[key] {
                    report(
                        .syntaxUnknownKey, "`\(key)` belongs to a step where a test has `steps`", at: stray.key.range
                    )
                }
            }
            test.steps = elements(steps.value, "steps", most: Bounds.testEntries).compactMap {
                step($0, allowed: Keys.step.names)
            }
        } else if let step = step(entry.value, allowed: Keys.test.names.filter { $0 != "steps" }) {
            test.steps = [step]
        }
        if let node = map["each"]?.value {
            test.cases = elements(node, "each", most: Bounds.testEntries).compactMap { testCase($0) }
        }
        checkSpan(test)
        if test.steps.isEmpty {
            report(.syntaxShape, "a test needs a `request`, or `steps`", at: entry.key.range)
            return nil
        }
        return test
    }

    /// Reports tests whose times span more than the maximum.
    private mutating func checkSpan(_ test: TestDeclaration) {
        var left = Bounds.testSpan
        for step in test.steps {
            var parts: [(duration: Int64, times: Int64, range: SourceRange)] = []
            switch step.at?.value {
            case .instant?: left = Bounds.testSpan
            case .after(let duration)?: parts.append((duration, 1, step.at?.range ?? step.range))
            case nil: break
            }
            if let spacing = step.spacing { parts.append((spacing.value, max(1, step.times) - 1, spacing.range)) }
            for part in parts {
                let (length, overflow) = part.duration.multipliedReportingOverflow(by: part.times)
                guard !overflow, length <= left else {
                    report(
                        .syntaxScalar,
                        "the steps of a test span at most \(Bounds.testSpan / (365 * Micros.day)) years",
                        at: part.range, help: "lower the duration or `repeat`, or begin a step `at` an instant")
                    return
                }
                left -= length
            }
        }
    }

    private mutating func step(_ node: YAMLNode, allowed: [String]) -> TestStep? {
        guard let map = map(node, "a step", keys: allowed) else { return nil }
        var step = TestStep(range: node.range)
        if let node = map["at"]?.value { step.at = time(node) }
        if let node = map["request"]?.value { step.request = fields(node, "request") }
        if let node = map["repeat"]?.value,
            let times = scalar(
                node, "repeat", { scanner throws(ScalarError) in try scanner.count("a number of times") })
        {
            step.times = times.value
            if times.value < 1 {
                report(.syntaxScalar, "a request is repeated at least once", at: times.range, help: "remove the step")
            }
            if times.value > Bounds.testRepeats {
                report(.syntaxScalar, "a request is repeated \(Bounds.testRepeats) times at most", at: times.range)
                step.times = Bounds.testRepeats
            }
        }
        if let node = map["every"]?.value {
            step.spacing = scalar(node, "every") { scanner throws(ScalarError) in try scanner.duration() }
            if map["repeat"] == nil {
                report(
                    .syntaxShape, "`every` has no effect without `repeat`", at: node.range,
                    help: "add `repeat: N`, or write `at: +5m` for a time after the step before")
            }
        }
        step.expect = map["expect"]?.value
        if let node = map["settle"]?.value { step.settle = fields(node, "settle") }
        if let node = map["alerts"]?.value { step.alerts = Located(texts(node, "alerts"), at: node.range) }
        if let node = map["release"]?.value { step.isReleased = boolean(node, "release")?.value ?? false }
        if step.isReleased, let settle = map["settle"] {
            report(
                .syntaxShape, "a request is settled or released, not both", at: settle.key.range,
                help: "remove `settle` or `release`")
        }
        return step
    }

    /// Parses `+5m`, or an instant.
    private mutating func time(_ node: YAMLNode) -> Located<TestStep.Time>? {
        scalar(node, "at") { scanner throws(ScalarError) -> TestStep.Time in
            if scanner.take("+") { return .after(try scanner.duration()) }
            if scanner.peek == UInt8(ascii: "-") {
                throw scanner.unexpected(
                    "a step cannot be before the step above it", help: "as in `+5m`, or an instant")
            }
            var plain = scanner
            if (try? plain.duration()) != nil, plain.isAtEnd {
                throw scanner.error(
                    "a time after the step before begins with `+`", from: 0,
                    help: "write `+\(scanner.text(0, scanner.bytes.count))`")
            }
            return .instant(try scanner.instant())
        }
    }

    private mutating func testCase(_ node: YAMLNode) -> TestCase? {
        guard let map = map(node, "a case", keys: Keys.testCase.names) else { return nil }
        return TestCase(
            name: map["name"].flatMap { text($0.value, "name") }, range: node.range,
            request: map["request"].map { fields($0.value, "request") } ?? [],
            given: map["given"].map { given($0.value) } ?? [], expect: map["expect"]?.value)
    }

    private mutating func fields(_ node: YAMLNode, _ what: String) -> [YAMLEntry] {
        guard let entries = node.entries else {
            shape(node, expected: "a map", for: what, help: "as in {tenant: acme, model: gpt-4o, input_tokens: 1000}")
            return []
        }
        return bounded(entries, Bounds.testFields, what, at: node.range)
    }

    private mutating func given(_ node: YAMLNode) -> [GivenUsage] {
        namedEntries(node, "given", most: Bounds.limits).compactMap { entry in
            guard let limit = text(entry.key, "the name of a limit") else { return nil }
            let amount = scalar(entry.value, "given") { scanner throws(ScalarError) in try scanner.givenAmount() }
            return amount.map { GivenUsage(limit: limit, amount: $0) }
        }
    }
}

extension TextScanner {
    /// `$5`, `40`, `8k tokens`.
    mutating func givenAmount() throws(ScalarError) -> GivenUsage.Amount {
        if let money = try moneyIfPresent() { return .money(money) }
        let start = position
        let digits = try digits("an amount")
        if isAtEnd, digits.fraction.contains(where: { $0 != UInt8(ascii: "0") }) { return .fraction }
        position = start
        let count = try count("an amount")
        skipSpaces()
        return .count(count, isAtEnd ? nil : try unit())
    }
}
