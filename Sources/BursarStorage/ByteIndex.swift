#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// An open-addressing hash table from byte strings to numbers.
@frozen public struct ByteIndex: ~Copyable, Sendable {
    @frozen @usableFromInline struct Slot {
        @usableFromInline var hash: UInt64 = 0
        @usableFromInline var start: UInt32 = 0
        @usableFromInline var length: UInt32 = 0
        @usableFromInline var value: UInt32 = 0

        @inlinable init() {}

        @inlinable init(hash: UInt64, start: UInt32, length: UInt32, value: UInt32) {
            self.hash = hash
            self.start = start
            self.length = length
            self.value = value
        }
    }

    @usableFromInline var slots = RawArray<Slot>()
    @usableFromInline var arena = RawArray<UInt8>()
    @usableFromInline var count = 0

    public init() { slots.append(repeating: Slot(), count: 64) }

    /// The number that stands for some bytes; nil where there is none.
    @inlinable @inline(__always)
    public func find(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt32? {
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

    @inlinable @inline(__always)
    func equals(_ known: UnsafePointer<UInt8>, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let base = bytes.baseAddress else { return true }
        return memcmp(known, base, bytes.count) == 0
    }

    /// Adds bytes that are not in it.
    public mutating func insert(_ bytes: UnsafeBufferPointer<UInt8>, value: UInt32) {
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
public func forEachWord(_ bytes: UnsafeBufferPointer<UInt8>, _ body: (UInt64) -> Void) {
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

/// The folded product with an odd number without small factors.
@inlinable public func mix(_ value: UInt64) -> UInt64 {
    let product = value.multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
    return product.high ^ product.low
}
