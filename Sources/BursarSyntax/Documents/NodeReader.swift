/// Reads typed values from nodes. It reports mismatches and continues.
struct NodeReader {
    var diagnostics = Diagnostics()

    mutating func report(_ rule: DiagnosticRule, _ message: String, at range: SourceRange, help: String? = nil) {
        diagnostics.add(Diagnostic(rule, message, at: range, help: help))
    }

    mutating func shape(_ node: YAMLNode, expected: String, for what: String, help: String? = nil) {
        report(.syntaxShape, "\(what) must be \(expected), not \(node.shape)", at: node.range, help: help)
    }

    /// The elements of a list; if the list exceeds the bound, reports it and returns the first ones.
    mutating func bounded<Element>(
        _ elements: [Element], _ most: Int, _ what: String, at range: SourceRange
    ) -> [Element] {
        guard elements.count > most else { return elements }
        report(
            .syntaxBound, "\(what): \(elements.count) entries, and at most \(most) are allowed", at: range,
            help: "split it, or replace entries that differ in a name alone by a pattern or a condition")
        return Array(elements.prefix(most))
    }

    /// The nearest known name; nil after many findings, because the search is slow.
    func nearest(_ name: String, among known: [String]) -> String? {
        diagnostics.canSuggest ? nearestName(to: name, among: known) : nil
    }

    // MARK: - Maps

    /// The values of a map by key, after checking that every key is one of `keys`.
    mutating func map(_ node: YAMLNode, _ what: String, keys: [String], required: [String] = []) -> [String: YAMLEntry]?
    {
        guard let entries = node.entries else {
            shape(node, expected: "a map", for: what, help: "keys: " + keys.joined(separator: ", "))
            return nil
        }
        var values: [String: YAMLEntry] = [:]
        for entry in entries {
            guard keys.contains(entry.name) else {
                unknownKey(entry, in: node, what, keys)
                continue
            }
            if values[entry.name] == nil { values[entry.name] = entry }
        }
        for key in required where values[key] == nil {
            let place = entries.first?.key.range ?? node.range
            report(.syntaxShape, "\(what) needs the key `\(key)`", at: place)
        }
        return values
    }

    private mutating func unknownKey(_ entry: YAMLEntry, in map: YAMLNode, _ what: String, _ keys: [String]) {
        if entry.key.scalar == "<<" { return }
        if map.isFlow, entry.value.isEmpty, nearest(entry.name, among: keys) == nil {
            let digits = entry.name.first.map { $0.isNumber } ?? false
            report(
                .syntaxUnknownKey,
                "a comma inside `{…}` ends a value, so `\(entry.name)` is read as a key of \(what)",
                at: entry.key.range,
                help: digits
                    ? "`_` groups digits: $1_000" : "write a list ([a, b]), quote the whole value, or use block style")
            return
        }
        if keys.contains(where: { entry.name.hasPrefix($0 + ":") }) {
            report(
                .syntaxUnknownKey, "`\(entry.name)` is one key for YAML: a space must follow the colon",
                at: entry.key.range)
            return
        }
        if Keys.kinds[entry.name] != nil, keys.contains(where: { Keys.kinds[$0] != nil }) {
            report(
                .syntaxUnknownKey, "`\(entry.name)` begins a document of its own", at: entry.key.range,
                help: "put a line with `---` above it")
            return
        }
        let near = nearest(entry.name, among: keys)
        diagnostics.add(
            Diagnostic(
                .syntaxUnknownKey, "\(what) has no key `\(entry.name)`", at: entry.key.range,
                help: near == nil ? "keys: " + keys.joined(separator: ", ") : nil,
                fix: near.map { .init("did you mean", replace: entry.key.range, with: $0) }))
    }

    /// The entries of a map whose keys are names chosen by the policy.
    mutating func namedEntries(_ node: YAMLNode, _ what: String, most: Int = .max) -> [YAMLEntry] {
        if node.isEmpty { return [] }
        guard let entries = node.entries else {
            let first = Self.firstName(of: node)
            shape(
                node, expected: "a map from names", for: what,
                help: first.map { "write `\($0): …` without the leading `-`" } ?? "write `name: …` on a line of its own"
            )
            return []
        }
        var seen = Set<String>()
        // The reader has reported duplicate names; the first definition wins.
        let named = entries.filter { $0.key.scalar != nil && $0.name != "<<" && seen.insert($0.name).inserted }
        return bounded(named, most, what, at: node.range)
    }

    /// The first name in a list of maps, where a map from names belongs.
    private static func firstName(of node: YAMLNode) -> String? {
        guard case .list(let nodes) = node.content else { return nil }
        return nodes.first?.entries?.first?.name ?? nodes.first?.scalar
    }

    mutating func name(_ node: YAMLNode, _ what: String) -> Name? {
        scalar(node, what) { scanner throws(ScalarError) in try scanner.name(what) }
    }

    /// Reads any text that serves as a name.
    mutating func freeName(_ node: YAMLNode, _ what: String) -> Name? {
        guard let name = text(node, what) else { return nil }
        guard name.value.utf8.count <= Bounds.nameBytes else {
            report(.syntaxBound, "\(what) has at most \(Bounds.nameBytes) bytes", at: node.range)
            return nil
        }
        return name
    }

    // MARK: - Scalars

