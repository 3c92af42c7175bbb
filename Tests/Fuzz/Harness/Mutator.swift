import RandomPolicies

/// Changes bytes as bytes, lines, blocks of lines by indentation, words, and bracketed values.
///
/// Text is never parsed: what an earlier change broke can be changed further, and one mechanism serves YAML, JSON, CSV,
/// conditions and command lines.
struct Mutator {
    var random: SeededGenerator
    /// Other texts, to take pieces from.
    let others: [[UInt8]]

    /// Larger results say nothing that smaller ones do not.
    private static let largest = 256 << 10

    init(random: SeededGenerator, others: [[UInt8]]) {
        self.random = random
        self.others = others
    }

    /// Changes a text one to five times.
    mutating func mutated(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        var count = 1
        while count < 5, random.chance(50) { count += 1 }
        for _ in 0..<count {
            switch random.below(100) {
            case ..<20: changeBytes(&bytes)
            case ..<45: changeLines(&bytes)
            case ..<75: changeWords(&bytes)
            default: changeSpans(&bytes)
            }
            if bytes.count > Self.largest { bytes.removeLast(bytes.count - Self.largest) }
        }
        return bytes
    }

    mutating func mutated(_ text: String) -> String {
        String(decoding: mutated(Array(text.utf8)), as: UTF8.self)
    }

    /// Bytes of a container, which has neither lines nor words.
    mutating func mutatedBytes(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0...random.below(3) { changeBytes(&bytes) }
        return bytes
    }

    // MARK: - Bytes

