/// A position in the text of a policy set: a file and a half-open range of its bytes.
package struct SourceRange: Sendable, Hashable {
    /// The index of the file in its `SourceMap`.
    package var file: Int32
    /// The first byte.
    package var start: Int32
    /// The byte after the last byte.
    package var end: Int32

    package init(file: Int32, start: Int32, end: Int32) {
        self.file = file
        self.start = start
        self.end = max(start, end)
    }

    /// A subrange, counted in bytes from the start of this range.
    package func slice(_ lower: Int, _ upper: Int) -> SourceRange {
        SourceRange(file: file, start: start + Int32(lower), end: min(end, start + Int32(upper)))
    }
}

/// A position for people: lines and columns from 1, columns in Unicode scalars.
package struct SourcePosition: Sendable, Hashable {
    package var line: Int
    package var column: Int
}

/// The bytes of one file with an index of its lines.
package struct SourceFile: Sendable {
    /// The path as the caller gave it, for messages that an editor can follow.
    package let path: String
    /// The path relative to the root of the policy set.
    package let name: String
    package let bytes: [UInt8]
    private let lineStarts: [Int32]
    /// The number of Unicode scalars before every `step` bytes; empty for ASCII.
    private let scalarCounts: [Int32]
    /// The number of those scalars that take two units of UTF-16.
    private let wideCounts: [Int32]
    private static let step = 1_024

    package init(path: String, name: String, bytes: [UInt8]) {
        self.path = path
        self.name = name
        self.bytes = bytes
        var starts: [Int32] = [0]
        for (index, byte) in bytes.enumerated() where byte == UInt8(ascii: "\n") {
            starts.append(Int32(index + 1))
        }
        lineStarts = starts
        var counts: [Int32] = []
        var wide: [Int32] = []
        if bytes.contains(where: { $0 >= 0x80 }) {
            var count: Int32 = 0
            var wideCount: Int32 = 0
            for (index, byte) in bytes.enumerated() {
                if index % Self.step == 0 {
                    counts.append(count)
                    wide.append(wideCount)
                }
                if byte & 0xC0 != 0x80 { count += 1 }
                if byte >= 0xF0 { wideCount += 1 }
            }
        }
        scalarCounts = counts
        wideCounts = wide
    }

    /// The number of Unicode scalars that begin before a byte, and of those that take two units of UTF-16.
    private func scalars(before offset: Int) -> (all: Int, wide: Int) {
        if scalarCounts.isEmpty { return (offset, 0) }
        let block = min(offset / Self.step, scalarCounts.count - 1)
        var count = (all: Int(scalarCounts[block]), wide: Int(wideCounts[block]))
        for byte in bytes[(block * Self.step)..<offset] {
            if byte & 0xC0 != 0x80 { count.all += 1 }
            if byte >= 0xF0 { count.wide += 1 }
        }
        return count
    }

    /// The length of a part of a line, in Unicode scalars and in units of UTF-16.
    package func characters(from start: Int, to end: Int) -> (scalars: Int, utf16: Int) {
        let (before, after) = (scalars(before: start), scalars(before: end))
        return (after.all - before.all, after.all - before.all + after.wide - before.wide)
    }

    /// The length of a line (from 0) in bytes, with its line break.
    package func lineLength(_ line: Int) -> Int {
        (line + 1 < lineStarts.count ? Int(lineStarts[line + 1]) : bytes.count) - Int(lineStarts[line])
    }

    package var lineCount: Int { lineStarts.count }

    /// The first byte of a line (from 0).
    package func lineStart(_ line: Int) -> Int { Int(lineStarts[line]) }

    /// The line of a byte (from 0).
    package func lineIndex(at offset: Int) -> Int {
        var low = 0
        var high = lineStarts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if Int(lineStarts[middle]) <= offset { low = middle } else { high = middle }
        }
        return low
    }

    /// The line and column of a byte.
    package func position(at offset: Int) -> SourcePosition {
        let line = lineIndex(at: min(offset, bytes.count))
        let start = Int(lineStarts[line])
        let end = min(max(start, offset), bytes.count)
        return SourcePosition(line: line + 1, column: 1 + characters(from: start, to: end).scalars)
    }

    /// The text of a line (from 1) without its line break.
    package func line(_ number: Int) -> String {
        guard number >= 1, number <= lineStarts.count else { return "" }
        let start = Int(lineStarts[number - 1])
        var end = number < lineStarts.count ? Int(lineStarts[number]) - 1 : bytes.count
        if end > start, bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
        return String(decoding: bytes[start..<max(start, end)], as: UTF8.self)
    }

    /// The text of a range.
    package func text(_ range: SourceRange) -> String {
        let start = min(Int(range.start), bytes.count)
        return String(decoding: bytes[start..<min(max(start, Int(range.end)), bytes.count)], as: UTF8.self)
    }
}

/// The files of a policy set, which `SourceRange` refers to.
package struct SourceMap: Sendable {
    package private(set) var files: [SourceFile] = []

    package init() {}

    /// Adds a file and returns its index.
    package mutating func add(_ file: SourceFile) -> Int32 {
        files.append(file)
        return Int32(files.count - 1)
    }

    package subscript(range: SourceRange) -> SourceFile? {
        files.indices.contains(Int(range.file)) ? files[Int(range.file)] : nil
    }

    /// `file.yaml:21:16`, the form of positions in decisions and explanations.
    package func reference(_ range: SourceRange) -> String {
        guard let file = self[range] else { return "" }
        let place = file.position(at: Int(range.start))
        return "\(file.name):\(place.line):\(place.column)"
    }
}
