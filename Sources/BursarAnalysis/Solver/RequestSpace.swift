import BursarPolicy
import BursarSyntax

/// All requests that an edition can receive, divided into finitely many cells by a set of conditions.
///
/// Attributes that depend on each other share a variable: a tenant's record determines its tier and group, a model
/// determines its class and provider, a feature is critical or not, and no request has more cached than input tokens.
package struct RequestSpace {
    /// Groups of attributes that share a variable.
    private enum Family: Hashable {
        case tenant, model, feature, prompt
        case single(Attribute)

        init(_ attribute: Attribute) {
            switch attribute {
            case .tenant, .tier, .group: self = .tenant
            case .model, .modelClass, .modelProvider: self = .model
            case .feature, .featureCritical: self = .feature
            case .inputTokens, .cachedTokens: self = .prompt
            default: self = .single(attribute)
            }
        }
    }

    let edition: Edition
    private let tenants: [TenantRecord]
    private(set) var variables: [[Cell]] = []
    private var families: [Family: Int] = [:]
    private var toolVariables: [Int] = []
    package private(set) var diagram: DecisionDiagram
    /// Computing the cells exceeded the bound, so every question is undecided.
    private var isTooLarge = false
    private var stepsLeft: Int
    /// The maximum number of independent attributes, which bounds the recursion of the diagram.
    private static let mostVariables = 512
    /// The comparisons of all conditions, without duplicates.
    private(set) var askedComparisons: [Condition] = []

    /// - Parameters:
    ///   - conditions: the conditions that the space distinguishes.
    ///   - separatesModels: gives each model of the catalog its own cell.
    ///   - models: names with their own cells, which replace the models of the catalog; one other name represents all others.
    package init(
        _ edition: Edition, _ tenants: [TenantRecord], conditions: some Sequence<Condition>,
        separatesModels: Bool = false, models: [String]? = nil, limit: Int = DecisionDiagram.defaultLimit,
        steps: Int = 20_000_000
    ) {
        stepsLeft = steps
        self.edition = edition
        self.tenants = tenants
        diagram = DecisionDiagram(cellCounts: [])
        var asked: [Family: [Condition]] = [.tenant: [], .model: []]
        var order: [Family] = [.tenant, .model]
        var tools: [Condition] = []
        func ask(_ family: Family, _ comparison: Condition) {
            if asked[family] == nil { order.append(family) }
            asked[family, default: []].append(comparison)
        }
        for condition in conditions {
            for comparison in condition.comparisons {
                guard let attribute = comparison.attribute else { continue }
                if attribute == .tools { tools.append(comparison) } else { ask(Family(attribute), comparison) }
            }
        }
        askedComparisons = unique(order.flatMap { asked[$0] ?? [] } + tools)
        for family in order {
            let comparisons = unique(asked[family] ?? [])
            families[family] = variables.count
            switch family {
            case .tenant: variables.append(tenantCells(comparisons))
            case .model:
                variables.append(
                    models.map { ($0 + [Self.otherModel]).map { Cell(values: [.model: .text($0)]) } }
                        ?? modelCells(comparisons, separatesModels))
            case .feature: variables.append(featureCells(comparisons))
            case .prompt: variables.append(promptCells(comparisons))
            case .single(let attribute): variables.append(cells(of: attribute, comparisons))
            }
        }
        if !tools.isEmpty {
            for name in distinct(representatives(tools, of: "tool"), by: tools, { Cell(tool: $0) }) {
                toolVariables.append(variables.count)
                // A request without the tool comes first, so that a witness names as few tools as possible.
                variables.append([Cell(), Cell(tool: name)])
            }
        }
        if variables.count > Self.mostVariables { isTooLarge = true }
        diagram = DecisionDiagram(
            cellCounts: variables.map(\.count), limit: limit, steps: isTooLarge ? 0 : stepsLeft)
    }

    /// The remaining steps for questions.
    var stepsLeftForQuestions: Int { diagram.stepsLeft }

    /// False if the steps are used up.
    private mutating func spend(_ steps: Int) -> Bool {
        guard !isTooLarge, steps <= stepsLeft else {
            isTooLarge = true
            return false
        }
        stepsLeft -= steps
        return true
    }

    private mutating func representatives(_ comparisons: [Condition], of name: String) -> [String] {
        let classes = TextClasses(comparisons)
        return spend(classes.steps) ? classes.representatives(of: name) : []
    }

    // MARK: - Cells

    private func unique(_ comparisons: [Condition]) -> [Condition] {
        var seen: Set<Condition> = []
        return comparisons.filter { seen.insert($0).inserted }
    }

    /// The first value of each class that the comparisons distinguish.
    private mutating func distinct<Value>(
        _ values: [Value], by comparisons: [Condition], _ cell: (Value) -> Cell
    ) -> [Value] {
        guard spend(values.count.multipliedSaturated(by: comparisons.count + 1)) else { return [] }
        let tests = comparisons.map(CellTest.init)
        var seen: Set<[Bool]> = []
        return values.filter { value in
            let cell = cell(value)
            return seen.insert(tests.map { $0.holds(cell) }).inserted
        }
    }

    private mutating func distinctCells(_ cells: [Cell], by comparisons: [Condition]) -> [Cell] {
        distinct(cells, by: comparisons) { $0 }
    }

    private mutating func texts(_ attribute: Attribute, _ comparisons: [Condition]) -> [String] {
        let own = comparisons.filter { $0.attribute == attribute }
        return distinct(representatives(own, of: attribute.plainName), by: own) {
            Cell(values: [attribute: .text($0)])
        }
    }

    private mutating func cells(of attribute: Attribute, _ comparisons: [Condition]) -> [Cell] {
        let present: [Cell]
        switch attribute.kind {
        case .text: present = texts(attribute, comparisons).map { Cell(values: [attribute: .text($0)]) }
        case .boolean: present = [true, false].map { Cell(values: [attribute: .boolean($0)]) }
        case .weekday:
            present = (1...7).map { Cell(values: [.weekday: .number($0)]) }
            return distinctCells(present, by: comparisons)
        case .number, .list:
            let domain: ClosedRange<Int64> = attribute == .hour ? 0...23 : 0...Self.largestCount
            present = numberRepresentatives(comparisons, in: domain).map { Cell(values: [attribute: .number($0)]) }
            if attribute == .hour { return distinctCells(present, by: comparisons) }
        }
        return distinctCells(present + [Cell()], by: comparisons)
    }

    /// Represents models that no catalog lists.
    static let otherModel = "other-model"

    /// The maximum value of a request's counts.
    static let largestCount: Int64 = 1_000_000_000_000_000

    private mutating func featureCells(_ comparisons: [Condition]) -> [Cell] {
        let critical = edition.policy.criticalFeatures
        // The name of a feature determines whether it is critical, so every relevant name is tried.
        var asked = comparisons.filter { $0.attribute == .feature }
        if comparisons.contains(where: { $0.attribute == .featureCritical }) {
            asked += critical.sorted().map { .text(.feature, .equals, $0) }
        }
        let names = representatives(asked, of: Attribute.feature.plainName)
        let cells = names.map { name in
            Cell(values: [.feature: .text(name), .featureCritical: .boolean(critical.contains(name))])
        }
        return distinctCells(cells + [Cell()], by: comparisons)
    }

    private mutating func promptCells(_ comparisons: [Condition]) -> [Cell] {
        func numbers(_ attribute: Attribute) -> [Int64] {
            numberRepresentatives(comparisons.filter { $0.attribute == attribute }, in: 0...Self.largestCount)
        }
        let inputs = numbers(.inputTokens)
        let cached = numbers(.cachedTokens)
        guard spend(inputs.count.multipliedSaturated(by: cached.count)) else { return [Cell()] }
        var cells = inputs.map { Cell(values: [.inputTokens: .number($0)]) }
        // The largest input count of a class allows the most cached tokens.
        let bounds = inputs.dropFirst().map { $0 - 1 } + [Self.largestCount]
        for (input, bound) in zip(inputs, bounds) {
            for part in cached where part <= bound {
                cells.append(Cell(values: [.inputTokens: .number(max(input, part)), .cachedTokens: .number(part)]))
            }
        }
        cells.append(Cell())
        cells.append(Cell(values: [.cachedTokens: .number(0)]))
        return distinctCells(cells, by: comparisons)
    }

    private mutating func modelCells(_ comparisons: [Condition], _ isSeparate: Bool) -> [Cell] {
        var cells = (edition.catalog?.models ?? []).map { model in
            var cell = Cell(values: [.model: .text(model.name)])
            if let name = model.modelClass { cell.values[.modelClass] = .text(name) }
            if let name = model.provider { cell.values[.modelProvider] = .text(name) }
            return cell
        }
        if isSeparate { return cells.isEmpty ? [Cell(values: [.model: .text(Self.otherModel)])] : cells }
        if edition.catalog == nil || edition.policy.allowsUnpriced {
            let listed = Set(edition.catalog?.models.map(\.name) ?? [])
            cells += texts(.model, comparisons).filter { !listed.contains($0) && edition.catalog?.model($0) == nil }
                .map { Cell(values: [.model: .text($0)]) }
        }
        let kept = distinctCells(cells, by: comparisons)
        return kept.isEmpty ? [Cell(values: [.model: .text(Self.otherModel)])] : kept
    }

    /// Records first, then unlisted tenants in each tier.
    private mutating func tenantCells(_ comparisons: [Condition]) -> [Cell] {
        let byTenant = comparisons.filter { $0.attribute == .tenant }
        let byGroup = comparisons.filter { $0.attribute == .group }
        let groups: [String?] = byGroup.isEmpty ? [nil] : texts(.group, comparisons).map { $0 } + [nil]
        var seen: Set<[AttributeKey]> = []
        var cells: [Cell] = []
        func add(_ tenant: String, _ tier: String, _ group: String?, isRecorded: Bool, hasTier: Bool) {
            var cell = Cell(values: [.tenant: .text(tenant), .tier: .text(tier)], isRecorded: hasTier)
            if let group { cell.values[.group] = .text(group) }
            let key = [
                AttributeKey.tier(tier), .asks(byTenant.map(cell.satisfies)), .asks(byGroup.map(cell.satisfies)),
            ]
            if seen.insert(key).inserted { cells.append(cell) }
        }
        let tiers = edition.tierNames
        let recorded = byTenant.isEmpty ? [] : Set(tenants.map(\.id))
        let names = texts(.tenant, comparisons).filter { !recorded.contains($0) }
        let asks = byTenant.count + byGroup.count + 1
        let steps = [names.count, groups.count, asks].reduce(tiers.count) { $0.multipliedSaturated(by: $1) }
        guard spend(steps) else { return [Cell()] }
        // Unlisted tenants represent each tier, because a request may name their tier.
        for tier in tiers {
            for name in names {
                for group in groups { add(name, tier, group, isRecorded: false, hasTier: false) }
            }
        }
        // If no condition tests the tenant, unlisted tenants represent all.
        let known = byTenant.isEmpty && byGroup.isEmpty && !tiers.isEmpty ? [] : tenants
        for record in known {
            let count = (record.tier == nil ? tiers.count : 1) * (record.group == nil ? groups.count : 1)
            guard spend(count.multipliedSaturated(by: asks)) else { break }
            let own = record.tier.map { tiers.contains($0) ? [$0] : [] } ?? tiers
            for tier in own {
                for group in record.group.map({ [$0] }) ?? groups {
                    add(record.id, tier, group, isRecorded: true, hasTier: record.tier != nil)
                }
            }
        }
        return cells.isEmpty ? [Cell(values: [.tenant: .text("other-tenant")])] : cells
    }

    private enum AttributeKey: Hashable {
        case tier(String)
        case asks([Bool])
    }

    // MARK: - Sets of requests

    /// The requests for which a condition is true.
    package func set(_ condition: Condition) throws(DecisionDiagram.TooLarge) -> DecisionDiagram.Node {
        switch condition {
        case .always: return .all
        case .never: return .none
        case .not(let inner): return try diagram.complement(try set(inner))
        case .all(let parts):
            var result = DecisionDiagram.Node.all
            for part in parts { result = try diagram.intersection(result, try set(part)) }
            return result
        case .any(let parts):
            var result = DecisionDiagram.Node.none
            for part in parts { result = try diagram.union(result, try set(part)) }
            return result
        case .contains, .isPresent(.tools):
            var result = DecisionDiagram.Node.none
            for variable in toolVariables {
                let cells = variables[variable]
                result = try diagram.union(result, try diagram.set(variable) { cells[$0].satisfies(condition) })
            }
            return result
        default:
            guard let attribute = condition.attribute, let variable = families[Family(attribute)] else { return .none }
            let cells = variables[variable]
            let test = CellTest(condition)
            try diagram.spend(test.steps)
            return try diagram.set(variable) { test.holds(cells[$0]) }
        }
    }

    /// The requests of tenants in these tiers.
    func set(tiers: Set<String>) throws(DecisionDiagram.TooLarge) -> DecisionDiagram.Node {
        try requests(.tenant) { cell in
            guard case .text(let tier) = cell.values[.tier] else { return false }
            return tiers.contains(tier)
        }
    }

    /// The requests for models with these names.
    func set(models: Set<String>) throws(DecisionDiagram.TooLarge) -> DecisionDiagram.Node {
        try requests(.model) { cell in
            guard case .text(let model) = cell.values[.model] else { return false }
            return models.contains(model)
        }
    }

    private func requests(
        _ family: Family, _ isIn: (Cell) -> Bool
    ) throws(DecisionDiagram.TooLarge) -> DecisionDiagram.Node {
        guard let variable = families[family] else { return .none }
        let cells = variables[variable]
        return try diagram.set(variable) { isIn(cells[$0]) }
    }

    /// The requests with some tool that passes the test.
    func set(withTool isMeant: (String) -> Bool) throws(DecisionDiagram.TooLarge) -> DecisionDiagram.Node {
        var result = DecisionDiagram.Node.none
        for variable in toolVariables where isMeant(variables[variable][1].tool ?? "") {
            result = try diagram.union(result, try diagram.set(variable) { $0 == 1 })
        }
        return result
    }

    // MARK: - Witnesses

    /// One request of a set.
    func witness(in node: DecisionDiagram.Node) -> WitnessRequest? {
        guard let chosen = diagram.example(in: node) else { return nil }
        var witness = WitnessRequest(edition)
        for (variable, cell) in chosen.sorted(by: { $0.key < $1.key }) { witness.take(variables[variable][cell]) }
        return witness
    }
}

extension Attribute {
    /// The attribute's name as part of a representative value.
    var plainName: String {
        if case .label(let key) = self { return key }
        return name.replacing(".", with: "-").replacing("_", with: "-")
    }
}
