/// Writes nodes with their comments, in source order.
struct Layout {
    private let source: SourceFile
    let comments: [Comment]
    private var nextComment = 0
    private(set) var bytes: [UInt8] = []

    init(_ source: SourceFile, _ comments: [Comment]) {
        self.source = source
        self.comments = comments
    }

    mutating func write(_ documents: [YAMLNode]) {
        for (index, document) in documents.enumerated() {
            if index > 0 {
                let separator = separator(before: Int(document.range.start))
                ownComments(before: separator, indent: 0, isFirst: true)
                append("---\n")
            }
            block(document, indent: 0, isFirst: true)
        }
        ownComments(before: .max, indent: 0, isFirst: bytes.isEmpty)
        while bytes.count > 1, bytes[bytes.count - 1] == 0x0A, bytes[bytes.count - 2] == 0x0A { bytes.removeLast() }
    }

    private mutating func append(_ text: String) { bytes += Array(text.utf8) }

    private func spaces(_ count: Int) -> String { String(repeating: " ", count: count) }

    /// The `---` before a document.
    private func separator(before start: Int) -> Int {
        var index = min(start, source.bytes.count) - 1
        while index >= 3 {
            let isDashes = source.bytes[index - 2...index].allSatisfy { $0 == UInt8(ascii: "-") }
            if isDashes, index == 2 || source.bytes[index - 3] == 0x0A { return index - 2 }
            index -= 1
        }
        return start
    }

    // MARK: - Comments

    /// Writes the comments on their own lines before a position.
    private mutating func ownComments(before start: Int, indent: Int, isFirst: Bool) {
        var isFirst = isFirst
        while nextComment < comments.count, comments[nextComment].start < start {
            if !isFirst, hasBlankLine(before: comments[nextComment].start) { append("\n") }
            append(spaces(indent) + comments[nextComment].text + "\n")
            nextComment += 1
            isFirst = false
        }
    }

    /// Writes the comment at the end of the line on which a value ends.
    private mutating func endOfLine(after end: Int) {
        if nextComment < comments.count, !comments[nextComment].isAlone, comments[nextComment].start >= end,
            source.lineIndex(at: end) == source.lineIndex(at: comments[nextComment].start)
        {
            append("  " + comments[nextComment].text)
            nextComment += 1
        }
        append("\n")
    }

    private func hasComments(in range: SourceRange) -> Bool {
        // Earlier comments have been written, so the next one decides.
        guard nextComment < comments.count else { return false }
        return comments[nextComment...].prefix { $0.start < Int(range.end) }.contains { $0.start > Int(range.start) }
    }

    private func hasBlankLine(before start: Int) -> Bool {
        var newlines = 0
        var index = start - 1
        while index >= 0, source.bytes[index] <= 0x20 {
            if source.bytes[index] == 0x0A { newlines += 1 }
            index -= 1
        }
        return newlines > 1
    }

    private mutating func leading(_ start: Int, indent: Int, isFirst: Bool) {
        let hasOwn = nextComment < comments.count && comments[nextComment].start < start
        ownComments(before: start, indent: indent, isFirst: isFirst)
        if !isFirst || hasOwn, hasBlankLine(before: start) { append("\n") }
    }

    // MARK: - Block style

    private mutating func block(_ node: YAMLNode, indent: Int, isFirst: Bool) {
        switch node.content {
        case .scalar:
            leading(Int(node.range.start), indent: indent, isFirst: isFirst)
            append(spaces(indent) + scalar(node, indent: indent))
            endOfLine(after: Int(node.range.end))
        case .map(let entries):
            for (index, entry) in entries.enumerated() {
                self.entry(entry, indent: indent, isFirst: isFirst && index == 0)
            }
        case .list(let nodes):
            for (index, element) in nodes.enumerated() {
                self.element(element, indent: indent, isFirst: isFirst && index == 0)
            }
        }
    }

    /// - Parameter isInline: the entry follows a `- ` that was already written.
    private mutating func entry(_ entry: YAMLEntry, indent: Int, isFirst: Bool, isInline: Bool = false) {
        if !isInline {
            leading(Int(entry.key.range.start), indent: indent, isFirst: isFirst)
            append(spaces(indent))
        }
        let key = text(entry.key)
        append(key + ":")
        value(entry.value, column: indent + key.count + 1, indent: indent, keyEnd: Int(entry.key.range.end) + 1)
    }

