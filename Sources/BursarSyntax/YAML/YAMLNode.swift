/// A value of a YAML document, with the place of its text.
public struct YAMLNode: Sendable {
    public enum Style: Sendable { case plain, singleQuoted, doubleQuoted, literal, folded }

    public enum Content: Sendable {
        case scalar(String, Style)
        case list([YAMLNode])
        case map([YAMLEntry])
    }

    public var content: Content
    public var range: SourceRange
    /// Written with `{…}` or `[…]`, where a comma ends a value.
    public var isFlow: Bool

    public init(_ content: Content, range: SourceRange, isFlow: Bool = false) {
        self.content = content
        self.range = range
        self.isFlow = isFlow
    }

    public var scalar: String? {
        if case .scalar(let text, _) = content { text } else { nil }
    }

    public var entries: [YAMLEntry]? {
        if case .map(let entries) = content { entries } else { nil }
    }

    /// A key without a value, as in `key:`, or a document without content.
    public var isEmpty: Bool {
        if case .scalar(let text, .plain) = content { text.isEmpty } else { false }
    }

    /// What the node is, for messages.
    public var shape: String {
        switch content {
        case .scalar: isEmpty ? "nothing" : "a single value"
        case .list: "a list"
        case .map: "a map"
        }
    }
}

public struct YAMLEntry: Sendable {
    public var key: YAMLNode
    public var value: YAMLNode

    /// The text of the key.
    public var name: String { key.scalar ?? "" }
    /// Key and value together.
    public var range: SourceRange {
        SourceRange(file: key.range.file, start: key.range.start, end: max(key.range.end, value.range.end))
    }
}
