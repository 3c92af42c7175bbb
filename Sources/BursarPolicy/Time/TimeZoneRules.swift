import BursarSyntax

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The offsets from UTC of one IANA time zone, read from the system's time zone files (TZif, RFC 8536).
///
/// Foundation would add 30 MB of its own tables to every service that embeds the engine. The system's files exist
/// everywhere and agree with the rest of the machine.
package final class TimeZoneRules: Sendable, Hashable {
    package let name: String
    /// Seconds since 1970 at which the offset changes, ascending.
    private let transitions: [Int64]
    /// The offset before the first transition, then after each one, in seconds.
    private let offsets: [Int64]
    /// The rule after the last transition.
    private let rule: RecurringRule?
    /// The offset of a zone that never changes it.
    private let constant: Int64?

    package static let utc = TimeZoneRules(name: "UTC", transitions: [], offsets: [0], rule: nil)

    private init(name: String, transitions: [Int64], offsets: [Int64], rule: RecurringRule?) {
        self.name = name
        self.transitions = transitions
        self.offsets = offsets
        self.rule = rule
        constant = transitions.isEmpty && rule == nil ? offsets[0] : nil
    }

    package static func == (left: TimeZoneRules, right: TimeZoneRules) -> Bool { left.name == right.name }

    package func hash(into hasher: inout Hasher) { hasher.combine(name) }

    /// The zone of an IANA name; nil if the system does not know it.
    package static func named(_ name: String) -> TimeZoneRules? {
        if name == "UTC" || name == "Etc/UTC" { return utc }
        let isPlain = name.utf8.allSatisfy { isNameByteOfZone($0) }
        guard !name.isEmpty, name.utf8.count <= 64, isPlain, !name.contains("..") else { return nil }
        guard name.utf8.first.map({ $0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z") }) == true else { return nil }
        let folder = getenv("TZDIR").map { String(cString: $0) } ?? "/usr/share/zoneinfo"
        guard let bytes = try? FileReading.read("\(folder)/\(name)", limit: 1 << 20) else { return nil }
        return parse(bytes, name: name)
    }

    private static func isNameByteOfZone(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "_"), UInt8(ascii: "+"),
            UInt8(ascii: "-"):
            true
        default: false
        }
    }

    // MARK: - Lookup

    /// Seconds to add to UTC at an instant (seconds since 1970).
    package func offset(atUTC seconds: Int64) -> Int64 {
        if let constant { return constant }
        let seconds = Self.clamped(seconds)
        if let last = transitions.last, seconds >= last, let rule { return rule.offset(atUTC: seconds) }
        if transitions.isEmpty, let rule { return rule.offset(atUTC: seconds) }
        var low = 0
        var high = transitions.count
        while low < high {
            let middle = (low + high) / 2
            if transitions[middle] <= seconds { low = middle + 1 } else { high = middle }
        }
        return offsets[low]
    }

    /// The instant of a local time. An ambiguous local time gives the first of its two instants, a nonexistent one the
    /// first instant after the gap.
    package func utc(ofLocal local: Int64) -> Int64 {
        let local = Self.clamped(local)
        // Offsets differ by less than a day, so the offsets one day before and after bracket any change.
        let before = offset(atUTC: local - 86_400)
        let after = offset(atUTC: local + 86_400)
        let first = local - max(before, after)
        if first + offset(atUTC: first) == local { return first }
        let last = local - min(before, after)
        if last + offset(atUTC: last) == local { return last }
        // The local time is in a gap, and the change is between the two candidates: find it by bisection.
        var low = first - 1
        var high = last
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if middle + offset(atUTC: middle) >= local { high = middle } else { low = middle }
        }
        return high
    }

    /// Seconds within 300,000 years of 1970, the range of microseconds in 64 bits with room for sums.
    private static func clamped(_ seconds: Int64) -> Int64 {
        min(max(seconds, -10_000_000_000_000), 10_000_000_000_000)
    }

    // MARK: - TZif

    private static func parse(_ bytes: [UInt8], name: String) -> TimeZoneRules? {
        func number(_ offset: Int, _ width: Int) -> Int64? {
            guard offset >= 0, offset + width <= bytes.count else { return nil }
            var value: Int64 = bytes[offset] & 0x80 != 0 ? -1 : 0
            for byte in bytes[offset..<offset + width] { value = value << 8 | Int64(byte) }
            return value
        }
        struct Header {
            var utc = 0, standard = 0, leaps = 0, times = 0, types = 0, characters = 0
            func size(_ width: Int) -> Int {
                times * width + times + types * 6 + characters + leaps * (width + 4) + standard + utc
            }
        }
        func header(_ offset: Int) -> Header? {
            guard offset + 44 <= bytes.count, bytes[offset..<offset + 4].elementsEqual("TZif".utf8) else { return nil }
            let counts = (0..<6).compactMap { number(offset + 20 + $0 * 4, 4) }.map { Int($0) }
            guard counts.count == 6, counts.allSatisfy({ (0...100_000).contains($0) }) else { return nil }
            return Header(
                utc: counts[0], standard: counts[1], leaps: counts[2], times: counts[3], types: counts[4],
                characters: counts[5])
        }
        guard let first = header(0), bytes[4] >= UInt8(ascii: "2") else { return nil }
        let second = 44 + first.size(4)
        guard let counts = header(second), counts.types > 0 else { return nil }
        let times = second + 44
        let indices = times + counts.times * 8
        let types = indices + counts.times
        var transitions: [Int64] = []
        var offsets = [number(types, 4) ?? 0]
        for index in 0..<counts.times {
            guard let time = number(times + index * 8, 8), indices + index < bytes.count else { return nil }
            guard let offset = number(types + Int(bytes[indices + index]) * 6, 4) else { return nil }
            transitions.append(time)
            offsets.append(offset)
        }
        let footer = times + counts.size(8)
        guard footer <= bytes.count else { return nil }
        let text = bytes[footer...].drop { $0 == UInt8(ascii: "\n") }.prefix { $0 != UInt8(ascii: "\n") }
        return TimeZoneRules(
            name: name, transitions: transitions, offsets: offsets, rule: RecurringRule(Array(text)))
    }
}

