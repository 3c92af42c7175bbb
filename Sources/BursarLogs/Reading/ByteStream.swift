import BursarSyntax
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Stops the readers of logs; the replay then covers the records so far.
package final class StopSignal: Sendable {
    private let asked = Atomic(false)

    package init() {}

    package var isAsked: Bool { asked.load(ordering: .relaxed) }
    package func ask() { asked.store(true, ordering: .relaxed) }
}

/// Bytes from a descriptor, decompressed if they begin like gzip or zstd.
final class ByteStream {
    private let descriptor: Int32
    private let stop: StopSignal
    /// Waits for more bytes at the end.
    private let follows: Bool
    /// A regular file as it was when reading began.
    let identity: FileIdentity?
    private var buffer = [UInt8](repeating: 0, count: 1 << 16)
    /// Bytes of the buffer that are still to be used.
    private var available = 0..<0
    private var isAtEnd = false
    /// Bytes that were read, as they are in the file.
    private(set) var position = 0
    /// Bytes that decompressing has made.
    private var made = 0
    private var decompressor: (any Decompressor)?
    private var isDecided: Bool
    /// Why reading ended before the log's end, with the place.
    private(set) var failure: String?
    /// A log that is followed was truncated, and is read from its beginning again.
    private(set) var hasRestarted = false

    var isCompressed: Bool { decompressor != nil }

    /// - Parameter isPlain: compressed bytes are handed on as they are.
    init(descriptor: Int32, follows: Bool = false, isPlain: Bool = false, stop: StopSignal) {
        self.descriptor = descriptor
        isDecided = isPlain
        self.follows = follows
        self.stop = stop
        identity = FileIdentity(descriptor)
    }

    deinit { if descriptor > 2 { close(descriptor) } }

    /// The time between two attempts to read more, in microseconds.
    private static let pause: UInt32 = 100_000

    /// Reads some bytes; 0 at the end, or where nothing more is there now and the caller does not wait.
    func read(into bytes: UnsafeMutableRawBufferPointer, waits: Bool = true) -> Int {
        if !isDecided, !decide(waits: waits) { return 0 }
        if let decompressor { return decompress(decompressor, into: bytes) }
        if available.isEmpty { return readFile(into: bytes, waits: waits) }
        let count = min(available.count, bytes.count)
        buffer.withUnsafeBytes { bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[available.prefix(count)])) }
        available = (available.lowerBound + count)..<available.upperBound
        return count
    }

    /// Reads until the first bytes tell whether they are compressed. Returns false if they are not there yet.
    private func decide(waits: Bool) -> Bool {
        while !isAtEnd, Compression.needsMore(buffer[available]) {
            if refill(waits: waits) == 0, !isAtEnd { return false }
        }
        isDecided = true
        decompressor = Compression.decompressor(for: buffer[available])
        return true
    }

    /// Reads more behind the bytes that are still to be used, of which there are few.
    private func refill(waits: Bool) -> Int {
        let count = available.count
        if available.lowerBound > 0 {
            for index in 0..<count { buffer[index] = buffer[available.lowerBound + index] }
        }
        let added = buffer.withUnsafeMutableBytes {
            readFile(into: UnsafeMutableRawBufferPointer(rebasing: $0[count...]), waits: waits)
        }
        available = 0..<count + added
        return added
    }

    /// Waits for bytes. Returns false after a stop, even if a pipe delivers nothing.
    private func awaitsBytes() -> Bool {
        var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        while !stop.isAsked {
            // The read reports errors.
            if poll(&wait, 1, Int32(Self.pause / 1_000)) != 0 { return true }
        }
        return false
    }

    private func readFile(into bytes: UnsafeMutableRawBufferPointer, waits: Bool) -> Int {
        guard !isAtEnd, failure == nil else { return 0 }
        while true {
            guard awaitsBytes() else {
                isAtEnd = true
                return 0
            }
            let count = systemRead(descriptor, bytes)
            if count > 0 {
                position += count
                return count
            }
            if count < 0, errno == EINTR, !stop.isAsked { continue }
            // Another program made the pipe non-blocking.
            if count < 0, errno == EAGAIN { continue }
            if count < 0, errno != EINTR {
                failure = "\(String(cString: strerror(errno))), at byte \(position)"
            }
            if count == 0, follows, !stop.isAsked {
                if isTruncated { restart() }
                if !waits { return 0 }
                usleep(Self.pause)
                continue
            }
            if count == 0, !follows, let identity, position < identity.size {
                failure =
                    "was truncated while it was read: it had \(identity.size) bytes, and ends at byte \(position) now"
            }
            isAtEnd = true
            return 0
        }
    }

    private var isTruncated: Bool {
        guard let now = FileIdentity(descriptor) else { return false }
        return now.size < position
    }

    private func restart() {
        guard decompressor == nil, lseek(descriptor, 0, SEEK_SET) == 0 else { return }
        position = 0
        hasRestarted = true
    }

    /// Tells once that the log is read from its beginning again.
    func takeRestart() -> Bool {
        defer { hasRestarted = false }
        return hasRestarted
    }

    // MARK: - Compressed logs

    private func decompress(_ decompressor: any Decompressor, into bytes: UnsafeMutableRawBufferPointer) -> Int {
        let output = bytes.bindMemory(to: UInt8.self)
        while failure == nil {
            if available.isEmpty { _ = refill(waits: true) }
            if available.isEmpty {
                if failure == nil, !decompressor.isBetweenFrames, !stop.isAsked {
                    failure = "the compressed log ends early, at byte \(position): it is truncated"
                }
                return 0
            }
            while decompressor.isBetweenFrames, !isAtEnd, Compression.needsMore(buffer[available]) {
                _ = refill(waits: true)
            }
            if decompressor.isBetweenFrames, !Compression.isCompressed(buffer[available]) {
                failure = "there is something else after the compressed log, at byte \(place)"
                return 0
            }
            let step = buffer.withUnsafeBufferPointer { input in
                decompressor.decode(UnsafeBufferPointer(rebasing: input[available]), into: output)
            }
            guard let step, step.taken > 0 || step.made > 0 else {
                failure = "the compressed log is damaged, at byte \(place)"
                return 0
            }
            available = (available.lowerBound + step.taken)..<available.upperBound
            made += step.made
            if made > Bounds.decompressedBytes, made / Bounds.decompressionFactor > position {
                failure =
                    "grows to more than \(Bounds.decompressionFactor) times its size, which no log does, at byte \(place)"
                return 0
            }
            if step.made > 0 { return step.made }
        }
        return 0
    }

    /// Bytes of the file that were used.
    private var place: Int { position - available.count }
}

/// The C library's `read`, because the stream's method has the same name.
private func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawBufferPointer) -> Int {
    read(descriptor, bytes.baseAddress, bytes.count)
}
