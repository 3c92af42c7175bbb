import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A name as a small number: equal names have equal symbols within one engine.
public struct Symbol: Sendable, Hashable, RawRepresentable {
    public let rawValue: UInt32

    @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The request does not carry the attribute.
    public static let absent = Symbol(rawValue: 0)
    /// Some name that neither a condition nor a scope tells from others.
    public static let other = Symbol(rawValue: 1)

    @inlinable public var isPresent: Bool { rawValue != 0 }
}

/// A few symbols of the policy set, asked for by number.
struct SymbolSet: ~Copyable {
    private var bits = RawArray<UInt64>()

    init(_ symbols: [Symbol]) {
        for symbol in symbols {
            let word = Int(symbol.rawValue >> 6)
            if word >= bits.count { bits.append(repeating: 0, count: word + 1 - bits.count) }
            bits[word] |= 1 << UInt64(symbol.rawValue & 63)
        }
    }

    @inline(__always) func contains(_ symbol: Symbol) -> Bool {
        let word = Int(symbol.rawValue >> 6)
        return word < bits.count && bits[word] & (1 << UInt64(symbol.rawValue & 63)) != 0
    }
}

/// The names that an engine knows, in both directions.
///
/// Names of the policy set come first and never change, so that compiled conditions compare numbers. Others join as
/// requests bring them.
public final class SymbolTable: Sendable {
    private struct Content: ~Copyable, Sendable {
        var index = ByteIndex()
        var texts: [String] = []
    }

    /// Names of the policy set; read without a lock.
    private let base: ByteIndex
    private let baseTexts: [String]
    private let content = Mutex(Content())

    /// Symbols below this stand in the policy set.
    public var baseCount: UInt32 { UInt32(baseTexts.count) }

    init(base names: [String]) {
        var index = ByteIndex()
        var texts = ["", "(other)"]
        for text in names {
            var text = text
            text.withUTF8 { bytes in
                guard index.find(bytes) == nil else { return }
                index.insert(bytes, value: UInt32(texts.count))
                texts.append(String(decoding: bytes, as: UTF8.self))
            }
        }
        base = index
        baseTexts = texts
    }

    /// The symbol of a name, new where it was not known.
    public func intern(_ text: String) -> Symbol {
        var text = text
        return text.withUTF8 { intern($0) }
    }

    public func intern(_ bytes: UnsafeBufferPointer<UInt8>) -> Symbol {
        if let found = base.find(bytes) { return Symbol(rawValue: found) }
        return content.withLock { content in
            if let found = content.index.find(bytes) { return Symbol(rawValue: found) }
            let value = UInt32(baseTexts.count + content.texts.count)
            content.index.insert(bytes, value: value)
            content.texts.append(String(decoding: bytes, as: UTF8.self))
            return Symbol(rawValue: value)
        }
    }

    /// The symbol of a name that the policy set holds, else `.other`.
    public func known(_ bytes: UnsafeBufferPointer<UInt8>) -> Symbol {
        base.find(bytes).map { Symbol(rawValue: $0) } ?? .other
    }

    public func text(_ symbol: Symbol) -> String {
        let index = Int(symbol.rawValue)
        if index < baseTexts.count { return baseTexts[index] }
        return content.withLock { $0.texts[index - baseTexts.count] }
    }
}

/// An open-addressing hash table from byte strings to numbers.
struct ByteIndex: ~Copyable, Sendable {
    struct Slot {
        var hash: UInt64 = 0
        var start: UInt32 = 0
        var length: UInt32 = 0
        var value: UInt32 = 0
    }

    private var slots = RawArray<Slot>()
    private var arena = RawArray<UInt8>()
    private var count = 0

    init() { slots.append(repeating: Slot(), count: 64) }

    @inline(__always)
    func find(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt32? {
        let hash = hashBytes(bytes) | 1
        let mask = slots.count - 1
        var position = Int(truncatingIfNeeded: hash >> 20) & mask
        while true {
            let slot = slots.base + position
            if slot.pointee.hash == 0 { return nil }
            if slot.pointee.hash == hash, Int(slot.pointee.length) == bytes.count,
                equals(arena.base + Int(slot.pointee.start), bytes)
            {
                return slot.pointee.value
            }
            position = (position + 1) & mask
        }
    }

    @inline(__always)
    private func equals(_ known: UnsafePointer<UInt8>, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let base = bytes.baseAddress else { return true }
        return memcmp(known, base, bytes.count) == 0
    }

    mutating func insert(_ bytes: UnsafeBufferPointer<UInt8>, value: UInt32) {
        if (count + 1) * 2 > slots.count { grow() }
        let start = arena.count
        for byte in bytes { arena.append(byte) }
        place(
            Slot(hash: hashBytes(bytes) | 1, start: UInt32(start), length: UInt32(bytes.count), value: value))
        count += 1
    }

    private mutating func place(_ slot: Slot) {
        let mask = slots.count - 1
        var position = Int(truncatingIfNeeded: slot.hash >> 20) & mask
        while slots[position].hash != 0 { position = (position + 1) & mask }
        slots[position] = slot
    }

    private mutating func grow() {
        var larger = RawArray<Slot>()
        larger.append(repeating: Slot(), count: slots.count * 2)
        swap(&slots, &larger)
        for index in larger.indices where larger[index].hash != 0 { place(larger[index]) }
    }
}

/// A 64-bit hash of bytes, eight at a time, by multiplication and folding. Results never depend on its values.
@inlinable public func hashBytes(_ bytes: UnsafeBufferPointer<UInt8>, seed: UInt64 = 0x9E37_79B9_7F4A_7C15) -> UInt64 {
    var hash = seed ^ UInt64(truncatingIfNeeded: bytes.count)
    forEachWord(bytes) { hash = mix(hash ^ $0) }
    return hash
}

/// The bytes as words of eight; the last one holds what is left, or overlaps the one before.
@inlinable @inline(__always)
func forEachWord(_ bytes: UnsafeBufferPointer<UInt8>, _ body: (UInt64) -> Void) {
    guard let base = UnsafeRawPointer(bytes.baseAddress) else { return }
    let count = bytes.count
    if count < 8 {
        var tail: UInt64 = 0
        for byte in bytes { tail = tail << 8 | UInt64(byte) }
        return body(tail)
    }
    var offset = 0
    while offset + 8 <= count {
        body(base.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        offset += 8
    }
    if offset < count { body(base.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)) }
}

@inlinable func mix(_ value: UInt64) -> UInt64 {
    let product = value.multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
    return product.high ^ product.low
}

/// Symbols that one thread has looked up before, found without a lock.
package struct SymbolCache: ~Copyable {
    private let symbols: SymbolTable
    private var index = ByteIndex()

    package init(_ symbols: SymbolTable) { self.symbols = symbols }

    /// The symbol of a name, new where it was not known.
    package mutating func intern(_ bytes: UnsafeBufferPointer<UInt8>) -> Symbol {
        if let found = index.find(bytes) { return Symbol(rawValue: found) }
        let symbol = symbols.intern(bytes)
        index.insert(bytes, value: symbol.rawValue)
        return symbol
    }
}
