import BursarAnalysis
import BursarPolicy
import BursarSyntax
import RandomPolicies
import Testing

/// The solver against trying every request of a small world.
@Suite struct SolverTests {
    private static let policy = """
        policy: p
        version: 1
        features: {chat: {critical: true}, search: {}}
        catalog: c
        tiers: {t0: {}, t1: {}}
        ---
        catalog: c
        version: 1
        classes: [cheap, dear]
        models:
          ant: {class: dear, provider: even, price: {input: $1/1k, output: $1/1k}}
          bee: {class: dear, provider: odd, price: {input: $1/1k, output: $1/1k}}
          cat: {class: cheap, provider: even, price: {input: $1/1k, output: $1/1k}}
        """

    private func compiled() throws -> PolicySet {
        var diagnostics = Diagnostics()
        let file = SourceFile(path: "p.yaml", name: "p.yaml", bytes: Array(Self.policy.utf8))
        return try #require(Compiler.compile(DocumentLoader.read([file], diagnostics: &diagnostics), diagnostics).set)
    }

    /// Values that tell every comparison of the generator apart, each on its own.
    private static let world: [(Attribute, [AttributeValue?])] = [
        (.tenant, [.text("acme"), .text("x")]), (.tier, [.text("t0"), .text("t1")]),
        (.group, [.text("g1"), .text("x"), nil]),
        (.feature, [.text("chat"), .text("search"), .text("send"), .text("x"), nil]),
        (.user, [.text("u1"), .text("u2"), .text("x"), nil]), (.workspace, [.text("w1"), .text("x"), nil]),
        (.inputTokens, [.number(0), .number(10), .number(11), .number(20), .number(21), nil]),
        (.cachedTokens, [.number(0), .number(1), nil]), (.maxOutputTokens, [.number(14), .number(15), nil]),
        (.characters, [.number(7), .number(8), nil]), (.attempt, [.number(1), .number(2), .number(3), nil]),
        (.fallback, [.boolean(true), .boolean(false), nil]), (.hour, [.number(11), .number(12)]),
        (.weekday, [.number(1), .number(3), .number(6), .number(7)]),
        (.label("team"), [.text("red"), .text("blue"), .text("x"), nil]),
    ]

    private static let models: [[Attribute: AttributeValue]] = [
        [.model: .text("ant"), .modelClass: .text("dear"), .modelProvider: .text("even")],
        [.model: .text("bee"), .modelClass: .text("dear"), .modelProvider: .text("odd")],
        [.model: .text("cat"), .modelClass: .text("cheap"), .modelProvider: .text("even")],
    ]

    private static let tools = ["db:x", "pay:card", "x"]

    private func holds(_ condition: Condition, _ cell: Cell, _ tools: [String]) -> Bool {
        switch condition {
        case .always: true
        case .never: false
        case .not(let inner): !holds(inner, cell, tools)
        case .all(let parts): parts.allSatisfy { holds($0, cell, tools) }
        case .any(let parts): parts.contains { holds($0, cell, tools) }
        case .contains, .isPresent(.tools): tools.contains { Cell(tool: $0).satisfies(condition) }
        default: cell.satisfies(condition)
        }
    }

    /// Every request over the attributes that two conditions ask for.
    private func requests(_ attributes: Set<Attribute>, _ body: (Cell, [String]) -> Void) {
        var axes: [[[Attribute: AttributeValue]]] = []
        var asked = attributes
        if !asked.isDisjoint(with: [.model, .modelClass, .modelProvider]) { axes.append(Self.models) }
        if asked.contains(.featureCritical) { asked.insert(.feature) }
        for (attribute, values) in Self.world where asked.contains(attribute) {
            axes.append(values.map { value in value.map { [attribute: $0] } ?? [:] })
        }
        let toolSets: [[String]] =
            asked.contains(.tools)
            ? (0..<8).map { bits in Self.tools.enumerated().filter { bits >> $0.offset & 1 == 1 }.map(\.element) }
            : [[]]
        func walk(_ axis: Int, _ values: [Attribute: AttributeValue]) {
            guard axis < axes.count else {
                var cell = Cell(values: values)
                if case .text(let feature) = values[.feature] {
                    cell.values[.featureCritical] = .boolean(feature == "chat")
                }
                if case .number(let cached) = values[.cachedTokens] {
                    // No request has more cached than input tokens.
                    if asked.contains(.inputTokens) {
                        guard case .number(let input) = values[.inputTokens] ?? .number(0), cached <= input else {
                            return
                        }
                    }
                }
                for tools in toolSets { body(cell, tools) }
                return
            }
            for value in axes[axis] { walk(axis + 1, values.merging(value) { $1 }) }
        }
        walk(0, [:])
    }

    @Test func `emptiness, implication and overlap are what trying every request shows`() throws {
        let set = try compiled()
        var generator = RandomPolicies(random: SeededGenerator(seed: 77))
        var compared = 0
        var implications = 0
        while compared < 1_500 {
            let pair = [
                try ConditionParser.parse(generator.condition()), try ConditionParser.parse(generator.condition()),
            ]
            let attributes = pair[0].attributes.union(pair[1].attributes)
            let size = Self.world.filter { attributes.contains($0.0) }.reduce(1) { $0 * $1.1.count }
            guard size < 20_000 else { continue }
            compared += 1
            var never = true
            var always = true
            var implied = true
            var overlaps = false
            requests(attributes) { cell, tools in
                let first = holds(pair[0], cell, tools)
                let second = holds(pair[1], cell, tools)
                if first { never = false } else { always = false }
                if first, !second { implied = false }
                if first, second { overlaps = true }
            }
            let space = RequestSpace(set.editions[0], set.tenants, conditions: pair)
            let sets = try pair.map { try space.set($0) }
            let text = "\(pair[0].text) and \(pair[1].text)"
            #expect((sets[0] == .none) == never, "\(text)")
            #expect((sets[0] == .all) == always, "\(text)")
            #expect(try space.diagram.isSubset(sets[0], of: sets[1]) == implied, "\(text)")
            #expect((try space.diagram.intersection(sets[0], sets[1]) != .none) == overlaps, "\(text)")
            if implied { implications += 1 }
        }
        #expect(implications > 100)
    }

    @Test func `a condition's text parses to the condition`() throws {
        var generator = RandomPolicies(random: SeededGenerator(seed: 78))
        for _ in 0..<3_000 {
            let condition = try ConditionParser.parse(generator.condition())
            #expect(try ConditionParser.parse(condition.text) == condition.withoutDoubleNegation, "\(condition.text)")
        }
    }

    @Test func `too many nodes are an error and no guess`() throws {
        let set = try compiled()
        let condition = try ConditionParser.parse(
            "feature == \"a\" || user == \"b\" || input_tokens > 3 || attempt > 2")
        let space = RequestSpace(set.editions[0], set.tenants, conditions: [condition], limit: 4)
        #expect(throws: DecisionDiagram.TooLarge.self) { try space.set(condition) }
    }
}

extension Condition {
    fileprivate var withoutDoubleNegation: Condition {
        switch self {
        case .not(.not(let inner)): inner.withoutDoubleNegation
        case .not(let inner): .not(inner.withoutDoubleNegation)
        case .all(let parts): .all(parts.map(\.withoutDoubleNegation))
        case .any(let parts): .any(parts.map(\.withoutDoubleNegation))
        default: self
        }
    }
}
