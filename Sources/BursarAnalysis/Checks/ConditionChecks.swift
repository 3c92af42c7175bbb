import BursarPolicy
import BursarSyntax

/// A condition of an edition, with the tiers whose requests it is asked of.
struct AskedCondition {
    var condition: Condition
    var source: SourceRange
    var tiers: Set<String>

    static func all(of context: EditionContext) -> [AskedCondition] {
        let every = Set(context.edition.tierNames)
        var asked: [AskedCondition] = context.edition.policy.rules.compactMap { rule in
            rule.whenSource.map { AskedCondition(condition: rule.when, source: $0, tiers: every) }
        }
        var places: [SourceRange: Int] = [:]
        func add(_ condition: Condition?, _ source: SourceRange?, _ tier: String) {
            guard let condition, let source else { return }
            if let place = places[source] {
                asked[place].tiers.insert(tier)
            } else {
                places[source] = asked.count
                asked.append(AskedCondition(condition: condition, source: source, tiers: [tier]))
            }
        }
        for plan in context.allPlans {
            for limit in plan.limits where limit.weight == nil {
                add(limit.when, limit.whenSource, plan.tier)
                for action in limit.thresholds.flatMap(\.actions) { add(action.when, action.whenSource, plan.tier) }
            }
        }
        return asked
    }
}

/// `rule/never`, `rule/always`, `rule/value`: conditions of rules, limits and actions that no request satisfies, that every
/// request satisfies, or that compare with a value that the attribute never takes.
enum ConditionCheck: Check {
    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        for item in context.conditions {
            if ValueCheck.report(item, context.edition, context.set, &diagnostics) { continue }
            do throws(DecisionDiagram.TooLarge) {
                try report(item, context, context.space, &diagnostics)
            } catch {
                diagnostics.add(.notDecided("whether this condition can hold", at: item.source))
            }
        }
    }

    private static func report(
        _ item: AskedCondition, _ context: EditionContext, _ space: RequestSpace,
        _ diagnostics: inout Diagnostics
    ) throws(DecisionDiagram.TooLarge) {
        let domain = context.edition.tierNames.isEmpty ? .all : try space.set(tiers: item.tiers)
        let holds = try space.diagram.intersection(try space.set(item.condition), domain)
        if holds == .none {
            let core = try contradiction(in: item, domain, space)
            let places = context.set.sources.places(of: core, at: item.source)
            diagnostics.add(
                Diagnostic(
                    "rule/never", "no request satisfies this condition", severity: .warning, at: item.source,
                    notes: places.count > 1
                        ? places.enumerated().map { index, place in
                            .init(index == 0 ? "this …" : "… contradicts this", at: place)
                        } : [], help: "remove it, or mend the comparison that is wrong"))
        } else if try space.diagram.isSubset(domain, of: holds) {
            diagnostics.add(
                Diagnostic(
                    "rule/always", "every request satisfies this condition, so it says nothing", severity: .warning,
                    at: item.source, help: "leave `when` out, or mend the comparison that is wrong",
                    witness: space.witness(in: holds)?.json))
        }
    }

    /// The fewest parts of a conjunction that no request satisfies together.
    private static func contradiction(
        in item: AskedCondition, _ domain: DecisionDiagram.Node, _ space: RequestSpace
    ) throws(DecisionDiagram.TooLarge) -> [Condition] {
        var parts = item.condition.conjuncts
        var index = 0
        while index < parts.count, parts.count > 1 {
            var rest = parts
            rest.remove(at: index)
            let left = try space.diagram.intersection(try space.set(.all(rest)), domain)
            if left == .none { parts = rest } else { index += 1 }
        }
        return parts
    }
}

/// `rule/value`: a comparison with a value that the attribute never takes, mostly a misspelt one.
enum ValueCheck {
    /// Whether anything was found.
    static func report(
        _ item: AskedCondition, _ edition: Edition, _ set: PolicySet, _ diagnostics: inout Diagnostics
    ) -> Bool {
        var found = false
        for term in set.sources.terms(at: item.source) {
            for comparison in term.condition.comparisons {
                guard let attribute = comparison.attribute, let known = known(attribute, edition) else { continue }
                for value in strangers(comparison, known) {
                    found = true
                    diagnostics.add(finding(attribute, value, known, term.range, edition, set.sources))
                }
            }
        }
        return found
    }

