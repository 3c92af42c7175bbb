/// A syntax error in a scalar: the expected text and its position.
package struct ScalarError: Error, Sendable {
    package var message: String
    /// The byte range in the text, half open.
    package var lower: Int
    package var upper: Int
    package var help: String?

    /// The message and its help, for texts on the command line.
    package var withHelp: String { help.map { "\(message); \($0)" } ?? message }

    package init(_ message: String, _ lower: Int, _ upper: Int, help: String? = nil) {
        self.message = message
        self.lower = lower
        self.upper = upper
        self.help = help
    }
}

/// A scanner over one scalar's bytes, used by the grammars of all scalars.
package struct TextScanner {
    package let bytes: [UInt8]
    package var position = 0
    /// The numbers are elements of a list, so a comma may follow one.
    private let isList: Bool

    package init(_ text: String, isList: Bool = false) {
        bytes = Array(text.utf8)
        self.isList = isList
    }

    package var isAtEnd: Bool { position >= bytes.count }

    package var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    func peek(_ ahead: Int) -> UInt8? {
        position + ahead < bytes.count ? bytes[position + ahead] : nil
    }

    package func text(_ lower: Int, _ upper: Int) -> String {
        String(decoding: bytes[min(lower, bytes.count)..<min(max(lower, upper), bytes.count)], as: UTF8.self)
    }

    package mutating func skipSpaces() {
        while peek == UInt8(ascii: " ") { position += 1 }
    }

    /// Consumes the required space between words.
    mutating func expectSpace() throws(ScalarError) {
        guard take(" ") else { throw unexpected("expected a space") }
        skipSpaces()
    }

    /// Consumes a literal if it comes next.
    package mutating func take(_ literal: StaticString) -> Bool {
        literal.withUTF8Buffer { buffer in
            guard position + buffer.count <= bytes.count,
                bytes[position..<position + buffer.count].elementsEqual(buffer)
            else { return false }
            position += buffer.count
            return true
        }
    }

    /// Consumes whole words separated by spaces. Consumes nothing if one is missing.
    package mutating func takeWords(_ words: String...) -> Bool {
        let start = position
        for (index, word) in words.enumerated() {
            if index > 0 { skipSpaces() }
            let utf8 = Array(word.utf8)
            guard position + utf8.count <= bytes.count, bytes[position..<position + utf8.count].elementsEqual(utf8),
                !(peek(utf8.count).map(isWordByte) ?? false)
            else {
                position = start
                return false
            }
            position += utf8.count
        }
        return true
    }

    /// Consumes the next run of letters.
    package mutating func word() -> String {
        let start = position
        while let byte = peek, isLetter(byte) { position += 1 }
        return text(start, position)
    }

    /// Parses a name: letters, digits, `_`, `-` and `.`, starting with a letter.
    package mutating func name(_ what: String) throws(ScalarError) -> String {
        let start = position
        guard let first = peek, isLetter(first) else { throw unexpected("expected \(what)") }
        while let byte = peek, isNameByte(byte) { position += 1 }
        return try boundedName(from: start, what)
    }

    /// The text from `start` on; throws if it is too long for a name.
    func boundedName(from start: Int, _ what: String) throws(ScalarError) -> String {
        guard position - start <= Bounds.nameBytes else {
            throw error("\(what) has at most \(Bounds.nameBytes) bytes", from: start)
        }
        return text(start, position)
    }

    package func unexpected(_ message: String, help: String? = nil) -> ScalarError {
        guard !isAtEnd else { return ScalarError("\(message) at the end", max(0, position - 1), position, help: help) }
        var end = position + 1
        if let byte = peek, isWordByte(byte) {
            while end < bytes.count, isWordByte(bytes[end]) { end += 1 }
        }
        while end < bytes.count, bytes[end] & 0xC0 == 0x80 { end += 1 }
        return ScalarError("\(message), found `\(text(position, end))`", position, end, help: help)
    }

    package func error(_ message: String, from start: Int, help: String? = nil) -> ScalarError {
        ScalarError(message, start, max(start, position), help: help)
    }

    package func expectEnd(help: String? = nil) throws(ScalarError) {
        if !isAtEnd {
            throw ScalarError(
                "unexpected `\(text(position, bytes.count))` after the value", position, bytes.count, help: help)
        }
    }

    // MARK: - Numbers

    /// Digits with `_` between groups and at most one fraction, as text without the `_`.
    struct Digits {
        var whole: [UInt8] = []
        var fraction: [UInt8] = []
        var start = 0
    }

    mutating func digits(_ what: String) throws(ScalarError) -> Digits {
        var digits = Digits(start: position)
        if peek == UInt8(ascii: "-") { throw unexpected("\(Self.subject(what)) cannot be negative") }
        if peek == UInt8(ascii: "."), let next = peek(1), isDigit(next) {
            throw unexpected(
                "expected \(what)", help: "a number begins with a digit: `0\(text(position, bytes.count))`")
        }
        digits.whole = try run(what)
        if peek == UInt8(ascii: "."), let next = peek(1), isDigit(next) {
            position += 1
            digits.fraction = try run(what)
        }
        if !isList, let error = groupingError(from: digits.start) ?? exponentError(digits) { throw error }
        return digits
    }

    /// The noun of a description: `an amount` of `an amount such as $25`.
    static func subject(_ what: String) -> String {
        what.firstRange(of: " such as ").map { String(what[..<$0.lowerBound]) } ?? what
    }

    /// Why digits go on with a comma or a second point, which other notations use to group them.
    private func groupingError(from start: Int) -> ScalarError? {
        guard let mark = peek, mark == UInt8(ascii: ",") || mark == UInt8(ascii: "."), let next = peek(1), isDigit(next)
        else {
            guard peek == UInt8(ascii: ",") else { return nil }
            return ScalarError("unexpected `,` in a number", position, position + 1, help: "`_` groups digits: 1_000")
        }
        var end = position
        while end < bytes.count,
            isDigit(bytes[end]) || bytes[end] == UInt8(ascii: ",") || bytes[end] == UInt8(ascii: ".")
        {
            end += 1
        }
        let groups = bytes[start..<end].split(
            omittingEmptySubsequences: false, whereSeparator: { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: ".") })
        let sign = start > 0 && bytes[start - 1] == UInt8(ascii: "$") ? "$" : ""
        let texts = groups.map { String(decoding: $0, as: UTF8.self) }
        let isGrouped = texts.dropFirst().allSatisfy { $0.utf8.count == 3 }
        let written = isGrouped ? texts.joined(separator: "_") : texts.dropLast().joined() + "." + (texts.last ?? "")
        return ScalarError(
            isGrouped
                ? "`\(text(position, position + 1))` does not group digits" : "a number has one point and no comma",
            position, position + 1,
            help: isGrouped
                ? "`_` groups digits: write `\(sign)\(written)`"
                : "write `\(sign)\(written)` if the last mark is the point")
    }

    /// Why digits go on with an exponent, as `1e6`.
    private func exponentError(_ digits: Digits) -> ScalarError? {
        guard let mark = peek, mark | 0x20 == UInt8(ascii: "e") else { return nil }
        var end = position + 1
        if end < bytes.count, bytes[end] == UInt8(ascii: "+") || bytes[end] == UInt8(ascii: "-") { end += 1 }
        let first = end
        while end < bytes.count, isDigit(bytes[end]) { end += 1 }
        guard end > first else { return nil }
        var help = "write all digits; k is 1,000, M is 1,000,000, B is 1,000,000,000"
        if let power = Int(text(first, end)), bytes[first - 1] != UInt8(ascii: "-"), power <= 15,
            digits.fraction.count <= power,
            let value = Int64(
                String(decoding: digits.whole + digits.fraction, as: UTF8.self)
                    + String(repeating: "0", count: power - digits.fraction.count))
        {
            let sign = digits.start > 0 && bytes[digits.start - 1] == UInt8(ascii: "$") ? "$" : ""
            help = "write `\(sign)\(groupedDigits(value))`"
        }
        return ScalarError("a number has no exponent", digits.start, end, help: help)
    }

    private mutating func run(_ what: String) throws(ScalarError) -> [UInt8] {
        guard let first = peek, isDigit(first) else { throw unexpected("expected \(what)") }
        var digits: [UInt8] = []
        while let byte = peek {
            if isDigit(byte) {
                digits.append(byte)
            } else if byte == UInt8(ascii: "_"), let next = peek(1), isDigit(next) {
            } else {
                break
            }
            position += 1
        }
        return digits
    }

    /// `digits × scale`. Throws if a digit would be lost or the result does not fit 64 bits.
    func exact(_ digits: Digits, scale: Int64, _ what: String) throws(ScalarError) -> Int64 {
        var value: Int64 = 0
        for digit in digits.whole {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int64(digit - UInt8(ascii: "0")))
            guard !overflow, !carry else { throw tooLarge(what, digits, scale) }
            value = sum
        }
        let (scaled, overflow) = value.multipliedReportingOverflow(by: scale)
        guard !overflow else { throw tooLarge(what, digits, scale) }
        var result = scaled
        var unit = scale
        for digit in digits.fraction {
            let number = Int64(digit - UInt8(ascii: "0"))
            if unit % 10 != 0 {
                guard number == 0 else {
                    guard scale == 1 else {
                        throw error("\(Self.subject(what)) has more digits than can be kept", from: digits.start)
                    }
                    let (next, isLast) = value.addingReportingOverflow(1)
                    throw error(
                        "\(Self.subject(what)) must be a whole number", from: digits.start,
                        help: isLast ? nil : "write `\(value)` or `\(next)`")
                }
                continue
            }
            unit /= 10
            let (sum, carry) = result.addingReportingOverflow(number * unit)
            guard !carry else { throw tooLarge(what, digits, scale) }
            result = sum
        }
        return result
    }

    private func tooLarge(_ what: String, _ digits: Digits, _ scale: Int64) -> ScalarError {
        let most = Int64.max / max(1, scale)
        return error("\(Self.subject(what)) is too large: at most \(groupedDigits(most))", from: digits.start)
    }

    /// `1.000` is one in one notation and a thousand in another.
    func ambiguousPoint(_ digits: Digits, sign: String) -> ScalarError? {
        guard digits.fraction.count == 3, digits.fraction.allSatisfy({ $0 == UInt8(ascii: "0") }),
            (1...3).contains(digits.whole.count), digits.whole != [UInt8(ascii: "0")]
        else { return nil }
        let whole = String(decoding: digits.whole, as: UTF8.self)
        return error(
            "`\(sign)\(whole).000` can be read as \(whole) and as \(whole),000", from: digits.start,
            help: "write `\(sign)\(whole)` or `\(sign)\(whole)_000`")
    }

    /// Parses a whole number without a suffix.
    mutating func whole(_ what: String) throws(ScalarError) -> Int64 {
        let digits = try digits(what)
        return try exact(digits, scale: 1, what)
    }

    /// Parses `50`, `2_000`, `8k` or `1.5M`. The result must be whole.
    package mutating func count(_ what: String = "a count") throws(ScalarError) -> Int64 {
        let digits = try digits(what)
        var scale: Int64 = 1
        if let byte = peek, !(peek(1).map(isWordByte) ?? false) {
            switch byte {
            case UInt8(ascii: "k"): scale = 1_000
            case UInt8(ascii: "M"): scale = 1_000_000
            case UInt8(ascii: "B"): scale = 1_000_000_000
            case UInt8(ascii: "K"), UInt8(ascii: "m"), UInt8(ascii: "b"), UInt8(ascii: "g"), UInt8(ascii: "G"):
                throw unexpected(
                    "unknown suffix of \(Self.subject(what))", help: "k is 1,000, M is 1,000,000, B is 1,000,000,000")
            default: break
            }
            if scale != 1 { position += 1 }
        }
        if scale == 1, let error = ambiguousPoint(digits, sign: "") { throw error }
        return try exact(digits, scale: scale, what)
    }
}

/// A whole number with `_` between groups of three digits, as the language writes it: `1_000_000`.
package func groupedDigits(_ value: Int64) -> String {
    let digits = Array(String(value.magnitude).utf8)
    var text = value < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
        if index > 0, (digits.count - index) % 3 == 0 { text += "_" }
        text.unicodeScalars.append(UnicodeScalar(digit))
    }
    return text
}

func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) >= UInt8(ascii: "a") && (byte | 0x20) <= UInt8(ascii: "z") }

func isWordByte(_ byte: UInt8) -> Bool { isLetter(byte) || isDigit(byte) || byte == UInt8(ascii: "_") }

func isNameByte(_ byte: UInt8) -> Bool {
    isWordByte(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
}
