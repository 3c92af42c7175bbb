import BursarLogs

/// The decisions of one partition for one block, as bytes by record.
struct DecidedBlock {
    private(set) var bytes: [UInt8] = []
    private(set) var records: [(record: Int, start: Int, count: Int)] = []

    mutating func append(_ record: Int, _ text: [UInt8]) {
        records.append((record, bytes.count, text.count))
        bytes += text
    }
}

/// A block that was read, with what deciding it needs.
final class BlockWork {
    let block: RecordBlock
    let stretch: BlockStretch
    /// Lines before the block's first.
    var baseLine = 0
    /// By record; one that this replay leaves to others has none.
    private let partitions: [UInt8]
    /// The records of each partition in turn, and where each one's begin.
    private let order: [UInt32]
    private let starts: [Int]
    /// The first and last time, where times do not go back and every record is this replay's: found by the thread that has
    /// just read them, so that nobody else needs to look.
    let times: (first: Int64, last: Int64)?

    /// A partition fits in a byte, with one value to spare.
    static let mostPartitions = 254
    /// No partition: the record belongs to another shard.
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
            // Any number of its own will do for a tenant, but a shard's must be the same in every process.
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

    /// Records that are this replay's.
    var ownCount: Int { order.count }

    func isOwn(_ record: Int) -> Bool { partitions[record] != Self.elsewhere }

    /// A partition's records, in the order of the log.
    func records(of partition: Int) -> ArraySlice<UInt32> { order[starts[partition]..<starts[partition + 1]] }

    var path: String { stretch.path }

    func line(_ record: Int) -> Int {
        stretch.ordered.map { Int($0.lines[record]) } ?? baseLine + block.line(record)
    }
}
