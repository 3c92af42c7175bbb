import CZlib
import CZstd

/// Decompresses bytes in pieces.
protocol Decompressor: AnyObject {
    /// The position is between two frames, where the log may end.
    var isBetweenFrames: Bool { get }

    /// Consumes and produces some bytes; nil if they are damaged.
    func decode(
        _ input: UnsafeBufferPointer<UInt8>, into output: UnsafeMutableBufferPointer<UInt8>
    ) -> (taken: Int, made: Int)?
}

enum Compression {
    private static let gzip: [UInt8] = [0x1F, 0x8B]
    private static let zstd: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD]

    /// Detects the format by the first bytes of a file.
    static func decompressor(for head: some Collection<UInt8>) -> (any Decompressor)? {
        if head.starts(with: gzip) { return GzipDecompressor() }
        if head.starts(with: zstd) { return ZstdDecompressor() }
        return nil
    }

    static func isCompressed(_ head: some Collection<UInt8>) -> Bool {
        head.starts(with: gzip) || head.starts(with: zstd)
    }

    /// Whether these first bytes may still become those of a compressed file.
    static func needsMore(_ head: some Collection<UInt8>) -> Bool {
        [gzip, zstd].contains { head.count < $0.count && $0.starts(with: head) }
    }
}

/// RFC 1952, with zlib. Files may have several members.
private final class GzipDecompressor: Decompressor {
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private let hasStarted: Bool
    private(set) var isBetweenFrames = false

    init() {
        stream.initialize(to: z_stream())
        // 15 bits of window, and 16 for a gzip header.
        hasStarted = inflateInit2_(stream, 31, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    }

    deinit {
        if hasStarted { inflateEnd(stream) }
        stream.deallocate()
    }

    func decode(
        _ input: UnsafeBufferPointer<UInt8>, into output: UnsafeMutableBufferPointer<UInt8>
    ) -> (taken: Int, made: Int)? {
        guard hasStarted else { return nil }
        if isBetweenFrames {
            inflateReset(stream)
            isBetweenFrames = false
        }
        stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
        stream.pointee.avail_in = UInt32(input.count)
        stream.pointee.next_out = output.baseAddress
        stream.pointee.avail_out = UInt32(output.count)
        switch inflate(stream, Z_NO_FLUSH) {
        case Z_STREAM_END: isBetweenFrames = true
        case Z_OK, Z_BUF_ERROR: break
        default: return nil
        }
        return (input.count - Int(stream.pointee.avail_in), output.count - Int(stream.pointee.avail_out))
    }
}

/// RFC 8878, with libzstd. Files may have several frames.
private final class ZstdDecompressor: Decompressor {
    private let stream = ZSTD_createDStream()
    private(set) var isBetweenFrames = false

    init() {
        // 128 MiB, the default maximum of the command line tool.
        ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, 27)
    }

    deinit { ZSTD_freeDStream(stream) }

    func decode(
        _ input: UnsafeBufferPointer<UInt8>, into output: UnsafeMutableBufferPointer<UInt8>
    ) -> (taken: Int, made: Int)? {
        var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        let left = ZSTD_decompressStream(stream, &target, &source)
        guard ZSTD_isError(left) == 0 else { return nil }
        isBetweenFrames = left == 0
        return (source.pos, target.pos)
    }
}
