import BursarSyntax
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Messages framed according to the base protocol of the Language Server Protocol: headers, an empty line, JSON.
final class MessageStream: Sendable {
    /// The maximum size of a message in bytes.
    private static let largest = 128 << 20

    private let input: Int32
    private let output: Int32
    private let writing = Mutex<Void>(())
    private let failure = Atomic<Int32>(0)

    /// The `errno` of a failed write; 0 if none failed.
    var outputFailure: Int32 { failure.load(ordering: .relaxed) }

    init(input: Int32, output: Int32) {
        self.input = input
        self.output = output
    }

    enum Incoming {
        case message([UInt8])
        /// The message has no valid length, or ends early.
        case broken(String)
        case end
    }

    /// Waits for the next message.
    func next() -> Incoming {
        var length: Int?
        for _ in 0..<Self.mostHeaders {
            let line: [UInt8]
            switch headerLine() {
            case .line(let bytes): line = bytes
            case .tooLong: return .broken("a header of more than \(Self.longestHeader) bytes")
            case .end: return .end
            }
            if line.isEmpty {
                guard let length else { return .broken("a message without Content-Length") }
                return body(length)
            }
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return .broken("a header without colon") }
            let name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
            if name == "content-length" {
                let text = String(decoding: line[(colon + 1)...], as: UTF8.self)
                let digits = text.drop { $0 == " " }.prefix { $0 != " " && $0 != "\r" }
                guard let value = Int(digits), value >= 0, value <= Self.largest else {
                    return .broken("Content-Length is no length")
                }
                length = value
            }
        }
        return .broken("more than \(Self.mostHeaders) headers")
    }

    private static let mostHeaders = 64
    private static let longestHeader = 4_096

    private enum HeaderLine { case line([UInt8]), tooLong, end }

    private func headerLine() -> HeaderLine {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while line.count < Self.longestHeader {
            guard receive(&byte, 1) == 1 else { return .end }
            if byte == UInt8(ascii: "\n") {
                if line.last == UInt8(ascii: "\r") { line.removeLast() }
                return .line(line)
            }
            line.append(byte)
        }
        return .tooLong
    }

    /// Reads at most `count` bytes and restarts after a signal.
    private func receive(_ buffer: UnsafeMutableRawPointer, _ count: Int) -> Int {
        while true {
            let got = read(input, buffer, count)
            if got >= 0 || errno != EINTR { return got }
        }
    }

    private func body(_ length: Int) -> Incoming {
        var bytes: [UInt8] = []
        while bytes.count < length {
            // Memory grows with the received bytes, not with the length in the header.
            let room = min(length - bytes.count, max(1 << 16, bytes.count))
            var got = 0
            bytes += [UInt8](unsafeUninitializedCapacity: room) { buffer, initialized in
                got = buffer.baseAddress.map { receive($0, room) } ?? 0
                initialized = max(0, got)
            }
            guard got > 0 else { return .end }
        }
        return .message(bytes)
    }

    /// Sends a message from any thread.
    func send(_ content: (inout JSONWriter) -> Void) {
        var json = JSONWriter()
        json.object { json in
            json.field("jsonrpc", "2.0")
            content(&json)
        }
        let bytes = Array("Content-Length: \(json.bytes.count)\r\n\r\n".utf8) + json.bytes
        let failed = writing.withLock { _ in writeAll(bytes, to: output) }
        if let failed { failure.store(failed, ordering: .relaxed) }
    }
}
