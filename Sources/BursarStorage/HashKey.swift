/// The secret that names and ids are hashed with, so that nobody can choose many that fall into one place or two ids that
/// are taken for one. Results never depend on it.
@frozen public struct HashKey: Sendable {
    /// Two independent halves, for hashes of 128 bits.
    public let seeds: (UInt64, UInt64)
    /// Odd, and with their highest bit set, so that a product loses no bit and fills both of its words.
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

    /// The key of this process. It comes from the random seed that Swift's own hashing has in each process; with
    /// `SWIFT_DETERMINISTIC_HASHING` set both are always the same.
    public static let process: HashKey = {
        func word(_ index: Int) -> UInt64 {
            var hasher = Hasher()
            hasher.combine(index)
            return UInt64(bitPattern: Int64(hasher.finalize()))
        }
        return HashKey((word(1), word(2), word(3), word(4)))
    }()

    /// A hash of bytes, eight at a time. Each step takes one word in: where its product is zero, only what was taken in
    /// before is lost, and only for the one word that nobody without the key can name.
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

/// A hash of bytes that is the same in every process and on every machine, for giving tenants to shards. Whoever chooses the
/// bytes can choose the hash: never look names up by it.
@inlinable public func stableHash(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt64 {
    var hash = 0x9E37_79B9_7F4A_7C15 ^ UInt64(truncatingIfNeeded: bytes.count)
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

/// The folded product with an odd number: both words of it, one over the other. By default the number is one without small
/// factors that everybody knows.
@inlinable @inline(__always)
public func mix(_ value: UInt64, _ multiplier: UInt64 = 0xD6E8_FEB8_6659_FD93) -> UInt64 {
    let product = value.multipliedFullWidth(by: multiplier)
    return product.high ^ product.low
}
