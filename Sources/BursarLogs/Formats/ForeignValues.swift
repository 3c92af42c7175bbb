import BursarSyntax

/// The values of another system's log: lines of JSON, elements of a list, rows of CSV, or one JSON value over several lines.
struct ForeignValues {
    /// A value with its line in the log; what cannot be read is an error.
    typealias Body = (Result<JSONTree, ForeignError>, Int) throws(FileError) -> Bool

    private let source: LogSource
    private var header: [String]?
    private var line = 0
    private var isFirst = true

    init(_ path: String) throws(FileError) { source = try LogSource(path) }

    /// Why the log ended before its end.
    var failure: String? { source.failure }

    /// Hands out values until the body says that it has enough.
    mutating func forEach(_ body: Body) throws(FileError) {
        while let part = source.next(isCSV: header != nil) {
            switch part {
            case .unusable(let reason):
                line += 1
                isFirst = false
                guard try body(.failure(ForeignError(reason: reason)), line) else { return }
            case .lines(let text):
                guard try take(text, body) else { return }
            }
        }
    }

    private mutating func take(_ text: TextBuffer, _ body: Body) throws(FileError) -> Bool {
        var bytes = text.bytes
        guard isFirst else { return try rows(bytes, body) }
        isFirst = false
        if let problem = LogOpening.problem(bytes) { throw FileError(path: source.path, reason: problem) }
        if bytes.starts(with: LogOpening.mark) {
            bytes = UnsafeBufferPointer(rebasing: bytes[LogOpening.mark.count...])
        }
        let lead = bytes.first { $0 > 0x20 }
        if lead != UInt8(ascii: "{"), lead != UInt8(ascii: "[") {
            let line = LogOpening.header(bytes)
            guard let cells = Self.cells(line[...]) else {
                throw FileError(path: source.path, reason: "its first line has more than \(Bounds.columns) columns")
            }
            header = cells
            self.line += 1
            let end = bytes.firstIndex(of: 0x0A).map { $0 + 1 } ?? bytes.count
            return try rows(UnsafeBufferPointer(rebasing: bytes[end...]), body)
        }
        return try openJSON(bytes, body)
    }

    // MARK: - One value over several lines

    /// A log that begins like this is a list, or its first object goes on over several lines.
    static func isSpread(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let start = text.firstIndex(where: { $0 > 0x20 && $0 < 0x80 }) else { return false }
        if text[start] == UInt8(ascii: "[") { return true }
        guard text[start] == UInt8(ascii: "{"), let end = text[start...].firstIndex(of: 0x0A),
            text[end...].contains(where: { $0 > 0x20 }), endsEarly(Array(text[start..<end]))
        else { return false }
        return !hasWholeLine(Array(text[start...]))
    }

    private mutating func openJSON(_ bytes: UnsafeBufferPointer<UInt8>, _ body: Body) throws(FileError) -> Bool {
        guard let end = bytes.firstIndex(of: 0x0A), bytes[end...].contains(where: { $0 > 0x20 }),
            Self.endsEarly(Array(bytes[..<end]))
        else { return try rows(bytes, body) }
        var whole = Array(bytes)
        if Self.endsEarly(whole) {
            while let part = source.next(isCSV: false) {
                guard case .lines(let text) = part, whole.count + text.bytes.count <= Bounds.lineBytes else {
                    throw FileError(
                        path: source.path,
                        reason: "is one JSON value over several lines, which may have \(Bounds.lineBytes >> 20) MiB; "
                            + "write one value a line, as `jq -c` does")
                }
                whole += text.bytes
            }
        }
        let problem: JSONTree.ParseError
        switch Result(catching: { () throws(JSONTree.ParseError) in try JSONTree.parseAll(whole) }) {
        case .success(let values): return try handOutAll(values, whole, body)
        case .failure(let error): problem = error
        }
        // Lines of JSON, of which the first is damaged.
        if Self.hasWholeLine(whole) {
            return try whole.withUnsafeBufferPointer { bytes throws(FileError) in try rows(bytes, body) }
        }
        let place = whole.prefix(problem.offset).count { $0 == 0x0A } + 1
        throw FileError(
            path: source.path,
            reason: "is one JSON value over several lines, and cannot be read: \(problem.message), in line \(place)"
                + (failure.map { "; the log \($0)" } ?? ""))
    }