/// The rule that a zone follows after its last recorded change: a POSIX TZ string such as `CET-1CEST,M3.5.0,M10.5.0/3`.
struct RecurringRule: Sendable {
    private enum Day: Sendable {
        /// Month, week (5 is the last), weekday from 0 (Sunday).
        case weekday(Int, Int, Int)
        /// Day of the year from 1, without February 29.
        case julian(Int)
        /// Day of the year from 0, with February 29.
        case zeroBased(Int)
    }

    private let standard: Int64
    private var daylight: (offset: Int64, from: (day: Day, time: Int64), to: (day: Day, time: Int64))?

    init?(_ text: [UInt8]) {
        var position = 0
        func peek() -> UInt8? { position < text.count ? text[position] : nil }
        func skipName() -> Bool {
            let start = position
            if peek() == UInt8(ascii: "<") {
                while let byte = peek(), byte != UInt8(ascii: ">") { position += 1 }
                position += 1
                return position <= text.count
            }
            while let byte = peek(), (byte | 0x20) >= UInt8(ascii: "a"), (byte | 0x20) <= UInt8(ascii: "z") {
                position += 1
            }
            return position > start
        }
        func integer() -> Int64? {
            let start = position
            var value: Int64 = 0
            while let byte = peek(), byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9"), position - start < 6 {
                value = value * 10 + Int64(byte - UInt8(ascii: "0"))
                position += 1
            }
            return position > start ? value : nil
        }
        func time() -> Int64? {
            var sign: Int64 = 1
            if peek() == UInt8(ascii: "-") || peek() == UInt8(ascii: "+") {
                sign = peek() == UInt8(ascii: "-") ? -1 : 1
                position += 1
            }
            guard let hours = integer() else { return nil }
            var seconds = hours * 3_600
            for unit in [Int64(60), 1] where peek() == UInt8(ascii: ":") {
                position += 1
                guard let part = integer() else { return nil }
                seconds += part * unit
            }
            return sign * seconds
        }
        func change() -> (day: Day, time: Int64)? {
            guard peek() == UInt8(ascii: ",") else { return nil }
            position += 1
            let day: Day
            if peek() == UInt8(ascii: "M") {
                position += 1
                guard let month = integer(), peek() == UInt8(ascii: ".") else { return nil }
                position += 1
                guard let week = integer(), peek() == UInt8(ascii: ".") else { return nil }
                position += 1
                guard let weekday = integer() else { return nil }
                day = .weekday(Int(month), Int(week), Int(weekday))
            } else if peek() == UInt8(ascii: "J") {
                position += 1
                guard let number = integer() else { return nil }
                day = .julian(Int(number))
            } else {
                guard let number = integer() else { return nil }
                day = .zeroBased(Int(number))
            }
            var at: Int64 = 7_200
            if peek() == UInt8(ascii: "/") {
                position += 1
                guard let given = time() else { return nil }
                at = given
            }
            return (day, at)
        }
        guard skipName(), let west = time() else { return nil }
        standard = -west
        guard position < text.count else { return }
        guard skipName() else { return nil }
        var offset = standard + 3_600
        if let byte = peek(), byte != UInt8(ascii: ",") {
            guard let west = time() else { return nil }
            offset = -west
        }
        guard let from = change(), let to = change() else { return nil }
        daylight = (offset, from, to)
    }

    func offset(atUTC seconds: Int64) -> Int64 {
        guard let daylight else { return standard }
        let day = (seconds + standard >= 0 ? seconds + standard : seconds + standard - 86_399) / 86_400
        let year = CalendarDate(daysSince1970: day).year
        let begin = instant(daylight.from, year: year) - standard
        let end = instant(daylight.to, year: year) - daylight.offset
        let isDaylight = begin < end ? seconds >= begin && seconds < end : seconds >= begin || seconds < end
        return isDaylight ? daylight.offset : standard
    }

    /// Local seconds since 1970 of a change in a year.
    private func instant(_ change: (day: Day, time: Int64), year: Int) -> Int64 {
        let days: Int64
        switch change.day {
        case .weekday(let month, let week, let weekday):
            let first = CalendarDate(year: year, month: month, day: 1).daysSince1970
            // 1970-01-01 was a Thursday, day 4 from Sunday.
            let firstWeekday = Int(((first + 4) % 7 + 7) % 7)
            var day = 1 + (weekday - firstWeekday + 7) % 7 + (week - 1) * 7
            while day > CalendarDate.daysIn(month: month, year: year) { day -= 7 }
            days = first + Int64(day - 1)
        case .julian(let number):
            let isLeap = CalendarDate.daysIn(month: 2, year: year) == 29
            days =
                CalendarDate(year: year, month: 1, day: 1).daysSince1970 + Int64(number - 1)
                + (isLeap && number >= 60 ? 1 : 0)
        case .zeroBased(let number):
            days = CalendarDate(year: year, month: 1, day: 1).daysSince1970 + Int64(number)
        }
        return days * 86_400 + change.time
    }
}
