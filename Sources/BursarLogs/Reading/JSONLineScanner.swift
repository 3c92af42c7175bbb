import BursarEngine
import BursarSyntax
import CIntrinsics

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The reason why a line cannot be used.
struct LineError: Error {
    var reason: String
    /// More bytes could make it a record.
    var isEarlyEnd = false

    init(_ reason: String) { self.reason = reason }

    static func endsEarly(_ reason: String) -> LineError {
        var error = LineError(reason)
        error.isEarlyEnd = true
        return error
    }
}

/// Parses JSON objects, one per line, into a block. It works in place, processes many bytes at a time, and validates
/// everything (RFC 8259).
///
/// Producers write their keys in the same order on every line. So the scanner remembers which key followed which, with
/// all bytes between their values, and compares them at once. It parses byte by byte only if they differ.
struct JSONLineScanner: ~Copyable {
    private typealias Key = KeyMemory.Key

    private let keys: KeyMemory
    private var line = bursar_line()
    private var timestamps = TimestampReader()
    private let base: UnsafePointer<UInt8>
    private var position = 0
    private var end = 0
    private let block: RecordBlock

    init(_ block: RecordBlock, keys: KeyMemory) {
        self.block = block
        self.keys = keys
        // An empty buffer has no address, and no lines.
        base = block.text.baseAddress ?? UnsafePointer(bitPattern: 8).unsafelyUnwrapped
        line.text = base
        line.end = block.text.count
        line.lines = keys.lines
        if let lines = keys.lines { bursar_forget_text(lines) }
    }

    /// Parses the line at `start..<end` into the prepared record.
    mutating func read(from start: Int, to end: Int) throws(LineError) {
        position = start
        self.end = end
        try object(from: start)
        guard position == end else { throw LineError("more than one value on the line") }
    }

    /// Parses the line at `start` without finding its end first.
    ///
    /// - Returns: the end of the line; nil if it is not exactly one object. It must then be parsed with its bounds, to
    ///   find the error.
    @inline(__always)
    mutating func readLine(from start: Int, in count: Int) -> Int? {
        position = start
        end = count
        do throws(LineError) { try object(from: start) } catch { return nil }
        return position == end || base[position] == 0x0A ? position : nil
    }

    /// An object contains no line break, so a line break ends the line, and an open object is an error.
    @inline(__always)
    private mutating func object(from start: Int) throws(LineError) {
        let record = block.openRecord
        line.texts = UnsafeMutableRawPointer(record.texts).assumingMemoryBound(to: UInt64.self)
        line.numbers = record.numbers
        line.place = position
        line.seen = 0
        line.previous = nil
        line.expected = keys.first
        var isRead = false
        var isAtStart = true
        while !isRead {
            let stop = bursar_read_usual(&line, line.lines != nil && isAtStart)
            isAtStart = false
            position = line.place
            switch stop {
            case bursar_object_end: isRead = true
            case bursar_unusual_value:
                if let key = line.previous { try readValue(of: key) }
            case bursar_twice:
                if let key = line.expected { try look(at: key) }
            default:
                guard let key = try unexpectedKey(after: line.previous, from: start) else {
                    isRead = true
                    break
                }
                try look(at: key)
                try readValue(of: key)
            }
        }
        skipSpace()
    }

    /// Records that the line contains a key's field.
    private mutating func look(at key: UnsafeMutablePointer<Key>) throws(LineError) {
        if line.seen & key.pointee.field_bit != 0, let field = key.pointee.asked {
            throw LineError("`\(field.name)` stands twice")
        }
        line.seen |= key.pointee.field_bit
    }

    /// Parses an unusual value; the next key may be a usual one.
    private mutating func readValue(of key: UnsafeMutablePointer<Key>) throws(LineError) {
        // The previous line may have had no space here.
        skipSpace()
        if let field = key.pointee.asked { try value(of: field) } else { try skipValue() }
        line.place = position
        line.previous = key
        line.expected = key.pointee.next
    }

    /// Something else is expected at the position, where the text may have ended.
    private func expected(_ reason: String) -> LineError {
        position < end ? LineError(reason) : .endsEarly(reason)
    }

    @inline(__always) private var peek: UInt8 { position < end ? base[position] : 0 }

    @inline(__always) private mutating func skipSpace() {
        while position < end {
            let byte = base[position]
            guard byte == 0x20 || byte == 0x09 || byte == 0x0D else { return }
            position += 1
        }
    }

    // MARK: - Keys

