import BursarPolicy
import BursarSyntax

/// Conditions that are cut off by ` #`, which begins a comment in YAML.
enum ConditionCommentCheck: Check {
    static let rule = DiagnosticRule(
        "syntax/comment", .warning,
        title: "A comment may have cut off a condition",
        checks: "No condition is followed by `#` and a word without a space between them.",
        why:
            "In YAML ` #` begins a comment. If `#` was meant to be a part of the condition, the rest of it has no effect.",
        example: "when: input_tokens > 5 #no",
        fix: "Quote the condition if `#` belongs to it. Otherwise write a space after `#`.")

    static let rules = [rule]

    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        for item in context.conditions {
            guard let place = comment(after: item.source, context.set.sources) else { continue }
            diagnostics.add(
                Diagnostic(
                    rule, "the condition ends here: YAML reads ` #` as the start of a comment", at: place,
                    notes: [.init("this is the condition", at: item.source)],
                    help: "quote the condition if `#` belongs to it, or write `# ` with a space"))
        }
    }

    /// A comment that looks like a part of the value before it.
    private static func comment(after range: SourceRange, _ sources: SourceMap) -> SourceRange? {
        guard let bytes = sources[range]?.bytes, Int(range.end) <= bytes.count else { return nil }
        let start = bytes[Int(range.end)...].firstIndex { $0 != UInt8(ascii: " ") } ?? bytes.endIndex
        guard start > Int(range.end), start + 1 < bytes.count, bytes[start] == UInt8(ascii: "#") else { return nil }
        let next = bytes[start + 1]
        guard next > UInt8(ascii: " "), next != UInt8(ascii: "#") else { return nil }
        let end = bytes[start...].firstIndex { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") } ?? bytes.endIndex
        return SourceRange(file: range.file, start: Int32(start), end: Int32(end))
    }
}
