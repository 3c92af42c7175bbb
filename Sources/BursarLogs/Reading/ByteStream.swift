import BursarSyntax
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Asks whoever reads logs to stop: what was read so far is what there is.
package final class StopSignal: Sendable {
    private let asked = Atomic(false)

    package init() {}

    package var isAsked: Bool { asked.load(ordering: .relaxed) }
    package func ask() { asked.store(true, ordering: .relaxed) }
}

/// Bytes from a descriptor, decompressed where they begin like gzip or zstd.
final class ByteStream {
    private let descriptor: Int32
    private let stop: StopSignal
    /// At the end of what has been written so far, more is waited for.
    private let follows: Bool
    private var buffer = [UInt8](repeating: 0, count: 1 << 18)
    private var available = 0..<0
    private var isAtEnd = false
    /// Bytes that were read, as they stand in the file.
    private(set) var position = 0
    private var decompressor: (any Decompressor)?
    private var isDecided = false
    private(set) var failure: String?

    init(descriptor: Int32, follows: Bool = false, stop: StopSignal) {
        self.descriptor = descriptor
        self.follows = follows
        self.stop = stop
    }

    deinit { if descriptor > 2 { close(descriptor) } }

    /// Between two looks for more, in microseconds.
    private static let pause: UInt32 = 100_000

    /// Waits until there is something to read. Returns false once reading is to stop, though a pipe may never bring more.
    private func awaitsBytes() -> Bool {
        var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        while !stop.isAsked {
            // Of an error the reading tells.
            if poll(&wait, 1, Int32(Self.pause / 1_000)) != 0 { return true }
        }
        return false
    }

    /// - Parameter waits: whether to wait for more where a log is followed.
    private func fill(waits: Bool = true) {
        guard available.isEmpty, !isAtEnd else { return }
        var count = 0
        while true {
            guard awaitsBytes() else {
                isAtEnd = true
                return
            }
            count = buffer.withUnsafeMutableBytes { systemRead(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR, !stop.isAsked { continue }
            guard count == 0, follows, !stop.isAsked else { break }
            if !waits { return }
            usleep(Self.pause)
        }
        if count < 0, errno != EINTR { failure = String(cString: strerror(errno)) }
        if count <= 0 { isAtEnd = true }
        available = 0..<max(0, count)
        position += available.count
    }

    /// Appends at most so many bytes; 0 at the end, or where nothing more is there now and the caller does not wait.
    func read(into bytes: inout [UInt8], atMost limit: Int, waits: Bool = true) -> Int {
        fill(waits: waits)
        if !isDecided, !available.isEmpty || isAtEnd {
            isDecided = true
            decompressor = Compression.decompressor(for: buffer[available])
        }
        guard let decompressor else {
            let part = available.prefix(limit)
            bytes.append(contentsOf: buffer[part])
            available = part.upperBound..<available.upperBound
            return part.count
        }
        return decompress(decompressor, into: &bytes, atMost: limit)
    }

    private func decompress(_ decompressor: any Decompressor, into bytes: inout [UInt8], atMost limit: Int) -> Int {
        let chunk = min(limit, 1 << 20)
        while failure == nil {
            fill()
            if available.isEmpty {
                if !decompressor.isBetweenFrames, !stop.isAsked {
                    failure = "the compressed log ends early: it is truncated"
                }
                return 0
            }
            if decompressor.isBetweenFrames, !Compression.isCompressed(buffer[available]) {
                failure = "there is something else after the compressed log"
                return 0
            }
            let before = bytes.count
            bytes.append(contentsOf: repeatElement(0, count: chunk))
            let step = bytes.withUnsafeMutableBufferPointer { output in
                buffer.withUnsafeBufferPointer { input in
                    decompressor.decode(
                        UnsafeBufferPointer(rebasing: input[available]),
                        into: UnsafeMutableBufferPointer(rebasing: output[before...]))
                }
            }
            bytes.removeLast(chunk - (step?.made ?? 0))
            guard let step else {
                failure = "the compressed log is damaged"
                return 0
            }
            available = (available.lowerBound + step.taken)..<available.upperBound
            if step.made > 0 { return step.made }
        }
        return 0
    }
}

/// The C library's `read`, which the stream's own method would hide.
private func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(descriptor, buffer, count)
}
