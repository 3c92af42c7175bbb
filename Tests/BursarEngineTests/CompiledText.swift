import BursarPolicy
import BursarSyntax
import Testing

extension PolicySet {
    /// A set from one text; it must be right.
    static func compiled(_ text: String) throws -> PolicySet {
        var diagnostics = Diagnostics()
        let file = SourceFile(path: "p.yaml", name: "p.yaml", bytes: Array(text.utf8))
        let result = Compiler.compile(DocumentLoader.read([file], diagnostics: &diagnostics), diagnostics)
        return try #require(result.set)
    }
}
