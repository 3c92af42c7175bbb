import BursarLogs

/// A checksum of the logs that a shard read. Every shard reads all logs, so all of them must have the same.
struct LogMark: Sendable, Hashable, Codable {
    /// Including rejected lines.
    private(set) var records = 0
    /// A hash of times, tenants and tokens, in the order of the records.
    private(set) var checksum: Int64 = 0

    mutating func add(_ block: RecordBlock, rejects: Int) {
        records.addSaturated(block.count.addingSaturated(rejects))
        for record in 0..<block.count {
            add(block.time(record))
            add(Int64(truncatingIfNeeded: block.tenantHash(record)))
            add(block.number(record, .inputTokens))
            add(block.number(record, .outputTokens))
        }
    }

    private mutating func add(_ value: Int64) { checksum = (checksum ^ value) &* 0x5851_F42D_4C95_7F2D &+ 1 }
}
