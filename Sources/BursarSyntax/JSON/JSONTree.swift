/// A JSON document in memory. Numbers keep their text, because price lists need exact digits.
package indirect enum JSONTree: Sendable {
    case null
    case boolean(Bool)
    /// The text of the number.
    case number(String)
    case string(String)
    case list([JSONTree])
    /// The members in source order.
    case object([(key: String, value: JSONTree)])

    package struct ParseError: Error {
        package var message: String
        package var offset: Int
        /// The text exceeds the bounds on values or nesting, and may be valid JSON.
        package var isBeyondBounds = false
        /// More bytes could make it a value.
        package var isEarlyEnd: Bool

        package init(message: String, offset: Int, isEarlyEnd: Bool = false) {
            self.message = message
            self.offset = offset
            self.isEarlyEnd = isEarlyEnd
        }

        static func endsEarly(_ offset: Int) -> ParseError {
            ParseError(message: "the file ends early", offset: offset, isEarlyEnd: true)
        }

        fileprivate static func beyondBounds(_ message: String, _ offset: Int) -> ParseError {
            var error = ParseError(message: message, offset: offset)
            error.isBeyondBounds = true
            return error
        }
    }

    package subscript(_ key: String) -> JSONTree? {
        guard case .object(let entries) = self else { return nil }
        return entries.first { $0.key == key }?.value
    }

    package var text: String? { if case .string(let text) = self { text } else { nil } }
    package var isNull: Bool { if case .null = self { true } else { false } }
    package var number: String? { if case .number(let text) = self { text } else { nil } }

    /// The maximum nesting; a price list has three levels.
    private static let depth = 64
    /// The maximum number of values; each takes about 100 bytes of memory.
    private static let mostValues = 2_000_000

    package static func parse(_ bytes: [UInt8]) throws(ParseError) -> JSONTree {
        var position = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        var valuesLeft = mostValues
        let value = try value(bytes, &position, depth, &valuesLeft)
        skipSpace(bytes, &position)
        guard position == bytes.count else { throw ParseError(message: "more than one JSON value", offset: position) }
        return value
    }

    /// Values one after another, each with the place where it begins.
    package static func parseAll(_ bytes: [UInt8]) throws(ParseError) -> [(value: JSONTree, offset: Int)] {
        var values: [(value: JSONTree, offset: Int)] = []
        var position = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        var valuesLeft = mostValues
        repeat {
            skipSpace(bytes, &position)
            let start = position
            values.append((try value(bytes, &position, depth, &valuesLeft), start))
            skipSpace(bytes, &position)
        } while position < bytes.count
        return values
    }

    private static func skipSpace(_ bytes: [UInt8], _ position: inout Int) {
        while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
    }

    private static func value(
        _ bytes: [UInt8], _ position: inout Int, _ left: Int, _ valuesLeft: inout Int
    ) throws(ParseError) -> JSONTree {
        skipSpace(bytes, &position)
        valuesLeft -= 1
        guard valuesLeft >= 0 else {
            throw .beyondBounds("more than \(mostValues) values", position)
        }
        guard left > 0 else { throw .beyondBounds("too many levels of nesting", position) }
        guard position < bytes.count else { throw .endsEarly(position) }
        switch bytes[position] {
        case UInt8(ascii: "{"): return try object(bytes, &position, left, &valuesLeft)
        case UInt8(ascii: "["): return try list(bytes, &position, left, &valuesLeft)
        case UInt8(ascii: "\""): return .string(try string(bytes, &position))
        case UInt8(ascii: "t"): return try word("true", .boolean(true), bytes, &position)
        case UInt8(ascii: "f"): return try word("false", .boolean(false), bytes, &position)
        case UInt8(ascii: "n"): return try word("null", .null, bytes, &position)
        default: return try number(bytes, &position)
        }
    }

    private static func word(
        _ text: String, _ value: JSONTree, _ bytes: [UInt8], _ position: inout Int
    ) throws(ParseError) -> JSONTree {
        guard bytes[position...].starts(with: text.utf8) else {
            throw ParseError(message: "this is not JSON", offset: position)
        }
        position += text.utf8.count
        return value
    }

    private static func number(_ bytes: [UInt8], _ position: inout Int) throws(ParseError) -> JSONTree {
        let start = position
        while position < bytes.count, "+-.eE0123456789".utf8.contains(bytes[position]) { position += 1 }
        let text = bytes[start..<position]
        guard text.withUnsafeBufferPointer({ JSONDecimal($0) }) != nil else {
            throw ParseError(message: "this is not JSON", offset: start)
        }
        return .number(String(decoding: text, as: UTF8.self))
    }

    private static func string(_ bytes: [UInt8], _ position: inout Int) throws(ParseError) -> String {
        let start = position + 1
        position = start
        while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
            position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard position < bytes.count else {
            throw ParseError(message: "a string without end", offset: start, isEarlyEnd: true)
        }
        let text = bytes[start..<position].withUnsafeBufferPointer {
            JSONText.unescape(UnsafeBufferPointer(rebasing: $0[...]))
        }
        position += 1
        guard let valid = String(validating: text, as: UTF8.self) else {
            throw ParseError(message: "a string is not UTF-8", offset: start)
        }
        return valid
    }

    private static func list(
        _ bytes: [UInt8], _ position: inout Int, _ left: Int, _ valuesLeft: inout Int
    ) throws(ParseError) -> JSONTree {
        position += 1
        var values: [JSONTree] = []
        skipSpace(bytes, &position)
        if position < bytes.count, bytes[position] == UInt8(ascii: "]") {
            position += 1
            return .list([])
        }
        while true {
            values.append(try value(bytes, &position, left - 1, &valuesLeft))
            skipSpace(bytes, &position)
            guard position < bytes.count else { throw .endsEarly(position) }
            position += 1
            if bytes[position - 1] == UInt8(ascii: "]") { return .list(values) }
            guard bytes[position - 1] == UInt8(ascii: ",") else {
                throw ParseError(message: "expected `,` or `]`", offset: position - 1)
            }
        }
    }

    private static func object(
        _ bytes: [UInt8], _ position: inout Int, _ left: Int, _ valuesLeft: inout Int
    ) throws(ParseError) -> JSONTree {
        position += 1
        var entries: [(key: String, value: JSONTree)] = []
        skipSpace(bytes, &position)
        if position < bytes.count, bytes[position] == UInt8(ascii: "}") {
            position += 1
            return .object([])
        }
        while true {
            skipSpace(bytes, &position)
            guard position < bytes.count else { throw .endsEarly(position) }
            guard bytes[position] == UInt8(ascii: "\"") else {
                throw ParseError(message: "expected a key", offset: position)
            }
            let key = try string(bytes, &position)
            skipSpace(bytes, &position)
            guard position < bytes.count else { throw .endsEarly(position) }
            guard bytes[position] == UInt8(ascii: ":") else {
                throw ParseError(message: "expected `:`", offset: position)
            }
            position += 1
            entries.append((key, try value(bytes, &position, left - 1, &valuesLeft)))
            skipSpace(bytes, &position)
            guard position < bytes.count else { throw .endsEarly(position) }
            position += 1
            if bytes[position - 1] == UInt8(ascii: "}") { return .object(entries) }
            guard bytes[position - 1] == UInt8(ascii: ",") else {
                throw ParseError(message: "expected `,` or `}`", offset: position - 1)
            }
        }
    }
}
