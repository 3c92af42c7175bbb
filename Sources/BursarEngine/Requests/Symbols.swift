import Synchronization

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

/// The names that an engine knows, in both directions.
///
/// Names of the policy set come first and never change, so that compiled conditions compare numbers. Others join as
/// requests bring them.
public final class SymbolTable: Sendable {
    private struct Content {
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
struct ByteIndex: Sendable {
    private struct Slot {
        var hash: UInt64 = 0
        var start: UInt32 = 0
        var length: UInt32 = 0
        var value: UInt32 = 0
    }

    private var slots = [Slot](repeating: Slot(), count: 64)
    private var arena: [UInt8] = []
    private(set) var count = 0

    func find(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt32? {
        let hash = hashBytes(bytes) | 1
        return slots.withUnsafeBufferPointer { slots in
            let mask = slots.count - 1
            var position = Int(truncatingIfNeeded: hash >> 20) & mask
            while slots[position].hash != 0 {
                if slots[position].hash == hash, Int(slots[position].length) == bytes.count,
                    equals(slots[position], bytes)
                {
                    return slots[position].value
                }
                position = (position + 1) & mask
            }
            return nil
        }
    }

    private func equals(_ slot: Slot, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        arena.withUnsafeBufferPointer { arena in
            for index in 0..<bytes.count where arena[Int(slot.start) + index] != bytes[index] { return false }
            return true
        }
    }

    mutating func insert(_ bytes: UnsafeBufferPointer<UInt8>, value: UInt32) {
        if (count + 1) * 2 > slots.count { grow() }
        let start = arena.count
        arena.append(contentsOf: bytes)
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
        let old = slots
        slots = [Slot](repeating: Slot(), count: old.count * 2)
        for slot in old where slot.hash != 0 { place(slot) }
    }
}

/// A 64-bit hash of bytes, eight at a time, by multiplication and folding. Results never depend on its values.
@inlinable public func hashBytes(_ bytes: UnsafeBufferPointer<UInt8>, seed: UInt64 = 0x9E37_79B9_7F4A_7C15) -> UInt64 {
    var hash = seed ^ UInt64(truncatingIfNeeded: bytes.count)
    guard let base = UnsafeRawPointer(bytes.baseAddress) else { return hash }
    var offset = 0
    while offset + 8 <= bytes.count {
        hash = mix(hash ^ base.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        offset += 8
    }
    var tail: UInt64 = 0
    while offset < bytes.count {
        tail = tail << 8 | UInt64(bytes[offset])
        offset += 1
    }
    return mix(hash ^ tail)
}

@inlinable func mix(_ value: UInt64) -> UInt64 {
    let product = value.multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
    return product.high ^ product.low
}