    private mutating func value(_ node: YAMLNode, column: Int, indent: Int, keyEnd: Int) {
        if node.isEmpty { return endOfLine(after: keyEnd) }
        if let flow = inline(node, column: column + 1) {
            append(" " + flow)
            return endOfLine(after: Int(node.range.end))
        }
        if case .scalar = node.content {
            append(" " + scalar(node, indent: indent))
            return endOfLine(after: Int(node.range.end))
        }
        endOfLine(after: keyEnd)
        block(node, indent: indent + 2, isFirst: true)
    }

    private mutating func element(_ node: YAMLNode, indent: Int, isFirst: Bool) {
        leading(Int(node.range.start), indent: indent, isFirst: isFirst)
        append(spaces(indent) + "-")
        if let flow = inline(node, column: indent + 2) {
            append(node.isEmpty ? "" : " " + flow)
            return endOfLine(after: Int(node.range.end))
        }
        switch node.content {
        case .map(let entries):
            append(" ")
            for (index, entry) in entries.enumerated() {
                self.entry(entry, indent: indent + 2, isFirst: false, isInline: index == 0)
            }
        case .scalar:
            append(" " + scalar(node, indent: indent))
            endOfLine(after: Int(node.range.end))
        case .list:
            append("\n")
            block(node, indent: indent + 2, isFirst: true)
        }
    }

    // MARK: - One line

    /// The value as one line that starts at a column; nil if it needs several lines.
    private func inline(_ node: YAMLNode, column: Int) -> String? {
        switch node.content {
        case .scalar(let text, let style):
            if style == .literal || style == .folded { return nil }
            return text.contains("\n") && style == .plain ? nil : scalar(node, indent: 0)
        case .list(let nodes) where nodes.isEmpty: return "[]"
        case .map(let entries) where entries.isEmpty: return "{}"
        case .list, .map:
            guard node.isFlow, !hasComments(in: node.range), let text = flow(node) else { return nil }
            guard text.utf8.count <= 4 * PolicyFormatter.width else { return nil }
            return column + text.count <= PolicyFormatter.width ? text : nil
        }
    }

    /// A collection in brackets; nil if an element cannot be written there.
    private func flow(_ node: YAMLNode) -> String? {
        switch node.content {
        case .scalar(_, let style):
            return style == .literal || style == .folded ? nil : scalar(node, indent: 0)
        case .list(let nodes):
            let parts = nodes.compactMap(flow)
            return parts.count == nodes.count ? "[\(parts.joined(separator: ", "))]" : nil
        case .map(let entries):
            let parts = entries.compactMap { entry -> String? in
                if entry.value.isEmpty { return text(entry.key) + ": " }
                return flow(entry.value).map { "\(text(entry.key)): \($0)" }
            }
            return parts.count == entries.count ? "{\(parts.joined(separator: ", "))}" : nil
        }
    }

    // MARK: - Scalars

    private func text(_ node: YAMLNode) -> String { scalar(node, indent: 0) }

    /// The scalar as written, if it is one line.
    private func scalar(_ node: YAMLNode, indent: Int) -> String {
        guard case .scalar(let value, let style) = node.content else { return "" }
        if style == .literal || style == .folded { return textBlock(node, value, indent: indent) }
        let written = source.text(node.range)
        if !written.contains("\n") { return written }
        // YAML folds such lines into one.
        return style == .plain && !value.contains("\n") ? value : quoted(value)
    }

    /// A text block with its own header; `|` keeps every line unchanged.
    private func textBlock(_ node: YAMLNode, _ value: String, indent: Int) -> String {
        let lines = value.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let isSimple =
            value.hasSuffix("\n") && !value.hasSuffix("\n\n") && !value.hasPrefix(" ") && !value.hasPrefix("\n")
        guard isSimple else { return quoted(value) }
        let body = lines.dropLast().map { $0.isEmpty ? "" : spaces(indent + 2) + $0 }.joined(separator: "\n")
        return "|\n" + body
    }

    private func quoted(_ value: String) -> String {
        var json = JSONWriter()
        json.value(value)
        return json.text
    }
}
