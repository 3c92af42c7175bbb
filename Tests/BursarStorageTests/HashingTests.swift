import BursarStorage
import Testing

/// Names chosen by an attacker fall together only for who knows the key.
@Suite struct HashingTests {
    private static let keys = [HashKey(seed: 1), HashKey(seed: 2), .process]

    /// Names of 16 bytes that all have one hash, where the hash is not keyed: the second word undoes the first.
    private static func colliding(_ count: Int) -> [[UInt8]] {
        (0..<count).map { number in
            let first = UInt64(number) &* 0x9E37_79B9_7F4A_7C15
            let state = mix(0x9E37_79B9_7F4A_7C15 ^ 16 ^ first)
            return [first, state ^ 0x1234].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) }
            }
        }
    }

    @Test func `chosen names fall together in the stable hash alone`() {
        let names = Self.colliding(20_000)
        #expect(Set(names).count == names.count)
        #expect(Set(names.map { $0.withUnsafeBufferPointer(stableHash) }).count == 1)
        for key in Self.keys {
            #expect(Set(names.map { $0.withUnsafeBufferPointer(key.hash) }).count == names.count)
            var index = ByteIndex(key: key)
            for (number, name) in names.enumerated() {
                name.withUnsafeBufferPointer { index.insert($0, value: UInt32(number)) }
            }
            #expect(index.longestSearch < 64)
            for (number, name) in names.enumerated() {
                #expect(name.withUnsafeBufferPointer { index.find($0) } == UInt32(number))
            }
        }
    }

    @Test func `a product of zero does not let names fall together`() {
        for key in Self.keys {
            // The word for which the first product is zero, with others behind it.
            let zero = key.seeds.0 ^ 16
            let names = (0..<1_000).map { number in
                [zero, UInt64(number)].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) } }
            }
            #expect(Set(names.map { $0.withUnsafeBufferPointer(key.hash) }).count == names.count)
            let wide = names.map { name in name.withUnsafeBufferPointer { key.wideHash($0) } }
            #expect(Set(wide.map(\.0)).count == names.count && Set(wide.map(\.1)).count == names.count)
        }
    }

    @Test func `keys differ, and multipliers lose nothing`() {
        #expect(Self.keys[0].seeds != Self.keys[1].seeds && Self.keys[0].seeds != Self.keys[2].seeds)
        for key in Self.keys {
            #expect(key.seeds.0 != key.seeds.1 && key.multipliers.0 != key.multipliers.1)
            #expect(key.multipliers.0 & 1 == 1 && key.multipliers.1 & 1 == 1)
        }
    }

    @Test func `an index is a dictionary, whatever the key`() {
        var random = SystemRandomNumberGenerator()
        for key in Self.keys {
            var index = ByteIndex(key: key)
            var expected: [[UInt8]: UInt32] = [:]
            for number in 0..<5_000 {
                let name = (0..<Int(random.next() % 40)).map { _ in UInt8(truncatingIfNeeded: random.next() % 3) }
                let found = name.withUnsafeBufferPointer { index.find($0) }
                #expect(found == expected[name], "\(name)")
                guard found == nil else { continue }
                name.withUnsafeBufferPointer { index.insert($0, value: UInt32(number)) }
                expected[name] = UInt32(number)
            }
        }
    }

    @Test func `a cache forgets names and never mistakes one for another`() {
        for key in Self.keys {
            var cache = NameCache(key: key)
            var found = 0
            for round in 0..<3 {
                for number in 0..<4_000 {
                    let length = number % NameCache.longestName + 1
                    // As much as the longest name has may be read behind each.
                    var bytes = [UInt8](repeating: 0x41, count: length + NameCache.longestName)
                    withUnsafeBytes(of: number) {
                        for (place, byte) in $0.prefix(length).enumerated() { bytes[place] = byte }
                    }
                    let value = UInt32(
                        truncatingIfNeeded: bytes.prefix(length).reduce(Int(length)) { $0 &* 31 &+ Int($1) })
                    bytes.withUnsafeBufferPointer { buffer in
                        guard let name = buffer.baseAddress else { return }
                        if let known = cache.find(name, count: length) {
                            #expect(known == value)
                            found += 1
                        } else {
                            cache.insert(name, count: length, value: value)
                        }
                    }
                }
                #expect(round == 0 || found > 2_000 * round)
            }
        }
    }
}
