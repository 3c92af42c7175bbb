import BursarSyntax
import BursarLogs

/// The requests in a file or on standard input: one a line, or a single one over several lines.
enum RequestLines {
    enum Entry {
        case request([UInt8])
        /// A text that cannot be a request, with the reason.
        case unusable(String)
    }

    static func forEach(in path: String, _ body: (Entry) throws -> Void) throws {
        let lines = try LineStream(path)
        var isFirst = true
        while let line = try lines.next() {
            switch line {
            case .overlong(let count): try body(tooLong(count))
            case .whole(let bytes):
                if isBlank(bytes) { continue }
                if isFirst, LogFormat.endsEarly(bytes) {
                    try overSeveral(bytes, lines, body)
                } else {
                    try body(.request(bytes))
                }
            }
            isFirst = false
        }
    }

    private static func tooLong(_ count: Int) -> Entry {
        .unusable("a line of \(count) bytes; lines may have \(Bounds.lineBytes) (\(Bounds.lineBytes >> 20) MiB)")
    }

    /// A first line that breaks off inside an object: it goes on below, or is damaged and the next ones are not.
    private static func overSeveral(_ first: [UInt8], _ lines: LineStream, _ body: (Entry) throws -> Void) throws {
        var parts = [first]
        // A line break between values is a space to the reader, and one inside a text is refused, as a return is.
        var whole = first
        var after: Entry?
        while after == nil, let line = try lines.next() {
            switch line {
            case .overlong(let count): after = tooLong(count)
            case .whole(let bytes):
                parts.append(bytes)
                whole += [0x0D] + bytes
                if whole.count > Bounds.lineBytes {
                    after = .unusable("a request of more than \(Bounds.lineBytes) bytes")
                }
            }
        }
        // Without a line that is a request of its own, the lines are one damaged request.
        let isOne = LogFormat.isRequest(whole) || !parts.dropFirst().prefix(100).contains(where: LogFormat.isRequest)
        if after == nil, isOne { return try body(.request(whole)) }
        for part in parts where !isBlank(part) { try body(.request(part)) }
        if let after { try body(after) }
    }

    private static func isBlank(_ line: [UInt8]) -> Bool { line.allSatisfy { $0 <= 0x20 } }
}
