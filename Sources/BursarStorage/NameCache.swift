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

    @inlinable public static var longestName: Int { 48 }
    @inlinable static var ways: Int { 2 }
    private static let firstSets = 512
    /// 4 MiB: more names at a time than that are looked up where all are.
    private static let mostSets = 1 << 15

    @usableFromInline var entries = RawArray<Entry>()
    /// By how many of the first 16 bytes are the name's: what to keep of two words. Lengths vary from name to name, so that
    /// asking for them would be guessed wrong.
    @usableFromInline let masks: RawArray<(UInt64, UInt64)>
    @usableFromInline var mask: Int
    private var inserted = 0

    public init() {
        mask = Self.firstSets - 1
        masks = RawArray((0...16).map { (Self.mask($0), Self.mask($0 - 8)) })
        entries.append(repeating: Entry(), count: Self.firstSets * Self.ways)
    }

    /// The bits of a word's first so many bytes; all of them from eight on.
    @inlinable @inline(__always)
    static func mask(_ count: Int) -> UInt64 {
        count >= 8 ? .max : (1 &<< UInt64(truncatingIfNeeded: max(0, count) &* 8)) &- 1
    }

    /// Eight bytes of a name from `offset` on, those beyond its end as zeros.
    @inlinable @inline(__always)
    static func word(_ name: UnsafePointer<UInt8>, _ count: Int, _ offset: Int) -> UInt64 {
        UnsafeRawPointer(name).loadUnaligned(fromByteOffset: offset, as: UInt64.self) & mask(count &- offset)
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
    ///   - name: its first byte; as many as the longest name has may be read.
    ///   - count: how many bytes it has; at least one, at most as many as the longest name.
    @inlinable @inline(__always)
    public func find(_ name: UnsafePointer<UInt8>, count: Int) -> UInt32? {
        let (keepFirst, keepSecond) = masks.base[min(count, 16)]
        let raw = UnsafeRawPointer(name)
        let first = raw.loadUnaligned(as: UInt64.self) & keepFirst
        let second = raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self) & keepSecond
        let hash = Self.hash(name, count, first, second)
        let set = entries.base + (Int(truncatingIfNeeded: hash) & mask) &* Self.ways
        let length = UInt64(truncatingIfNeeded: count)
        for way in 0..<Self.ways {
            let entry = set + way
            let difference =
                entry.pointee.words.0 ^ first | entry.pointee.words.1 ^ second | UInt64(entry.pointee.count) ^ length
            if difference == 0, count <= 16 || Self.endsAlike(entry, name, count) { return entry.pointee.value }
        }
        return nil
    }

    @inlinable @inline(never)
    static func endsAlike(_ entry: UnsafeMutablePointer<Entry>, _ name: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        entry.pointee.words.2 == word(name, count, 16) && entry.pointee.words.3 == word(name, count, 24)
            && entry.pointee.words.4 == word(name, count, 32) && entry.pointee.words.5 == word(name, count, 40)
    }

    /// Keeps the number of a name that was not found; the older of two that share a place goes. What holds for finding it
    /// holds here.
    public mutating func insert(_ name: UnsafePointer<UInt8>, count: Int, value: UInt32) {
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
