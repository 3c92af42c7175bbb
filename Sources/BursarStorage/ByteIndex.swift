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
        /// 0 for an unused slot.
        @usableFromInline var hash: UInt64 = 0
        /// The offset in the arena, which may exceed 4 GiB.
        @usableFromInline var start = 0
        @usableFromInline var length = 0
        @usableFromInline var value: UInt32 = 0

        @inlinable init() {}

        @inlinable init(hash: UInt64, start: Int, length: Int, value: UInt32) {
            self.hash = hash
            self.start = start
            self.length = length
            self.value = value
        }
    }

    @usableFromInline let key: HashKey
    @usableFromInline var slots = RawArray<Slot>()
    @usableFromInline var arena = RawArray<UInt8>()
    @usableFromInline var count = 0

    public init(key: HashKey = .process) {
        self.key = key
        slots.append(repeating: Slot(), count: 64)
    }

    /// The number of a byte string; nil if it is absent.
    @inlinable @inline(__always)
    public func find(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt32? {
        let hash = key.hash(bytes) | 1
        let mask = slots.count - 1
        var position = Int(truncatingIfNeeded: hash >> 20) & mask
        while slots[position].hash != 0 {
            if slots[position].hash == hash, holds(position, bytes) { return slots[position].value }
            position = (position + 1) & mask
        }
        return nil
    }

    @inlinable @inline(__always)
    func holds(_ position: Int, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        let length = slots[position].length
        guard length == bytes.count else { return false }
        guard length > 0, let base = bytes.baseAddress else { return true }
        return arena.withAddress(of: slots[position].start) { memcmp($0, base, length) == 0 }
    }

    /// Adds a byte string that the table does not contain.
    public mutating func insert(_ bytes: UnsafeBufferPointer<UInt8>, value: UInt32) {
        if (count + 1) * 2 > slots.count { grow() }
        let start = arena.count
        arena.append(contentsOf: bytes)
        place(Slot(hash: key.hash(bytes) | 1, start: start, length: bytes.count, value: value))
        count += 1
    }

    /// The largest number of slots that a search visits; for tests.
    public var longestSearch: Int {
        var longest = 0
        let mask = slots.count - 1
        for index in slots.indices where slots[index].hash != 0 {
            let home = Int(truncatingIfNeeded: slots[index].hash >> 20) & mask
            longest = max(longest, ((index - home) & mask) + 1)
        }
        return longest
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
