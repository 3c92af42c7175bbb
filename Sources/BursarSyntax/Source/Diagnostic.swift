/// The severity of a diagnostic.
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

/// A finding about the text of a policy set: rule, message, position and help.
package struct Diagnostic: Sendable {
    /// A second position that the finding refers to.
    package struct Note: Sendable {
        package var message: String
        package var range: SourceRange?

        package init(_ message: String, at range: SourceRange? = nil) {
            self.message = message
            self.range = range
        }
    }

    /// A replacement for a range of text.
    package struct Fix: Sendable {
        package var message: String
        package var range: SourceRange
        package var replacement: String

        /// The message of a fix that replaces a misspelt name.
        static let didYouMean = "did you mean"

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
    /// The file, for a finding without a position, such as an unreadable file.
    package var path: String?
    package var notes: [Note]
    package var help: String?
    package var fix: Fix?
    /// A request, as a JSON object, that demonstrates the finding.
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
    /// A stable code such as `syntax/unknown-key`.
    package var code: String { rule.code }
}

/// Shortens a message by cutting the middle of a long value.
private func shortened(_ message: String) -> String {
    let bytes = message.utf8
    guard bytes.count > Bounds.messageBytes else { return message }
    return String(decoding: bytes.prefix(Bounds.messageBytes / 2), as: UTF8.self) + " … "
        + String(decoding: bytes.suffix(Bounds.messageBytes / 4), as: UTF8.self)
}

/// Collects the findings of one run. Beyond `Bounds.diagnosticsKept` it only counts them.
package struct Diagnostics: Sendable {
    package private(set) var items: [Diagnostic] = []
    /// The number of findings that were not stored, by severity.
    package private(set) var omitted: [Severity: Int] = [:]

    package init() {}

    package var hasErrors: Bool { omitted[.error] != nil || items.contains { $0.severity == .error } }

    /// The number of findings, stored or not.
    package var count: Int { omitted.values.reduce(items.count, +) }

    /// The number of findings is small enough to search for the nearest known name.
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

    /// Sets the severity of each finding; nil removes it.
    package mutating func setSeverities(_ severity: (Diagnostic) -> Severity?) {
        items = items.compactMap { item in
            guard let chosen = severity(item) else { return nil }
            var item = item
            item.severity = chosen
            return item
        }
    }

    /// The findings by file and position, in their original order at the same position, without duplicates.
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
