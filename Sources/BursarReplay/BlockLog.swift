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
func naming<Value>(_ name: String, _ body: () throws(FileError) -> Value) throws(FileError) -> Value {
    do throws(FileError) {
        return try body()
    } catch {
        throw FileError(path: name, reason: error.reason)
    }
}

/// A log in its own order.
final class PlainLog: BlockLog {
    /// nil: it is not open yet, so that a folder of many logs needs few descriptors.
    private var reader: LogReader?
    private let source: String
    private let options: ReplayOptions
    let path: String
    let size: Int?
    private(set) var failure: String?

    init(_ path: String, _ options: ReplayOptions) throws {
        source = path
        self.options = options
        let name = options.logNames[path] ?? path
        self.path = name
        // Unreadable logs are reported before any work.
        let reader = try naming(name) { () throws(FileError) in try Self.open(path, options) }
        size = reader.size
        // A stream that is closed is gone.
        if reader.size == nil { self.reader = reader }
    }

    private static func open(_ path: String, _ options: ReplayOptions) throws(FileError) -> LogReader {
        try LogReader(path, map: options.map, follows: options.follows, stop: options.stop)
    }

    func nextStretch() throws -> BlockStretch? {
        let (path, source, options) = (path, source, options)
        let reader = try reader ?? naming(path) { () throws(FileError) in try Self.open(source, options) }
        self.reader = reader
        guard let stretch = try naming(path, { () throws(FileError) in try reader.next() }) else {
            failure = reader.failure
            self.reader = nil
            return nil
        }
        return BlockStretch(stretch: stretch, path: path, end: reader.position)
    }
}
