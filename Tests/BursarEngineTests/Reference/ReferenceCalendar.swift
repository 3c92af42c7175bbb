import BursarPolicy
import BursarSyntax
import Foundation

/// Windows of time for the reference engine, written a second time: Foundation knows the offsets, and days are walked one
/// by one.
struct ReferenceCalendar {
    private struct DayStart: Hashable {
        var zone: String
        var day: Int64
    }

    /// First instants of days, in seconds: finding one takes hundreds of steps.
    private var dayStarts: [DayStart: Int64] = [:]
    private var zones: [String: TimeZone] = [:]

    /// The window that holds an instant, for windows whose bounds follow from the time alone.
    mutating func interval(_ window: Window, at time: Int64) -> Interval {
        switch window {
        case .calendar(let unit, let fromDay, let zone): return calendarInterval(unit, fromDay, zone.name, at: time)
        case .every(let length, let anchor):
            let passed = Int128(time) - Int128(anchor)
            let start = Int128(anchor) + Int128(length) * passed.flooredQuotient(by: Int128(length))
            return Interval(start: Int64(start), end: Int64(start + Int128(length)))
        case .rolling, .rate, .fromFirstUse, .request, .lifetime: return .always
        }
    }

    /// Seconds that have passed since midnight by the local clock, and the weekday from 0, Monday.
    mutating func localClock(_ zone: TimeZoneRules, at seconds: Int64) -> (secondOfDay: Int64, weekday: Int64) {
        let local = seconds + offset(zone.name, at: seconds)
        let day = local.flooredQuotient(by: 86_400)
        return (local - day * 86_400, weekday(day))
    }

    private mutating func calendarInterval(
        _ unit: CalendarUnit, _ fromDay: Int, _ zone: String, at time: Int64
    ) -> Interval {
        let today = localDay(zone, at: time.flooredQuotient(by: Micros.second))
        var first = today
        while !begins(unit, fromDay, first) { first -= 1 }
        var next = today + 1
        while !begins(unit, fromDay, next) { next += 1 }
        return Interval(
            start: firstInstant(of: first, zone) * Micros.second, end: firstInstant(of: next, zone) * Micros.second)
    }

    /// Whether a day is the first one of its day, week, billing month, quarter or year.
    private func begins(_ unit: CalendarUnit, _ fromDay: Int, _ day: Int64) -> Bool {
        let date = CalendarDate(daysSince1970: day)
        switch unit {
        case .day: return true
        case .week: return weekday(day) == 0
        case .month:
            let isLast = CalendarDate(daysSince1970: day + 1).day == 1
            return date.day == fromDay || isLast && date.day < fromDay
        case .quarter: return date.day == 1 && [1, 4, 7, 10].contains(date.month)
        case .year: return date.day == 1 && date.month == 1
        }
    }

    /// 1970-01-01 was a Thursday.
    private func weekday(_ day: Int64) -> Int64 {
        let monday = day + 3
        return monday - monday.flooredQuotient(by: 7) * 7
    }

    private mutating func localDay(_ zone: String, at seconds: Int64) -> Int64 {
        (seconds + offset(zone, at: seconds)).flooredQuotient(by: 86_400)
    }

    /// The first second whose local date is this day or a later one: first whole minutes, then nothing finer, because
    /// offsets have been whole minutes since 1972.
    private mutating func firstInstant(of day: Int64, _ zone: String) -> Int64 {
        let key = DayStart(zone: zone, day: day)
        if let known = dayStarts[key] { return known }
        var seconds = day * 86_400 - 26 * 3_600
        while localDay(zone, at: seconds + 3_600) < day { seconds += 3_600 }
        while localDay(zone, at: seconds) < day { seconds += 60 }
        dayStarts[key] = seconds
        return seconds
    }

    private mutating func offset(_ zone: String, at seconds: Int64) -> Int64 {
        if zones[zone] == nil { zones[zone] = TimeZone(identifier: zone) }
        let rules = zones[zone] ?? .gmt
        return Int64(rules.secondsFromGMT(for: Date(timeIntervalSince1970: Double(seconds))))
    }
}

extension FixedWidthInteger {
    /// The quotient rounded towards minus infinity.
    fileprivate func flooredQuotient(by divisor: Self) -> Self {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