    /// Parses from a value, or from the start of the line, to the next value; nil at the end of the object.
    private mutating func unexpectedKey(
        after previous: UnsafeMutablePointer<Key>?, from lineStart: Int
    ) throws(LineError) -> UnsafeMutablePointer<Key>? {
        let start = position
        skipSpace()
        if previous == nil {
            guard position < end, base[position] == UInt8(ascii: "{") else {
                throw LineError("a line must be a JSON object")
            }
            position += 1
            skipSpace()
            if peek == UInt8(ascii: "}") {
                position += 1
                return nil
            }
        } else {
            guard position < end else { throw LineError.endsEarly("the line ends inside the object") }
            let byte = base[position]
            position += 1
            if byte == UInt8(ascii: "}") { return nil }
            guard byte == UInt8(ascii: ",") else {
                throw LineError("expected `,` or `}` at byte \(position - lineStart)")
            }
            skipSpace()
        }
        let key = try key()
        bursar_key_stood(key, base + start, position - start)
        if let previous { previous.pointee.next = key } else { keys.first = key }
        return key
    }

    /// Parses a key and its colon, byte by byte.
    private mutating func key() throws(LineError) -> UnsafeMutablePointer<Key> {
        guard peek == UInt8(ascii: "\"") else { throw expected("expected a key in quotation marks") }
        let slice = try string()
        skipSpace()
        guard peek == UInt8(ascii: ":") else {
            let name = block.withText(slice) { String(decoding: $0, as: UTF8.self) }
            throw expected("expected `:` after the key `\(name)`")
        }
        position += 1
        skipSpace()
        return block.withText(slice) { keys.key($0) }
    }

    // MARK: - Values of all kinds

    @inline(__always)
    private mutating func value(of field: Field) throws(LineError) {
        let first = peek
        if first == UInt8(ascii: "n") {
            try literal("null")
            return
        }
        if field.isText {
            guard first == UInt8(ascii: "\"") else { throw LineError("`\(field.name)` must be text") }
            let slice = try string()
            if slice.count > 0 { block.openRecord.texts[Int(field.rawValue)] = slice }
        } else if field.isNumber {
            block.openRecord.numbers[field.numberIndex] = try number(field)
        } else if field.isTruth {
            if first == UInt8(ascii: "t") {
                try literal("true")
                block.setTruth(field, true)
            } else if first == UInt8(ascii: "f") {
                try literal("false")
                block.setTruth(field, false)
            } else {
                throw LineError("`\(field.name)` must be true or false")
            }
        } else {
            try list(field)
        }
    }

    private mutating func literal(_ text: StaticString) throws(LineError) {
        let count = text.utf8CodeUnitCount
        guard position + count <= end else { throw LineError.endsEarly("the line ends inside a value") }
        for offset in 0..<count where base[position + offset] != text.utf8Start[offset] {
            throw LineError("this is not JSON: expected `\(text)`")
        }
        position += count
    }

    @inline(__always)
    private mutating func number(_ field: Field) throws(LineError) -> Int64 {
        if field == .time { return try time() }
        if field == .cost { return try cost() }
        if field == .duration { return try duration() }
        let start = position
        guard position < end, base[position] &- 48 < 10 else {
            if peek == UInt8(ascii: "-") { throw LineError("`\(field.name)` cannot be negative") }
            throw LineError("`\(field.name)` must be a whole number")
        }
        var value: Int64 = 0
        while position < end, base[position] &- 48 < 10 {
            guard position - start < 18 else { throw LineError("`\(field.name)` is too large") }
            value = value &* 10 &+ Int64(base[position] &- 48)
            position += 1
        }
        if position - start > 1, base[start] == UInt8(ascii: "0") {
            throw LineError("`\(field.name)` has a leading zero")
        }
        let next = peek
        if next == UInt8(ascii: ".") || next | 0x20 == UInt8(ascii: "e") {
            throw LineError("`\(field.name)` must be a whole number")
        }
        return value
    }

    @inline(__always)
    private mutating func time() throws(LineError) -> Int64 {
        if peek == UInt8(ascii: "\"") {
            let slice = try string()
            if !slice.isEscaped, let time = timestamps.read(block.bytes(slice)) {
                (line.date, line.date_end, line.day) = timestamps.lastDay
                return time
            }
            throw LineError("`ts` is not a time such as 2026-06-01T09:00:00Z")
        }
        guard keys.map.isForeign else { throw LineError("`ts` must be text such as \"2026-06-01T09:00:00Z\"") }
        let decimal = try decimal("ts")
        guard !decimal.isNegative, let time = TimestampReader.unix(decimal) else {
            throw LineError("`ts` is not a time")
        }
        return time
    }

    /// Money as decimal text or as a number, rounded up to the next nano-unit.
    private mutating func cost() throws(LineError) -> Int64 {
        let decimal: JSONDecimal
        if peek == UInt8(ascii: "\"") {
            let slice = try string()
            guard let read = JSONDecimal(block.bytes(slice)) else {
                throw LineError("`cost` is not an amount of money")
            }
            decimal = read
        } else {
            decimal = try self.decimal("cost")
        }
        guard !decimal.isNegative else { throw LineError("`cost` cannot be negative") }
        guard let nanos = decimal.scaled(by: 9, roundingUp: true) else { throw LineError("`cost` is too large") }
        return nanos
    }

