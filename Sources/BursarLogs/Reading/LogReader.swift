import BursarSyntax
import CIntrinsics

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Reads a log in blocks: which bytes belong to a block is told in order, reading them can be done by any thread.
package final class LogReader {
    /// A stretch of whole lines that waits to be read.
    package struct Stretch: Sendable {
        let text: TextBuffer
        let format: LogFormat
        let skipsHeader: Bool
        /// Where it begins among the bytes of the log's text.
        package let start: Int
        /// It stands for one line that cannot be used, for this reason.
        let unusable: String?

        init(
            _ text: TextBuffer, _ format: LogFormat, skipsHeader: Bool = false, start: Int = 0, unusable: String? = nil
        ) {
            self.text = text
            self.format = format
            self.skipsHeader = skipsHeader
            self.start = start
            self.unusable = unusable
        }

        /// Other lines of the same format.
        package func with(_ text: TextBuffer) -> Stretch { Stretch(text, format) }

        /// Other lines of the same format.
        package func with(_ text: [UInt8]) -> Stretch { with(TextBuffer(text)) }
    }

    package let path: String
    private let source: LogSource
    private let map: FieldMap
    private var format: LogFormat?

    /// - Parameters:
    ///   - map: which columns are which fields.
    ///   - follows: at the end more is waited for, until `stop` is asked.
    ///   - stop: ends reading early.
    package init(
        _ path: String, map: FieldMap, follows: Bool = false, stop: StopSignal = StopSignal()
    ) throws(FileError) {
        self.path = path
        self.map = map
        source = try LogSource(path, follows: follows, stop: stop)
    }

    /// Why the log could not be read to its end.
    package var failure: String? { source.failure }
    /// Bytes of the file; nil where it is followed or none.
    package var size: Int? { source.size }
    /// Bytes of it that were read.
    package var position: Int { source.position }
    /// The file in which the log's text lies as it is, and can be read again; known once a stretch was read.
    var textFile: FileIdentity? { source.textFile }

    /// The next stretch; nil at the end.
    package func next() throws(FileError) -> Stretch? {
        guard let part = source.next(isCSV: format?.isCSV ?? false) else { return nil }
        switch part {
        case .unusable(let reason):
            // Whatever the format is: one line is passed over.
            let format = format ?? LogFormat(isCSV: false, columns: [], map: map)
            return Stretch(TextBuffer([]), format, start: source.partStart, unusable: reason)
        case .lines(let text):
            if let format { return Stretch(text, format, start: source.partStart) }
            let made = try LogFormat(opening: text.bytes, path: path, map: map)
            format = made
            return Stretch(text, made, skipsHeader: made.isCSV, start: source.partStart)
        }
    }
}

