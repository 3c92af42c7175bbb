import BursarEngine
import BursarStorage
import BursarSyntax

/// Bytes of a value in a block's text.
struct ByteSlice: Sendable {
    var start: UInt32
    /// Bit 31: the text has escapes.
    private var bits: UInt32

    static let absent = ByteSlice(start: 0, count: 0, isEscaped: false, isPresent: false)

    init(start: Int, count: Int, isEscaped: Bool, isPresent: Bool = true) {
        self.start = UInt32(truncatingIfNeeded: start)
        bits = UInt32(truncatingIfNeeded: count) | (isEscaped ? 1 << 31 : 0) | (isPresent ? 1 << 30 : 0)
    }

    var count: Int { Int(bits & 0x3FFF_FFFF) }
    var isEscaped: Bool { bits & (1 << 31) != 0 }
    var isPresent: Bool { bits & (1 << 30) != 0 }
}

/// A line that could not be used.
public struct Reject: Sendable {
    /// From 1, within its file.
    public var line: Int
    public var reason: String
}

/// The records of one stretch of a log, read but not yet decided. Values stay where they were read.
public final class RecordBlock: @unchecked Sendable {
    /// The text; it is owned by `owner`, or mapped as long as the log is open.
    let text: UnsafeBufferPointer<UInt8>
    private let owner: AnyObject?
    @exclusivity(unchecked) public private(set) var count = 0
    public internal(set) var rejects: [Reject] = []
    /// Lines that were read, blank ones included.
    public internal(set) var lineCount = 0
    private let isCSV: Bool
    private struct Place {
        var line: UInt32
        var start: UInt32
        var length: UInt32
    }

    @exclusivity(unchecked) private var places: UnsafeMutablePointer<Place>
    @exclusivity(unchecked) private var slices: UnsafeMutablePointer<ByteSlice>
    @exclusivity(unchecked) private var numbers: UnsafeMutablePointer<Int64>
    /// Bits by truth field: present, then value.
    @exclusivity(unchecked) private(set) var truths: UnsafeMutablePointer<UInt8>
    private(set) var lists: [Int: [(field: Field, slice: ByteSlice)]] = [:]
    private var capacity: Int
    /// How many symbols a record has; 0: nobody has looked its names up.
    private let symbolWidth: Int
    var hasNames: Bool { symbolWidth > 0 }
    @exclusivity(unchecked) private var symbols: UnsafeMutablePointer<UInt32>
    /// Of records whose names were looked up.
    @exclusivity(unchecked) private var requestIDs: UnsafeMutablePointer<RequestID>

    /// - Parameter names: looks names up as records are read; nil: nobody does.
    init(text: UnsafeBufferPointer<UInt8>, owner: AnyObject?, isCSV: Bool, names: NameReader? = nil) {
        self.text = text
        self.owner = owner
        self.isCSV = isCSV
        symbolWidth = names?.columnCount ?? 0
        capacity = max(16, text.count / 128)
        slices = .allocate(capacity: capacity * Field.textCount)
        numbers = .allocate(capacity: capacity * Field.numberCount)
        truths = .allocate(capacity: capacity)
        places = .allocate(capacity: capacity)
        symbols = .allocate(capacity: capacity * symbolWidth)
        requestIDs = .allocate(capacity: names == nil ? 0 : capacity)
    }

    deinit {
        slices.deallocate()
        numbers.deallocate()
        truths.deallocate()
        places.deallocate()
        symbols.deallocate()
        requestIDs.deallocate()
    }

    /// Where the values of the record go that is being read.
    struct OpenRecord {
        /// By text field.
        let texts: UnsafeMutablePointer<ByteSlice>
        /// By place among the number fields.
        let numbers: UnsafeMutablePointer<Int64>
    }

    /// The record that was prepared.
    @inline(__always) var openRecord: OpenRecord {
        OpenRecord(texts: slices + count * Field.textCount, numbers: numbers + count * Field.numberCount)
    }

    /// Makes room for one more record and clears it.
    func prepare() {
        if count == capacity { grow() }
        openRecord.texts.update(repeating: .absent, count: Field.textCount)
        openRecord.numbers.update(repeating: Int64.min, count: Field.numberCount)
        truths[count] = 0
    }

