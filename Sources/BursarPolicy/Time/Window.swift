import BursarSyntax

/// The period after which a limit's counter starts from zero.
package enum Window: Sendable, Hashable {
    /// A token bucket that refills its amount over a number of microseconds.
    case rate(micros: Int64)
    case calendar(CalendarUnit, fromDay: Int, zone: TimeZoneRules)
    case rolling(micros: Int64)
    case fromFirstUse(micros: Int64)
    /// Windows of a fixed length, one of which begins at the anchor.
    case every(micros: Int64, anchor: Int64)
    /// Each request separately, without a counter.
    case request
    /// As long as the scope exists.
    case lifetime

    /// The number of slices of a rolling window.
    package static let slices: Int64 = 60
    /// Slices that count: those that the window covers at least a part of.
    package static let countedSlices = slices + 1

    /// The bounds of the window depend only on the time, and each window starts at the end of the previous one.
    package var isPeriodic: Bool {
        switch self {
        case .calendar, .every: true
        default: false
        }
    }

    package var isRate: Bool { if case .rate = self { true } else { false } }
}

/// A closed-open interval of microseconds since 1970.
package struct Interval: Sendable, Hashable {
    package var start: Int64
    package var end: Int64

    package init(start: Int64, end: Int64) {
        self.start = start
        self.end = end
    }

    package static let always = Interval(start: .min, end: .max)

    /// Microseconds, saturated at 64 bits.
    package var length: Int64 { end.subtractingSaturated(start) }

    package func contains(_ time: Int64) -> Bool { start <= time && time < end }
}

/// The quotient, rounded towards minus infinity.
@inlinable package func floorDiv(_ value: Int64, _ divisor: Int64) -> Int64 {
    let quotient = value / divisor
    return value % divisor < 0 ? quotient - 1 : quotient
}

extension Window {
    /// The window that contains an instant, for windows whose bounds depend only on the time.
    package func interval(at time: Int64) -> Interval {
        switch self {
        case .calendar(let unit, let fromDay, let zone):
            return Self.calendarInterval(unit, fromDay: fromDay, zone: zone, at: time)
        case .every(let length, let anchor):
            // The anchor is moved near zero first, so that only times at the ends of the range saturate.
            let phase = anchor.subtractingSaturated(floorDiv(anchor, length).multipliedSaturated(by: length))
            let start = Self.floor(time.subtractingSaturated(phase), length).addingSaturated(phase)
            return Interval(start: start, end: start.addingSaturated(length))
        case .rolling(let length):
            let slice = length / Self.slices
            let start = Self.floor(time, slice)
            return Interval(start: start, end: start.addingSaturated(slice))
        case .rate, .fromFirstUse, .request, .lifetime: return .always
        }
    }

    /// The greatest multiple of a length that is not greater than a time.
    private static func floor(_ time: Int64, _ length: Int64) -> Int64 {
        floorDiv(time, length).multipliedSaturated(by: length)
    }

    private static func calendarInterval(
        _ unit: CalendarUnit, fromDay: Int, zone: TimeZoneRules, at time: Int64
    ) -> Interval {
        let seconds = floorDiv(time, Micros.second)
        let localDay = floorDiv(seconds + zone.offset(atUTC: seconds), 86_400)
        // On days without a midnight, the day begins later than its local midnight, so the neighbours are tried too.
        for shift in [Int64(0), -1, 1] {
            let (first, next) = period(unit, fromDay: fromDay, holding: localDay + shift)
            let interval = Interval(
                start: zone.utc(ofLocal: first * 86_400).multipliedSaturated(by: Micros.second),
                end: zone.utc(ofLocal: next * 86_400).multipliedSaturated(by: Micros.second))
            if interval.contains(time) { return interval }
        }
        return .always
    }

    /// The first day of the period that contains `day`, and of the next period, in days since 1970.
    private static func period(_ unit: CalendarUnit, fromDay: Int, holding day: Int64) -> (Int64, Int64) {
        switch unit {
        case .day: return (day, day + 1)
        case .week:
            // 1970-01-01 was a Thursday, three days after a Monday.
            let monday = floorDiv(day + 3, 7) * 7 - 3
            return (monday, monday + 7)
        case .month:
            let date = CalendarDate(daysSince1970: day)
            var index = date.year * 12 + date.month - 1
            if monthStart(index, fromDay: fromDay) > day { index -= 1 }
            return (monthStart(index, fromDay: fromDay), monthStart(index + 1, fromDay: fromDay))
        case .quarter:
            let date = CalendarDate(daysSince1970: day)
            let index = date.year * 12 + (date.month - 1) / 3 * 3
            return (monthStart(index, fromDay: 1), monthStart(index + 3, fromDay: 1))
        case .year:
            let year = CalendarDate(daysSince1970: day).year
            return (monthStart(year * 12, fromDay: 1), monthStart((year + 1) * 12, fromDay: 1))
        }
    }

    /// The first day of a billing month; the last day of the calendar month if the month is shorter.
    private static func monthStart(_ index: Int, fromDay: Int) -> Int64 {
        let year = Int(floorDiv(Int64(index), 12))
        let month = index - year * 12 + 1
        let day = min(fromDay, CalendarDate.daysIn(month: month, year: year))
        return CalendarDate(year: year, month: month, day: day).daysSince1970
    }

    /// The window in the syntax of the language, for messages.
    package var text: String {
        switch self {
        case .rate(let micros):
            switch micros {
            case Micros.second: "second"
            case Micros.minute: "minute"
            case Micros.hour: "hour"
            default: Self.lengthText(micros)
            }
        case .calendar(let unit, let fromDay, _): fromDay == 1 ? unit.rawValue : "\(unit.rawValue) from \(fromDay)"
        case .rolling(let micros): "rolling \(Self.lengthText(micros))"
        case .fromFirstUse(let micros): "\(Self.lengthText(micros)) from first use"
        case .every(let micros, let anchor): "every \(Self.lengthText(micros)) from \(instantText(anchor))"
        case .request: "request"
        case .lifetime: ""
        }
    }

    private static func lengthText(_ micros: Int64) -> String {
        for (unit, name) in [(Micros.day, "days"), (Micros.hour, "hours"), (Micros.minute, "minutes")]
        where micros % unit == 0 {
            return "\(micros / unit) \(name)"
        }
        return "\(micros / Micros.second) seconds"
    }
}
