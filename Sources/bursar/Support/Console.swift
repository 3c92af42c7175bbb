#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Standard output and error, through the C library's buffers.
enum Console {
    static func print(_ text: String) { write(Array(text.utf8), newline: !text.hasSuffix("\n"), to: stdoutStream) }

    static func error(_ text: String) { write(Array(text.utf8), newline: !text.hasSuffix("\n"), to: stderrStream) }

    /// Text that stays on its line of the terminal.
    static func status(_ text: String) {
        write(Array(("\u{1B}[2K\r" + text).utf8), newline: false, to: stderrStream)
        flush()
    }

    static func print(bytes: [UInt8]) { write(bytes, newline: false, to: stdoutStream) }

    static func flush() { fflush(nil) }

    static var outputIsTerminal: Bool { isatty(1) == 1 }
    static var errorIsTerminal: Bool { isatty(2) == 1 }

    /// Colours only on a terminal, and never with `NO_COLOR`.
    static func usesColor(onTerminal isTerminal: Bool) -> Bool { isTerminal && getenv("NO_COLOR") == nil }

    /// Microseconds since 1970.
    static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
    }

    /// Seconds of a clock that never goes back.
    static var seconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    nonisolated(unsafe) private static let stdoutStream = fdopen(1, "w")
    nonisolated(unsafe) private static let stderrStream = fdopen(2, "w")

    private static func write(_ bytes: [UInt8], newline: Bool, to stream: UnsafeMutablePointer<FILE>?) {
        guard let stream else { return }
        _ = bytes.withUnsafeBytes { fwrite($0.baseAddress, 1, $0.count, stream) }
        if newline { fputc(0x0A, stream) }
    }
}
