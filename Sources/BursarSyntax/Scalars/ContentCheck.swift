/// A value in a file of Bursar that no run of Bursar writes.
package struct ContentError: Error {
    /// The path of keys in the file.
    package var place: String
    package var problem: String

    package init(_ place: String, _ problem: String) {
        self.place = place
        self.problem = problem
    }
}

/// Checks numbers that were read back from a file, so that sums and percentages of them stay within 64 bits.
package enum ContentCheck {
    /// A trillion records: a hundred thousand a second for four months. A thousand shards of them, times a hundred percent,
    /// fit in 64 bits.
    package static let mostRecords = 1_000_000_000_000
    /// A record has several reasons and events.
    package static let mostMentions = 1_000_000_000_000_000
    /// The times that a log may have, and 3,000 years before and after them for the bounds of windows.
    package static let times = (Micros.earliestInstant - slack)...(Micros.latestInstant + slack)
    private static let slack = 3_000 * 366 * Micros.day

    package static func count(
        _ value: Int, least: Int = 0, most: Int = mostRecords, _ place: @autoclosure () -> String
    ) throws(ContentError) {
        guard value >= least, value <= most else {
            throw ContentError(place(), "\(value) is not a number from \(least) to \(most)")
        }
    }

    package static func count(_ value: Int64, _ place: @autoclosure () -> String) throws(ContentError) {
        try count(Int(value), place())
    }

    /// Money, tokens and other sums, which saturate.
    package static func amount(_ value: Int64, _ place: @autoclosure () -> String) throws(ContentError) {
        guard value >= 0 else { throw ContentError(place(), "\(value) is below zero") }
    }

    package static func time(_ value: Int64, _ place: @autoclosure () -> String) throws(ContentError) {
        guard times.contains(value) else { throw ContentError(place(), "\(value) is not a time") }
    }

    /// A window, or all of time.
    package static func window(_ start: Int64, _ end: Int64, _ place: @autoclosure () -> String) throws(ContentError) {
        if start == .min, end == .max { return }
        try time(start, place())
        try time(end, place())
        guard start < end else { throw ContentError(place(), "a window ends before it begins") }
    }

    package static func holds(
        _ condition: Bool, _ place: @autoclosure () -> String, _ problem: @autoclosure () -> String
    ) throws(ContentError) {
        guard condition else { throw ContentError(place(), problem()) }
    }
}
