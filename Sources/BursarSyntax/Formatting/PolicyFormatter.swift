/// Formats policy files in one canonical layout and keeps order, comments and meaning. It compares the values of every
/// document before and after, and rejects a file that would lose anything.
package struct PolicyFormatter {
    /// The reason why a file was not formatted.
    package enum Failure: Error, Sendable {
        /// The file cannot be read; the findings state why.
        case unreadable([Diagnostic])
        /// The layout would change a value or lose a comment: a bug of the formatter.
        case wouldChange
    }

    /// The line width; a longer flow collection becomes a block.
    static let width = 120

    /// Returns the canonical text of a file.
    package static func format(_ source: SourceFile) throws(Failure) -> [UInt8] {
        let before = try read(source)
        if before.documents.isEmpty { return source.bytes }
        var layout = Layout(source, Comment.all(in: source.bytes, documents: before.documents))
        layout.write(before.documents)
        let bytes = layout.bytes
        let after = try read(SourceFile(path: source.path, name: source.name, bytes: bytes))
        guard after.documents.count == before.documents.count,
            zip(before.documents, after.documents).allSatisfy({ $0.hasSameValues(as: $1) }),
            Comment.all(in: bytes, documents: after.documents).map(\.text) == layout.comments.map(\.text)
        else { throw .wouldChange }
        return bytes
    }

    private static func read(_ source: SourceFile) throws(Failure) -> YAMLReader {
        var reader = YAMLReader(source, file: 0, nodeLimit: Bounds.yamlNodes)
        reader.read()
        // Unreadable text would be lost.
        guard !reader.isIncomplete, !reader.diagnostics.hasErrors else {
            throw .unreadable(reader.diagnostics.items)
        }
        return reader
    }
}

extension YAMLNode {
    fileprivate func hasSameValues(as other: YAMLNode) -> Bool {
        switch (content, other.content) {
        case (.scalar(let a, _), .scalar(let b, _)): a == b
        case (.list(let a), .list(let b)): a.count == b.count && zip(a, b).allSatisfy { $0.hasSameValues(as: $1) }
        case (.map(let a), .map(let b)):
            a.count == b.count
                && zip(a, b).allSatisfy { $0.name == $1.name && $0.value.hasSameValues(as: $1.value) }
        default: false
        }
    }
}

/// A comment with its position.
struct Comment {
    /// The text from `#` to the end of the line.
    var text: String
    var start: Int
    /// The comment is alone on its line.
    var isAlone: Bool

    /// All comments: each `#` at the start of a line or after a space that is not part of a value.
    static func all(in bytes: [UInt8], documents: [YAMLNode]) -> [Comment] {
        var values: [(start: Int, end: Int)] = []
        for document in documents { document.collectScalars(into: &values) }
        values.sort { $0.start < $1.start }
        var comments: [Comment] = []
        var value = 0
        var index = 0
        var lineStart = 0
        while index < bytes.count {
            while value < values.count, values[value].end <= index { value += 1 }
            if value < values.count, values[value].start <= index {
                if let newline = bytes[index..<values[value].end].lastIndex(of: 0x0A) { lineStart = newline + 1 }
                index = values[value].end
                continue
            }
            if bytes[index] == 0x0A { lineStart = index + 1 }
            if bytes[index] == UInt8(ascii: "#"), index == lineStart || bytes[index - 1] <= 0x20 {
                let end = bytes[index...].firstIndex(of: 0x0A) ?? bytes.count
                var text = String(decoding: bytes[index..<end], as: UTF8.self)
                while let last = text.last, last.isWhitespace { text.removeLast() }
                let isAlone = bytes[lineStart..<index].allSatisfy { $0 <= 0x20 }
                comments.append(Comment(text: text, start: index, isAlone: isAlone))
                index = end
                continue
            }
            index += 1
        }
        return comments
    }
}

extension YAMLNode {
    fileprivate func collectScalars(into values: inout [(start: Int, end: Int)]) {
        switch content {
        case .scalar: if range.end > range.start { values.append((Int(range.start), Int(range.end))) }
        case .list(let nodes): for node in nodes { node.collectScalars(into: &values) }
        case .map(let entries):
            for entry in entries {
                entry.key.collectScalars(into: &values)
                entry.value.collectScalars(into: &values)
            }
        }
    }
}
