import BursarSyntax
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Standard output and error. If standard output cannot be written, the process ends, because its work would have no
/// result.
enum Console {
    /// Prints text for people and escapes characters that act on a terminal. Adds a missing line break at the end.
    static func print(_ text: String) { print(exact: shownLines(text)) }

    /// Prints text in its own format, such as JSON, or with colors. Adds a missing line break at the end.
    static func print(exact text: String) {
        output.withLock { $0.append(text, endsLine: true) }
    }

    static func print(bytes: [UInt8]) { output.withLock { $0.append(bytes) } }

    /// Prints a message for people after all earlier output.
    static func error(_ text: String) { error(exact: shownLines(text)) }

    /// The same for a message with colors.
    static func error(exact text: String) {
        flush()
        put(text.hasSuffix("\n") ? text : text + "\n")
    }

    /// Replaces the status line on the terminal.
    static func status(_ text: String) { put("\u{1B}[2K\r" + text) }

    static func flush() { output.withLock { $0.flush() } }

    /// A message could not be written.
    static var hasLostMessages: Bool { hasLost.load(ordering: .relaxed) }

    static var outputIsTerminal: Bool { isatty(1) == 1 }
    static var errorIsTerminal: Bool { isatty(2) == 1 }

    /// Colors are only used on a terminal, and never with `NO_COLOR`.
    static func usesColor(onTerminal isTerminal: Bool) -> Bool { isTerminal && getenv("NO_COLOR") == nil }

    /// Microseconds since 1970.
    static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
    }

    /// Seconds of a monotonic clock.
    static var seconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private static let output = Mutex(Output())
    private static let hasLost = Atomic(false)

    /// Ignores a closed pipe, whose reader wants no more messages. A full disk loses messages.
    private static func put(_ message: String) {
        if let code = writeAll(Array(message.utf8), to: 2), code != EPIPE { hasLost.store(true, ordering: .relaxed) }
    }

    /// The buffered output.
    private struct Output {
        private var buffer: [UInt8] = []
        private let isTerminal = isatty(1) == 1
        private static let bufferBytes = 1 << 16

        mutating func append(_ text: String, endsLine: Bool) {
            buffer += text.utf8
            if endsLine, !text.hasSuffix("\n") { buffer.append(0x0A) }
            if isTerminal || buffer.count >= Self.bufferBytes { flush() }
        }

        mutating func append(_ bytes: [UInt8]) {
            buffer += bytes
            if isTerminal || buffer.count >= Self.bufferBytes { flush() }
        }

        mutating func flush() {
            if buffer.isEmpty { return }
            if let code = writeAll(buffer, to: 1) { Shutdown.outputFailed(code) }
            buffer.removeAll(keepingCapacity: true)
        }
    }
}