    private mutating func handOutAll(
        _ values: [(value: JSONTree, offset: Int)], _ whole: [UInt8], _ body: Body
    ) throws(FileError) -> Bool {
        var counted = 0
        line = 1
        for (value, offset) in values {
            line += whole[counted..<offset].count { $0 == 0x0A }
            counted = offset
            guard try handOut(.success(value), line, body) else { return false }
        }
        return true
    }

    private static func endsEarly(_ bytes: [UInt8]) -> Bool {
        do throws(JSONTree.ParseError) { _ = try JSONTree.parse(bytes) } catch { return error.isEarlyEnd }
        return false
    }

    /// One of the next lines is a value of its own.
    private static func hasWholeLine(_ bytes: [UInt8]) -> Bool {
        bytes.split(separator: 0x0A, maxSplits: 100).dropFirst().prefix(99).contains { line in
            line.first == UInt8(ascii: "{") && (try? JSONTree.parse(Array(line))) != nil
        }
    }

    // MARK: - Rows

    private mutating func rows(_ text: UnsafeBufferPointer<UInt8>, _ body: Body) throws(FileError) -> Bool {
        var start = 0
        var reader = CSVRows.Reader()
        while start < text.count {
            var (end, isOpen) = (text.count, false)
            if header != nil {
                (end, isOpen) = reader.row(text, from: start)
            } else if let found = firstLineBreak(UnsafeBufferPointer(rebasing: text[start...])) {
                end = start + found
            }
            line += 1
            let row = text[start..<end]
            if row.contains(where: { $0 > 0x20 }) {
                let value =
                    isOpen
                    ? .failure(ForeignError(reason: "a cell has no closing quotation mark")) : Self.parse(row, header)
                guard try handOut(value, line, body) else { return false }
            }
            // Line breaks in its cells.
            if header != nil { line += row.count { $0 == 0x0A } }
            start = end + 1
        }
        return true
    }

    /// A list stands for its elements.
    private func handOut(
        _ value: Result<JSONTree, ForeignError>, _ line: Int, _ body: Body
    ) throws(FileError) -> Bool {
        guard case .success(.list(let items)) = value else { return try body(value, line) }
        for item in items {
            guard try body(.success(item), line) else { return false }
        }
        return true
    }

    private static func parse(
        _ row: Slice<UnsafeBufferPointer<UInt8>>, _ header: [String]?
    ) -> Result<JSONTree, ForeignError> {
        if let header {
            let values = cells(row)
            guard let values, values.count == header.count else {
                let count = values.map { "\($0.count)" } ?? "more than \(Bounds.columns)"
                return .failure(ForeignError(reason: "\(count) cells in a table of \(header.count) columns"))
            }
            return .success(.object(zip(header, values).map { ($0, $1.isEmpty ? .null : .string($1)) }))
        }
        do throws(JSONTree.ParseError) {
            return .success(try JSONTree.parse(Array(row)))
        } catch {
            return .failure(ForeignError(reason: "\(error.message) at byte \(error.offset)"))
        }
    }

    /// The cells of a CSV row (RFC 4180); nil where there are more than any table has.
    private static func cells(_ row: Slice<UnsafeBufferPointer<UInt8>>) -> [String]? {
        var cells: [String] = []
        var cell: [UInt8] = []
        var isQuoted = false
        var isAtStart = true
        var index = row.startIndex
        while index < row.endIndex {
            let byte = row[index]
            if isQuoted, byte == UInt8(ascii: "\"") {
                if index + 1 < row.endIndex, row[index + 1] == byte {
                    cell.append(byte)
                    index += 1
                } else {
                    isQuoted = false
                }
            } else if isAtStart, byte == UInt8(ascii: "\"") {
                isQuoted = true
            } else if byte == UInt8(ascii: ","), !isQuoted {
                guard cells.count < Bounds.columns else { return nil }
                cells.append(String(decoding: cell, as: UTF8.self))
                cell.removeAll(keepingCapacity: true)
                isAtStart = true
                index += 1
                continue
            } else if byte != 0x0D || isQuoted {
                cell.append(byte)
            }
            isAtStart = false
            index += 1
        }
        cells.append(String(decoding: cell, as: UTF8.self))
        return cells
    }
}
