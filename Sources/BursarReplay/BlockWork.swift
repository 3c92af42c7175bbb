import BursarTraffic

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
    let path: String
    /// Lines before the block's first.
    var baseLine = 0
    /// Of records that were ordered: their lines in the log.
    var lines: [UInt32]?
    /// Of records that were ordered: their places in the log.
    var sequences: [Int]?
    let partitions: [UInt8]
    /// The first and last time, where times do not go back and every record is this replay's: found by the thread that has
    /// just read them, so that nobody else needs to look.
    let times: (first: Int64, last: Int64)?
    /// By partition.
    let recordCounts: [Int]

    /// No partition: the record belongs to another shard.
    static let elsewhere = UInt8.max

    init(_ block: RecordBlock, path: String, partitionCount: Int, constantTenant: UInt64?, shard: ReplayOptions.Shard) {
        self.block = block
        self.path = path
        times = shard == .whole ? block.ascendingTimes : nil
        if partitionCount == 1, shard == .whole {
            partitions = [UInt8](repeating: 0, count: block.count)
            recordCounts = [block.count]
            return
        }
        var counts = [Int](repeating: 0, count: partitionCount)
        if constantTenant == nil, shard == .whole {
            partitions = (0..<block.count).map { record in
                let part = Int(block.tenantSymbol(record).rawValue % UInt32(partitionCount))
                counts[part] += 1
                return UInt8(truncatingIfNeeded: part)
            }
            recordCounts = counts
            return
        }
        partitions = (0..<block.count).map { record in
            let hash = constantTenant ?? block.tenantHash(record)
            guard hash % UInt64(shard.count) == UInt64(shard.index) else { return Self.elsewhere }
            let part = Int(hash / UInt64(shard.count) % UInt64(partitionCount))
            counts[part] += 1
            return UInt8(truncatingIfNeeded: part)
        }
        recordCounts = counts
    }

    var ownCount: Int { recordCounts.reduce(0, +) }

    func line(_ record: Int) -> Int { lines.map { Int($0[record]) } ?? baseLine + block.line(record) }
}
