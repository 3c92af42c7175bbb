import BursarPolicy
import BursarSyntax
import Foundation
import Testing

/// Offsets, local times and calendar windows, compared with Python's zoneinfo; `Tests/Fixtures/make_calendar.py` writes the
/// expected values.
struct CalendarTests {
    /// The rows of a table without its head, split into fields.
    private func table(_ name: String, columns: Int) throws -> [[Substring]] {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(contentsOf: tests.appending(path: "Fixtures/calendar/\(name)"), encoding: .utf8)
        let rows = text.split(separator: "\n").dropFirst().map { $0.split(separator: "\t") }
        #expect(rows.count > 1_000)
        #expect(rows.allSatisfy { $0.count == columns })
        return rows
    }

    private func zone(_ name: Substring) throws -> TimeZoneRules { try #require(TimeZoneRules.named(String(name))) }

    private func number(_ text: Substring) throws -> Int64 { try #require(Int64(text)) }

    @Test func offsetsAgreeWithZoneinfo() throws {
        for row in try table("offsets.tsv", columns: 3) {
            #expect(try zone(row[0]).offset(atUTC: number(row[1])) == number(row[2]), "\(row)")
        }
    }

    @Test func localTimesAgreeWithZoneinfo() throws {
        for row in try table("local-times.tsv", columns: 3) {
            #expect(try zone(row[0]).utc(ofLocal: number(row[1])) == number(row[2]), "\(row)")
        }
    }

    @Test func calendarWindowsAgreeWithZoneinfo() throws {
        for row in try table("windows.tsv", columns: 6) {
            let unit = try #require(CalendarUnit(rawValue: String(row[1])))
            let window = try Window.calendar(unit, fromDay: Int(number(row[2])), zone: zone(row[0]))
            let interval = try window.interval(at: number(row[3]) * Micros.second)
            let expected = try Interval(start: number(row[4]) * Micros.second, end: number(row[5]) * Micros.second)
            #expect(interval == expected, "\(row)")
        }
    }

    /// 31 December 2011 follows 29 December in Samoa: the day between has no instant.
    @Test func aSkippedDayHasNoWindow() throws {
        let zone = try zone("Pacific/Apia")
        let lastOf29 = zone.utc(ofLocal: CalendarDate(year: 2011, month: 12, day: 29).daysSince1970 * 86_400 + 86_399)
        let day = Window.calendar(.day, fromDay: 1, zone: zone)
        let before = day.interval(at: lastOf29 * Micros.second)
        let after = day.interval(at: before.end)
        #expect(before.end == (lastOf29 + 1) * Micros.second)
        #expect(after.start == before.end)
        #expect(after.end - after.start == Micros.day)
    }

    @Test(arguments: [
        "", "utc", "../etc/passwd", "Europe/../UTC", "Mars/Olympus", "/UTC", "Europe",
        String(repeating: "A", count: 100),
    ])
    func unknownZonesHaveNoRules(name: String) {
        #expect(TimeZoneRules.named(name) == nil)
    }
}

/// Windows whose bounds follow from the time alone hold the instant that was asked for and follow one another without gaps.
struct WindowTests {
    private static let instants: [Int64] = [
        0, -1, 1, Micros.day - 1, Micros.day, -Micros.day, 1_780_000_000_000_000, 4_102_444_800_000_000,
        -62_135_596_800_000_000,
    ]

    private static var windows: [Window] {
        let zones = ["UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/Havana"].compactMap(TimeZoneRules.named)
        let calendar = zones.flatMap { zone in
            [CalendarUnit.day, .week, .month, .quarter, .year].map { Window.calendar($0, fromDay: 1, zone: zone) }
                + [15, 29, 30, 31].map { Window.calendar(.month, fromDay: $0, zone: zone) }
        }
        let fixed = [
            Window.every(micros: Micros.hour, anchor: 0), .every(micros: 7 * Micros.day, anchor: 1_780_000_000_000_001),
            .every(micros: 90 * Micros.second, anchor: -5), .rolling(micros: Micros.minute),
            .rolling(micros: 24 * Micros.hour),
        ]
        return calendar + fixed
    }

    @Test(arguments: windows)
    func windowsFollowOneAnother(window: Window) {
        for instant in Self.instants {
            let interval = window.interval(at: instant)
            #expect(interval.contains(instant))
            #expect(window.interval(at: interval.start) == interval)
            #expect(window.interval(at: interval.end - 1) == interval)
            #expect(window.interval(at: interval.end).start == interval.end)
            #expect(window.interval(at: interval.start - 1).end == interval.start)
        }
    }

    @Test func anAnchorIsTheStartOfAWindow() {
        for anchor in Self.instants {
            let window = Window.every(micros: 5 * Micros.hour, anchor: anchor)
            #expect(window.interval(at: anchor).start == anchor)
        }
    }

    /// A billing month that begins on the 31st begins on the last day of a shorter month.
    @Test func billingMonthsBeginOnTheLastDayOfShortMonths() {
        let window = Window.calendar(.month, fromDay: 31, zone: .utc)
        func start(_ year: Int, _ month: Int, _ day: Int) -> Int64 {
            CalendarDate(year: year, month: month, day: day).daysSince1970 * Micros.day
        }
        #expect(window.interval(at: start(2024, 2, 15)) == Interval(start: start(2024, 1, 31), end: start(2024, 2, 29)))
        #expect(window.interval(at: start(2023, 2, 28)) == Interval(start: start(2023, 2, 28), end: start(2023, 3, 31)))
    }

    @Test(arguments: [Window.rate(micros: Micros.minute), .fromFirstUse(micros: Micros.hour), .request, .lifetime])
    func windowsWithoutCalendarHaveNoBounds(window: Window) {
        #expect(window.interval(at: 12_345) == .always)
    }
}