    @inline(__always)
    private mutating func duration() throws(LineError) -> Int64 {
        // Usually a whole number with few digits.
        var ahead = position
        var whole: Int64 = 0
        while ahead < end, ahead - position < 12, base[ahead] &- 48 < 10 {
            whole = whole &* 10 &+ Int64(base[ahead] &- 48)
            ahead += 1
        }
        if ahead > position, ahead < end, base[ahead] == UInt8(ascii: ",") || base[ahead] == UInt8(ascii: "}"),
            base[position] != UInt8(ascii: "0") || ahead - position == 1
        {
            position = ahead
            return whole &* 1_000
        }
        let decimal = try self.decimal("duration_ms")
        guard !decimal.isNegative else { throw LineError("`duration_ms` cannot be negative") }
        guard let micros = decimal.scaled(by: 3, roundingUp: false) else {
            throw LineError("`duration_ms` is too large")
        }
        return micros
    }

    @inline(__always)
    private mutating func decimal(_ name: StaticString) throws(LineError) -> JSONDecimal {
        let start = position
        while position < end {
            let byte = base[position]
            guard
                byte &- 48 < 10 || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+")
                    || byte | 0x20 == UInt8(ascii: "e")
            else { break }
            position += 1
        }
        guard let decimal = JSONDecimal(UnsafeBufferPointer(start: base + start, count: position - start)) else {
            throw LineError("`\(name)` must be a number")
        }
        return decimal
    }

    private mutating func list(_ field: Field) throws(LineError) {
        let start = position
        if field == .accepts, peek == UInt8(ascii: "\"") {
            _ = try string()
        } else {
            guard peek == (field == .labels ? UInt8(ascii: "{") : UInt8(ascii: "[")) else {
                throw LineError("`\(field.name)` must be \(field == .labels ? "an object" : "a list")")
            }
            try skipValue()
            let slice = ByteSlice(start: start, count: position - start, isEscaped: false)
            guard let texts = block.listTexts(slice) else {
                throw LineError("`\(field.name)` must hold nothing but text")
            }
            guard texts.count <= Bounds.listEntries, texts.allSatisfy({ $0.utf8.count <= Bounds.logNameBytes }) else {
                throw LineError(
                    "`\(field.name)` holds more than \(Bounds.listEntries) texts, or one of over \(Bounds.logNameBytes) bytes"
                )
            }
        }
        block.setList(field, ByteSlice(start: start, count: position - start, isEscaped: false))
    }

    // MARK: - Strings

    /// The string at the position, validated: escapes, control characters, UTF-8.
    @inline(__always)
    private mutating func string() throws(LineError) -> ByteSlice {
        position += 1
        let start = position
        let raw = UnsafeRawPointer(base)
        while position + 8 <= end {
            let word = raw.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            let special = Self.special(word)
            if special == 0 {
                position += 8
                continue
            }
            position += special.trailingZeroBitCount >> 3
            if base[position] == UInt8(ascii: "\"") {
                let slice = ByteSlice(start: start, count: position - start, isEscaped: false)
                position += 1
                return slice
            }
            return try unusualString(start)
        }
        return try unusualString(start)
    }

    /// Sets the high bit of each byte that is a quotation mark, a backslash, a control character or not ASCII.
    @inline(__always)
    private static func special(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        let quote = word ^ (ones &* 0x22)
        let slash = word ^ (ones &* 0x5C)
        let isQuote = (quote &- ones) & ~quote
        let isSlash = (slash &- ones) & ~slash
        let isControl = (word &- ones &* 0x20) & ~word
        return (isQuote | isSlash | isControl | word) & highs
    }

    private mutating func unusualString(_ start: Int) throws(LineError) -> ByteSlice {
        var isEscaped = false
        while position < end {
            let byte = base[position]
            switch byte {
            case UInt8(ascii: "\""):
                let slice = ByteSlice(start: start, count: position - start, isEscaped: isEscaped)
                position += 1
                return slice
            case UInt8(ascii: "\\"):
                isEscaped = true
                try escape()
            case 0..<0x20: throw LineError("a control character in a string")
            case 0x20..<0x80: position += 1
            default: try multibyte()
            }
        }
        throw LineError.endsEarly("the line ends inside a string")
    }

