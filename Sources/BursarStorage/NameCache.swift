/// A cache from recently used names to their numbers. Each entry fills one cache line, and each hash has two entries.
/// Names longer than 48 bytes are not cached.
@frozen public struct NameCache: ~Copyable {
    @frozen @usableFromInline struct Entry {
        /// The bytes of the name as words, padded with zeros.
        @usableFromInline var words: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0)
        @usableFromInline var hash: UInt64 = 0
        /// The length of the name in bytes; 0 for an unused entry.
        @usableFromInline var count: UInt32 = 0
        @usableFromInline var value: UInt32 = 0

        @inlinable init() {}
    }

    @inlinable public static var longestName: Int { 48 }
    @inlinable static var ways: Int { 2 }
    private static let firstSets = 512
    /// The largest number of sets, which is 4 MiB. Larger caches are no faster than the full index.
    private static let mostSets = 1 << 15

    @usableFromInline var entries = RawArray<Entry>()
    /// Masks for the first two words, indexed by the number of the name's bytes in its first 16 bytes. A table avoids a
    /// branch on the length, which would be mispredicted often.
    @usableFromInline let masks: FixedArray<(UInt64, UInt64)>
    @usableFromInline var mask: Int
    private var inserted = 0
    @usableFromInline let key: HashKey

    public init(key: HashKey = .process) {
        self.key = key
        mask = Self.firstSets - 1
        masks = FixedArray((0...16).map { (Self.mask($0), Self.mask($0 - 8)) })
        entries.append(repeating: Entry(), count: Self.firstSets * Self.ways)
    }

    /// The mask of a word's first `count` bytes; all bits from eight on.
    @inlinable @inline(__always)
    static func mask(_ count: Int) -> UInt64 {
        count >= 8 ? .max : (1 &<< UInt64(truncatingIfNeeded: max(0, count) &* 8)) &- 1
    }

    /// Eight bytes of a name from `offset` on. Bytes beyond its end are zero.
    @inlinable @inline(__always)
    static func word(_ name: UnsafePointer<UInt8>, _ count: Int, _ offset: Int) -> UInt64 {
        UnsafeRawPointer(name).loadUnaligned(fromByteOffset: offset, as: UInt64.self) & mask(count &- offset)
    }

    /// A fast, weak hash. The cache may lose a name but never confuses two names, because it compares their bytes.
    @inlinable @inline(__always)
    func hash(_ name: UnsafePointer<UInt8>, _ count: Int, _ first: UInt64, _ second: UInt64) -> UInt64 {
        var hash = mix(
            (first &+ second &* key.multipliers.1) ^ (UInt64(truncatingIfNeeded: count) ^ key.seeds.0),
            key.multipliers.0)
        var offset = 16
        while offset < count {
            hash = mix(hash ^ Self.word(name, count, offset), key.multipliers.0)
            offset &+= 8
        }
        return hash
    }

    /// The number of a name; nil if it is not cached.
    ///
    /// - Parameters:
    ///   - name: the address of the first byte; `longestName` bytes must be readable.
    ///   - count: the length in bytes, from 1 to `longestName`.
    @inlinable @inline(__always)
    public func find(_ name: UnsafePointer<UInt8>, count: Int) -> UInt32? {
        assert((1...Self.longestName).contains(count), "a name of a length that is not kept")
        let (keepFirst, keepSecond) = masks[min(count, 16)]
        let raw = UnsafeRawPointer(name)
        let first = raw.loadUnaligned(as: UInt64.self) & keepFirst
        let second = raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self) & keepSecond
        let hash = hash(name, count, first, second)
        let set = (Int(truncatingIfNeeded: hash) & mask) &* Self.ways
        let length = UInt64(truncatingIfNeeded: count)
        for way in 0..<Self.ways {
            let entry = set &+ way
            // `|` and `^` have the same precedence.
            let difference =
                (entries[entry].words.0 ^ first) | (entries[entry].words.1 ^ second)
                | (UInt64(entries[entry].count) ^ length)
            if difference == 0, count <= 16 || endsAlike(entry, name, count) { return entries[entry].value }
        }
        return nil
    }

    @inlinable @inline(never)
    func endsAlike(_ entry: Int, _ name: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        func word(_ offset: Int) -> UInt64 { Self.word(name, count, offset) }
        let words = entries[entry].words
        return words.2 == word(16) && words.3 == word(24) && words.4 == word(32) && words.5 == word(40)
    }

    /// Caches the number of a name that was not found and evicts the older entry of its set. The parameters are those
    /// of `find`.
    public mutating func insert(_ name: UnsafePointer<UInt8>, count: Int, value: UInt32) {
        precondition((1...Self.longestName).contains(count), "a name of this length is not cached")
        inserted += 1
        if inserted > entries.count / 2, mask + 1 < Self.mostSets { grow() }
        func word(_ offset: Int) -> UInt64 { Self.word(name, count, offset) }
        var entry = Entry()
        entry.words = (word(0), word(8), word(16), word(24), word(32), word(40))
        entry.hash = hash(name, count, entry.words.0, entry.words.1)
        entry.count = UInt32(count)
        entry.value = value
        place(entry)
    }

    private func place(_ entry: Entry) {
        let set = (Int(truncatingIfNeeded: entry.hash) & mask) * Self.ways
        entries[set + 1] = entries[set]
        entries[set] = entry
    }

    private mutating func grow() {
        var larger = RawArray<Entry>()
        larger.append(repeating: Entry(), count: entries.count * 2)
        swap(&entries, &larger)
        mask = mask * 2 + 1
        for index in larger.indices where larger[index].count > 0 { place(larger[index]) }
    }
}
