import BursarSyntax

/// One file as it stands in the editor, or on disk. It is read when something is asked of it, not at every keystroke.
final class PolicyFile {
    private struct Content {
        var nodes: [YAMLNode]
        var occurrences: [Occurrence]
        var isWhole: Bool
    }

    let source: SourceFile
    /// The last text of the file that was read, while this one was not.
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
        // While the text is no YAML, what the last text said helps more than what is left of this one.
        if read.isIncomplete, var earlier, earlier.nodes.count > read.nodes.count {
            earlier.isWhole = false
            return earlier
        }
        var finder = OccurrenceFinder()
        for node in read.nodes { finder.document(node) }
        return Content(nodes: read.nodes, occurrences: finder.found, isWhole: !read.isIncomplete)
    }

    /// The documents.
    var nodes: [YAMLNode] { content.nodes }
    var occurrences: [Occurrence] { content.occurrences }
    /// All of the text could be read.
    var isWhole: Bool { content.isWhole }

    func occurrence(at offset: Int) -> Occurrence? {
        occurrences.first { Int($0.range.start) <= offset && offset <= Int($0.range.end) }
    }
}