    private mutating func escape() throws(LineError) {
        guard position + 1 < end else { throw LineError.endsEarly("the line ends inside a string") }
        let code = base[position + 1]
        switch code {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            position += 2
        case UInt8(ascii: "u"):
            let unit = try hexUnit(position + 2)
            position += 6
            guard unit & 0xF800 == 0xD800 else { return }
            guard unit < 0xDC00, position + 6 <= end, base[position] == UInt8(ascii: "\\"),
                base[position + 1] == UInt8(ascii: "u"), try hexUnit(position + 2) & 0xFC00 == 0xDC00
            else { throw LineError("half of a surrogate pair in a string") }
            position += 6
        default: throw LineError("an unknown escape in a string")
        }
    }

    private func hexUnit(_ start: Int) throws(LineError) -> UInt32 {
        guard start + 4 <= end else { throw LineError.endsEarly("the line ends inside a string") }
        var value: UInt32 = 0
        for index in start..<start + 4 {
            guard let digit = JSONText.hexValue(base[index]) else { throw LineError("a broken \\u escape in a string") }
            value = value << 4 | UInt32(digit)
        }
        return value
    }

    private mutating func multibyte() throws(LineError) {
        let byte = base[position]
        let length = byte < 0xC2 ? 0 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : byte < 0xF5 ? 4 : 0
        guard length > 0, position + length <= end else { throw LineError("a string is not UTF-8") }
        let second = base[position + 1]
        let lowest: UInt8 = byte == 0xE0 ? 0xA0 : byte == 0xF0 ? 0x90 : 0x80
        let highest: UInt8 = byte == 0xED ? 0x9F : byte == 0xF4 ? 0x8F : 0xBF
        guard second >= lowest, second <= highest else { throw LineError("a string is not UTF-8") }
        for index in 2..<max(2, length) where base[position + index] & 0xC0 != 0x80 {
            throw LineError("a string is not UTF-8")
        }
        position += length
    }

    // MARK: - Ignored values

    /// Skips a value but validates it. Nesting is counted, not recursed.
    private mutating func skipValue() throws(LineError) {
        var stack: [UInt8] = []
        while true {
            skipSpace()
            guard position < end else { throw LineError.endsEarly("the line ends inside a value") }
            let byte = base[position]
            var isValue = true
            switch byte {
            case UInt8(ascii: "\""): _ = try string()
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                guard stack.count < 128 else { throw LineError("more than 128 levels of nesting") }
                position += 1
                skipSpace()
                let closing: UInt8 = byte == UInt8(ascii: "{") ? UInt8(ascii: "}") : UInt8(ascii: "]")
                if peek == closing {
                    position += 1
                } else {
                    stack.append(byte)
                    if byte == UInt8(ascii: "{") { try skipKey() }
                    isValue = false
                }
            case UInt8(ascii: "t"): try literal("true")
            case UInt8(ascii: "f"): try literal("false")
            case UInt8(ascii: "n"): try literal("null")
            default: _ = try decimal("a value")
            }
            guard isValue else { continue }
            while let open = stack.last {
                skipSpace()
                guard position < end else { throw LineError.endsEarly("the line ends inside a value") }
                let next = base[position]
                position += 1
                if next == UInt8(ascii: ",") {
                    if open == UInt8(ascii: "{") {
                        skipSpace()
                        try skipKey()
                    }
                    break
                }
                guard next == (open == UInt8(ascii: "{") ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
                    throw LineError("this is not JSON: brackets do not match")
                }
                stack.removeLast()
            }
            if stack.isEmpty { return }
        }
    }

    private mutating func skipKey() throws(LineError) {
        guard peek == UInt8(ascii: "\"") else { throw expected("expected a key in quotation marks") }
        _ = try string()
        skipSpace()
        guard peek == UInt8(ascii: ":") else { throw expected("expected `:` after a key") }
        position += 1
    }
}

extension RecordBlock {
    /// The texts of a list, or the keys and values of an object in turn; nil if it contains anything else.
    func listTexts(_ slice: ByteSlice) -> [String]? {
        let text = bytes(slice)
        var texts: [String] = []
        var index = 0
        var depth = 0
        while index < text.count {
            switch text[index] {
            case UInt8(ascii: "\""):
                let start = index + 1
                var isEscaped = false
                index = start
                while index < text.count, text[index] != UInt8(ascii: "\"") {
                    if text[index] == UInt8(ascii: "\\") {
                        isEscaped = true
                        index += 1
                    }
                    index += 1
                }
                guard index <= text.count else { return nil }
                let part = UnsafeBufferPointer(rebasing: text[start..<min(index, text.count)])
                texts.append(String(decoding: isEscaped ? JSONText.unescape(part) : Array(part), as: UTF8.self))
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                depth += 1
                if depth > 1 { return nil }
            case UInt8(ascii: "]"), UInt8(ascii: "}"), UInt8(ascii: ","), UInt8(ascii: ":"), 0x20, 0x09, 0x0D: break
            default: return nil
            }
            index += 1
        }
        return texts
    }
}