/// How the lines of a log are read.
package struct LogFormat: Sendable {
    let isCSV: Bool
    let columns: [Field?]
    let map: FieldMap

    init(isCSV: Bool, columns: [Field?], map: FieldMap) {
        self.isCSV = isCSV
        self.columns = columns
        self.map = map
    }

    /// The format of a log by its first lines.
    fileprivate init(opening text: UnsafeBufferPointer<UInt8>, path: String, map: FieldMap) throws(FileError) {
        if let problem = LogOpening.problem(text) { throw FileError(path: path, reason: problem) }
        let opening = text.first { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D && $0 != 0x0A && $0 < 0x80 }
        if opening == UInt8(ascii: "{") {
            self.init(isCSV: false, columns: [], map: map)
            return
        }
        let names = try CSVScanner.header(LogOpening.header(text), path: path)
        let columns = names.map { map.columns[$0] }
        guard columns.contains(where: { $0 != nil }) else {
            let shown = names.prefix(12).map { "`\($0.prefix(40))`" }.joined(separator: ", ")
            throw FileError(
                path: path,
                reason: "is neither JSON lines nor CSV with a known column; its first line has \(shown); "
                    + "name columns with --map FIELD=COLUMN")
        }
        self.init(isCSV: true, columns: columns, map: map)
    }

    /// Reads a stretch. Line numbers count from 1 at its start.
    ///
    /// - Parameter names: looks up the names of its records; made for the same map.
    package static func read(_ stretch: LogReader.Stretch, names: NameReader? = nil) -> RecordBlock {
        read(stretch, names, names?.keys ?? KeyMemory(stretch.format.map, isWide: hasWideWords))
    }

    /// The processor has words of 64 bytes, for reading JSON.
    package static let hasWideWords = bursar_has_wide()

    /// - Parameter isWide: use words of 64 bytes; what is read is the same without them.
    package static func read(_ stretch: LogReader.Stretch, isWide: Bool) -> RecordBlock {
        read(stretch, nil, KeyMemory(stretch.format.map, isWide: isWide))
    }

    /// Names are looked up for so many records at once: a wrong guess at one then need not wait for its line to be read.
    private static let namesAtOnce = 64

    static func read(_ stretch: LogReader.Stretch, _ names: NameReader?, _ keys: KeyMemory) -> RecordBlock {
        let block = RecordBlock(stretch.text, isCSV: stretch.format.isCSV, names: names)
        if let reason = stretch.unusable {
            block.lineCount = 1
            block.rejects.append(Reject(line: 1, reason: reason))
            return block
        }
        let format = stretch.format
        var json = JSONLineScanner(block, keys: keys)
        var csv = CSVScanner(block, columns: format.columns)
        let text = block.text
        guard let base = text.baseAddress else { return block }
        let constants = Set(format.map.constants.map(\.field))
        var rows = CSVRows.Reader()
        var start = 0
        var line = 0
        if text.starts(with: LogOpening.mark) { start = LogOpening.mark.count }
        let first = start
        while start < text.count {
            if let names, block.count - block.named >= namesAtOnce { block.lookUpNames(names) }
            if !format.isCSV, base[start] == UInt8(ascii: "{") {
                block.prepare()
                if let end = json.readLine(from: start, in: text.count),
                    block.lacks(constants, isForeign: format.map.isForeign, lineBytes: end - start) == nil
                {
                    line += 1
                    block.commit(line: line, start: start, end: base[end - 1] == 0x0D ? end - 1 : end)
                    start = end + 1
                    continue
                }
                block.clearLists()
            }
            var end = text.count
            var isOpen = false
            if format.isCSV {
                (end, isOpen) = rows.row(text, from: start)
            } else if let found = firstLineBreak(UnsafeBufferPointer(rebasing: text[start...])) {
                end = start + found
            }
            line += 1
            let next = end + 1
            if end > start, text[end - 1] == 0x0D { end -= 1 }
            defer { start = next }
            if stretch.skipsHeader, start == first { continue }
            if isBlank(text, start, end) { continue }
            block.prepare()
            do throws(LineError) {
                if isOpen { throw LineError("a cell has no closing quotation mark") }
                if format.isCSV { try csv.read(from: start, to: end) } else { try json.read(from: start, to: end) }
                if let reason = block.lacks(
                    constants, isForeign: format.map.isForeign, lineBytes: end - start)
                {
                    throw LineError(reason)
                }
                block.commit(line: line, start: start, end: end)
            } catch {
                block.clearLists()
                let row = UnsafeBufferPointer(rebasing: text[start..<end])
                block.rejects.append(
                    Reject(line: line, reason: error.reason, request: RejectedRequest(row, format)))
            }
            // Line breaks in its cells.
            if format.isCSV { line += text[start..<end].count { $0 == 0x0A } }
        }
        if let names { block.lookUpNames(names) }
        block.lineCount = line
        return block
    }

    /// Reads one request for `eval`: its line as a block of its own, with what is missing left to the caller.
    package static func readSingle(_ line: [UInt8]) -> (block: RecordBlock, error: String?) {
        let (block, error) = single(line)
        return (block, error?.reason)
    }

    /// A line is the beginning of a request that goes on.
    package static func endsEarly(_ line: [UInt8]) -> Bool { single(line).error?.isEarlyEnd ?? false }

    package static func isRequest(_ line: [UInt8]) -> Bool { single(line).error == nil }

    private static func single(_ line: [UInt8]) -> (block: RecordBlock, error: LineError?) {
        let block = RecordBlock(TextBuffer(line), isCSV: false)
        // One line has no other that it could be like.
        var json = JSONLineScanner(block, keys: KeyMemory(FieldMap(), isWide: false))
        block.prepare()
        defer { block.commit(line: 1, start: 0, end: line.count) }
        do throws(LineError) {
            try json.read(from: 0, to: line.count)
            return (block, nil)
        } catch {
            return (block, error)
        }
    }

    private static func isBlank(_ text: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int) -> Bool {
        if start >= end { return true }
        if text[start] > 0x20 { return false }
        for index in start..<end where text[index] != 0x20 && text[index] != 0x09 { return false }
        return true
    }
}

extension RecordBlock {
    /// What a record of a log must have and this one has not; nil where it has everything.
    @inline(__always)
    func lacks(_ constants: Set<Field>, isForeign: Bool, lineBytes: Int) -> String? {
        if number(count, .time) == .min { return "`ts` is missing" }
        if !slice(count, .requestID).isPresent, !isForeign, !constants.contains(.requestID) {
            return "`request_id` is missing"
        }
        if !slice(count, .tenant).isPresent, !constants.contains(.tenant) { return "`tenant` is missing" }
        if !slice(count, .model).isPresent, !constants.contains(.model) { return "`model` is missing" }
        if lineBytes > Bounds.logNameBytes, let defect = nameDefect(count) { return defect }
        return countDefect(count)
    }

    /// A name that is longer than any may be.
    @inline(never)
    func nameDefect(_ record: Int) -> String? {
        Field.allCases.first { $0.isText && slice(record, $0).count > Bounds.logNameBytes }
            .map { "`\($0.name)` is longer than \(Bounds.logNameBytes) bytes" }
    }

    @inline(__always)
    func countDefect(_ record: Int) -> String? {
        if max(number(record, .cachedTokens), 0) > max(number(record, .inputTokens), 0) {
            return "`cached_tokens` is greater than `input_tokens`"
        }
        return nil
    }
}
