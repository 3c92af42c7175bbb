import BursarSyntax

/// Counts of whole numbers by size, for quantiles. The sum of the sketches of parts is the sketch of the whole.
///
/// Numbers below 64 are exact. Larger numbers keep their seven leading bits, so that a quantile is at most 1/64 (1.6%)
/// below the number with the nearest rank, and never above it.
package struct QuantileSketch: Sendable, Hashable, Codable {
    /// Ascending.
    private var buckets: [UInt16] = []
    private var counts: [Int] = []
    private(set) var count = 0

    package init() {}

    private enum CodingKeys: String, CodingKey { case buckets, counts }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let buckets = try values.decode([UInt16].self, forKey: .buckets)
        let counts = try values.decode([Int].self, forKey: .counts)
        let sum = counts.sumSaturated()
        guard buckets.count == counts.count, counts.allSatisfy({ $0 >= 1 }), sum <= ContentCheck.mostRecords,
            zip(buckets, buckets.dropFirst()).allSatisfy({ $0 < $1 }), (buckets.last ?? 0) <= Self.bucket(.max)
        else {
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "no sketch"))
        }
        self.buckets = buckets
        self.counts = counts
        count = sum
    }

    private static func bucket(_ value: Int64) -> UInt16 {
        let value = UInt64(max(0, value))
        if value < 64 { return UInt16(value) }
        let shift = 57 - value.leadingZeroBitCount
        return UInt16(shift * 64) + UInt16(truncatingIfNeeded: value >> UInt64(shift))
    }

    /// The smallest number in a bucket.
    private static func least(_ bucket: UInt16) -> Int64 {
        if bucket < 128 { return Int64(bucket) }
        let shift = Int(bucket) / 64 - 1
        return Int64(Int(bucket) - shift * 64) << shift
    }

    package mutating func add(_ value: Int64) { add(Self.bucket(value), 1) }

    private mutating func add(_ bucket: UInt16, _ times: Int) {
        count.addSaturated(times)
        var low = 0
        var high = buckets.count
        while low < high {
            let middle = (low + high) / 2
            if buckets[middle] < bucket { low = middle + 1 } else { high = middle }
        }
        if low < buckets.count, buckets[low] == bucket {
            counts[low].addSaturated(times)
        } else {
            buckets.insert(bucket, at: low)
            counts.insert(times, at: low)
        }
    }

    package mutating func add(_ other: QuantileSketch) {
        for (bucket, times) in zip(other.buckets, other.counts) { add(bucket, times) }
    }

    /// The number that `percent` of the numbers do not exceed, by nearest rank; nil if the sketch is empty.
    package func quantile(percent: Int) -> Int64? {
        guard count > 0 else { return nil }
        let rank = max(
            1, Int(clamping: (Int128(count).multipliedSaturated(by: Int128(percent)).addingSaturated(99)) / 100))
        var seen = 0
        for (bucket, times) in zip(buckets, counts) {
            seen.addSaturated(times)
            if seen >= rank { return Self.least(bucket) }
        }
        return buckets.last.map(Self.least)
    }
}
