import BursarStorage

/// The key with which requests are summed up, so that two requests with the same id can be told apart.
///
/// Each pair of words is multiplied after a secret number was added to both, and the products are added up. Two different
/// requests have the same sum with a probability of about 2^-63, whoever chooses them.
struct FingerprintKey: ~Copyable, @unchecked Sendable {
    /// Attributes two by two, then the numbers.
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

    /// A sum over everything by which a request is judged: not its time, its number of the attempt, or whether it was
    /// confirmed or approved. The output that a log has recorded is no part of what was asked for.
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

    /// Tools and labels, in whatever order.
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