    /// The values that an attribute can take; nil where it is open.
    private static func known(_ attribute: Attribute, _ edition: Edition) -> [String]? {
        switch attribute {
        case .tier: return edition.tierNames
        case .model, .modelClass, .modelProvider:
            guard let catalog = edition.catalog, attribute != .model || !edition.policy.allowsUnpriced else {
                return nil
            }
            switch attribute {
            case .model: return catalog.models.map(\.name)
            case .modelClass: return Array(Set(catalog.models.compactMap(\.modelClass))).sorted()
            default: return Array(Set(catalog.models.compactMap(\.provider))).sorted()
            }
        case .hour: return (0...23).map(String.init)
        case .weekday: return (1...7).map(String.init)
        default: return nil
        }
    }

    private static func strangers(_ comparison: Condition, _ known: [String]) -> [String] {
        switch comparison {
        case .text(_, let test, let text): known.contains { test.holds($0, text) } ? [] : [text]
        case .textIn(_, let list): list.filter { !known.contains($0) }
        case .number(_, .equal, let number): known.contains(String(number)) ? [] : [String(number)]
        case .numberIn(_, let list): list.map { String($0) }.filter { !known.contains($0) }
        default: []
        }
    }

    private static func finding(
        _ attribute: Attribute, _ value: String, _ known: [String], _ term: SourceRange, _ edition: Edition,
        _ sources: SourceMap
    ) -> Diagnostic {
        let place = sources.place(of: value, in: term)
        var meant = attribute.kind == .text ? nearestName(to: value, among: known) : nil
        var message = "`\(attribute.name)` is never `\(value)`"
        if attribute == .model, let catalog = edition.catalog, let model = catalog.model(value) {
            meant = catalog[model].name
            message += ": a request for it is judged as `\(catalog[model].name)`"
        }
        let list = known.count <= 24 ? known.map { "`\($0)`" }.joined(separator: ", ") : nil
        return Diagnostic(
            "rule/value", message, severity: .warning, at: place ?? term,
            help: meant == nil ? list.map { "it can be: \($0)" } : nil,
            fix: meant.flatMap { meant in place.map { .init("did you mean", replace: $0, with: meant) } })
    }
}

extension Condition {
    /// The parts of a conjunction.
    var conjuncts: [Condition] {
        if case .all(let parts) = self { parts.flatMap(\.conjuncts) } else { [self] }
    }
}

extension Diagnostic {
    /// What the solver's bound left open, said as such.
    static func notDecided(_ what: String, at range: SourceRange?) -> Diagnostic {
        Diagnostic(
            "rule/not-decided", "not decided: \(what); too many cases have to be told apart", severity: .note,
            at: range,
            help: "fewer literals of attributes that vary on their own make it decidable")
    }
}

extension SourceMap {
    /// The comparisons of a condition with their places; empty where the text is not a slice of the file.
    func terms(at range: SourceRange) -> [(condition: Condition, range: SourceRange)] {
        guard let file = self[range] else { return [] }
        var text = file.text(range)
        var shift = 0
        if let quote = text.utf8.first, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'"), text.utf8.count > 1 {
            text = String(text.dropFirst().dropLast())
            shift = 1
        }
        return ConditionParser.terms(of: text).map { ($0.condition, range.slice($0.lower + shift, $0.upper + shift)) }
    }

    /// The places of some parts of a condition.
    func places(of parts: [Condition], at range: SourceRange) -> [SourceRange] {
        let terms = terms(at: range)
        return parts.compactMap { part in terms.first { $0.condition == part }?.range }
    }

    /// A value without its quotation marks, inside a comparison.
    func place(of value: String, in range: SourceRange) -> SourceRange? {
        guard let file = self[range] else { return nil }
        let bytes = Array(file.text(range).utf8)
        let wanted = Array(value.utf8)
        guard !wanted.isEmpty, bytes.count >= wanted.count else { return nil }
        for start in 0...(bytes.count - wanted.count) where bytes[start..<start + wanted.count].elementsEqual(wanted) {
            let isQuoted =
                start > 0 && (bytes[start - 1] == UInt8(ascii: "\"") || bytes[start - 1] == UInt8(ascii: "'"))
            let isDigit = { (byte: UInt8) in byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
            let end = start + wanted.count
            let isWhole = (start == 0 || !isDigit(bytes[start - 1])) && (end == bytes.count || !isDigit(bytes[end]))
            if isQuoted || (value.allSatisfy(\.isNumber) && isWhole) { return range.slice(start, start + wanted.count) }
        }
        return nil
    }
}
