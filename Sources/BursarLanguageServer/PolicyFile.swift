import BursarSyntax

/// The current text of one file, from the editor or from disk. It is parsed on first use, not at every keystroke.
final class PolicyFile {
    private struct Content {
        var nodes: [YAMLNode]
        var occurrences: [Occurrence]
        var isWhole: Bool
    }

    let source: SourceFile
    /// The last parsed content of the file, until this text is parsed.
    private var earlier: Content?
    private lazy var content: Content = read()

    init(_ source: SourceFile, previous: PolicyFile?) {
        self.source = source
        earlier = previous.flatMap { $0.isRead ? $0.content : $0.earlier }
    }

    private var isRead = false

    private func read() -> Content {
        isRead = true
        defer { earlier = nil }
        let read = DocumentLoader.nodes(of: source)
        // While the text is invalid YAML, the content of the last text is more useful than the readable rest of this
        // one.
        if read.isIncomplete, var earlier, earlier.nodes.count > read.nodes.count {
            earlier.isWhole = false
            return earlier
        }
        var finder = OccurrenceFinder()
        for node in read.nodes { finder.document(node) }
        return Content(nodes: read.nodes, occurrences: finder.found, isWhole: !read.isIncomplete)
    }

    /// The nodes of the documents.
    var nodes: [YAMLNode] { content.nodes }
    var occurrences: [Occurrence] { content.occurrences }
    /// The whole text is valid.
    var isWhole: Bool { content.isWhole }

    func occurrence(at offset: Int) -> Occurrence? {
        occurrences.first { Int($0.range.start) <= offset && offset <= Int($0.range.end) }
    }
}
