import BursarPolicy
import BursarSyntax

/// Writes a set of requests as a condition in the syntax of the language.
struct ConditionPrinter {
    private let space: RequestSpace
    /// The maximum count of omitted parts, because there may be exponentially many.
    private static let mostOmitted = 1_000

    static func print(_ set: DecisionDiagram.Node, _ space: RequestSpace, most: Int) -> (text: String, omitted: Int) {
        if set == .all { return ("true", 0) }
        if set == .none { return ("false", 0) }
        let printer = ConditionPrinter(space: space)
        var parts: [[(variable: Int, cells: [Int])]] = []
        var omitted = 0
        var path: [(variable: Int, cells: [Int])] = []
        _ = printer.walk(set, &path) { found in
            if parts.count < most { parts.append(found) } else { omitted += 1 }
            return omitted < mostOmitted
        }
        guard parts.allSatisfy({ $0.allSatisfy { printer.isPrintable($0.variable, $0.cells.count) } }) else {
            return ("…", omitted + parts.count)
        }
        let conditions = parts.map { part in
            Condition.all(part.map { printer.condition($0.variable, Set($0.cells)) })
        }
        let text = Condition.any(conditions).text
        return (omitted > 0 ? text + " || …" : text, omitted)
    }

    /// Visits every path through the diagram, and merges cells that lead to the same node. Returns false if `found`
    /// stopped it.
    private func walk(
        _ node: DecisionDiagram.Node, _ path: inout [(variable: Int, cells: [Int])],
        _ found: ([(variable: Int, cells: [Int])]) -> Bool
    ) -> Bool {
        guard let variable = space.diagram.variable(of: node) else {
            return node == .all ? found(path) : true
        }
        var groups: [DecisionDiagram.Node: [Int]] = [:]
        var order: [DecisionDiagram.Node] = []
        for cell in space.variables[variable].indices {
            let child = space.diagram.child(of: node, cell)
            if child == .none { continue }
            if groups[child] == nil { order.append(child) }
            groups[child, default: []].append(cell)
        }
        for child in order {
            path.append((variable, groups[child] ?? []))
            defer { path.removeLast() }
            guard walk(child, &path, found) else { return false }
        }
        return true
    }

    /// A condition that is true for exactly these cells of a variable.
    private func condition(_ variable: Int, _ wanted: Set<Int>) -> Condition {
        let cells = space.variables[variable]
        if cells.count == 2, let tool = cells[1].tool {
            let condition = space.toolCondition(tool)
            return wanted.contains(1) ? condition : .not(condition)
        }
        let tests = space.tests(variable)
        for test in tests {
            let holding = Set(cells.indices.filter { cells[$0].satisfies(test) })
            if holding == wanted { return test }
            if Set(cells.indices).subtracting(holding) == wanted { return .not(test) }
        }
        if let pair = pair(tests, cells, wanted) { return pair }
        let listed = folded(wanted.sorted().map { single($0, cells, tests) })
        if case .textIn = listed { return listed }
        let rest = Set(cells.indices).subtracting(wanted)
        if rest.count >= wanted.count { return listed }
        return .not(folded(rest.sorted().map { single($0, cells, tests) }))
    }

    /// The maximum number of comparisons that the search for a condition tries.
    private static let mostTried = 20_000_000

    private func isPrintable(_ variable: Int, _ wanted: Int) -> Bool {
        let cells = space.variables[variable].count
        return cells.multipliedSaturated(by: space.tests(variable).count).multipliedSaturated(
            by: 1 + min(wanted, cells - wanted))
            <= Self.mostTried
    }

    /// Merges several values of one attribute into a list.
    private func folded(_ parts: [Condition]) -> Condition {
        var values: [String] = []
        var attributes: Set<Attribute> = []
        for part in parts {
            guard case .text(let attribute, .equals, let value) = part else { return .any(parts) }
            attributes.insert(attribute)
            values.append(value)
        }
        guard parts.count > 1, attributes.count == 1, let attribute = attributes.first else { return .any(parts) }
        return .textIn(attribute, values)
    }

    /// Two tests whose conjunction selects the cells.
    private func pair(_ tests: [Condition], _ cells: [Cell], _ wanted: Set<Int>) -> Condition? {
        let signed = tests.flatMap { test -> [(Condition, Set<Int>)] in
            let holding = Set(cells.indices.filter { cells[$0].satisfies(test) })
            return [(test, holding), (.not(test), Set(cells.indices).subtracting(holding))]
        }
        guard signed.count <= 64 else { return nil }
        for (index, first) in signed.enumerated() where first.1.isSuperset(of: wanted) {
            for second in signed[(index + 1)...] where first.1.intersection(second.1) == wanted {
                return .all([first.0, second.0])
            }
        }
        return nil
    }

    /// The tests that separate one cell from all others, chosen greedily.
    private func single(_ cell: Int, _ cells: [Cell], _ tests: [Condition]) -> Condition {
        var others = Set(cells.indices).subtracting([cell])
        var parts: [Condition] = []
        while !others.isEmpty {
            var best: (condition: Condition, left: Set<Int>)?
            for test in tests {
                let holds = cells[cell].satisfies(test)
                let left = others.filter { cells[$0].satisfies(test) == holds }
                if left.count < (best?.left ?? others).count { best = (holds ? test : .not(test), left) }
            }
            guard let best else { break }
            parts.append(best.condition)
            others = best.left
        }
        return parts.count == 1 ? parts[0] : .all(parts)
    }
}

extension RequestSpace {
    /// The possible tests of a variable: each value with its own cell, and the comparisons of the policies.
    func tests(_ variable: Int) -> [Condition] {
        let attributes = Set(variables[variable].flatMap(\.values.keys)).sorted { $0.name < $1.name }
        var tests: [Condition] = []
        for attribute in attributes {
            let asked = askedComparisons.filter { $0.attribute == attribute }
            if attribute == .tier || attribute == .model {
                var names: [String] = []
                for cell in variables[variable] {
                    if case .text(let name) = cell.values[attribute], name != Self.otherModel, !names.contains(name) {
                        names.append(name)
                    }
                }
                tests += names.map { .text(attribute, .equals, $0) }
            }
            tests += literals(attribute, asked, variable).map { .text(attribute, .equals, $0) } + asked
        }
        return tests
    }

    /// The literals with their own cell.
    private func literals(_ attribute: Attribute, _ asked: [Condition], _ variable: Int) -> [String] {
        var all: [String] = []
        for case .textIn(_, let list) in asked { all += list }
        for case .text(_, .equals, let text) in asked { all.append(text) }
        let represented = variables[variable].compactMap { $0.values[attribute] }
        let signatures = Dictionary(grouping: Set(all)) { text in
            asked.map { Cell(values: [attribute: .text(text)]).satisfies($0) }
        }
        return signatures.values.filter { $0.count == 1 }.compactMap(\.first)
            .filter { represented.contains(.text($0)) }.sorted()
    }

    /// A test for the tools that this tool represents. Conditions cannot test for a tool that no condition names, so
    /// such a tool appears under the name of its representative, `other-tool`.
    func toolCondition(_ tool: String) -> Condition {
        let own = askedComparisons.filter { comparison in
            if case .contains = comparison { Cell(tool: tool).satisfies(comparison) } else { false }
        }
        let exact = Condition.contains(.tools, .equals, tool)
        return own.contains(exact) ? exact : own.first ?? exact
    }
}
