/// A value of a YAML document with its position.
package struct YAMLNode: Sendable {
    package enum Style: Sendable { case plain, singleQuoted, doubleQuoted, literal, folded }

    package enum Content: Sendable {
        case scalar(String, Style)
        case list([YAMLNode])
        case map([YAMLEntry])
    }

    package var content: Content
    package var range: SourceRange
    /// The value is in `{…}` or `[…]`, where a comma ends it.
    package var isFlow: Bool

    package init(_ content: Content, range: SourceRange, isFlow: Bool = false) {
        self.content = content
        self.range = range
        self.isFlow = isFlow
    }

    package var scalar: String? {
        if case .scalar(let text, _) = content { text } else { nil }
    }

    package var entries: [YAMLEntry]? {
        if case .map(let entries) = content { entries } else { nil }
    }

    /// The value is missing, as in `key:` or in a document without content.
    package var isEmpty: Bool {
        if case .scalar(let text, .plain) = content { text.isEmpty } else { false }
    }

    /// The kind of the node, for messages.
    package var shape: String {
        switch content {
        case .scalar: isEmpty ? "nothing" : "a single value"
        case .list: "a list"
        case .map: "a map"
        }
    }
}

package struct YAMLEntry: Sendable {
    package var key: YAMLNode
    package var value: YAMLNode

    /// The text of the key.
    package var name: String { key.scalar ?? "" }
    /// The range of key and value.
    package var range: SourceRange {
        SourceRange(file: key.range.file, start: key.range.start, end: max(key.range.end, value.range.end))
    }
}
