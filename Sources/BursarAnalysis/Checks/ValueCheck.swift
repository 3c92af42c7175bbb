import BursarPolicy
import BursarSyntax

/// `rule/value`: a comparison with a value that the attribute never takes, mostly a misspelt one.
struct ValueCheck {
    static let rule = DiagnosticRule(
        "rule/value", .warning,
        title: "A condition compares with a value that never occurs",
        checks: "The attribute of a comparison can have the value that it is compared with.",
        why: "A misspelt tier or class makes a rule do nothing.",
        example: """
            when: tier == "fre"
            """,
        fix: "Correct the value. `bursar check --fix` replaces it by the nearest one.")

    private let edition: Edition
    private let set: PolicySet
    private let known: [Attribute: Values]

    /// The values that an attribute can take.
    private struct Values {
        let list: [String]
        let lookup: Set<String>

        init(_ list: [String]) {
            self.list = list
            lookup = Set(list)
        }
    }

    init(_ edition: Edition, _ set: PolicySet) {
        self.edition = edition
        self.set = set
        var known: [Attribute: Values] = [
            .tier: Values(edition.tierNames), .hour: Values((0...23).map(String.init)),
            .weekday: Values((1...7).map(String.init)),
        ]
        if let catalog = edition.catalog {
            if !edition.policy.allowsUnpriced { known[.model] = Values(catalog.models.map(\.name)) }
            known[.modelClass] = Values(Set(catalog.models.compactMap(\.modelClass)).sorted())
            known[.modelProvider] = Values(Set(catalog.models.compactMap(\.provider)).sorted())
        }
        self.known = known
    }

    /// Whether anything was found.
    func report(_ item: AskedCondition, _ diagnostics: inout Diagnostics) -> Bool {
        var found = false
        for term in set.sources.terms(at: item.source) {
            for comparison in term.condition.comparisons {
                guard let attribute = comparison.attribute, let known = known[attribute] else { continue }
                for value in strangers(comparison, known) {
                    found = true
                    diagnostics.add(finding(attribute, value, known.list, term.range, hasPlace: diagnostics.canSuggest))
                }
            }
        }
        return found
    }

    private func strangers(_ comparison: Condition, _ known: Values) -> [String] {
        switch comparison {
        case .text(_, .equals, let text): known.lookup.contains(text) ? [] : [text]
        case .text(_, let test, let text): known.list.contains { test.holds($0, text) } ? [] : [text]
        case .textIn(_, let list): list.filter { !known.lookup.contains($0) }
        case .number(_, .equal, let number): known.lookup.contains(String(number)) ? [] : [String(number)]
        case .numberIn(_, let list): list.map { String($0) }.filter { !known.lookup.contains($0) }
        default: []
        }
    }

    /// - Parameter hasPlace: of the first findings the value is looked up in the text, and the nearest known one.
    private func finding(
        _ attribute: Attribute, _ value: String, _ known: [String], _ term: SourceRange, hasPlace: Bool
    ) -> Diagnostic {
        let place = hasPlace ? set.sources.place(of: value, in: term) : nil
        var meant = hasPlace && attribute.kind == .text ? nearestName(to: value, among: known) : nil
        var message = "`\(attribute.name)` is never `\(value)`"
        if attribute == .model, let catalog = edition.catalog, let model = catalog.model(value) {
            meant = catalog[model].name
            message += ": a request for it is judged as `\(catalog[model].name)`"
        }
        let list = known.count <= 24 ? known.map { "`\($0)`" }.joined(separator: ", ") : nil
        return Diagnostic(
            Self.rule, message, at: place ?? term,
            help: meant == nil ? list.map { "it can be: \($0)" } : nil,
            fix: meant.flatMap { meant in place.map { .init("did you mean", replace: $0, with: meant) } })
    }
}
