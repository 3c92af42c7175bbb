/// The severity of a finding.
package enum Severity: String, Sendable, Comparable, CaseIterable {
    case error, warning, note

    package static func < (left: Severity, right: Severity) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .error: 0
        case .warning: 1
        case .note: 2
        }
    }
}

/// A finding about the text of a policy set: its rule, a sentence, a position and help.
package struct Diagnostic: Sendable {
    /// A second place that takes part in the finding.
    package struct Note: Sendable {
        package var message: String
        package var range: SourceRange?

        package init(_ message: String, at range: SourceRange? = nil) {
            self.message = message
            self.range = range
        }
    }

    /// The text that should stand in place of a range.
    package struct Fix: Sendable {
        package var message: String
        package var range: SourceRange
        package var replacement: String

        package init(_ message: String, replace range: SourceRange, with replacement: String) {
            self.message = message
            self.range = range
            self.replacement = replacement
        }
    }

    package let rule: DiagnosticRule
    package var severity: Severity
    package var message: String
    package var range: SourceRange?
    /// The file when there is no place in it, such as one that cannot be read.
    package var path: String?
    package var notes: [Note]
    package var help: String?
    package var fix: Fix?
    /// A request, as a JSON object, that is decided as the finding says.
    package var witness: String?

    /// - Parameter isLesser: the finding matters less than most findings of its rule.
    package init(
        _ rule: DiagnosticRule, _ message: String, isLesser: Bool = false, at range: SourceRange?,
        notes: [Note] = [], help: String? = nil, fix: Fix? = nil, witness: String? = nil, path: String? = nil
    ) {
        self.rule = rule
        severity = isLesser ? rule.lesser ?? rule.severity : rule.severity
        self.message = shortened(message)
        self.range = range
        self.notes = notes
        self.help = help.map(shortened)
        self.fix = fix
        self.witness = witness
        self.path = path
    }
}

extension Diagnostic {
    /// Stable, such as `syntax/unknown-key`.
    package var code: String { rule.code }
}

/// A message without the middle of a value that is too long to read.
private func shortened(_ message: String) -> String {
    let bytes = message.utf8
    guard bytes.count > Bounds.messageBytes else { return message }
    return String(decoding: bytes.prefix(Bounds.messageBytes / 2), as: UTF8.self) + " … "
        + String(decoding: bytes.suffix(Bounds.messageBytes / 4), as: UTF8.self)
}

/// Gathers the findings of one run. Beyond `Bounds.diagnosticsKept` they are only counted.
package struct Diagnostics: Sendable {
    package private(set) var items: [Diagnostic] = []
    /// Findings that were not kept, by severity.
    package private(set) var omitted: [Severity: Int] = [:]

    package init() {}

    package var hasErrors: Bool { omitted[.error] != nil || items.contains { $0.severity == .error } }

    /// All findings, kept or not.
    package var count: Int { omitted.values.reduce(items.count, +) }

    /// Few enough findings so far that the nearest known name is worth a search.
    package var canSuggest: Bool { items.count < Bounds.suggestions }

    package mutating func add(_ diagnostic: Diagnostic) {
        if items.count < Bounds.diagnosticsKept {
            items.append(diagnostic)
        } else {
            omitted[diagnostic.severity, default: 0] += 1
        }
    }

    package mutating func add(contentsOf others: Diagnostics) {
        for item in others.items { add(item) }
        omitted.merge(others.omitted, uniquingKeysWith: +)
    }

    /// Gives findings the severity that the team chose for their code; nil takes them out.
    package mutating func setSeverities(_ severity: (Diagnostic) -> Severity?) {
        items = items.compactMap { item in
            guard let chosen = severity(item) else { return nil }
            var item = item
            item.severity = chosen
            return item
        }
    }

    /// By file and position, as written where two stand at one place; exact repeats are dropped.
    package func sorted() -> [Diagnostic] {
        struct Key: Hashable {
            var code: String
            var range: SourceRange?
            var message: String
        }
        var seen = Set<Key>()
        return items.enumerated()
            .sorted { left, right in
                let a = (left.element.range?.file ?? -1, left.element.range?.start ?? -1, left.offset)
                let b = (right.element.range?.file ?? -1, right.element.range?.start ?? -1, right.offset)
                return a < b
            }
            .map(\.element)
            .filter { seen.insert(Key(code: $0.code, range: $0.range, message: $0.message)).inserted }
    }
}
