import BursarLogs

/// The decisions of one partition for one block, as bytes for each record.
struct DecidedBlock {
    private(set) var bytes: [UInt8] = []
    private(set) var records: [(record: Int, start: Int, count: Int)] = []

    mutating func append(_ record: Int, _ text: [UInt8]) {
        records.append((record, bytes.count, text.count))
        bytes += text
    }
}

/// A parsed block with the data for deciding it.
final class BlockWork {
    let block: RecordBlock
    let stretch: BlockStretch
    /// The number of lines before the block.
    var baseLine = 0
    /// The partition of each record; `elsewhere` for records of other shards.
    private let partitions: [UInt8]
    /// The records sorted by partition, and the start of each partition.
    private let order: [UInt32]
    private let starts: [Int]
    /// The first and last time, if the times are sorted and every record belongs to this replay. Computed by the thread
    /// that parsed the block, while it is in the cache.
    let times: (first: Int64, last: Int64)?

    /// A partition index fits in a byte, with one value to spare.
    static let mostPartitions = 254
    /// The record belongs to another shard.
    private static let elsewhere = UInt8.max

    init(
        _ block: RecordBlock, _ stretch: BlockStretch, partitionCount: Int, constantTenant: UInt64?,
        shard: ReplayOptions.Shard
    ) {
        self.block = block
        self.stretch = stretch
        times = shard == .whole ? block.ascendingTimes : nil
        if partitionCount == 1, shard == .whole {
            partitions = [UInt8](repeating: 0, count: block.count)
            order = Array(0..<UInt32(truncatingIfNeeded: block.count))
            starts = [0, block.count]
            return
        }
        let count = UInt32(truncatingIfNeeded: partitionCount)
        let partitions = (0..<block.count).map { record in
            // Within one process any assignment of tenants works, but shards need the same assignment in every process.
            if constantTenant == nil, shard == .whole {
                return UInt8(truncatingIfNeeded: block.tenantSymbol(record).rawValue % count)
            }
            let hash = constantTenant ?? block.tenantHash(record)
            guard hash % UInt64(shard.count) == UInt64(shard.index) else { return Self.elsewhere }
            return UInt8(truncatingIfNeeded: hash / UInt64(shard.count) % UInt64(count))
        }
        self.partitions = partitions
        var ends = [Int](repeating: 0, count: partitionCount + 1)
        for partition in partitions where partition != Self.elsewhere { ends[Int(partition) + 1] += 1 }
        for index in 1...partitionCount { ends[index] += ends[index - 1] }
        starts = ends
        order = [UInt32](unsafeUninitializedCapacity: ends[partitionCount]) { order, count in
            for (record, partition) in partitions.enumerated() where partition != Self.elsewhere {
                order[ends[Int(partition)]] = UInt32(truncatingIfNeeded: record)
                ends[Int(partition)] += 1
            }
            count = order.count
        }
    }

    /// The number of records of this replay.
    var ownCount: Int { order.count }

    func isOwn(_ record: Int) -> Bool { partitions[record] != Self.elsewhere }

    /// The records of a partition, in the order of the log.
    func records(of partition: Int) -> ArraySlice<UInt32> { order[starts[partition]..<starts[partition + 1]] }

    var path: String { stretch.path }

    func line(_ record: Int) -> Int {
        stretch.ordered.map { Int($0.lines[record]) } ?? baseLine + block.line(record)
    }
}
