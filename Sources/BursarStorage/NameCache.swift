/// Numbers of names that were looked up lately, found by their bytes: a line of the cache for each, and two places for
/// every hash. Names of more than 48 bytes are not kept.
@frozen public struct NameCache: ~Copyable {
    @frozen @usableFromInline struct Entry {
        /// Its bytes as words, zeros behind them.
        @usableFromInline var words: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0)
        @usableFromInline var hash: UInt64 = 0
        /// 0: unused.
        @usableFromInline var count: UInt32 = 0
        @usableFromInline var value: UInt32 = 0

        @inlinable init() {}
    }

    @usableFromInline static let longestName = 48
    @usableFromInline static let ways = 2
    private static let firstSets = 512
    /// 4 MiB: more names at a time than that are looked up where all are.
    private static let mostSets = 1 << 15

    @usableFromInline var entries = RawArray<Entry>()
    @usableFromInline var mask: Int
    private var inserted = 0

    public init() {
        mask = Self.firstSets - 1
        entries.append(repeating: Entry(), count: Self.firstSets * Self.ways)
    }

    /// Eight bytes of a name from `offset` on, those beyond its end as zeros.
    @inlinable @inline(__always)
    static func word(_ name: UnsafePointer<UInt8>, _ count: Int, _ offset: Int) -> UInt64 {
        let left = count &- offset
        if left <= 0 { return 0 }
        let word = UnsafeRawPointer(name).loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        return left >= 8 ? word : word & ((1 &<< UInt64(truncatingIfNeeded: left &* 8)) &- 1)
    }

    @inlinable @inline(__always)
    static func hash(_ name: UnsafePointer<UInt8>, _ count: Int, _ first: UInt64, _ second: UInt64) -> UInt64 {
        var hash = mix((first &+ second &* 0x9E37_79B9_7F4A_7C15) ^ UInt64(truncatingIfNeeded: count))
        var offset = 16
        while offset < count {
            hash = mix(hash ^ word(name, count, offset))
            offset &+= 8
        }
        return hash
    }

    /// The number of a name; nil where it was not looked up lately.
    ///
    /// - Parameters:
    ///   - name: its first byte.
    ///   - count: how many bytes it has; at least one.
    ///   - readable: how many bytes may be read from the first on.
    @inlinable @inline(__always)
    public func find(_ name: UnsafePointer<UInt8>, count: Int, readable: Int) -> UInt32? {
        guard count <= Self.longestName, readable >= Self.longestName else { return nil }
        let first = Self.word(name, count, 0)
        let second = Self.word(name, count, 8)
        let hash = Self.hash(name, count, first, second)
        let set = entries.base + (Int(truncatingIfNeeded: hash) & mask) &* Self.ways
        for way in 0..<Self.ways {
            let entry = set + way
            if entry.pointee.words.0 == first, entry.pointee.words.1 == second,
                Int(truncatingIfNeeded: entry.pointee.count) == count,
                count <= 16 || Self.endsAlike(entry, name, count)
            {
                return entry.pointee.value
            }
        }
        return nil
    }

    @inlinable
    static func endsAlike(_ entry: UnsafeMutablePointer<Entry>, _ name: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        entry.pointee.words.2 == word(name, count, 16) && entry.pointee.words.3 == word(name, count, 24)
            && entry.pointee.words.4 == word(name, count, 32) && entry.pointee.words.5 == word(name, count, 40)
    }

    /// Keeps the number of a name that was not found; the older of two that share a place goes.
    public mutating func insert(_ name: UnsafePointer<UInt8>, count: Int, readable: Int, value: UInt32) {
        guard count <= Self.longestName, readable >= Self.longestName else { return }
        inserted += 1
        if inserted > entries.count / 2, mask + 1 < Self.mostSets { grow() }
        func word(_ offset: Int) -> UInt64 { Self.word(name, count, offset) }
        var entry = Entry()
        entry.words = (word(0), word(8), word(16), word(24), word(32), word(40))
        entry.hash = Self.hash(name, count, entry.words.0, entry.words.1)
        entry.count = UInt32(count)
        entry.value = value
        place(entry)
    }

    private func place(_ entry: Entry) {
        let set = entries.base + (Int(truncatingIfNeeded: entry.hash) & mask) * Self.ways
        set[1] = set[0]
        set[0] = entry
    }

    private mutating func grow() {
        var larger = RawArray<Entry>()
        larger.append(repeating: Entry(), count: entries.count * 2)
        swap(&entries, &larger)
        mask = mask * 2 + 1
        for index in larger.indices where larger[index].count > 0 { place(larger[index]) }
    }
}
