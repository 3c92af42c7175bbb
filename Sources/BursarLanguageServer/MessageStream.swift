import BursarSyntax
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Messages framed as the base protocol of the Language Server Protocol says: headers, an empty line, JSON.
final class MessageStream: Sendable {
    /// A message larger than this is no message.
    private static let largest = 128 << 20

    private let input: Int32
    private let output: Int32
    private let writing = Mutex<Void>(())
    private let failure = Atomic<Int32>(0)

    /// The number of the error by which the output cannot be written any more; 0 where it can.
    var outputFailure: Int32 { failure.load(ordering: .relaxed) }

    init(input: Int32, output: Int32) {
        self.input = input
        self.output = output
    }

    enum Incoming {
        case message([UInt8])
        /// Its length could not be read, or it ended early.
        case broken(String)
        case end
    }

    /// Waits for the next message.
    func next() -> Incoming {
        var length: Int?
        while true {
            guard let line = headerLine() else { return .end }
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
    }

    private func headerLine() -> [UInt8]? {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while line.count < 4_096 {
            var count = read(input, &byte, 1)
            while count < 0, errno == EINTR { count = read(input, &byte, 1) }
            guard count == 1 else { return nil }
            if byte == UInt8(ascii: "\n") {
                if line.last == UInt8(ascii: "\r") { line.removeLast() }
                return line
            }
            line.append(byte)
        }
        return nil
    }

    private func body(_ length: Int) -> Incoming {
        var bytes = [UInt8](repeating: 0, count: length)
        var filled = 0
        while filled < length {
            let got = bytes.withUnsafeMutableBytes {
                read(input, $0.baseAddress.unsafelyUnwrapped + filled, length - filled)
            }
            guard got > 0 else { return .end }
            filled += got
        }
        return .message(bytes)
    }

    /// Writes a message; any thread may.
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
