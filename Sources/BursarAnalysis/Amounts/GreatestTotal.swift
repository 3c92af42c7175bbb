import BursarPolicy
import BursarSyntax

/// An upper bound of the usage that a limit admits, if no request settles above its estimate.
struct HardBound {
    /// The bound for a window without carry-over, or for a full bucket.
    var amount: Int64
    /// The maximum increase of the bound by carry-over.
    var carried: Int64
    var source: SourceRange

    var withCarried: Int64 { amount.addingSaturated(carried) }
}

extension Limit {
    /// The bound above which the limit refuses unconditionally; nil if it never does.
    var hardBound: HardBound? { hardBound(of: bucketLength == nil ? amount : capacity) }

    /// The bound for another amount.
    func hardBound(of base: Int64) -> HardBound? {
        guard !isShadow, !isPrepaid else { return nil }
        for threshold in thresholds {
            for action in threshold.actions where action.when == nil {
                var bound = threshold.bound(of: base)
                switch action.alternatives.last {
                case .deny: break
                case .overage(let ceiling?, _):
                    bound.addSaturated(ceiling)
                default: continue
                }
                var carried: Int64 = 0
                if case .share = threshold.level {
                    let (most, overflow) = base.addingReportingOverflow(mostCarried)
                    carried =
                        overflow
                        ? Int64.max.subtractingSaturated(bound)
                        : threshold.bound(of: most).subtractingSaturated(threshold.bound(of: base))
                }
                return HardBound(amount: bound, carried: carried, source: threshold.source)
            }
        }
        return nil
    }

    /// The maximum carry-over into a window.
    var mostCarried: Int64 { rollover.map { $0.cap.floor(of: amount) } ?? 0 }

    /// The lowest projection at which the limit does more than notify.
    var firstEffect: Int64? {
        let base = bucketLength == nil ? amount : capacity
        return thresholds.first { threshold in
            threshold.actions.contains { action in
                action.alternatives.contains { if case .notify = $0 { false } else { true } }
            }
        }.map { $0.bound(of: base) }
    }

    /// The scopes of the counter, except the tenant.
    var scopeKinds: Set<Scope> { Set(per.filter { $0 != .tenant } + within.map(\.scope)) }

    /// This limit counts everything that the other limit counts, apart from conditions.
    func holds(_ other: Limit) -> Bool {
        guard isShared == other.isShared, Set(within).isSubset(of: other.within) else { return false }
        return Set(per.filter { $0 != .tenant }).isSubset(of: other.scopeKinds)
    }
}

/// Greatest totals over windows. The number of windows is exact for calendar windows and an upper bound for others.
struct WindowArithmetic {
    private struct Pair: Hashable {
        var inner: Window
        var outer: Window
    }

    private var counts: [Pair: Int64] = [:]

    /// The maximum length of a window of this kind, in microseconds; nil if it has no end.
    static func longest(_ window: Window) -> Int64? {
        switch window {
        case .rate(let micros), .fromFirstUse(let micros), .every(let micros, _): micros
        // It counts whole slices.
        case .rolling(let micros): micros.addingSaturated(micros / Window.slices)
        // Includes the additional hour of a time change.
        case .calendar(let unit, _, _):
            switch unit {
            case .day: 25 * Micros.hour
            case .week: 7 * Micros.day + Micros.hour
            case .month: 31 * Micros.day + Micros.hour
            case .quarter: 92 * Micros.day + Micros.hour
            case .year: 366 * Micros.day + Micros.hour
            }
        case .request: 0
        case .lifetime: nil
        }
    }

    private static func shortest(_ unit: CalendarUnit) -> Int64 {
        switch unit {
        case .day: 23 * Micros.hour
        case .week: 7 * Micros.day - Micros.hour
        case .month: 28 * Micros.day - Micros.hour
        case .quarter: 90 * Micros.day - Micros.hour
        case .year: 365 * Micros.day - Micros.hour
        }
    }

    /// The maximum that a limit admits in one window of another kind, and the number of its own windows in it.
    mutating func most(of limit: Limit, _ bound: HardBound, in window: Window) -> (total: Int128, windows: Int64)? {
        if limit.window == window || window == .request {
            return (Int128(bound.amount) + Int128(bound.carried), 1)
        }
        switch limit.window {
        case .lifetime: return (Int128(bound.amount), 1)
        case .request: return nil
        case .rate(let length):
            guard let longest = Self.longest(window) else { return nil }
            return (Int128(bound.amount) + Int128(limit.amount) * Int128(longest) / Int128(length), 1)
        default:
            guard let count = windows(limit.window, in: window) else { return nil }
            // A window does not use what it carries over, so only the first window can add its carry-over. But a limit
            // that refuses below its amount always leaves something to carry.
            let carrying = bound.amount < limit.amount ? count : 1
            return (Int128(bound.amount) * Int128(count) + Int128(bound.carried) * Int128(carrying), count)
        }
    }

    /// The maximum number of windows of one kind that intersect a window of the other.
    private mutating func windows(_ inner: Window, in outer: Window) -> Int64? {
        let pair = Pair(inner: inner.inUTC, outer: outer.inUTC)
        if let known = counts[pair] { return known }
        guard let longest = Self.longest(outer) else { return nil }
        let count: Int64
        switch (pair.inner, pair.outer) {
        case (.calendar, .calendar): count = Self.counted(pair.inner, in: pair.outer)
        case (.calendar(let unit, _, _), _): count = Self.touched(longest, Self.shortest(unit))
        case (.rolling(let length), _):
            // A burst can repeat after the slices that count the previous one have passed.
            let slice = max(1, length / Window.slices)
            count = (Self.touched(longest, slice) + Window.countedSlices - 1) / Window.countedSlices
        case (.every(let length, _), _), (.fromFirstUse(let length), _): count = Self.touched(longest, length)
        default: return nil
        }
        counts[pair] = count
        return count
    }

    /// The maximum number of intervals of a length that intersect an interval.
    private static func touched(_ span: Int64, _ length: Int64) -> Int64 { max(0, span - 2) / max(1, length) + 2 }

    /// Counts over 28 years, the period of weekdays and leap years.
    private static func counted(_ inner: Window, in outer: Window) -> Int64 {
        var most: Int64 = 1
        var time = CalendarDate(year: 2024, month: 1, day: 1).daysSince1970 * Micros.day
        let end = CalendarDate(year: 2052, month: 2, day: 1).daysSince1970 * Micros.day
        while time < end {
            let window = outer.interval(at: time)
            var count: Int64 = 0
            var position = window.start
            while position < window.end {
                count += 1
                position = inner.interval(at: position).end
            }
            most = max(most, count)
            time = window.end
        }
        return most
    }
}

extension Window {
    var inUTC: Window {
        if case .calendar(let unit, let fromDay, _) = self {
            .calendar(unit, fromDay: fromDay, zone: .utc)
        } else {
            self
        }
    }
}
