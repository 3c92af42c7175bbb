/// The secret key of the hash functions for names and ids. Without the key, an input cannot be chosen so that many
/// names share one slot, or so that two ids have the same hash. Results never depend on the key.
@frozen public struct HashKey: Sendable {
    /// Two independent halves, for hashes of 128 bits.
    public let seeds: (UInt64, UInt64)
    /// Odd numbers with the highest bit set: a product then loses no bit and fills both of its words.
    public let multipliers: (UInt64, UInt64)

    /// - Parameter words: four random numbers.
    public init(_ words: (UInt64, UInt64, UInt64, UInt64)) {
        seeds = (words.0, words.1)
        multipliers = (words.2 | Self.ends, words.3 | Self.ends)
    }

    @usableFromInline static let ends: UInt64 = 1 << 63 | 1

    /// A key for tests: the same for the same seed.
    public init(seed: UInt64) {
        func word(_ index: UInt64) -> UInt64 { mix(mix(seed &+ index &* 0x9E37_79B9_7F4A_7C15) ^ index) }
        self.init((word(1), word(2), word(3), word(4)))
    }

    /// The key of this process, derived from the random seed of Swift's own hashing. With `SWIFT_DETERMINISTIC_HASHING`
    /// set, both are the same in every process.
    public static let process: HashKey = {
        func word(_ index: Int) -> UInt64 {
            var hasher = Hasher()
            hasher.combine(index)
            return UInt64(bitPattern: Int64(hasher.finalize()))
        }
        return HashKey((word(1), word(2), word(3), word(4)))
    }()

    /// Hashes bytes, eight at a time. Each step adds one word. A step whose product is zero loses the earlier words,
    /// but only one word has that effect, and it cannot be found without the key.
    @inlinable @inline(__always)
    public func hash(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt64 {
        var hash = seeds.0 ^ UInt64(truncatingIfNeeded: bytes.count)
        forEachWord(bytes) { hash = mix(hash ^ $0, multipliers.0) }
        return hash
    }

    /// Two independent hashes of bytes.
    @inlinable @inline(__always)
    public func wideHash(_ bytes: UnsafeBufferPointer<UInt8>) -> (UInt64, UInt64) {
        let count = UInt64(truncatingIfNeeded: bytes.count)
        var hashes = (seeds.0 ^ count, seeds.1 ^ count)
        forEachWord(bytes) { word in
            hashes.0 = mix(hashes.0 ^ word, multipliers.0)
            hashes.1 = mix(hashes.1 ^ word, multipliers.1)
        }
        return hashes
    }
}

/// A hash that is the same in every process and on every machine, used to assign tenants to shards. An input can be
/// chosen to have a given hash: never use it to look up names.
@inlinable public func stableHash(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt64 {
    var hash = 0x9E37_79B9_7F4A_7C15 ^ UInt64(truncatingIfNeeded: bytes.count)
    forEachWord(bytes) { hash = mix(hash ^ $0) }
    return hash
}

/// Calls `body` for each word of eight bytes. The last word contains the remaining bytes, or overlaps the word before
/// it.
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

/// The xor of both words of the product with an odd number. The default is a public constant without small factors.
@inlinable @inline(__always)
public func mix(_ value: UInt64, _ multiplier: UInt64 = 0xD6E8_FEB8_6659_FD93) -> UInt64 {
    let product = value.multipliedFullWidth(by: multiplier)
    return product.high ^ product.low
}
