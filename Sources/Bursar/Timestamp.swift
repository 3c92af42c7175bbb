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
/// The library does not link Foundation. `Timestamp(secondsSince1970: date.timeIntervalSince1970)` takes a `Date`.
public struct Timestamp: Sendable, Hashable, Comparable, CustomStringConvertible {
    public var microsecondsSince1970: Int64

    public init(microsecondsSince1970: Int64) { self.microsecondsSince1970 = microsecondsSince1970 }

    /// The nearest microsecond. What lies beyond 64 bits becomes the first or last instant, what is no number becomes 1970.
    public init(secondsSince1970 seconds: Double) {
        let micros = (seconds * 1_000_000).rounded()
        microsecondsSince1970 = Int64(exactly: micros) ?? (micros.isNaN ? 0 : micros < 0 ? .min : .max)
    }

    /// Reads an instant as RFC 3339 writes it, such as `2026-06-01T09:00:00Z`; nil for anything else.
    public init?(_ text: String) {
        var scanner = TextScanner(text)
        guard case .exact(let micros)? = try? scanner.instant(), scanner.isAtEnd else { return nil }
        microsecondsSince1970 = micros
    }

    /// The present instant by the system's clock.
    public static var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microsecondsSince1970: Int64(time.tv_sec) &* 1_000_000 &+ Int64(time.tv_nsec) / 1_000)
    }

    /// The instant as RFC 3339 writes it.
    public var description: String { instantText(microsecondsSince1970) }

    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.microsecondsSince1970 < right.microsecondsSince1970
    }
}
