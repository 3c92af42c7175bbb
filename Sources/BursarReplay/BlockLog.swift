import BursarSyntax
import BursarLogs

/// A stretch of a log that any thread may read.
struct BlockStretch {
    var stretch: LogReader.Stretch
    var path: String
    /// Of records that were ordered: their lines and their places in the log.
    var ordered: (lines: [UInt32], sequences: [Int])?
    /// How much of its log was handed on with it, in the log's unit of size.
    var end: Int
    /// By index in the replay.
    var log = 0
}

/// Where a replay's blocks come from.
protocol BlockLog: AnyObject {
    var path: String { get }
    /// Why the log could not be read to its end.
    var failure: String? { get }
    /// How much there is, in bytes of its file; nil where nobody knows.
    var size: Int? { get }
    func nextStretch() throws -> BlockStretch?
}

/// What went wrong with a log, told by the name that the user knows.
private func naming<Value>(_ name: String, _ body: () throws(FileError) -> Value) throws(FileError) -> Value {
    do throws(FileError) {
        return try body()
    } catch {
        throw FileError(path: name, reason: error.reason)
    }
}

/// A log in the order in which it was written.
final class PlainLog: BlockLog {
    private let reader: LogReader
    let path: String
    var failure: String? { reader.failure }
    var size: Int? { reader.size }

    init(_ path: String, _ options: ReplayOptions) throws {
        let name = options.logNames[path] ?? path
        self.path = name
        reader = try naming(name) { () throws(FileError) in
            try LogReader(path, map: options.map, follows: options.follows, stop: options.stop)
        }
    }

    func nextStretch() throws -> BlockStretch? {
        try naming(path) { () throws(FileError) in try reader.next() }
            .map { BlockStretch(stretch: $0, path: path, end: reader.position) }
    }
}

/// Logs whose times go back, in the order of time: an index of 32 bytes a record is sorted, the text stays where it is.
final class OrderedLog: BlockLog {
    private struct Entry {
        var time: Int64
        var start: Int
        var length: UInt32
        var line: UInt32
        var path: UInt32
    }

    let path: String
    let failure: String? = nil
    /// Bytes of its records.
    var size: Int? { total }
    var recordCount: Int { entries.count }
    private(set) var failures: [String] = []
    private(set) var rejects: [ReplayReject] = []
    private var entries: [Entry] = []
    private var order: [Int32] = []
    /// Kept as they were read: a mapped file takes no memory of its own, a compressed one does.
    private var stretches: [LogReader.Stretch] = []
    private let paths: [String]
    private var position = 0
    private var total = 0
    private var handedOn = 0

    private static let recordsPerStretch = 8_192

    init(_ logs: [String], _ options: ReplayOptions) throws {
        paths = logs.map { options.logNames[$0] ?? $0 }
        path = paths.joined(separator: ", ")
        for (index, path) in paths.enumerated() {
            let reader = try naming(path) { () throws(FileError) in try LogReader(logs[index], map: options.map) }
            var baseLine = 0
            while !options.stop.isAsked, let stretch = try naming(path, { () throws(FileError) in try reader.next() }) {
                let block = LogFormat.read(stretch)
                for reject in block.rejects {
                    rejects.append(
                        ReplayReject(
                            path: path, line: options.line(of: path, baseLine + reject.line), reason: reject.reason))
                }
                let source = stretches.count
                stretches.append(stretch)
                for record in 0..<block.count {
                    let bounds = block.bounds(record)
                    total += bounds.count
                    entries.append(
                        Entry(
                            time: block.time(record), start: source << 32 | bounds.start, length: UInt32(bounds.count),
                            line: UInt32(truncatingIfNeeded: baseLine + block.line(record)), path: UInt32(index)))
                }
                baseLine += block.lineCount
            }
            if let failure = reader.failure { failures.append("\(path): \(failure)") }
        }
        order = entries.indices.map { Int32($0) }
        // Ties stay in the order of the log.
        order.sort { (entries[Int($0)].time, $0) < (entries[Int($1)].time, $1) }
    }

    func nextStretch() throws -> BlockStretch? {
        guard position < order.count else { return nil }
        let first = entries[Int(order[position])]
        var bytes: [UInt8] = []
        var lines: [UInt32] = []
        var sequences: [Int] = []
        // A stretch has one format and one path, so it ends where the next record is from another log.
        while position < order.count, lines.count < Self.recordsPerStretch {
            let entry = entries[Int(order[position])]
            guard entry.path == first.path else { break }
            let start = entry.start & 0xFFFF_FFFF
            stretches[entry.start >> 32].append(from: start, count: Int(entry.length), to: &bytes)
            bytes.append(0x0A)
            handedOn += Int(entry.length)
            lines.append(entry.line)
            sequences.append(Int(order[position]))
            position += 1
        }
        return BlockStretch(
            stretch: stretches[first.start >> 32].with(bytes), path: paths[Int(first.path)],
            ordered: (lines, sequences), end: handedOn)
    }
}