    private mutating func changeBytes(_ bytes: inout [UInt8]) {
        let range = someRange(bytes.count)
        switch random.below(9) {
        case 0 where !bytes.isEmpty: bytes[random.below(bytes.count)] ^= 1 << UInt8(random.below(8))
        case 1 where !bytes.isEmpty: bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next())
        case 2: bytes.removeSubrange(range)
        case 3: bytes.insert(contentsOf: bytes[range], at: random.below(bytes.count + 1))
        case 4:
            let piece = Array(bytes[range])
            let times = min(1 + random.below(200), Self.largest / max(1, piece.count))
            bytes.insert(contentsOf: Array(repeating: piece, count: times).joined(), at: range.upperBound)
        case 5: bytes.removeLast(random.below(bytes.count + 1))
        case 6:
            let other = anyOther()
            bytes = Array(bytes.prefix(random.below(bytes.count + 1)) + other.dropFirst(random.below(other.count + 1)))
        default: bytes.insert(contentsOf: random.pick(Tokens.all), at: random.below(bytes.count + 1))
        }
    }

    private mutating func someRange(_ count: Int) -> Range<Int> {
        let start = random.below(count + 1)
        let length = random.below(random.chance(80) ? 16 : 1_024)
        return start..<min(count, start + length)
    }

    private mutating func anyOther() -> [UInt8] { others.isEmpty ? [] : random.pick(others) }

    // MARK: - Lines

    private mutating func changeLines(_ bytes: inout [UInt8]) {
        var lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false).map(Array.init)
        guard lines.count > 1 else { return changeWords(&bytes) }
        let block = randomBlock(lines)
        switch random.below(8) {
        case 0: lines.removeSubrange(block)
        case 1:
            lines.insert(contentsOf: lines[block], at: random.chance(50) ? block.upperBound : random.below(lines.count))
        case 2: lines.swapAt(random.below(lines.count), random.below(lines.count))
        case 3:
            let line = random.below(lines.count - 1)
            lines[line] += lines.remove(at: line + 1)
        case 4:
            let moved = Array(lines[block])
            lines.removeSubrange(block)
            lines.insert(contentsOf: moved, at: random.below(lines.count + 1))
        case 5:
            // A subtree of another text, at the depth of the place that it goes to.
            let other = anyOther().split(separator: 0x0A, omittingEmptySubsequences: false).map(Array.init)
            guard !other.isEmpty else { return }
            let source = randomBlock(other)
            let depth = indent(lines[block.lowerBound]) - indent(other[source.lowerBound])
            let moved = other[source].prefix(100).map { indented($0, by: depth) }
            if random.chance(50) { lines.removeSubrange(block) }
            lines.insert(contentsOf: moved, at: block.lowerBound)
        case 6:
            let depth = random.below(5) - 2
            for line in block { lines[line] = indented(lines[line], by: depth) }
        default: lines.insert([], at: random.below(lines.count))
        }
        bytes = Array(lines.joined(separator: [0x0A]))
    }

    /// A line and those below it that are deeper.
    private mutating func randomBlock(_ lines: [[UInt8]]) -> Range<Int> {
        let start = random.below(lines.count)
        let depth = indent(lines[start])
        var end = start + 1
        while end < lines.count, indent(lines[end]) > depth { end += 1 }
        return start..<end
    }

    private func indent(_ line: [UInt8]) -> Int { line.prefix { $0 == 0x20 }.count }

    private func indented(_ line: [UInt8], by depth: Int) -> [UInt8] {
        depth >= 0
            ? Array(repeating: 0x20, count: depth) + line : Array(line.dropFirst(min(-depth, indent(line))))
    }

    // MARK: - Words

    private mutating func changeWords(_ bytes: inout [UInt8]) {
        guard let word = randomWord(bytes) else { return changeBytes(&bytes) }
        switch random.below(11) {
        case 0...2: bytes.replaceSubrange(word, with: random.pick(Tokens.all))
        case 3:
            let other = anyOther()
            guard let source = randomWord(other) else { return }
            bytes.replaceSubrange(word, with: Array(other[source]))
        case 4, 5:
            guard let source = randomWord(bytes) else { return }
            swap(word, source, in: &bytes)
        case 6: bytes.removeSubrange(word)
        case 7: bytes.insert(contentsOf: [0x20] + bytes[word], at: word.upperBound)
        case 8:
            let (open, close) = random.pick([
                ("[", "]"), ("{a: ", "}"), ("\"", "\""), ("'", "'"), ("(", ")"), ("!", ""), ("{\"\": ", "}"),
            ])
            let times = random.pick([1, 1, 1, 2, 5, 70, 2_000])
            bytes.insert(contentsOf: String(repeating: close, count: times).utf8, at: word.upperBound)
            bytes.insert(contentsOf: String(repeating: open, count: times).utf8, at: word.lowerBound)
        default: changeNumber(&bytes)
        }
    }

    private mutating func changeNumber(_ bytes: inout [UInt8]) {
        var number: Range<Int>?
        for _ in 0..<20 where number == nil {
            let word = randomWord(bytes) ?? 0..<0
            let digits = word.drop { !Self.isDigit(bytes[$0]) }
            if !digits.isEmpty {
                let end = digits.first { !Self.isDigit(bytes[$0]) } ?? digits.endIndex
                number = digits.startIndex..<end
            }
        }
        guard let number else { return }
        switch random.below(6) {
        case 0: bytes.replaceSubrange(number, with: random.pick(Tokens.numbers))
        case 1: bytes.insert(contentsOf: Array(repeating: 0x30, count: 1 + random.below(18)), at: number.upperBound)
        case 2: bytes.insert(UInt8(ascii: "-"), at: number.lowerBound)
        case 3: bytes.insert(contentsOf: Array(".\(random.below(1_000_000))".utf8), at: number.upperBound)
        case 4: bytes.replaceSubrange(number, with: Array("\(random.below(100))".utf8))
        default: bytes.replaceSubrange(number, with: Array("\(random.next() >> UInt64(random.below(64)))".utf8))
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x80...0xFF: true
        case UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "-"),
            UInt8(ascii: "+"), UInt8(ascii: "/"):
            true
        default: false
        }
    }

    private mutating func randomWord(_ bytes: [UInt8]) -> Range<Int>? {
        guard !bytes.isEmpty else { return nil }
        for _ in 0..<8 {
            let middle = random.below(bytes.count)
            guard Self.isWord(bytes[middle]) else { continue }
            var start = middle
            while start > 0, Self.isWord(bytes[start - 1]) { start -= 1 }
            var end = middle
            while end < bytes.count, Self.isWord(bytes[end]) { end += 1 }
            return start..<end
        }
        return nil
    }

    private func swap(_ one: Range<Int>, _ other: Range<Int>, in bytes: inout [UInt8]) {
        guard !one.overlaps(other) else { return }
        let (first, second) = one.lowerBound < other.lowerBound ? (one, other) : (other, one)
        let piece = Array(bytes[first])
        let later = Array(bytes[second])
        bytes.replaceSubrange(second, with: piece)
        bytes.replaceSubrange(first, with: later)
    }

    // MARK: - Bracketed values

    private mutating func changeSpans(_ bytes: inout [UInt8]) {
        guard let span = randomSpan(bytes) else { return changeWords(&bytes) }
        switch random.below(7) {
        case 0: bytes.removeSubrange(span)
        case 1: bytes.insert(contentsOf: Array(", ".utf8) + bytes[span], at: span.upperBound)
        case 2:
            guard let other = randomSpan(bytes) else { return }
            swap(span, other, in: &bytes)
        case 3:
            let other = anyOther()
            guard let source = randomSpan(other) else { return }
            bytes.replaceSubrange(span, with: Array(other[source]))
        case 4:
            let times = random.pick([1, 2, 20, 70, 500])
            let (open, close) = random.pick([("[", "]"), ("{\"a\": ", "}"), ("(", ")")])
            bytes.insert(contentsOf: String(repeating: close, count: times).utf8, at: span.upperBound)
            bytes.insert(contentsOf: String(repeating: open, count: times).utf8, at: span.lowerBound)
        case 5: bytes.replaceSubrange(span, with: random.pick(Tokens.all))
        default:
            // An entry of it again: a duplicate key.
            let inner = span.lowerBound + 1..<span.upperBound - 1
            guard !inner.isEmpty else { return }
            let entry = bytes[inner].prefix { $0 != UInt8(ascii: ",") }
            bytes.insert(contentsOf: entry + Array(", ".utf8), at: inner.lowerBound)
        }
    }

    private mutating func randomSpan(_ bytes: [UInt8]) -> Range<Int>? {
        guard !bytes.isEmpty else { return nil }
        let from = random.below(bytes.count)
        let open: Set<UInt8> = [UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "(")]
        let close: Set<UInt8> = [UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: ")")]
        guard let start = (bytes[from...].prefix(4_096).firstIndex { open.contains($0) }) else { return nil }
        var depth = 0
        for index in start..<min(bytes.count, start + 65_536) {
            if open.contains(bytes[index]) { depth += 1 }
            if close.contains(bytes[index]) { depth -= 1 }
            if depth == 0 { return start..<index + 1 }
        }
        return nil
    }
}
