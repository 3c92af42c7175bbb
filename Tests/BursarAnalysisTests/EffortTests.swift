import BursarAnalysis
import BursarSyntax
import Testing

/// Questions that could take exponential or quadratic work end after a counted number of steps, and say that they are open.
@Suite struct EffortTests {
    private static let tail = """
        tiers:
          free: {limits: {daily: $5/day}}
        ---
        catalog: c
        version: 1
        models:
          big: {price: {input: $1/1M, output: $2/1M}}

        """

    private static func rules(_ count: Int, _ condition: (Int) -> String) -> String {
        "policy: p\nversion: 1\nrules:\n"
            + (0..<count).map { "  r\($0):\n    deny: refused\n    when: '\(condition($0))'\n" }.joined() + tail
    }

    static let heavy: [(name: String, text: String)] = [
        ("prefixes and suffixes", rules(400) { "user.startsWith(\"a\($0)\") && user.endsWith(\"b\($0)\")" }),
        (
            "tools",
            rules(200) { "tools.exists(t, t.startsWith(\"a\($0)\")) && tools.exists(t, t.endsWith(\"b\($0)\"))" }
        ),
        ("labels", rules(1_000) { "labels[\"k\($0)\"] == \"v\"" }),
        (
            "numbers of two kinds",
            rules(1) { _ in
                "input_tokens in [\((0..<3_000).map { "\($0 * 2)" }.joined(separator: ", "))] || cached_tokens in [\((0..<3_000).map { "\($0 * 2)" }.joined(separator: ", "))]"
            }
        ),
        (
            "pairs in a bad order",
            rules(1) { _ in
                let first = (0..<60).map { "(labels[\"a\($0)\"] == \"x\" || labels[\"b\($0)\"] == \"x\")" }
                let names = (0..<60).map { "has(labels[\"a\($0)\"])" }
                return names.joined(separator: " || ") + " || (" + first.joined(separator: " && ") + ")"
            }
        ),
    ]

    @Test(arguments: heavy.indices) func anOpenQuestionIsSaid(index: Int) {
        var diagnostics = Diagnostics()
        let source = SourceFile(path: "p.yaml", name: "p.yaml", bytes: Array(Self.heavy[index].text.utf8))
        let documents = DocumentLoader.read([source], diagnostics: &diagnostics)
        let result = Checker.check(documents, diagnostics)
        #expect(result.set != nil)
        #expect(result.diagnostics.items.contains { $0.code == "rule/not-decided" }, "\(Self.heavy[index].name)")
    }

    @Test func effortEndsOnce() {
        var effort = Effort(10)
        let answers = [effort.spend(10), !effort.isSpent, !effort.spend(1), effort.isSpent, !effort.spend(.max)]
        #expect(answers == [true, true, true, true, true])
        #expect(Effort.share(Effort.check, among: 1_000_000) > 0)
    }

    @Test func productsSaturate() {
        #expect(3.multipliedSaturated(by: 4) == 12)
        #expect(Int.max.multipliedSaturated(by: 2) == .max)
    }

    /// Names that two patterns share, against trying every short name.
    @Test func commonNamesAreFoundAndMatchBoth() {
        let patterns = ["*", "a*", "*a", "a*b", "*a*", "ab", "b*a*b", "**", "a**b", "*ab*ba*", "abab", "ba*"].map(
            Pattern.init)
        var names = [""]
        for length in 0..<6 { names += names.filter { $0.count == length }.flatMap { [$0 + "a", $0 + "b"] } }
        for first in patterns {
            for second in patterns {
                var effort = Effort(1_000_000)
                let found = first.commonName(with: second, &effort)
                let exists = names.contains { first.matches($0) && second.matches($0) }
                #expect(!exists || found != nil, "\(first.text) and \(second.text)")
                if let found { #expect(first.matches(found) && second.matches(found)) }
            }
        }
        var effort = Effort(1_000)
        let long = Pattern(String(repeating: "*ab", count: 300) + "x")
        #expect(long.commonName(with: Pattern(String(repeating: "*ab", count: 300) + "y"), &effort) == nil)
        #expect(effort.isSpent)
    }
}
