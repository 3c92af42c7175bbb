import BursarSyntax

/// The position of a cursor in a document, derived from the text before it, which is rarely valid YAML while people
/// type.
struct CursorContext {
    /// The first key of the document; nil if it is empty.
    var kind: String?
    /// The keys that lead to the map or value, from the document's root.
    var path: [String]
    /// The cursor is in a key, not in a value.
    var isKey: Bool
    /// The part of the value or key before the cursor.
    var text: String

    /// The word at the cursor.
    var word: Substring {
        let start = text.lastIndex { !($0.isLetter || $0.isNumber || "_-.".contains($0)) }
        return start.map { text[text.index(after: $0)...] } ?? text[...]
    }

    init(_ file: SourceFile, at offset: Int) {
        let end = min(offset, file.bytes.count)
        let before = String(decoding: file.bytes[max(0, end - Self.mostBytes)..<end], as: UTF8.self)
        var lines = before.split(separator: "\n", omittingEmptySubsequences: false).suffix(Self.longest)
        if let start = lines.lastIndex(where: { $0.hasPrefix("---") }) { lines = lines[(start + 1)...] }
        kind = Self.kind(of: lines)
        path = []
        isKey = true
        text = ""
        guard let last = lines.last else { return }
        // A flow collection may span lines: start at the line of the outermost open bracket.
        var first = lines.endIndex - 1
        var depth = Self.balance(last)
        while depth > 0, first > lines.startIndex, !Self.opensFlow(lines[first], depth) {
            first -= 1
            depth += Self.balance(lines[first])
        }
        let joined = lines[first...].joined(separator: " ")
        let (indent, rest) = Self.content(lines[first].isEmpty ? "" : joined[...])
        path = Self.parents(lines[..<first], indent: indent)
        readLine(String(rest))
    }

    /// The bytes and lines before the cursor that are examined.
    private static let mostBytes = 1 << 20
    private static let longest = 20_000

    private static func kind(of lines: ArraySlice<Substring>) -> String? {
        for line in lines {
            let text = line.drop { $0 == " " }
            if text.isEmpty || text.hasPrefix("#") { continue }
            guard let colon = text.firstIndex(of: ":") else { return nil }
            return String(text[..<colon])
        }
        return nil
    }

    private static func balance(_ line: Substring) -> Int {
        var depth = 0
        var quote: Character?
        for character in line {
            if let open = quote {
                if character == open { quote = nil }
            } else if character == "\"" || character == "'" {
                quote = character
            } else if character == "#" {
                break
            } else if character == "{" || character == "[" {
                depth += 1
            } else if character == "}" || character == "]" {
                depth -= 1
            }
        }
        return depth
    }

    private static func opensFlow(_ line: Substring, _ depth: Int) -> Bool { balance(line) >= depth }

    /// The column at which a line's content begins, after list markers.
    private static func content(_ line: Substring) -> (indent: Int, rest: Substring) {
        var indent = 0
        var rest = line
        while true {
            if rest.first == " " {
                rest = rest.dropFirst()
                indent += 1
            } else if rest.hasPrefix("- ") {
                rest = rest.dropFirst(2)
                indent += 2
            } else {
                return (indent, rest)
            }
        }
    }

    /// Keys of less indented lines above, the outermost first.
    private static func parents(_ lines: ArraySlice<Substring>, indent: Int) -> [String] {
        var keys: [String] = []
        var left = indent
        for line in lines.reversed() where left > 0 {
            let (column, rest) = content(line)
            guard column < left, !rest.isEmpty, !rest.hasPrefix("#"), let key = key(of: rest) else { continue }
            keys.append(key)
            left = line.prefix { $0 == " " }.count < column ? line.prefix { $0 == " " }.count : column
        }
        return keys.reversed()
    }

    private static func key(of text: Substring) -> String? {
        guard let colon = text.firstIndex(of: ":") else { return nil }
        let after = text[text.index(after: colon)...]
        guard after.isEmpty || after.first == " " else { return nil }
        return String(text[..<colon].filter { $0 != "\"" && $0 != "'" })
    }

    /// Parses the line: a block key, then the open flow collections.
    private mutating func readLine(_ line: String) {
        var stack: [(isMap: Bool, key: String?)] = []
        var token = ""
        var quote: Character?
        var blockKey: String?
        for character in line {
            if let open = quote {
                token.append(character)
                if character == open { quote = nil }
                continue
            }
            switch character {
            case "\"", "'":
                quote = character
                token.append(character)
            case "{", "[":
                stack.append((character == "{", nil))
                token = ""
            case "}", "]":
                if !stack.isEmpty { stack.removeLast() }
                token = ""
            case "," where !stack.isEmpty:
                if stack[stack.count - 1].isMap { stack[stack.count - 1].key = nil }
                token = ""
            case " " where token.hasSuffix(":"):
                let key = String(token.dropLast())
                if stack.isEmpty {
                    if blockKey == nil {
                        blockKey = key
                        token = ""
                    }
                } else if stack[stack.count - 1].isMap, stack[stack.count - 1].key == nil {
                    stack[stack.count - 1].key = key
                    token = ""
                }
            case " " where token.isEmpty: break
            default: token.append(character)
            }
        }
        if let blockKey { path.append(blockKey) }
        for part in stack { if let key = part.key { path.append(key) } }
        isKey = stack.last.map { $0.isMap && $0.key == nil } ?? (blockKey == nil)
        text = token
    }
}
