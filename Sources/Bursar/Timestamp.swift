import BursarSyntax

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// An instant in microseconds since 1970 UTC.
///
/// The library does not link Foundation. Convert a `Date` with `Timestamp(secondsSince1970:
/// date.timeIntervalSince1970)`.
public struct Timestamp: Sendable, Hashable, Comparable, CustomStringConvertible {
    public var microsecondsSince1970: Int64

    public init(microsecondsSince1970: Int64) { self.microsecondsSince1970 = microsecondsSince1970 }

    /// Rounds to the nearest microsecond. Saturates at the first and last instant; NaN becomes 1970.
    public init(secondsSince1970 seconds: Double) {
        let micros = (seconds * 1_000_000).rounded()
        microsecondsSince1970 = Int64(exactly: micros) ?? (micros.isNaN ? 0 : micros < 0 ? .min : .max)
    }

    /// Parses an instant in RFC 3339 format, such as `2026-06-01T09:00:00Z`; nil for other text.
    public init?(_ text: String) {
        var scanner = TextScanner(text)
        guard case .exact(let micros)? = try? scanner.instant(), scanner.isAtEnd else { return nil }
        microsecondsSince1970 = micros
    }

    /// The current time of the system's clock.
    public static var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microsecondsSince1970: Int64(time.tv_sec) &* 1_000_000 &+ Int64(time.tv_nsec) / 1_000)
    }

    /// The instant in RFC 3339 format.
    public var description: String { instantText(microsecondsSince1970) }

    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.microsecondsSince1970 < right.microsecondsSince1970
    }
}
