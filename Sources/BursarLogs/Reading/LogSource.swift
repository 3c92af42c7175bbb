import BursarSyntax

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The text of one log in parts of whole lines. Files and streams are read in blocks; files are not mapped, because a mapped
/// file that is truncated ends the process.
final class LogSource {
    /// A part of a log's text.
    enum Part {
        /// Whole lines, or rows of a table; the last one may lack its line break.
        case lines(TextBuffer)
        /// One line that cannot be used, and why.
        case unusable(String)
    }

    let path: String
    private let stream: ByteStream
    private let pool = TextBufferPool(capacity: LogSource.blockBytes)
    /// Bytes after the last whole line.
    private var rest: TextBuffer?
    /// The next part, where two were found at once.
    private var next: Part?
    private var isFinished = false
    private let follows: Bool
    /// Where the last part begins among the bytes of the text, and where the next one does.
    private(set) var partStart = 0
    private var nextStart = 0

    /// Small enough that the records of a block are still in the core's cache when they are decided.
    static let blockBytes = 1 << 19

    /// Standard input has the names of `LogFile.isStandardInput`. A file that begins like gzip or zstd is decompressed,
    /// whatever its name.
    ///
    /// - Parameter follows: at the end more is waited for, until `stop` is asked.
    init(_ path: String, follows: Bool = false, stop: StopSignal = StopSignal()) throws(FileError) {
        self.path = path
        self.follows = follows
        if try LogFile.kind(of: path) == .folder { throw FileError(path: path, reason: "is a folder, not a log") }
        stream = ByteStream(descriptor: try LogFile.open(path), follows: follows, stop: stop)
    }

    /// The reason why the log ended early.
    var failure: String? { stream.failure }
    /// The size of the file in bytes; nil if it is followed or not a file.
    var size: Int? { follows ? nil : stream.identity?.size }
    /// The number of bytes read from it.
    var position: Int { stream.position }
    /// The file whose bytes are the log's text; nil where there is none, or where it is compressed.
    var textFile: FileIdentity? { stream.isCompressed ? nil : stream.identity }

    /// The next part; nil at the end. A line break inside quotation marks does not end a CSV's row.
    ///
    /// - Parameter isLast: nothing is read after this part, so a line that is too long need not be passed over.
    func next(isCSV: Bool, isLast: Bool = false) -> Part? {
        if let part = next {
            next = nil
            return part
        }
        guard !isFinished else { return nil }
        var text = rest ?? pool.take()
        rest = nil
        var lines = LineEnds(isCSV)
        while true {
            lines.look(at: text.bytes)
            // Whole lines of a followed log are passed on immediately.
            let hasLine = follows && lines.lastEnd != nil
            if text.count == text.capacity {
                if let end = lines.lastEnd { return part(text, to: end) }
                if text.count >= Bounds.lineBytes { return isLast ? nil : overlong(text, isCSV) }
                text = enlarged(text)
            }
            let added = stream.read(into: text.free, waits: !hasLine)
            text.grow(by: added)
            if stream.takeRestart(), let end = endOfCut(text, added) { return part(text, to: end) }
            if added > 0 { continue }
            if hasLine, failure == nil, let end = lines.lastEnd { return part(text, to: end) }
            return last(text, lines)
        }
    }

    /// The end of a part that a followed log had before it was truncated: a line that was cut is a line of its own.
    private func endOfCut(_ text: TextBuffer, _ added: Int) -> Int? {
        let end = text.count - added
        return end > 0 ? end : nil
    }

    private func enlarged(_ text: TextBuffer) -> TextBuffer {
        let larger = TextBuffer(capacity: min(text.capacity * 2, Bounds.lineBytes))
        larger.add(text.bytes)
        return larger
    }

    /// Hands on the text up to `end`, and keeps the rest.
    private func part(_ text: TextBuffer, to end: Int) -> Part {
        let after = UnsafeBufferPointer(rebasing: text.bytes[end...])
        keep(after)
        return lines(text, to: end)
    }

    private func keep(_ after: UnsafeBufferPointer<UInt8>) {
        if after.isEmpty { return }
        let buffer = after.count < Self.blockBytes ? pool.take() : TextBuffer(capacity: after.count + Self.blockBytes)
        buffer.add(after)
        rest = buffer
    }

    private func lines(_ text: TextBuffer, to end: Int) -> Part {
        partStart = nextStart
        nextStart += end
        text.truncate(to: end)
        text.seal()
        return .lines(text)
    }

    /// What is there at the end.
    private func last(_ text: TextBuffer, _ lines: LineEnds) -> Part? {
        isFinished = true
        if text.count == 0 { return nil }
        let end = lines.lastEnd ?? 0
        if failure != nil, end < text.count {
            // What is left of a line might pass for a whole one.
            let cut = Part.unusable("the log ends inside this line")
            if end == 0 { return cut }
            next = cut
            return self.lines(text, to: end)
        }
        return self.lines(text, to: text.count)
    }

    /// Passes over a line that is longer than any may be.
    private func overlong(_ text: TextBuffer, _ isCSV: Bool) -> Part {
        // A quoted cell without a closing mark runs over many lines, each of which may be a good one.
        if isCSV, let lineBreak = text.bytes.lastIndex(of: 0x0A) { return part(text, to: lineBreak + 1) }
        var count = text.count
        var isEnded = false
        while !isEnded {
            text.truncate(to: 0)
            let added = stream.read(into: text.free)
            if added == 0 { break }
            text.grow(by: added)
            let lineBreak = firstLineBreak(text.bytes)
            count += lineBreak ?? added
            guard let lineBreak else { continue }
            isEnded = true
            keep(UnsafeBufferPointer(rebasing: text.bytes[(lineBreak + 1)...]))
        }
        nextStart += isEnded ? count + 1 : count
        if !isEnded { isFinished = true }
        return .unusable("a line of \(count) bytes; lines may have \(Bounds.lineBytes) (\(Bounds.lineBytes >> 20) MiB)")
    }
}

/// Finds the end of the last whole line, or row, of a text that grows.
private struct LineEnds {
    private var rows: CSVRows?
    private var position = 0
    private(set) var lastEnd: Int?

    init(_ isCSV: Bool) { if isCSV { rows = CSVRows() } }

    mutating func look(at text: UnsafeBufferPointer<UInt8>) {
        if rows != nil {
            rows?.look(at: text)
            lastEnd = rows?.lastEnd
            return
        }
        let added = UnsafeBufferPointer(rebasing: text[position...])
        // Most of a long line has none.
        if firstLineBreak(added) != nil {
            var index = text.count
            while text[index - 1] != 0x0A { index -= 1 }
            lastEnd = index
        }
        position = text.count
    }
}

/// The place of the first line break.
func firstLineBreak(_ text: UnsafeBufferPointer<UInt8>) -> Int? {
    guard let base = text.baseAddress, let found = memchr(base, 0x0A, text.count) else { return nil }
    return base.distance(to: found.assumingMemoryBound(to: UInt8.self))
}
