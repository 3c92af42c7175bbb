import BursarPolicy
import BursarSyntax

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
