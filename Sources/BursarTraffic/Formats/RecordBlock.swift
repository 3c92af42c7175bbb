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
    @exclusivity(unchecked) private(set) var lines: [UInt32] = []
    @exclusivity(unchecked) private var starts: [UInt32] = []
    @exclusivity(unchecked) private var lengths: [UInt32] = []
    @exclusivity(unchecked) private(set) var slices: UnsafeMutablePointer<ByteSlice>
    @exclusivity(unchecked) private(set) var numbers: UnsafeMutablePointer<Int64>
    /// Bits by truth field: present, then value.
    @exclusivity(unchecked) private(set) var truths: UnsafeMutablePointer<UInt8>
    private(set) var lists: [Int: [(field: Field, slice: ByteSlice)]] = [:]
    private var capacity: Int

    init(text: UnsafeBufferPointer<UInt8>, owner: AnyObject?, isCSV: Bool) {
        self.text = text
        self.owner = owner
        self.isCSV = isCSV
        capacity = max(16, text.count / 128)
        slices = .allocate(capacity: capacity * Field.textCount)
        numbers = .allocate(capacity: capacity * Field.numberCount)
        truths = .allocate(capacity: capacity)
        lines.reserveCapacity(capacity)
        starts.reserveCapacity(capacity)
        lengths.reserveCapacity(capacity)
    }

    deinit {
        slices.deallocate()
        numbers.deallocate()
        truths.deallocate()
    }

    /// Makes room for one more record and clears it.
    func prepare() {
        if count == capacity { grow() }
        (slices + count * Field.textCount).update(repeating: .absent, count: Field.textCount)
        (numbers + count * Field.numberCount).update(repeating: Int64.min, count: Field.numberCount)
        truths[count] = 0
    }

    /// Keeps the record that was prepared.
    func commit(line: Int, start: Int, end: Int) {
        lines.append(UInt32(truncatingIfNeeded: line))
        starts.append(UInt32(truncatingIfNeeded: start))
        lengths.append(UInt32(truncatingIfNeeded: end - start))
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

    public func line(_ record: Int) -> Int { Int(lines[record]) }

    @inline(__always) func slice(_ record: Int, _ field: Field) -> ByteSlice {
        slices[record * Field.textCount + Int(field.rawValue)]
    }

    /// `Int64.min` where the record does not have it.
    @inline(__always) public func number(_ record: Int, _ field: Field) -> Int64 {
        numbers[record * Field.numberCount + field.numberIndex]
    }

    /// The record's line as bytes of the block.
    public func bounds(_ record: Int) -> (start: Int, count: Int) { (Int(starts[record]), Int(lengths[record])) }

    /// A hash of the tenant's name, for giving tenants to shards and threads.
    public func tenantHash(_ record: Int) -> UInt64 { withText(slice(record, .tenant)) { Self.tenantHash($0) } }

    /// A number that is the same for the same tenant, made of the end of its name: for giving tenants to threads of one
    /// replay, where nothing else depends on it.
    @inline(__always)
    public func tenantMark(_ record: Int) -> UInt64 {
        withText(slice(record, .tenant)) { name in
            guard name.count >= 8, let base = UnsafeRawPointer(name.baseAddress) else { return Self.tenantHash(name) }
            return mix(base.loadUnaligned(fromByteOffset: name.count - 8, as: UInt64.self)) >> 7
        }
    }

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
