import BursarStorage

/// The key for fingerprints, which distinguish requests with the same id.
///
/// A secret number is added to each word, the words of each pair are multiplied, and the products are added. Two
/// different requests have the same fingerprint with a probability of about 2^-63, even if an attacker chooses them.
struct FingerprintKey: ~Copyable, @unchecked Sendable {
    /// The attributes in pairs, then the numbers.
    private static let attributeWords = (AttributeSlot.allCases.count + 3) / 4 * 2
    private static let numberWords = 6
    private let key: HashKey
    private let words: FixedArray<UInt64>

    init(_ key: HashKey) {
        self.key = key
        words = FixedArray(
            (0..<(Self.attributeWords + Self.numberWords)).map { index in
                mix(key.seeds.0 ^ UInt64(index), key.multipliers.0)
                    ^ mix(key.seeds.1 ^ UInt64(index), key.multipliers.1)
            })
    }

    /// A sum over all properties that affect the decision. It excludes the time, the number of the attempt,
    /// confirmation and approval, and the recorded output of a log.
    @inline(__always)
    func fingerprint(_ request: Request) -> UInt64 {
        var sum: UInt64 = 0
        var next = 0
        @inline(__always) func add(_ first: UInt64, _ second: UInt64) {
            let product = (first &+ words[next]).multipliedFullWidth(by: second &+ words[next &+ 1])
            sum &+= product.low ^ product.high
            next &+= 2
        }
        request.readAttributes { attributes in
            let pairs = UnsafeRawPointer(attributes)
            while next < Self.attributeWords {
                let offset = next &* 8
                add(
                    pairs.load(fromByteOffset: offset, as: UInt64.self),
                    pairs.load(fromByteOffset: offset &+ 8, as: UInt64.self))
            }
        }
        let expected = request.isRecorded ? -1 : request.expectedOutputTokens
        add(UInt64(bitPattern: request.inputTokens), UInt64(bitPattern: request.cachedTokens))
        add(UInt64(bitPattern: request.maxOutputTokens), UInt64(bitPattern: expected))
        let fallback: UInt64 = request.isFallback.map { $0 ? 1 : 2 } ?? 0
        add(UInt64(bitPattern: request.characters), fallback << 1 | (request.acceptsDowngrade ? 1 : 0))
        return request.hasLists ? sum &+ fingerprint(ofListsOf: request) : sum
    }

    /// Tools and labels, independent of their order.
    @inline(never)
    private func fingerprint(ofListsOf request: Request) -> UInt64 {
        var sum: UInt64 = 0
        for tool in request.tools {
            sum &+= mix(mix(UInt64(tool.rawValue) ^ key.seeds.0, key.multipliers.1) ^ key.seeds.1, key.multipliers.0)
        }
        for label in request.labels {
            let pair = UInt64(label.key.rawValue) << 32 | UInt64(label.value.rawValue)
            sum &+= mix(mix(pair ^ key.seeds.1, key.multipliers.0) ^ key.seeds.0, key.multipliers.1)
        }
        return sum
    }
}
