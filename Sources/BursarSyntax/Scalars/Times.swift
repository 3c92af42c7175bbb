/// Microseconds, the unit of all times and durations.
package enum Micros {
    package static let second: Int64 = 1_000_000
    package static let minute = 60 * second
    package static let hour = 60 * minute
    package static let day = 24 * hour

    /// The first and last microsecond of the years 0000 to 9999, the range of RFC 3339. Sums and differences of these
    /// times and of any window fit into 64 bits with room to spare.
    package static let earliestInstant = -62_167_219_200 * second
    package static let latestInstant = 253_402_300_800 * second - 1
}

/// An instant as written: exact, or a date whose time zone comes from the policy.
package enum InstantLiteral: Sendable, Hashable {
    /// Microseconds since 1970 UTC.
    case exact(Int64)
    case date(CalendarDate)
}

/// A day of the Gregorian calendar.
package struct CalendarDate: Sendable, Hashable {
    package var year: Int
    package var month: Int
    package var day: Int

    package init(year: Int, month: Int, day: Int) {
        self.year = year
        self.month = month
        self.day = day
    }

    /// Days since 1970-01-01, computed with Howard Hinnant's formula (proleptic Gregorian, exact for all years).
    package var daysSince1970: Int64 {
        let y = Int64(month <= 2 ? year - 1 : year)
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let shifted = Int64((month + 9) % 12)
        let dayOfYear = (153 * shifted + 2) / 5 + Int64(day) - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// The inverse of `daysSince1970`.
    package init(daysSince1970 days: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthIndex = (5 * dayOfYear + 2) / 153
        day = Int(dayOfYear - (153 * monthIndex + 2) / 5 + 1)
        month = Int(monthIndex < 10 ? monthIndex + 3 : monthIndex - 9)
        year = Int(yearOfEra + era * 400) + (month <= 2 ? 1 : 0)
    }

    package static func daysIn(month: Int, year: Int) -> Int {
        switch month {
        case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

extension TextScanner {
    /// Parses `90s`, `15m`, `24h` or `7d`.
    package mutating func duration() throws(ScalarError) -> Int64 {
        let start = position
        let digits = try digits("a duration")
        let unit: Int64
        switch peek {
        case UInt8(ascii: "s"): unit = Micros.second
        case UInt8(ascii: "m"): unit = Micros.minute
        case UInt8(ascii: "h"): unit = Micros.hour
        case UInt8(ascii: "d"): unit = Micros.day
        default:
            throw unexpected(
                "expected a unit of time (s, m, h or d)", help: "as in `90s`, `15m`, `24h` or `7d`, without a space")
        }
        position += 1
        if let byte = peek, isWordByte(byte) {
            throw error("there is no such unit of time", from: start, help: "write s, m, h or d, as in `15m`")
        }
        return try exact(digits, scale: unit, "the duration")
    }

    private mutating func fixedDigits(_ count: Int, _ what: String) throws(ScalarError) -> Int {
        var value = 0
        for _ in 0..<count {
            guard let byte = peek, isDigit(byte) else { throw unexpected("expected \(what)") }
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
            position += 1
        }
        return value
    }

    /// Why a text is a date in another notation: `01.11.2026`, `11/01/2026`, `2026/11/01`, `2026-11-1`.
    private func otherDate() -> ScalarError? {
        var end = position
        while end < bytes.count, isDigit(bytes[end]) || [0x2E, 0x2F, 0x2D].contains(bytes[end]) { end += 1 }
        let parts = bytes[position..<end].split(
            omittingEmptySubsequences: false, whereSeparator: { !isDigit($0) }
        ).map { String(decoding: $0, as: UTF8.self) }
        guard parts.count == 3, let first = Int(parts[0]), let second = Int(parts[1]), let third = Int(parts[2]) else {
            return nil
        }
        func text(_ year: Int, _ month: Int, _ day: Int) -> String {
            func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
            return "\(year)-\(two(month))-\(two(day))"
        }
        let hasDashes = !bytes[position..<end].contains { $0 == 0x2E || $0 == 0x2F }
        if parts[0].utf8.count == 4 {
            if hasDashes, parts[1].utf8.count == 2, parts[2].utf8.count == 2 { return nil }
            return ScalarError(
                "a date has a year, a month and a day of two digits each after the year, joined by `-`", position, end,
                help: "write `\(text(first, second, third))`")
        }
        guard parts[2].utf8.count == 4 else { return nil }
        let isDotted = bytes[position..<end].contains(0x2E)
        let help =
            isDotted || first > 12
            ? "write `\(text(third, second, first))`"
            : second > 12
                ? "write `\(text(third, first, second))`"
                : "write `\(text(third, second, first))` or `\(text(third, first, second))`"
        return ScalarError("a date begins with the year", position, end, help: help)
    }

    /// Parses `2026-06-01`, or `2026-06-01T09:00:00Z` with at most six decimals and any offset (RFC 3339).
    package mutating func instant() throws(ScalarError) -> InstantLiteral {
        let start = position
        if let error = otherDate() { throw error }
        let year = try fixedDigits(4, "a date such as 2026-06-01")
        guard take("-") else { throw unexpected("expected `-` and a month") }
        let month = try fixedDigits(2, "a month of two digits")
        guard take("-") else { throw unexpected("expected `-` and a day") }
        let day = try fixedDigits(2, "a day of two digits")
        guard (1...12).contains(month), day >= 1, day <= CalendarDate.daysIn(month: month, year: year) else {
            throw error("this date does not exist", from: start)
        }
        let date = CalendarDate(year: year, month: month, day: day)
        if peek == UInt8(ascii: " "), let next = peek(1), isDigit(next) {
            let time = text(position + 1, bytes.count)
            let hasOffset = time.hasSuffix("Z") || time.contains("+") || time.contains("-")
            throw ScalarError(
                "a date and its time are joined by `T`", position, position + 1,
                help:
                    "as in `\(text(start, position))T\(time.utf8.count == 5 ? time + ":00" : time)\(hasOffset ? "" : "+01:00")`"
            )
        }
        guard peek == UInt8(ascii: "T") || peek == UInt8(ascii: "t") else { return .date(date) }
        position += 1
        let hour = try fixedDigits(2, "an hour of two digits")
        guard take(":") else { throw unexpected("expected `:` and minutes") }
        let minute = try fixedDigits(2, "minutes of two digits")
        guard take(":") else { throw unexpected("expected `:` and seconds", help: "as in `09:00:00`") }
        let second = try fixedDigits(2, "seconds of two digits")
        guard hour < 24, minute < 60, second < 60 else { throw error("this time of day does not exist", from: start) }
        var micros: Int64 = 0
        if take(".") {
            var unit: Int64 = 100_000
            guard let byte = peek, isDigit(byte) else { throw unexpected("expected a fraction of a second") }
            while let byte = peek, isDigit(byte) {
                guard unit > 0 || byte == UInt8(ascii: "0") else {
                    throw error("times are kept in microseconds; this one has more digits", from: start)
                }
                micros += Int64(byte - UInt8(ascii: "0")) * unit
                unit /= 10
                position += 1
            }
        }
        var offset = 0
        if take("Z") || take("z") {
        } else if let sign = peek, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") {
            position += 1
            let hours = try fixedDigits(2, "an offset such as +02:00")
            guard take(":") else { throw unexpected("expected `:` in the offset") }
            let minutes = try fixedDigits(2, "an offset such as +02:00")
            guard hours < 24, minutes < 60 else { throw error("this offset does not exist", from: start) }
            offset = (hours * 60 + minutes) * (sign == UInt8(ascii: "-") ? -60 : 60)
        } else {
            throw unexpected("expected `Z` or an offset such as +02:00", help: "`Z` is UTC")
        }
        let seconds = date.daysSince1970 * 86_400 + Int64(hour * 3_600 + minute * 60 + second - offset)
        return .exact(seconds * Micros.second + micros)
    }
}

/// An instant in RFC 3339 format in UTC. A zero fraction is omitted.
package func instantText(_ micros: Int64) -> String {
    var bytes: [UInt8] = []
    appendInstant(micros, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
}

/// Appends the text of `instantText`.
package func appendInstant(_ micros: Int64, to bytes: inout [UInt8]) {
    func pad(_ value: Int, _ width: Int) {
        var divisor = 1
        for _ in 1..<width { divisor *= 10 }
        var rest = value
        while divisor > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest / divisor % 10))
            rest %= divisor
            divisor /= 10
        }
    }
    var days = micros / Micros.day
    var rest = micros % Micros.day
    if rest < 0 {
        days -= 1
        rest += Micros.day
    }
    let date = CalendarDate(daysSince1970: days)
    pad(max(0, min(date.year, 9_999)), 4)
    bytes.append(UInt8(ascii: "-"))
    pad(date.month, 2)
    bytes.append(UInt8(ascii: "-"))
    pad(date.day, 2)
    bytes.append(UInt8(ascii: "T"))
    pad(Int(rest / Micros.hour), 2)
    bytes.append(UInt8(ascii: ":"))
    pad(Int(rest / Micros.minute % 60), 2)
    bytes.append(UInt8(ascii: ":"))
    pad(Int(rest / Micros.second % 60), 2)
    let fraction = Int(rest % Micros.second)
    if fraction > 0 {
        bytes.append(UInt8(ascii: "."))
        pad(fraction, 6)
        while bytes.last == UInt8(ascii: "0") { bytes.removeLast() }
    }
    bytes.append(UInt8(ascii: "Z"))
}