    /// Keeps the record that was prepared.
    @inline(__always)
    func commit(line: Int, start: Int, end: Int, names: NameReader? = nil) {
        if let names {
            names.read(count, of: self, into: symbols + count * symbolWidth)
            let id = slice(count, .requestID)
            // Here, because the text leaves the cache before the record is decided.
            if id.isPresent { requestIDs[count] = withText(id) { RequestID($0) } }
        }
        places[count] = Place(
            line: UInt32(truncatingIfNeeded: line), start: UInt32(truncatingIfNeeded: start),
            length: UInt32(truncatingIfNeeded: end - start))
        count += 1
    }

    private func grow() {
        func copy<Element>(_ old: UnsafeMutablePointer<Element>, _ width: Int) -> UnsafeMutablePointer<Element> {
            let new = UnsafeMutablePointer<Element>.allocate(capacity: capacity * 2 * width)
            new.moveInitialize(from: old, count: count * width)
            old.deallocate()
            return new
        }
        slices = copy(slices, Field.textCount)
        numbers = copy(numbers, Field.numberCount)
        truths = copy(truths, 1)
        places = copy(places, 1)
        symbols = copy(symbols, symbolWidth)
        requestIDs = copy(requestIDs, hasNames ? 1 : 0)
        capacity *= 2
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

    func hasTruths(_ record: Int) -> Bool { truths[record] != 0 }

    func setNumber(_ record: Int, _ field: Field, _ value: Int64) {
        numbers[record * Field.numberCount + field.numberIndex] = value
    }

    func setList(_ field: Field, _ slice: ByteSlice) { lists[count, default: []].append((field, slice)) }
    func clearLists() { if !lists.isEmpty { lists[count] = nil } }

    // MARK: - Reading

    public func line(_ record: Int) -> Int { Int(places[record].line) }

    @inline(__always) func slice(_ record: Int, _ field: Field) -> ByteSlice {
        slices[record * Field.textCount + Int(field.rawValue)]
    }

    /// `Int64.min` where the record does not have it.
    @inline(__always) public func number(_ record: Int, _ field: Field) -> Int64 {
        numbers[record * Field.numberCount + field.numberIndex]
    }

    /// The record's line as bytes of the block.
    public func bounds(_ record: Int) -> (start: Int, count: Int) { (Int(places[record].start), Int(places[record].length)) }

    /// A hash of the tenant's name, for giving tenants to shards and threads.
    public func tenantHash(_ record: Int) -> UInt64 { withText(slice(record, .tenant)) { Self.tenantHash($0) } }

    /// The symbols of a record's names, by column of the reader that looked them up.
    @inline(__always)
    func symbols(_ record: Int) -> UnsafePointer<UInt32> { UnsafePointer(symbols + record * symbolWidth) }

    /// The id of a record that has one, where names were looked up.
    @inline(__always)
    func requestID(_ record: Int) -> RequestID { requestIDs[record] }

    /// The symbol of the tenant for the first engine, where names were looked up; absent where the record names none.
    @inline(__always)
    public func tenantSymbol(_ record: Int) -> Symbol { Symbol(rawValue: symbols[record * symbolWidth]) }

    /// The same of a name.
    public static func tenantHash(_ name: UnsafeBufferPointer<UInt8>) -> UInt64 { hashBytes(name) >> 7 }

    public func time(_ record: Int) -> Int64 { number(record, .time) }

    public func truth(_ record: Int, _ field: Field) -> Bool? {
        let shift = (field.rawValue - Field.fallback.rawValue) * 2
        let bits = truths[record] >> shift
        return bits & 1 == 0 ? nil : bits & 2 != 0
    }

    func setTruth(_ field: Field, _ value: Bool) {
        let shift = (field.rawValue - Field.fallback.rawValue) * 2
        truths[count] |= (value ? 3 : 1) << shift
    }

    @inline(__always) func bytes(_ slice: ByteSlice) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(rebasing: text[Int(slice.start)..<Int(slice.start) + slice.count])
    }

    /// A text field's bytes, escapes resolved; nil where the record does not have it.
    public func text(_ record: Int, _ field: Field) -> String? {
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
