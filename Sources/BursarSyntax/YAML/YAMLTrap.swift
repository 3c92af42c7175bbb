/// A fault of YAML in terms of what people wrote, at the line that causes it: libyaml stops where it can go on no longer,
/// which is often a line later.
struct YAMLTrap {
    struct Explanation {
        var message: String
        var help: String?
        /// Where the cause is; nil: where libyaml stopped.
        var offset: Int?
        var length = 1
    }

    private let bytes: [UInt8]
    private let problem: String
    /// Where libyaml stopped.
    private let offset: Int
    /// Where the part begins in which it stopped.
    private let context: Int
    /// The line of the fault.
    private let line: Line

    /// A line of the file, without its end.
    private struct Line {
        var start: Int
        var text: String

        var indent: Int { text.utf8.prefix { $0 == 0x20 }.count }
        var content: Substring { text.drop { $0 == " " } }
        var isBlank: Bool { content.isEmpty || content.hasPrefix("#") }
        /// The key of `key: value` or `key:`; nil if the line is neither.
        var key: String? {
            guard let colon = colon else { return nil }
            return String(content[..<colon])
        }
        var value: Substring {
            guard let colon = colon else { return content }
            return content[content.index(after: colon)...].drop { $0 == " " }
        }
        /// The colon that ends the key.
        private var colon: String.Index? {
            var index = content.startIndex
            while let found = content[index...].firstIndex(of: ":") {
                let next = content.index(after: found)
                if next == content.endIndex || content[next] == " " { return found }
                index = next
            }
            return nil
        }
        var hasColon: Bool { colon != nil }
        var firstWord: String { String(content.prefix { $0 != " " && $0 != ":" }) }
    }

    init(_ bytes: [UInt8], problem: String, at offset: Int, context: Int) {
        self.bytes = bytes
        self.problem = problem
        self.offset = min(offset, bytes.count)
        self.context = min(context, bytes.count)
        line = Self.line(bytes, at: min(offset, bytes.count))
    }

    func explain() -> Explanation {
        let byte = offset < bytes.count ? bytes[offset] : 0
        if problem.contains("cannot start any token") {
            if byte == UInt8(ascii: "\t") { return Self.tab }
            if byte == UInt8(ascii: ">") { return Self.comparison }
            let character = String(UnicodeScalar(byte))
            return Explanation(
                message: "`\(character)` cannot begin a value: it is a reserved character of YAML",
                help: "quote the value: \"\(character)…\"")
        }
        if problem.contains("expected alphabetic or numeric character") {
            return Explanation(
                message: "`*` and `&` begin an alias or an anchor in YAML, and neither is part of the language",
                help: "write `any` for everything, or quote a pattern: \"*-mini\"")
        }
        if line.content.hasPrefix("\t") { return Self.tab }
        if problem.contains("mapping values are not allowed") { return misplacedColon() }
        if problem.contains("could not find expected ':'") { return missingColon(Self.line(bytes, at: context)) }
        if problem.contains("comment or line break") {
            return Self.comparison
        }
        if problem.contains("unexpected end of stream") {
            return Explanation(
                message: "this quotation mark is never closed", help: "add the mark at the end of the value",
                offset: context)
        }
        if problem.contains("did not find expected ',' or") { return brokenFlow() }
        if problem.contains("unknown escape character") {
            return Explanation(
                message: "this is not an escape of YAML", help: "write `\\\\` for a backslash, or use single quotes")
        }
        if problem.contains("block sequence entries are not allowed") {
            return Explanation(
                message: "a list cannot begin in the middle of a line",
                help: "write `[a, b]`, or put `- a` on the line below the key")
        }
        if problem.contains("did not find expected key") || problem.contains("expected '-' indicator") {
            return misplacedLine()
        }
        if problem.contains("did not find expected <document start>") {
            return Explanation(
                message: "this line is not part of the map above it",
                help: "indent it like the first key of the document",
                offset: line.start + line.indent)
        }
        return Explanation(message: "this is not YAML: \(problem)")
    }

    private static let comparison = Explanation(
        message: "a leading `>` or `|` begins a text block in YAML, not a comparison",
        help: "a threshold has no comparison sign: write `80%: notify owner`, which acts above 80%")

    private static let tab = Explanation(message: "a tab cannot indent in YAML", help: "indent with spaces")

    // MARK: - Keys

    /// `: ` where no key can be: the line above it is often the cause.
    private func misplacedColon() -> Explanation {
        let before = String(decoding: bytes[line.start..<max(line.start, offset)], as: UTF8.self)
        guard !before.contains(": "), let above = line(above: line) else {
            return Explanation(
                message: "a second `: ` in this line: YAML reads a key there",
                help: "quote the value, or write the map over several lines")
        }
        guard above.hasColon else { return missingColon(above) }
        let key = above.key ?? above.firstWord
        let place = above.start + above.indent
        if let parent = line(above: above), parent.indent == above.indent, parent.value.isEmpty, let name = parent.key {
            return Explanation(
                message: "`\(key)` has the same depth as `\(name)`, and the line below it is deeper",
                help: "indent `\(key)` by two more spaces", offset: place, length: key.utf8.count)
        }
        if line.indent > above.indent, line.indent - above.indent < 2 {
            return Explanation(
                message: "this line is indented by \(line.indent) spaces, and the line above it by \(above.indent)",
                help: "indent both alike", offset: line.start + line.indent, length: line.firstWord.utf8.count)
        }
        return Explanation(
            message: "`\(key)` has a value on its line, so no map can follow below it",
            help: "move the value into the map as a key of its own, or indent the next line like this one",
            offset: place, length: key.utf8.count)
    }

