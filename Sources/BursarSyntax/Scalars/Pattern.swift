/// A case-sensitive pattern in which `*` matches any run of characters.
package struct Pattern: Sendable, Hashable {
    package let text: String
    private let parts: [[UInt8]]

    package init(_ text: String) {
        self.text = text
        parts = text.utf8.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false).map(Array.init)
    }

    /// The pattern has no `*`, so it is a name.
    package var isExact: Bool { parts.count == 1 }

    package func matches(_ name: String) -> Bool {
        if isExact { return name == text }
        let bytes = Array(name.utf8)
        guard bytes.starts(with: parts[0]) else { return false }
        var position = parts[0].count
        for part in parts[1..<(parts.count - 1)] where !part.isEmpty {
            guard let found = firstIndex(of: part, in: bytes, from: position) else { return false }
            position = found + part.count
        }
        let last = parts[parts.count - 1]
        return bytes.count - position >= last.count && bytes.suffix(last.count).elementsEqual(last)
    }

    private func firstIndex(of part: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
        guard bytes.count >= part.count else { return nil }
        var index = start
        while index + part.count <= bytes.count {
            if bytes[index..<index + part.count].elementsEqual(part) { return index }
            index += 1
        }
        return nil
    }
}

extension TextScanner {
    /// Parses the name of a model or tool, or a pattern of names, up to a space, a comma or the end.
    package mutating func pattern(_ what: String) throws(ScalarError) -> Pattern {
        let start = position
        while let byte = peek, byte > 0x20, byte != 0x7F, byte != UInt8(ascii: ","), byte != UInt8(ascii: "\"") {
            if byte == UInt8(ascii: "<") || byte == UInt8(ascii: ">") { break }
            if byte == UInt8(ascii: "-"), peek(1) == UInt8(ascii: ">") { break }
            position += 1
        }
        guard position > start else { throw unexpected("expected \(what)") }
        return Pattern(try boundedName(from: start, what))
    }
}
