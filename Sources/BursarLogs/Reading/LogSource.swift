import BursarSyntax

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The bytes of one log: a mapped file, or a stream that is decompressed as it is read.
final class LogSource {
    let path: String
    private var input: Input
    /// What the last block of a mapped file belongs to.
    private var part: MappedPart?
    /// Bytes after the last whole line of a stream.
    private var rest: [UInt8] = []
    private var isFinished = false
    private let follows: Bool
    /// Why the log ended before its end.
    private(set) var failure: String?

    /// Few enough that the records of a block are still in the core's own cache when they are decided.
    static let blockBytes = 1 << 19
    /// A longer line is no record.
    static let longestLine = 64 << 20

    private enum Input {
        case mapped(Mapping, position: Int)
        case stream(ByteStream)
    }

    /// A file in memory as long as someone reads from it.
    final class Mapping {
        let bytes: UnsafeBufferPointer<UInt8>
        private let raw: UnsafeMutableRawPointer?

        init(descriptor: Int32, count: Int) throws(FileError) {
            guard count > 0 else {
                raw = nil
                bytes = UnsafeBufferPointer(start: nil, count: 0)
                return
            }
            let mapped = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0)
            guard let mapped, mapped != MAP_FAILED else {
                throw FileError(path: "", reason: String(cString: strerror(errno)))
            }
            madvise(mapped, count, Int32(MADV_SEQUENTIAL))
            raw = mapped
            bytes = UnsafeBufferPointer(start: mapped.assumingMemoryBound(to: UInt8.self), count: count)
        }

        deinit {
            if let raw { munmap(raw, bytes.count) }
        }
    }

    /// Part of a mapped file: several blocks. Its pages are given back when nobody reads any of them any more, so that memory
    /// does not grow with the log; block by block, every core would be interrupted for each.
    private final class MappedPart {
        private let mapping: Mapping
        private let start: Int
        /// It grows block by block, as long as the log's reader holds the part.
        var end: Int

        static let bytes = 4 << 20

        init(_ mapping: Mapping, from start: Int) {
            self.mapping = mapping
            self.start = start
            end = start
        }

        var isFull: Bool { end - start >= Self.bytes }

        deinit {
            let page = Int(getpagesize())
            let first = (start + page - 1) / page * page
            let last = end / page * page
            guard first < last, let base = mapping.bytes.baseAddress else { return }
            madvise(UnsafeMutableRawPointer(mutating: base + first), last - first, Int32(MADV_DONTNEED))
        }
    }

    /// `-` is standard input. A file that begins like gzip or zstd is decompressed, whatever its name.
    ///
    /// - Parameter follows: at the end more is waited for, until `stop` is asked.
    init(_ path: String, follows: Bool = false, stop: StopSignal = StopSignal()) throws(FileError) {
        self.path = path
        self.follows = follows
        if path == "-" {
            input = .stream(ByteStream(descriptor: 0, stop: stop))
            return
        }
        switch FileReading.kind(of: path) {
        case .missing: throw FileError(path: path, reason: "there is no such file")
        case .folder: throw FileError(path: path, reason: "is a folder, not a log")
        case .file: break
        }
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else { throw FileError(path: path, reason: String(cString: strerror(errno))) }
        var status = stat()
        let isFile = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        size = isFile && !follows ? Int(status.st_size) : nil
        var head = [UInt8](repeating: 0, count: 4)
        let got = pread(descriptor, &head, head.count, 0)
        if follows || !isFile || Compression.isCompressed(head.prefix(max(0, got))) {
            input = .stream(ByteStream(descriptor: descriptor, follows: follows, stop: stop))
            return
        }
        defer { close(descriptor) }
        do throws(FileError) {
            input = .mapped(try Mapping(descriptor: descriptor, count: Int(status.st_size)), position: 0)
        } catch {
            throw FileError(path: path, reason: error.reason)
        }
    }

    /// Bytes of the file; nil where it is followed or none.
    private(set) var size: Int?
    /// Bytes of it that were read.
    var position: Int {
        switch input {
        case .mapped(_, let position): position
        case .stream(let stream): stream.position
        }
    }

    /// The next stretch of whole lines; nil at the end. A line break inside quotation marks does not end a CSV's line.
    func next(isCSV: Bool) -> (bytes: UnsafeBufferPointer<UInt8>, owner: AnyObject)? {
        switch input {
        case .mapped(let mapping, let position):
            guard position < mapping.bytes.count else { return nil }
            var end = min(position + Self.blockBytes, mapping.bytes.count)
            if end < mapping.bytes.count { end = Self.lineEnd(mapping.bytes, from: position, after: end, isCSV) }
            input = .mapped(mapping, position: end)
            let part = part.flatMap { $0.isFull ? nil : $0 } ?? MappedPart(mapping, from: position)
            part.end = end
            self.part = part
            return (UnsafeBufferPointer(rebasing: mapping.bytes[position..<end]), part)
        case .stream(let stream): return nextOfStream(stream, isCSV: isCSV)
        }
    }

    /// The byte after the first line break at or after `limit`.
    private static func lineEnd(
        _ bytes: UnsafeBufferPointer<UInt8>, from start: Int, after limit: Int, _ isCSV: Bool
    ) -> Int {
        var isQuoted = false
        if isCSV {
            for byte in bytes[start..<limit] where byte == UInt8(ascii: "\"") { isQuoted.toggle() }
        }
        var index = limit - 1
        if isCSV, bytes[index] == UInt8(ascii: "\"") { isQuoted.toggle() }
        while index < bytes.count {
            if isCSV, bytes[index] == UInt8(ascii: "\"") { isQuoted.toggle() }
            if bytes[index] == UInt8(ascii: "\n"), !isQuoted { return index + 1 }
            index += 1
        }
        return bytes.count
    }

    private func nextOfStream(_ stream: ByteStream, isCSV: Bool) -> (
        bytes: UnsafeBufferPointer<UInt8>, owner: AnyObject
    )? {
        guard !isFinished else { return nil }
        var bytes = rest
        rest = []
        while true {
            // Of a log that is followed, whole lines are handed on as soon as there are any.
            let hasLine = follows && bytes.contains(UInt8(ascii: "\n"))
            let added = stream.read(into: &bytes, atMost: Self.blockBytes, waits: !hasLine)
            if added == 0, hasLine, let end = Self.lastLineEnd(bytes, isCSV) {
                rest = Array(bytes[end...])
                bytes.removeSubrange(end...)
                break
            }
            if added == 0 {
                isFinished = true
                failure = stream.failure
                break
            }
            if bytes.count >= Self.blockBytes, let end = Self.lastLineEnd(bytes, isCSV) {
                rest = Array(bytes[end...])
                bytes.removeSubrange(end...)
                break
            }
            if bytes.count > Self.longestLine {
                failure = "a line is longer than \(Self.longestLine >> 20) MiB"
                isFinished = true
                break
            }
        }
        guard !bytes.isEmpty else { return nil }
        let owner = OwnedBytes(bytes)
        return (UnsafeBufferPointer(owner.buffer), owner)
    }

    /// The byte after the last line break that ends a line.
    private static func lastLineEnd(_ bytes: [UInt8], _ isCSV: Bool) -> Int? {
        guard isCSV else { return bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } }
        var isQuoted = false
        var last: Int?
        for (index, byte) in bytes.enumerated() {
            if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
            if byte == UInt8(ascii: "\n"), !isQuoted { last = index + 1 }
        }
        return last
    }
}
