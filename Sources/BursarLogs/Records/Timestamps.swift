import BursarSyntax

/// Parses times in logs.
struct TimestampReader {
    /// The date of the last time, because most times of a log have the same date as the one before.
    private var lastDate: UInt64 = 0
    private var lastTail: UInt16 = 0
    private var lastDayNumber: Int64 = 0

    /// Parses RFC 3339, or `2023-11-16 18:15:46.6805900` (UTC if there is no offset) as written by databases; nil for
    /// other text.
    @inline(__always)
    mutating func read(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
        let count = text.count
        guard count >= 19, let base = UnsafeRawPointer(text.baseAddress) else { return nil }
        let head = base.loadUnaligned(as: UInt64.self)
        let tail = base.loadUnaligned(fromByteOffset: 8, as: UInt16.self)
        if head != lastDate || tail != lastTail {
            guard let day = Self.date(text) else { return nil }
            lastDate = head
            lastTail = tail
            lastDayNumber = day
        }
        let separator = text[10]
        guard separator == UInt8(ascii: "T") || separator == UInt8(ascii: " ") || separator == UInt8(ascii: "t"),
            text[13] == UInt8(ascii: ":"), text[16] == UInt8(ascii: ":"),
            let hour = Self.two(text, 11), let minute = Self.two(text, 14), let second = Self.two(text, 17),
            hour < 24, minute < 60, second < 61
        else { return nil }
        var micros = ((lastDayNumber &* 24 &+ hour) &* 60 &+ minute) &* 60_000_000 &+ min(second, 59) &* 1_000_000
        var index = 19
        if index < count, text[index] == UInt8(ascii: ".") {
            index += 1
            let start = index
            var fraction: Int64 = 0
            while index < count, text[index] &- 48 < 10 {
                if index - start < 6 { fraction = fraction &* 10 &+ Int64(text[index] &- 48) }
                index += 1
            }
            guard index > start else { return nil }
            var digits = index - start
            while digits < 6 {
                fraction = fraction &* 10
                digits += 1
            }
            micros = micros &+ fraction
        }
        if index == count { return separator == UInt8(ascii: " ") ? micros : nil }
        if index + 1 == count, text[index] | 0x20 == UInt8(ascii: "z") { return micros }
        // `+02:00`; PostgreSQL writes `+02`.
        let isShort = index + 3 == count
        guard isShort || (index + 6 == count && text[index + 3] == UInt8(ascii: ":")),
            let hours = Self.two(text, index + 1), let minutes = isShort ? 0 : Self.two(text, index + 4), hours < 24,
            minutes < 60
        else { return nil }
        let offset = (hours &* 60 &+ minutes) &* 60_000_000
        switch text[index] {
        case UInt8(ascii: "+"): return micros &- offset
        case UInt8(ascii: "-"): return micros &+ offset
        default: return nil
        }
    }

    /// The first ten bytes of the last time, and its day since 1970.
    var lastDay: (UInt64, UInt16, Int64) { (lastDate, lastTail, lastDayNumber) }

    /// Seconds, milliseconds, microseconds or nanoseconds since 1970, distinguished by size: 1e11 seconds are the year
    /// 5138, and 1e11 milliseconds are 1973.
    static func unix(_ decimal: JSONDecimal) -> Int64? {
        guard let value = decimal.scaled(by: 0, roundingUp: false) else { return nil }
        return switch value {
        case 0..<100_000_000_000: decimal.scaled(by: 6, roundingUp: false)
        case 100_000_000_000..<100_000_000_000_000: decimal.scaled(by: 3, roundingUp: false)
        case 100_000_000_000_000..<100_000_000_000_000_000: value
        case 100_000_000_000_000_000...: value / 1_000
        default: nil
        }
    }

    private static func date(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
        guard text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-"), let century = two(text, 0),
            let year = two(text, 2), let month = two(text, 5), let day = two(text, 8), (1...12).contains(month),
            day >= 1
        else { return nil }
        let full = Int(century &* 100 &+ year)
        guard day <= CalendarDate.daysIn(month: Int(month), year: full) else { return nil }
        return CalendarDate(year: full, month: Int(month), day: Int(day)).daysSince1970
    }

    @inline(__always)
    private static func two(_ text: UnsafeBufferPointer<UInt8>, _ index: Int) -> Int64? {
        let tens = text[index] &- 48
        let ones = text[index + 1] &- 48
        return tens < 10 && ones < 10 ? Int64(tens) &* 10 &+ Int64(ones) : nil
    }
}
