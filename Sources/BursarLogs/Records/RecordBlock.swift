import BursarEngine
import BursarStorage
import BursarSyntax
import CIntrinsics

/// Bytes of a value in a block's text.
struct ByteSlice: Sendable {
    var start: UInt32
    /// Bit 31: the text has escapes.
    private var bits: UInt32

    static let absent = ByteSlice(start: 0, count: 0, isEscaped: false, isPresent: false)

    init(start: Int, count: Int, isEscaped: Bool, isPresent: Bool = true) {
        self.start = UInt32(truncatingIfNeeded: start)
        bits = UInt32(truncatingIfNeeded: count) | (isEscaped ? 1 << 31 : 0) | (isPresent ? bursar_present : 0)
    }

    var count: Int { Int(bits & 0x3FFF_FFFF) }
    var isEscaped: Bool { bits & (1 << 31) != 0 }
    var isPresent: Bool { bits & bursar_present != 0 }

    /// How many bytes a text without escapes has; nil where it has some, is absent or empty, or longer than so many bytes.
    @inline(__always)
    func plainCount(atMost most: Int) -> Int? {
        // What its upper bits should not say makes it too large.
        let count = bits ^ bursar_present
        return count &- 1 < UInt32(truncatingIfNeeded: most) ? Int(count) : nil
    }
}

/// A line that could not be used.
package struct Reject: Sendable {
    /// From 1, within its file.
    package var line: Int
    package var reason: String
    package var request: RejectedRequest?
}

