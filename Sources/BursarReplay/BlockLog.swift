import BursarSyntax
import BursarLogs

/// A section of a log that any thread can parse.
struct BlockStretch {
    var stretch: LogReader.Stretch
    var path: String
    /// For sorted records: their lines, and their positions in the log.
    var ordered: (lines: [UInt32], sequences: [Int])?
    /// The size of the log up to the end of this section, in the log's unit of size.
    var end: Int
    /// The index of the log in the replay.
    var log = 0
}

/// The source of a replay's blocks.
protocol BlockLog: AnyObject {
    var path: String { get }
    /// The reason why the log could not be read to its end.
    var failure: String? { get }
    /// The size in bytes of its file; nil if it is unknown.
    var size: Int? { get }
    func nextStretch() throws -> BlockStretch?
}

/// Rethrows an error with the log's original name.
private func naming<Value>(_ name: String, _ body: () throws(FileError) -> Value) throws(FileError) -> Value {
    do throws(FileError) {
        return try body()
    } catch {
        throw FileError(path: name, reason: error.reason)
    }
}

/// A log in its own order.
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

/// Logs with unsorted times, in the order of time. Sorts an index of 32 bytes per record; the text stays in place.
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
    /// The size of its records in bytes.
    var size: Int? { total }
    var recordCount: Int { entries.count }
    private(set) var failures: [String] = []
    private(set) var rejects: [ReplayReject] = []
    private var entries: [Entry] = []
    private var order: [Int32] = []
    /// The sections as read: a mapped file takes no memory, a compressed one does.
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
        // Equal times keep the order of the log.
        order.sort { (entries[Int($0)].time, $0) < (entries[Int($1)].time, $1) }
    }

    func nextStretch() throws -> BlockStretch? {
        guard position < order.count else { return nil }
        let first = entries[Int(order[position])]
        var bytes: [UInt8] = []
        var lines: [UInt32] = []
        var sequences: [Int] = []
        // A section has one format and one path, so it ends before the first record of another log.
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