    /// A line that should be `key: value`.
    private func missingColon(_ line: Line) -> Explanation {
        let word = line.firstWord
        let place = line.start + line.indent
        if line.content.dropFirst(word.count).hasPrefix(":") {
            return Explanation(
                message: "a space is missing after `\(word):`",
                help: "write `\(word): \(line.content.dropFirst(word.count + 1))`",
                offset: place + word.utf8.count, length: 1)
        }
        return Explanation(
            message: "`:` is missing after `\(word)`",
            help: "write `\(word): \(line.content.dropFirst(word.count).drop { $0 == " " })`", offset: place,
            length: max(1, word.utf8.count))
    }

    // MARK: - Lines

    /// A line whose depth belongs to no map, or that a quotation mark of an earlier line swallows.
    private func misplacedLine() -> Explanation {
        if let quote = spanningQuote() {
            return Explanation(
                message: "the text that begins here ends on a later line",
                help: "close the quotation mark on this line",
                offset: quote)
        }
        let start = Self.line(bytes, at: context)
        let depth = context - start.start
        let own = line.start + line.indent
        if offset <= own, line.indent != depth, !line.isBlank {
            let above = line(above: line)?.indent ?? depth
            let choice = above == depth ? "\(depth)" : "\(min(depth, above)) or \(max(depth, above))"
            return Explanation(
                message: "this line is indented by \(line.indent) spaces, and no map has this depth",
                help: "indent it by \(choice) spaces", offset: own, length: max(1, line.firstWord.utf8.count))
        }
        if line.text.contains("\"") || line.text.contains("'") {
            return Explanation(
                message: "a value that begins with a quotation mark ends at the next one",
                help: "write the attribute first (tier == \"free\"), or quote the whole condition: '\"free\" == tier'")
        }
        return Explanation(
            message: "this is not a key of the map above it", help: "write `key: value`, indented like the other keys")
    }

    /// The quotation mark of a value that begins on an earlier line of the part and ends on the line of the fault.
    private func spanningQuote() -> Int? {
        var index = context
        var beginsValue = true
        while index < offset {
            let byte = bytes[index]
            if beginsValue, byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
                let start = index
                index += 1
                while index < bytes.count, bytes[index] != byte {
                    index += byte == UInt8(ascii: "\"") && bytes[index] == UInt8(ascii: "\\") ? 2 : 1
                }
                if index >= line.start, start < line.start { return start }
            }
            if byte == UInt8(ascii: "#"), index == 0 || bytes[index - 1] == 0x20 || bytes[index - 1] == 0x0A {
                while index < offset, bytes[index] != 0x0A { index += 1 }
                continue
            }
            switch byte {
            case UInt8(ascii: ":"), UInt8(ascii: "-"), UInt8(ascii: "["), UInt8(ascii: "{"), UInt8(ascii: ","), 0x0A:
                beginsValue = true
            case 0x20: break
            default: beginsValue = false
            }
            index += 1
        }
        return nil
    }

    // MARK: - Brackets

    private func brokenFlow() -> Explanation {
        let hasFlow = line.text.contains("{") || line.text.contains("[")
        if let open = context < bytes.count ? bytes[context] : nil,
            open == UInt8(ascii: "{") || open == UInt8(ascii: "["),
            !isClosed(from: context)
        {
            let (mark, end) = open == UInt8(ascii: "{") ? ("{", "}") : ("[", "]")
            return Explanation(
                message: "this `\(mark)` is never closed", help: "add `\(end)` at the end of the value", offset: context
            )
        }
        if hasFlow, line.text.contains(" in [") || line.text.contains(" in[") {
            return Explanation(
                message: "`[` and `,` inside `{…}` cut the condition in two",
                help: "use block style: put `when: …` on a line of its own, or quote the whole condition")
        }
        return Explanation(
            message:
                "a value inside `{…}` or `[…]` ends early: it has a `,`, `[`, `{` or `: `, or a comma is missing before it",
            help: "quote the value, add the comma, or use block style")
    }

    /// Whether the bracket at a place has its partner in the same document.
    private func isClosed(from start: Int) -> Bool {
        var depth = 0
        var index = start
        while index < bytes.count {
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth == 0 { return true }
            case UInt8(ascii: "\""), UInt8(ascii: "'"):
                let previous = index > start ? bytes[index - 1] : 0
                if [0x20, UInt8(ascii: "["), UInt8(ascii: "{"), UInt8(ascii: ",")].contains(previous) {
                    index += 1
                    while index < bytes.count, bytes[index] != byte, bytes[index] != 0x0A { index += 1 }
                }
            case UInt8(ascii: "#") where index > 0 && bytes[index - 1] == 0x20:
                while index < bytes.count, bytes[index] != 0x0A { index += 1 }
            case 0x0A where bytes[(index + 1)...].starts(with: [0x2D, 0x2D, 0x2D]): return false
            default: break
            }
            index += 1
        }
        return false
    }

    // MARK: - Reading lines

    /// The longest part of a line that is looked at.
    private static let longestLine = 1_000

    private static func line(_ bytes: [UInt8], at offset: Int) -> Line {
        var start = min(offset, bytes.count)
        while start > 0, bytes[start - 1] != 0x0A { start -= 1 }
        var end = start
        while end < bytes.count, bytes[end] != 0x0A, end - start < longestLine { end += 1 }
        if end > start, bytes[end - 1] == 0x0D { end -= 1 }
        return Line(start: start, text: String(decoding: bytes[start..<end], as: UTF8.self))
    }

    /// The nearest line before another one that is neither blank nor a comment, in the same document.
    private func line(above other: Line) -> Line? {
        var start = other.start
        while start > 0 {
            let found = Self.line(bytes, at: start - 1)
            if found.text.hasPrefix("---") { return nil }
            if !found.isBlank { return found }
            start = found.start
        }
        return nil
    }
}
