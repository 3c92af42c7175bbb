import BursarSyntax

/// Says a log of another system again in Bursar's own format, value by value, so that it may be larger than memory.
package struct ForeignLog {
    package let format: ForeignFormat
    private let overrides: [Field: String]
    private let callPath: String?
    /// Lines of the log that cannot be used, with the reason.
    package private(set) var rejects: [(line: Int, reason: String)] = []
    package private(set) var records = 0
    /// Records that say only which model answered, and not which one was asked for.
    package private(set) var servedOnly = 0
    /// Attempts of a call that were added to an earlier one.
    package private(set) var joined = 0

    /// - Parameters:
    ///   - overrides: columns or dotted paths that go before the format's own.
    ///   - callPath: a column or dotted path that names the call that a record is an attempt of.
    package init(_ format: ForeignFormat, overrides: [Field: String] = [:], callPath: String? = nil) {
        self.format = format
        self.callPath = callPath
        self.overrides = overrides
    }

    /// The format of a log by its first record; nil where it is none of another system.
    package static func guess(_ path: String) -> ForeignFormat? {
        var found: ForeignFormat?
        var isFirst = true
        try? forEachValue(in: path) { value, _ in
            if isFirst, case .success(let tree) = value { found = ForeignFormat.guess(tree) }
            isFirst = false
            return false
        }
        return found
    }

    /// Hands out every record as a line of Bursar's own format, until the writer wants no more.
    ///
    /// - Parameters:
    ///   - name: what the log is called; the ids of records that have none begin with it.
    ///   - write: takes a record with the line of the log that it comes from.
    package mutating func convert(
        _ path: String, name: String, _ write: (_ record: [UInt8], _ line: Int) -> Bool
    ) throws(FileError) {
        var rejects: [(line: Int, reason: String)] = []
        var count = 0
        var served = 0
        var joiner = AttemptJoiner()
        var isWanted = true
        func emit(_ record: ForeignRecord) {
            if record.isOfServedModel { served += 1 }
            if isWanted { isWanted = write(format.line(record), record.line) }
        }
        try Self.forEachValue(in: path) { value, line in
            switch value {
            case .failure(let error): rejects.append((line, error.reason))
            case .success(let tree):
                let found = format.records(in: tree)
                for (number, record) in found.enumerated() {
                    count += 1
                    do throws(ForeignError) {
                        let name = RequestBuilder.lineName(name, line)
                        let place = found.count > 1 ? "\(name).\(number + 1)" : name
                        var record = try format.record(
                            record, overrides: overrides, callPath: callPath, place: place)
                        record.line = line
                        joiner.add(record, emit)
                    } catch {
                        rejects.append((line, error.reason))
                    }
                }
            }
            return isWanted
        }
        joiner.finish(emit)
        self.rejects += rejects
        records += count
        servedOnly += served
        joined += joiner.joined
    }

    /// Lines of JSON, rows of CSV or of a database, or one JSON value over several lines.
    private static func forEachValue(
        in path: String, _ body: (Result<JSONTree, ForeignError>, Int) -> Bool
    ) throws(FileError) {
        if SQLiteTable.isDatabase(path) {
            return try SQLiteTable.forEachRow(of: path) { body(.success($0), $1) }
        }
        let source = try LogSource(path)
        var header: [String]?
        var isFirst = true
        var line = 0
        while let chunk = source.next(isCSV: header != nil) {
            var start = 0
            let bytes = chunk.bytes
            if isFirst {
                isFirst = false
                let lead = bytes.first { $0 > 0x20 }
                if lead != UInt8(ascii: "{"), lead != UInt8(ascii: "[") {
                    let end = bytes.firstIndex(of: 0x0A) ?? bytes.count
                    header = cells(bytes[start..<end])
                    start = min(bytes.count, end + 1)
                    line += 1
                } else if let whole = whole(bytes) {
                    // A file that is one value, such as a batch of spans.
                    let values = if case .list(let items) = whole { items } else { [whole] }
                    for value in values where !body(.success(value), 1) { return }
                    continue
                }
            }
            while start < bytes.count {
                let end = rowEnd(bytes, start, isCSV: header != nil)
                line += 1
                let row = bytes[start..<end]
                if row.contains(where: { $0 > 0x20 }), !body(parse(row, header), line) { return }
                if header != nil { line += row.count { $0 == 0x0A } }
                start = end + 1
            }
        }
        if let failure = source.failure { throw FileError(path: path, reason: failure) }
    }

    private static func whole(_ bytes: UnsafeBufferPointer<UInt8>) -> JSONTree? {
        guard let end = bytes.firstIndex(of: 0x0A), bytes[end...].contains(where: { $0 > 0x20 }) else { return nil }
        if (try? JSONTree.parse(Array(bytes[..<end]))) != nil { return nil }
        return try? JSONTree.parse(Array(bytes))
    }

    private static func rowEnd(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, isCSV: Bool) -> Int {
        var isQuoted = false
        var index = start
        while index < bytes.count {
            if isCSV, bytes[index] == UInt8(ascii: "\"") { isQuoted.toggle() }
            if bytes[index] == 0x0A, !isQuoted { return index }
            index += 1
        }
        return bytes.count
    }

    private static func parse(
        _ row: Slice<UnsafeBufferPointer<UInt8>>, _ header: [String]?
    ) -> Result<JSONTree, ForeignError> {
        if let header {
            let values = cells(row)
            guard values.count == header.count else {
                return .failure(ForeignError(reason: "\(values.count) cells in a table of \(header.count) columns"))
            }
            return .success(.object(zip(header, values).map { ($0, $1.isEmpty ? .null : .string($1)) }))
        }
        do throws(JSONTree.ParseError) {
            return .success(try JSONTree.parse(Array(row)))
        } catch {
            return .failure(ForeignError(reason: "\(error.message) at byte \(error.offset)"))
        }
    }

    /// The cells of a CSV row (RFC 4180).
    private static func cells(_ row: Slice<UnsafeBufferPointer<UInt8>>) -> [String] {
        var cells: [String] = []
        var cell: [UInt8] = []
        var isQuoted = false
        var index = row.startIndex
        while index < row.endIndex {
            let byte = row[index]
            if byte == UInt8(ascii: "\"") {
                if isQuoted, index + 1 < row.endIndex, row[index + 1] == byte {
                    cell.append(byte)
                    index += 1
                } else {
                    isQuoted.toggle()
                }
            } else if byte == UInt8(ascii: ","), !isQuoted {
                cells.append(String(decoding: cell, as: UTF8.self))
                cell = []
            } else if byte != 0x0D || isQuoted {
                cell.append(byte)
            }
            index += 1
        }
        cells.append(String(decoding: cell, as: UTF8.self))
        return cells
    }
}
