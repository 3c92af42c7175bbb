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
    package struct Stretch: @unchecked Sendable {
        let bytes: UnsafeBufferPointer<UInt8>
        let owner: AnyObject
        let format: LogFormat
        let skipsHeader: Bool

        /// Appends some of its bytes to others.
        package func append(from start: Int, count: Int, to text: inout [UInt8]) {
            text.append(contentsOf: bytes[start..<start + count])
        }

        /// Other lines of the same format.
        package func with(_ text: [UInt8]) -> Stretch {
            let owner = OwnedBytes(text)
            return Stretch(
                bytes: UnsafeBufferPointer(owner.buffer), owner: owner, format: format, skipsHeader: false)
        }
    }

    package let path: String
    private let source: LogSource
    private let map: FieldMap
    private var format: LogFormat?
    private var first: (bytes: UnsafeBufferPointer<UInt8>, owner: AnyObject)?
    private var isStarted = false

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

    /// The next stretch; nil at the end.
    package func next() throws(FileError) -> Stretch? {
        guard let format else { return try start() }
        return source.next(isCSV: format.isCSV).map {
            Stretch(bytes: $0.bytes, owner: $0.owner, format: format, skipsHeader: false)
        }
    }

    private func start() throws(FileError) -> Stretch? {
        // Until the first byte is seen the log is read as if it were CSV, whose lines hold every other kind's.
        guard let first = source.next(isCSV: false) else { return nil }
        let opening = first.bytes.first { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D && $0 != 0x0A && $0 < 0x80 }
        let made: LogFormat
        if opening == UInt8(ascii: "{") {
            made = LogFormat(isCSV: false, columns: [], map: map)
        } else {
            let line = UnsafeBufferPointer(
                rebasing: first.bytes[..<(first.bytes.firstIndex(of: 0x0A) ?? first.bytes.count)])
            let names = CSVScanner.header(Self.trimmed(line))
            let columns = names.map { map.columns[$0] }
            guard columns.contains(where: { $0 != nil }) else {
                let shown = names.prefix(12).map { "`\($0.prefix(40))`" }.joined(separator: ", ")
                throw FileError(
                    path: path,
                    reason: "is neither JSON lines nor CSV with a known column; its first line has \(shown); "
                        + "name columns with --map FIELD=COLUMN")
            }
            made = LogFormat(isCSV: true, columns: columns, map: map)
        }
        format = made
        return Stretch(bytes: first.bytes, owner: first.owner, format: made, skipsHeader: made.isCSV)
    }

    private static func trimmed(_ line: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        var line = line
        if line.starts(with: [0xEF, 0xBB, 0xBF]) { line = UnsafeBufferPointer(rebasing: line[3...]) }
        if line.last == 0x0D { line = UnsafeBufferPointer(rebasing: line[..<(line.count - 1)]) }
        return line
    }
}

/// Bytes that live as long as someone reads from them, at an address that stays.
final class OwnedBytes {
    let buffer: UnsafeMutableBufferPointer<UInt8>

    init(_ bytes: [UInt8]) {
        buffer = .allocate(capacity: bytes.count)
        _ = buffer.initialize(from: bytes)
    }

    deinit { buffer.deallocate() }
}

/// How the lines of a log are read.
package struct LogFormat: Sendable {
    let isCSV: Bool
    let columns: [Field?]
    let map: FieldMap

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

    private static func read(_ stretch: LogReader.Stretch, _ names: NameReader?, _ keys: KeyMemory) -> RecordBlock {
        let block = RecordBlock(
            text: stretch.bytes, owner: stretch.owner, isCSV: stretch.format.isCSV, names: names)
        let format = stretch.format
        var json = JSONLineScanner(block, keys: keys)
        var csv = CSVScanner(block, columns: format.columns)
        let text = block.text
        guard let base = text.baseAddress else { return block }
        let constants = Set(format.map.constants.map(\.field))
        var start = 0
        var line = 0
        if text.starts(with: [0xEF, 0xBB, 0xBF]) { start = 3 }
        while start < text.count {
            if let names, block.count - block.named >= namesAtOnce { block.lookUpNames(names) }
            if !format.isCSV, base[start] == UInt8(ascii: "{") {
                block.prepare()
                if let end = json.readLine(from: start, in: text.count),
                    block.lacks(constants: constants, isForeign: format.map.isForeign) == nil
                {
                    line += 1
                    block.commit(line: line, start: start, end: base[end - 1] == 0x0D ? end - 1 : end)
                    start = end + 1
                    continue
                }
                block.clearLists()
            }
            var end = start
            if let found = memchr(base + start, 0x0A, text.count - start) {
                end = base.distance(to: found.assumingMemoryBound(to: UInt8.self))
            } else {
                end = text.count
            }
            if format.isCSV { end = csvEnd(text, start, end) }
            line += 1
            let next = end + 1
            if end > start, text[end - 1] == 0x0D { end -= 1 }
            defer { start = next }
            if stretch.skipsHeader, line == 1 { continue }
            if isBlank(text, start, end) { continue }
            block.prepare()
            do throws(LineError) {
                if format.isCSV { try csv.read(from: start, to: end) } else { try json.read(from: start, to: end) }
                if let reason = block.lacks(constants: constants, isForeign: format.map.isForeign) {
                    throw LineError(reason)
                }
                block.commit(line: line, start: start, end: end)
            } catch {
                block.clearLists()
                block.rejects.append(Reject(line: line, reason: error.reason))
            }
        }
        if let names { block.lookUpNames(names) }
        block.lineCount = line
        return block
    }

    /// Reads one request for `eval`: its line as a block of its own, with what is missing left to the caller.
    package static func readSingle(_ line: [UInt8]) -> (block: RecordBlock, error: String?) {
        let owner = OwnedBytes(line)
        let block = RecordBlock(text: UnsafeBufferPointer(owner.buffer), owner: owner, isCSV: false)
        // One line has no other that it could be like.
        var json = JSONLineScanner(block, keys: KeyMemory(FieldMap(), isWide: false))
        block.prepare()
        do throws(LineError) {
            try json.read(from: 0, to: line.count)
            block.commit(line: 1, start: 0, end: line.count)
            return (block, nil)
        } catch {
            block.commit(line: 1, start: 0, end: line.count)
            return (block, error.reason)
        }
    }

    /// The end of a CSV line whose quoted cells may hold line breaks.
    private static func csvEnd(_ text: UnsafeBufferPointer<UInt8>, _ start: Int, _ firstEnd: Int) -> Int {
        var isQuoted = false
        var index = start
        while index < text.count {
            if text[index] == UInt8(ascii: "\"") { isQuoted.toggle() }
            if index >= firstEnd, text[index] == 0x0A, !isQuoted { return index }
            index += 1
        }
        return text.count
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
    func lacks(constants: Set<Field>, isForeign: Bool) -> String? {
        if number(count, .time) == .min { return "`ts` is missing" }
        if !slice(count, .requestID).isPresent, !isForeign, !constants.contains(.requestID) {
            return "`request_id` is missing"
        }
        if !slice(count, .tenant).isPresent, !constants.contains(.tenant) { return "`tenant` is missing" }
        if !slice(count, .model).isPresent, !constants.contains(.model) { return "`model` is missing" }
        return countDefect(count)
    }

    @inline(__always)
    func countDefect(_ record: Int) -> String? {
        if max(number(record, .cachedTokens), 0) > max(number(record, .inputTokens), 0) {
            return "`cached_tokens` is greater than `input_tokens`"
        }
        return nil
    }
}