    /// Parses a value whose grammar must match the whole text.
    mutating func scalar<Value>(
        _ node: YAMLNode, _ what: String, rule: DiagnosticRule = .syntaxScalar,
        _ grammar: (inout TextScanner) throws(ScalarError) -> Value
    ) -> Located<Value>? {
        guard case .scalar(let text, let style) = node.content else {
            shape(node, expected: "a single value", for: what)
            return nil
        }
        guard !node.isEmpty else {
            report(.syntaxShape, "\(what) has no value", at: node.range)
            return nil
        }
        if style == .literal || style == .folded {
            report(
                rule, "\(what) cannot be a text block", at: node.range,
                help:
                    "a leading `>` or `|` begins a text block in YAML; write the value on one line, in quotes where needed"
            )
            return nil
        }
        if text.contains("\n") || Int(node.range.end - node.range.start) < text.utf8.count || text.utf8.isEmpty {
            report(rule, "\(what) must be on one line", at: node.range)
            return nil
        }
        var scanner = TextScanner(text)
        do throws(ScalarError) {
            let value = try grammar(&scanner)
            try scanner.expectEnd()
            return Located(value, at: node.range)
        } catch {
            add(error, rule: rule, text: text, style: style, node: node, what: what)
            return nil
        }
    }

    private mutating func add(
        _ error: ScalarError, rule: DiagnosticRule, text: String, style: YAMLNode.Style, node: YAMLNode, what: String
    ) {
        let place = ValueMap(text: text, style: style, range: node.range).range(error.lower, error.upper)
        diagnostics.add(Diagnostic(rule, "\(what): \(error.message)", at: place, help: error.help))
    }

    mutating func condition(_ node: YAMLNode, _ what: String) -> Located<Condition>? {
        guard case .scalar(let text, let style) = node.content else {
            shape(node, expected: "a condition", for: what, help: "quote a condition that begins with `[` or `{`")
            return nil
        }
        guard !text.isEmpty else {
            report(
                .syntaxCondition, "\(what) has no condition", at: node.range,
                help: "quote a condition that begins with `!`")
            return nil
        }
        do throws(ConditionError) {
            return Located(try ConditionParser.parse(text), at: node.range)
        } catch {
            add(error.error, rule: error.rule, text: text, style: style, node: node, what: what)
            return nil
        }
    }

    mutating func oneOf<Value: RawRepresentable & CaseIterable>(
        _ node: YAMLNode, _ what: String, _ type: Value.Type
    ) -> Value? where Value.RawValue == String {
        guard let text = node.scalar else {
            shape(node, expected: "a single value", for: what)
            return nil
        }
        if let value = Value(rawValue: text) { return value }
        let known = Value.allCases.map(\.rawValue)
        diagnostics.add(
            Diagnostic(
                .syntaxScalar, "\(what) cannot be `\(text)`", at: node.range,
                help: "one of: " + known.joined(separator: ", "),
                fix: nearest(text, among: known).map { .init("did you mean", replace: node.range, with: $0) }))
        return nil
    }

    /// Reads text without changes.
    mutating func text(_ node: YAMLNode, _ what: String) -> Name? {
        guard let text = node.scalar, !text.isEmpty else {
            shape(node, expected: "text", for: what)
            return nil
        }
        return Located(text, at: node.range)
    }

    mutating func boolean(_ node: YAMLNode, _ what: String) -> Located<Bool>? {
        switch node.scalar {
        case "true": return Located(true, at: node.range)
        case "false": return Located(false, at: node.range)
        default:
            report(.syntaxScalar, "\(what) must be `true` or `false`", at: node.range)
            return nil
        }
    }

    // MARK: - Lists

    /// The elements of a list; a single value counts as a list of one.
    mutating func elements(_ node: YAMLNode, _ what: String, most: Int = Bounds.listItems) -> [YAMLNode] {
        switch node.content {
        case .list(let nodes): return bounded(nodes, most, what, at: node.range)
        case .scalar:
            if node.isEmpty { shape(node, expected: "a list", for: what) }
            return node.isEmpty ? [] : [node]
        case .map:
            shape(node, expected: "a list", for: what)
            return []
        }
    }

    mutating func texts(_ node: YAMLNode, _ what: String) -> [Name] {
        elements(node, what).compactMap { freeName($0, what) }
    }

    mutating func patterns(
        _ node: YAMLNode, _ what: String, most: Int = Bounds.listItems
    ) -> [Located<Pattern>] {
        elements(node, what, most: most).compactMap { element in
            scalar(element, what) { scanner throws(ScalarError) in try scanner.pattern(what) }
        }
    }
}

/// Maps byte offsets in a value to byte offsets in the source text, so that the caret of a message points at the error.
struct ValueMap {
    private let base: SourceRange
    /// nil if the value is not a slice of its source.
    private let shift: Int?

    init(text: String, style: YAMLNode.Style, range: SourceRange) {
        base = range
        let length = Int(range.end - range.start)
        switch style {
        case .plain: shift = length == text.utf8.count ? 0 : nil
        case .singleQuoted, .doubleQuoted: shift = length == text.utf8.count + 2 ? 1 : nil
        case .literal, .folded: shift = nil
        }
    }

    func range(_ lower: Int, _ upper: Int) -> SourceRange {
        guard let shift else { return base }
        return base.slice(lower + shift, max(upper, lower + 1) + shift)
    }
}
