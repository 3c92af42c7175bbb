import BursarSyntax

/// A position in the counting of the protocol: lines from 0, characters from 0 in the negotiated units.
struct TextPosition: Hashable {
    var line: Int
    var character: Int
}

/// The unit in which characters of a line are counted.
enum PositionEncoding: String, Sendable {
    case utf8 = "utf-8"
    case utf16 = "utf-16"
    case utf32 = "utf-32"

    /// The number of units of the character with this first byte.
    private func units(_ lead: UInt8) -> Int {
        switch self {
        case .utf8: lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
        case .utf16: lead >= 0xF0 ? 2 : 1
        case .utf32: 1
        }
    }

    private func length(_ lead: UInt8) -> Int { lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4 }

    func position(of offset: Int, in file: SourceFile) -> TextPosition {
        let end = min(max(0, offset), file.bytes.count)
        let line = file.lineIndex(at: end)
        let start = file.lineStart(line)
        let character =
            switch self {
            case .utf8: end - start
            case .utf16: file.characters(from: start, to: end).utf16
            case .utf32: file.characters(from: start, to: end).scalars
            }
        return TextPosition(line: line, character: character)
    }

    /// The byte offset of a position; positions beyond the end of a line mean its end.
    func offset(of position: TextPosition, in file: SourceFile) -> Int {
        guard position.line < file.lineCount else { return file.bytes.count }
        var index = file.lineStart(position.line)
        var left = position.character
        while left > 0, index < file.bytes.count, file.bytes[index] != UInt8(ascii: "\n"),
            file.bytes[index] != UInt8(ascii: "\r")
        {
            left -= units(file.bytes[index])
            index += length(file.bytes[index])
        }
        return min(index, file.bytes.count)
    }
}

extension JSONWriter {
    mutating func position(_ key: StaticString, _ position: TextPosition) {
        object(key) { json in
            json.field("line", position.line)
            json.field("character", position.character)
        }
    }

    mutating func range(
        _ key: StaticString, _ range: Range<Int>, in file: SourceFile, _ encoding: PositionEncoding
    ) {
        object(key) { json in
            json.position("start", encoding.position(of: range.lowerBound, in: file))
            json.position("end", encoding.position(of: range.upperBound, in: file))
        }
    }
}

extension SourceRange {
    var bytes: Range<Int> { Int(start)..<Int(end) }
}