/// The records of one stretch of a log, read but not yet decided. Values stay where they were read.
package final class RecordBlock: @unchecked Sendable {
    /// The text, which `owner` keeps; zeros follow it, so that words can be loaded at its end.
    let text: UnsafeBufferPointer<UInt8>
    private let owner: TextBuffer
    @exclusivity(unchecked) package private(set) var count = 0
    package internal(set) var rejects: [Reject] = []
    /// Lines that were read, blank ones included.
    package internal(set) var lineCount = 0
    private let isCSV: Bool
    @exclusivity(unchecked) private(set) var lists: [Int: [(field: Field, slice: ByteSlice)]] = [:]
    /// How many symbols a record has; 0: nobody has looked its names up.
    private let symbolWidth: Int
    var hasNames: Bool { symbolWidth > 0 }
    /// Records whose names were looked up.
    @exclusivity(unchecked) private(set) var named = 0
    @exclusivity(unchecked) private var firstTime = Int64.min
    @exclusivity(unchecked) private var lastTime = Int64.min
    @exclusivity(unchecked) private var isAscending = true
    /// The first and the last time; nil where times go back, or where there is none.
    package var ascendingTimes: (first: Int64, last: Int64)? {
        count > 0 && isAscending ? (firstTime, lastTime) : nil
    }
    private let memories: RecordMemories?
    /// The values of the records, one record after the other.
    @exclusivity(unchecked) private var memory: RecordMemory
    @exclusivity(unchecked) private var base: UnsafeMutableRawPointer
    @exclusivity(unchecked) private var capacity: Int
    /// Bytes of a record.
    private let stride: Int

    /// Where a record's values lie. A decision needs few of its texts and most of the rest, which lies together.
    struct Record {
        /// The record's line and its bytes in the block.
        struct Place {
            var line: UInt32
            var start: UInt32
            var length: UInt32
        }

        static let numbersOffset = Field.textCount * MemoryLayout<ByteSlice>.stride
        static let idOffset = numbersOffset + Field.numberCount * MemoryLayout<Int64>.stride
        static let placeOffset = idOffset + MemoryLayout<RequestID>.stride
        static let truthsOffset = placeOffset + MemoryLayout<Place>.stride
        static let symbolsOffset = truthsOffset + MemoryLayout<UInt32>.stride

        let base: UnsafeMutableRawPointer

        /// By text field.
        @inline(__always) var texts: UnsafeMutablePointer<ByteSlice> { base.assumingMemoryBound(to: ByteSlice.self) }
        /// By place among the number fields.
        @inline(__always) var numbers: UnsafeMutablePointer<Int64> {
            (base + Self.numbersOffset).assumingMemoryBound(to: Int64.self)
        }
        /// Where names were looked up and the record has an id.
        @inline(__always) var id: UnsafeMutablePointer<RequestID> {
            (base + Self.idOffset).assumingMemoryBound(to: RequestID.self)
        }
        @inline(__always) var place: UnsafeMutablePointer<Place> {
            (base + Self.placeOffset).assumingMemoryBound(to: Place.self)
        }
        /// Bits by truth field: present, then value.
        @inline(__always) var truths: UnsafeMutablePointer<UInt32> {
            (base + Self.truthsOffset).assumingMemoryBound(to: UInt32.self)
        }
        /// By column of the reader that looked the names up.
        @inline(__always) var symbols: UnsafeMutablePointer<UInt32> {
            (base + Self.symbolsOffset).assumingMemoryBound(to: UInt32.self)
        }
    }

    /// - Parameter names: looks names up as records are read; nil: nobody does.
    init(_ text: TextBuffer, isCSV: Bool, names: NameReader? = nil) {
        self.text = text.bytes
        owner = text
        self.isCSV = isCSV
        symbolWidth = names?.symbolCount ?? 0
        stride = (Record.symbolsOffset + symbolWidth * MemoryLayout<UInt32>.stride + 7) / 8 * 8
        memories = names?.memories
        let wanted = max(16, text.count / 256) * stride
        memory = memories?.take(wanted) ?? RecordMemory(wanted)
        base = memory.base
        capacity = memory.count / stride
    }

    deinit { memories?.giveBack(memory) }

    @inline(__always) func record(_ index: Int) -> Record { Record(base: base + index &* stride) }

    /// The record that was prepared.
    @inline(__always) var openRecord: Record { record(count) }

    /// Makes room for one more record and clears it.
    @inline(__always)
    func prepare() {
        if count == capacity { grow() }
        let record = openRecord
        record.texts.update(repeating: .absent, count: Field.textCount)
        record.numbers.update(repeating: Int64.min, count: Field.numberCount)
        record.truths.pointee = 0
    }

    /// Keeps the record that was prepared.
    @inline(__always)
    func commit(line: Int, start: Int, end: Int) {
        let record = openRecord
        record.place.pointee = Record.Place(
            line: UInt32(truncatingIfNeeded: line), start: UInt32(truncatingIfNeeded: start),
            length: UInt32(truncatingIfNeeded: end - start))
        let time = record.numbers[Field.time.numberIndex]
        if count == 0 { firstTime = time }
        if time < lastTime { isAscending = false }
        lastTime = max(lastTime, time)
        count += 1
    }

    /// Looks up the names of the records that were added since. Not when they are decided: their text has left the cache then.
    @inline(never)
    func lookUpNames(_ names: NameReader) {
        while named < count {
            let record = record(named)
            names.read(record, of: self)
            let id = record.texts[Int(Field.requestID.rawValue)]
            if id.isPresent { record.id.pointee = withText(id) { RequestID($0, names.hashKey) } }
            named += 1
        }
    }

    @inline(never)
    private func grow() {
        let larger = RecordMemory(memory.count * 2)
        larger.base.copyMemory(from: base, byteCount: count * stride)
        memory = larger
        base = larger.base
        capacity = larger.count / stride
    }

    private static func withoutDoubledQuotes(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            result.append(bytes[index])
            index += bytes[index] == UInt8(ascii: "\"") ? 2 : 1
        }
        return result
    }

    var hasLists: Bool { !lists.isEmpty }

    func setNumber(_ record: Int, _ field: Field, _ value: Int64) {
        self.record(record).numbers[field.numberIndex] = value
    }

    func setList(_ field: Field, _ slice: ByteSlice) { lists[count, default: []].append((field, slice)) }
    func clearLists() { if !lists.isEmpty { lists[count] = nil } }

    // MARK: - Reading

    @inline(__always)
    package func line(_ record: Int) -> Int { Int(self.record(record).place.pointee.line) }

    @inline(__always) func slice(_ record: Int, _ field: Field) -> ByteSlice {
        self.record(record).texts[Int(field.rawValue)]
    }

    /// `Int64.min` where the record does not have it.
    @inline(__always) package func number(_ record: Int, _ field: Field) -> Int64 {
        self.record(record).numbers[field.numberIndex]
    }

    /// The record's line as bytes of the block.
    package func bounds(_ record: Int) -> (start: Int, count: Int) {
        let place = self.record(record).place.pointee
        return (Int(place.start), Int(place.length))
    }

    /// A hash of the tenant's name, for giving tenants to shards and threads.
    package func tenantHash(_ record: Int) -> UInt64 { withText(slice(record, .tenant)) { Self.tenantHash($0) } }

    /// The symbol of the tenant for the first engine, where names were looked up; absent where the record names none.
    @inline(__always)
    package func tenantSymbol(_ record: Int) -> Symbol { Symbol(rawValue: self.record(record).symbols[0]) }

    /// The same of a name.
    package static func tenantHash(_ name: UnsafeBufferPointer<UInt8>) -> UInt64 { stableHash(name) >> 7 }

    package func time(_ record: Int) -> Int64 { number(record, .time) }

    @inline(__always)
    package func truth(_ record: Int, _ field: Field) -> Bool? {
        let shift = UInt32(field.rawValue - Field.fallback.rawValue) * 2
        let bits = self.record(record).truths.pointee >> shift
        return bits & 1 == 0 ? nil : bits & 2 != 0
    }

    func setTruth(_ field: Field, _ value: Bool) {
        let shift = UInt32(field.rawValue - Field.fallback.rawValue) * 2
        openRecord.truths.pointee |= (value ? 3 : 1) << shift
    }

    @inline(__always) func bytes(_ slice: ByteSlice) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(rebasing: text[Int(slice.start)..<Int(slice.start) + slice.count])
    }

    /// A text field's bytes, escapes resolved; nil where the record does not have it.
    package func text(_ record: Int, _ field: Field) -> String? {
        let slice = slice(record, field)
        guard slice.isPresent else { return nil }
        return withText(slice) { String(decoding: $0, as: UTF8.self) }
    }

    @inline(__always) func withText<Result>(
        _ slice: ByteSlice, _ body: (UnsafeBufferPointer<UInt8>) -> Result
    ) -> Result {
        if !slice.isEscaped { return body(bytes(slice)) }
        let text = isCSV ? Self.withoutDoubledQuotes(bytes(slice)) : JSONText.unescape(bytes(slice))
        return text.withUnsafeBufferPointer(body)
    }
}
