import BursarSyntax

/// Parses comma-separated values (RFC 4180) with a header into the same records as JSON lines.
struct CSVScanner {
    /// The field of each column; nil: ignored.
    private let columns: [Field?]
    private var timestamps = TimestampReader()
    private let block: RecordBlock
    private let base: UnsafePointer<UInt8>

    init(_ block: RecordBlock, columns: [Field?]) {
        self.block = block
        self.columns = columns
        base = block.text.baseAddress ?? UnsafePointer(bitPattern: 8).unsafelyUnwrapped
    }

    /// The names in a header line.
    static func header(_ line: UnsafeBufferPointer<UInt8>, path: String) throws(FileError) -> [String] {
        var names: [String] = []
        var index = 0
        while index <= line.count {
            guard names.count < Bounds.columns else {
                throw FileError(path: path, reason: "its first line has more than \(Bounds.columns) columns")
            }
            let (start, end, next) = cell(line, index)
            names.append(String(decoding: line[start..<max(start, end)], as: UTF8.self))
            index = next
        }
        return names
    }

    /// The bounds of the cell at `start`, and the start of the next one (after the end if there is none).
    private static func cell(_ line: UnsafeBufferPointer<UInt8>, _ start: Int) -> (start: Int, end: Int, next: Int) {
        guard start < line.count, line[start] == UInt8(ascii: "\"") else {
            var end = start
            while end < line.count, line[end] != UInt8(ascii: ",") { end += 1 }
            return (start, end, end + 1)
        }
        var end = start + 1
        while end < line.count {
            if line[end] == UInt8(ascii: "\"") {
                guard end + 1 < line.count, line[end + 1] == UInt8(ascii: "\"") else { break }
                end += 1
            }
            end += 1
        }
        return (min(start + 1, line.count), min(end, line.count), end + 2)
    }

    mutating func read(from start: Int, to end: Int) throws(LineError) {
        let line = UnsafeBufferPointer(start: base + start, count: end - start)
        var index = 0
        var column = 0
        while index <= line.count {
            guard column < columns.count else { throw LineError("more cells than the header has columns") }
            let isQuoted = index < line.count && line[index] == UInt8(ascii: "\"")
            let cell = Self.cell(line, index)
            if isQuoted, cell.next <= line.count, line[cell.next - 1] != UInt8(ascii: ",") {
                throw LineError("text after a closing quotation mark in column \(column + 1)")
            }
            if isQuoted, cell.end >= line.count { throw LineError("a cell has no closing quotation mark") }
            if let field = columns[column], cell.end > cell.start {
                try set(
                    field, UnsafeBufferPointer(rebasing: line[cell.start..<cell.end]), at: start + cell.start, isQuoted)
            }
            column += 1
            index = cell.next
        }
        guard column == columns.count else {
            throw LineError("\(column) cells where the header has \(columns.count) columns")
        }
    }

    private mutating func set(
        _ field: Field, _ text: UnsafeBufferPointer<UInt8>, at start: Int, _ isQuoted: Bool
    ) throws(LineError) {
        if field.isText {
            if firstInvalid(text) { throw LineError("`\(field.name)` is not UTF-8") }
            let hasQuotes = isQuoted && text.contains(UInt8(ascii: "\""))
            block.openRecord.texts[Int(field.rawValue)] = ByteSlice(
                start: start, count: text.count, isEscaped: hasQuotes)
        } else if field.isNumber {
            block.openRecord.numbers[field.numberIndex] = try number(field, text)
        } else if field.isTruth {
            switch String(decoding: text, as: UTF8.self).lowercased() {
            case "true", "t", "1": block.setTruth(field, true)
            case "false", "f", "0": block.setTruth(field, false)
            default: throw LineError("`\(field.name)` must be true or false")
            }
        } else {
            throw LineError("`\(field.name)` cannot be read from a CSV column")
        }
    }

    private func firstInvalid(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        text.contains { $0 >= 0x80 } && String(validating: text, as: UTF8.self) == nil
    }

    private mutating func number(_ field: Field, _ text: UnsafeBufferPointer<UInt8>) throws(LineError) -> Int64 {
        if field == .time, let time = timestamps.read(text) { return time }
        guard let decimal = JSONDecimal(text) else {
            throw LineError(field == .time ? "`ts` is not a time" : "`\(field.name)` must be a number")
        }
        guard !decimal.isNegative else { throw LineError("`\(field.name)` cannot be negative") }
        let value: Int64?
        switch field {
        case .time:
            guard let time = TimestampReader.unix(decimal) else { throw LineError("`ts` is not a time") }
            value = time
        case .cost: value = decimal.scaled(by: 9, roundingUp: true)
        case .duration: value = decimal.scaled(by: 3, roundingUp: false)
        default:
            value = decimal.scaled(by: 0, roundingUp: false)
            if value != decimal.scaled(by: 0, roundingUp: true) {
                throw LineError("`\(field.name)` must be a whole number")
            }
        }
        guard let value else { throw LineError("`\(field.name)` is too large") }
        return value
    }
}
