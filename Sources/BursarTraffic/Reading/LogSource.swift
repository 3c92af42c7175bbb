import BursarSyntax
import CZlib

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
    /// Bytes after the last whole line of a stream.
    private var rest: [UInt8] = []
    private var isFinished = false
    /// Why the log ended before its end.
    private(set) var failure: String?

    static let blockBytes = 1 << 20
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

    /// Part of a mapped file; its pages are given back when nobody reads it any more, so that memory does not grow with
    /// the log.
    private final class MappedStretch {
        private let mapping: Mapping
        private let range: Range<Int>

        init(_ mapping: Mapping, _ range: Range<Int>) {
            self.mapping = mapping
            self.range = range
        }

        deinit {
            let page = Int(getpagesize())
            let start = (range.lowerBound + page - 1) / page * page
            let end = range.upperBound / page * page
            guard start < end, let base = mapping.bytes.baseAddress else { return }
            madvise(UnsafeMutableRawPointer(mutating: base + start), end - start, Int32(MADV_DONTNEED))
        }
    }

    /// `-` is standard input. A file that begins like gzip is decompressed, whatever its name.
    init(_ path: String) throws(FileError) {
        self.path = path
        if path == "-" {
            input = .stream(ByteStream(descriptor: 0))
            return
        }
        switch FileReading.kind(of: path) {
        case .missing: throw FileError(path: path, reason: "there is no such file")
        case .folder: throw FileError(path: path, reason: "is a folder, not a log")
        case .file: break
        }
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else { throw FileError(path: path, reason: String(cString: strerror(errno))) }
        var magic: (UInt8, UInt8) = (0, 0)
        let got = pread(descriptor, &magic, 2, 0)
        if got == 2, magic == (0x1F, 0x8B) {
            input = .stream(ByteStream(descriptor: descriptor))
            return
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            input = .stream(ByteStream(descriptor: descriptor))
            return
        }
        defer { close(descriptor) }
        do throws(FileError) {
            input = .mapped(try Mapping(descriptor: descriptor, count: Int(status.st_size)), position: 0)
        } catch {
            throw FileError(path: path, reason: error.reason)
        }
    }

    /// The size of a plain file, for progress.
    var byteCount: Int? { if case .mapped(let mapping, _) = input { mapping.bytes.count } else { nil } }

    /// The next stretch of whole lines; nil at the end. A line break inside quotation marks does not end a CSV's line.
    func next(isCSV: Bool) -> (bytes: UnsafeBufferPointer<UInt8>, owner: AnyObject)? {
        switch input {
        case .mapped(let mapping, let position):
            guard position < mapping.bytes.count else { return nil }
            var end = min(position + Self.blockBytes, mapping.bytes.count)
            if end < mapping.bytes.count { end = Self.lineEnd(mapping.bytes, from: position, after: end, isCSV) }
            input = .mapped(mapping, position: end)
            return (
                UnsafeBufferPointer(rebasing: mapping.bytes[position..<end]), MappedStretch(mapping, position..<end)
            )
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
            let added = stream.read(into: &bytes, atMost: Self.blockBytes)
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

/// Bytes from a descriptor, decompressed where they begin like gzip.
final class ByteStream {
    private let descriptor: Int32
    private var buffer = [UInt8](repeating: 0, count: 1 << 18)
    private var available = 0..<0
    private var isAtEnd = false
    private var inflater: UnsafeMutablePointer<z_stream>?
    private var isDecided = false
    /// Between two members of a gzip file.
    private var isBetweenMembers = false
    private(set) var failure: String?

    init(descriptor: Int32) { self.descriptor = descriptor }

    deinit {
        if let inflater {
            inflateEnd(inflater)
            inflater.deallocate()
        }
        if descriptor > 2 { close(descriptor) }
    }

    private func fill() {
        guard available.isEmpty, !isAtEnd else { return }
        var count = 0
        repeat {
            count = buffer.withUnsafeMutableBytes { systemRead(descriptor, $0.baseAddress, $0.count) }
        } while count < 0 && errno == EINTR
        if count < 0 { failure = String(cString: strerror(errno)) }
        if count <= 0 { isAtEnd = true }
        available = 0..<max(0, count)
    }

    /// Appends at most so many bytes; 0 at the end.
    func read(into bytes: inout [UInt8], atMost limit: Int) -> Int {
        fill()
        if !isDecided {
            isDecided = true
            if available.count >= 2, buffer[0] == 0x1F, buffer[1] == 0x8B { startInflating() }
        }
        guard let inflater else {
            let part = available.prefix(limit)
            bytes.append(contentsOf: buffer[part])
            available = part.upperBound..<available.upperBound
            return part.count
        }
        return inflate(inflater, into: &bytes, atMost: limit)
    }

    private func startInflating() {
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // 15 bits of window, and 16 for a gzip header.
        guard inflateInit2_(stream, 31, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            failure = "zlib cannot start"
            stream.deallocate()
            return
        }
        inflater = stream
    }

    private func inflate(_ stream: UnsafeMutablePointer<z_stream>, into bytes: inout [UInt8], atMost limit: Int) -> Int
    {
        let chunk = min(limit, 1 << 20)
        while failure == nil {
            fill()
            if available.isEmpty {
                if !isBetweenMembers { failure = "the compressed log ends early: it is truncated" }
                return 0
            }
            if isBetweenMembers {
                // Members may follow each other; anything else after the last one is damage.
                guard buffer[available.lowerBound] == 0x1F else {
                    failure = "there is something else after the compressed log"
                    return 0
                }
                inflateReset(stream)
                isBetweenMembers = false
            }
            var status: Int32 = Z_OK
            let before = bytes.count
            bytes.append(contentsOf: repeatElement(0, count: chunk))
            let made = bytes.withUnsafeMutableBufferPointer { output -> Int in
                buffer.withUnsafeMutableBufferPointer { input -> Int in
                    stream.pointee.next_in = input.baseAddress.unsafelyUnwrapped + available.lowerBound
                    stream.pointee.avail_in = UInt32(available.count)
                    stream.pointee.next_out = output.baseAddress.unsafelyUnwrapped + before
                    stream.pointee.avail_out = UInt32(chunk)
                    status = CZlib.inflate(stream, Z_NO_FLUSH)
                    available = (available.upperBound - Int(stream.pointee.avail_in))..<available.upperBound
                    return chunk - Int(stream.pointee.avail_out)
                }
            }
            bytes.removeLast(chunk - made)
            switch status {
            case Z_STREAM_END: isBetweenMembers = true
            case Z_OK, Z_BUF_ERROR: break
            default: failure = "the compressed log is damaged"
            }
            if made > 0 { return made }
        }
        return 0
    }
}

/// The C library's `read`, which the stream's own method would hide.
private func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(descriptor, buffer, count)
}
