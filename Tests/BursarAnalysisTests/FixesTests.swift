import BursarAnalysis
import BursarSyntax
import Testing

/// Edits of findings, applied to text.
@Suite struct FixesTests {
    private func edited(_ text: String, _ edits: [(start: Int, end: Int, text: String)]) -> (text: String, count: Int) {
        var sources = SourceMap()
        let file = sources.add(SourceFile(path: "p.yaml", name: "p.yaml", bytes: Array(text.utf8)))
        let findings = edits.map { edit in
            let range = SourceRange(file: file, start: Int32(edit.start), end: Int32(edit.end))
            return Diagnostic(.syntaxScalar, "m", at: range, fix: .init("f", replace: range, with: edit.text))
        }
        let result = Fixes.apply(findings, sources)
        return (result.files.first.map { String(decoding: $0.bytes, as: UTF8.self) } ?? text, result.count)
    }

    @Test func `edits that do not overlap are all made`() {
        #expect(edited("abcdef", [(4, 5, "E"), (0, 1, ""), (2, 2, "+")]) == ("b+cdEf", 3))
        #expect(edited("abc", [(1, 2, "x"), (2, 3, "y")]) == ("axy", 2))
    }

    @Test func `of edits that overlap the first one is made`() {
        #expect(edited("abcdef", [(1, 4, "X"), (3, 5, "Y"), (5, 6, "Z")]) == ("aXeZ", 2))
        #expect(edited("abcdef", [(1, 4, "X"), (2, 2, "Y")]) == ("aXef", 1))
        #expect(edited("abc", [(0, 1, "x"), (0, 1, "y")]) == ("xbc", 1))
    }

    @Test func `texts inserted at one place keep their order, and equal ones are inserted once`() {
        #expect(edited("ab", [(1, 1, "1"), (1, 1, "2"), (1, 1, "1"), (1, 2, "B")]) == ("a12B", 3))
        #expect(edited("", [(0, 0, "x"), (0, 0, "x")]) == ("x", 1))
    }

    @Test func `an edit beyond the text is left out`() {
        #expect(edited("abc", [(2, 9, "x")]) == ("abc", 0))
    }

    @Test(.timeLimit(.minutes(1))) func `50,000 edits of a large file take no quadratic work`() {
        let text = String(repeating: "abcdefghij", count: 250_000)
        let edits = (0..<50_000).map { (start: $0 * 50, end: $0 * 50 + 60, text: "x") }
        #expect(edited(text, edits).count == 25_000)
        let insertions = (0..<50_000).map { (start: 5, end: 5, text: "\($0)") }
        #expect(edited(text, insertions).count == 50_000)
    }
}
