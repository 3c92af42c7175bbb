import BursarSyntax
import BursarLogs

/// Logs whose times go back, in the order of time: an index of 32 bytes a record is sorted, and the text is read again from
/// where it lies.
final class OrderedLog: BlockLog {
    private struct Entry {
        var time: Int64
        /// Among the bytes of its log's text.
        var start: Int
        var length: UInt32
        var line: UInt32
        var path: UInt32
    }

    let path: String
    /// Each log has its own; see `failures`.
    let failure: String? = nil
    private var hasFailed = false
    /// Bytes of its records.
    var size: Int? { total }
    var recordCount: Int { entries.count }
    private(set) var failures: [String] = []
    private(set) var rejects: [ReplayReject] = []
    private var entries: [Entry] = []
    private var order: [Int32] = []
    /// By log.
    private var texts: [LogText] = []
    private let paths: [String]
    private var position = 0
    private var total = 0
    private var handedOn = 0

    private static let recordsPerStretch = 8_192

    static let changed = "was changed while it was ordered: its records are not where they were"

    init(_ logs: [String], _ options: ReplayOptions) throws {
        paths = logs.map { options.logNames[$0] ?? $0 }
        path = paths.joined(separator: ", ")
        for (index, path) in paths.enumerated() {
            try naming(path) { () throws(FileError) in try read(logs[index], index, options) }
        }
        order = entries.indices.map { Int32($0) }
        // Ties stay in the order of the log.
        order.sort { (entries[Int($0)].time, $0) < (entries[Int($1)].time, $1) }
    }

    private func read(_ log: String, _ index: Int, _ options: ReplayOptions) throws(FileError) {
        let path = paths[index]
        let reader = try LogReader(log, map: options.map)
        let text = LogText(log)
        texts.append(text)
        var baseLine = 0
        while !options.stop.isAsked, let stretch = try reader.next() {
            let start = try text.add(stretch, of: reader)
            let block = LogFormat.read(stretch)
            for reject in block.rejects {
                rejects.append(
                    ReplayReject(
                        path: path, line: baseLine + reject.line, reason: reject.reason, request: reject.request))
            }
            // As many as the index can count.
            guard entries.count + block.count <= Int(Int32.max) else {
                throw FileError(
                    path: path, reason: "more than \(Int32.max) records cannot be ordered; order them first")
            }
            for record in 0..<block.count {
                let bounds = block.bounds(record)
                total += bounds.count
                entries.append(
                    Entry(
                        time: block.time(record), start: start + bounds.start, length: UInt32(bounds.count),
                        line: UInt32(truncatingIfNeeded: baseLine + block.line(record)), path: UInt32(index)))
            }
            baseLine += block.lineCount
        }
        try text.finish()
        if let failure = reader.failure { failures.append("\(path): \(failure)") }
    }

    func nextStretch() throws -> BlockStretch? {
        guard position < order.count, !hasFailed else { return nil }
        let log = Int(entries[Int(order[position])].path)
        // A stretch has one format and one path, so it ends where the next record is from another log.
        var end = position
        var bytes = 0
        while end < order.count, end - position < Self.recordsPerStretch, bytes < Bounds.lineBytes,
            Int(entries[Int(order[end])].path) == log
        {
            bytes += Int(entries[Int(order[end])].length) + 1
            end += 1
        }
        let part = order[position..<end]
        let records = part.map { entry in
            LogText.Record(start: entries[Int(entry)].start, count: Int(entries[Int(entry)].length))
        }
        position = end
        handedOn += bytes - records.count
        guard let stretch = texts[log].stretch(of: records) else {
            failures.append("\(paths[log]): \(Self.changed)")
            hasFailed = true
            return nil
        }
        return BlockStretch(
            stretch: stretch, path: paths[log],
            ordered: (part.map { entries[Int($0)].line }, part.map { Int($0) }), end: handedOn)
    }
}
