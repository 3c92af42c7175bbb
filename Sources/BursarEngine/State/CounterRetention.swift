import BursarPolicy
import BursarStorage
import BursarSyntax

/// When a counter that depends on the request, of a user or a session for example, is as good as a new one and may be
/// forgotten: what it holds then changes no later decision.
///
/// A plan's change may bring other amounts and rates for a counter, so each bound is the largest of all plans.
struct CounterRetention: Sendable {
    enum Kind: Sendable {
        case forever
        /// Once its window has closed.
        case window
        /// Once all slices of its rolling window have passed.
        case slices(length: Int64)
        /// Once its bucket is full.
        case bucket
        /// Once nothing that it counts is running.
        case running
    }

    private(set) var kind: Kind
    /// A window's use decides what the next one takes over.
    private(set) var isCarried = false
    /// Microseconds after which a bucket is full, a throttle's or its own, and an event may be given again.
    private(set) var hold: Int64 = 0
    /// Microseconds that a window lasts at the most.
    private(set) var longest: Int64 = 0
    /// What a bucket gets back in each of its windows, at the least.
    private(set) var refill = Int64.max

    static let forever = CounterRetention(kind: .forever)

    private init(kind: Kind) { self.kind = kind }

    /// - Parameter isWatched: alerts look at the limit, and know its counters by number.
    init(_ limit: Limit, isCompounding: Bool, isWatched: Bool, lifetime: Int64) {
        kind = isCompounding || isWatched || limit.isPrepaid ? .forever : Self.kind(of: limit)
        isCarried = limit.rollover != nil
        longest = Self.longest(limit.window)
        switch limit.window {
        case .rate(let length):
            // Until then a reservation may still give back what it took.
            hold = max(length, lifetime)
            if limit.amount > 0 {
                refill = limit.amount
                let full = Int128(limit.capacity) * Int128(length)
                hold = max(hold, Int64(clamping: full.dividedRoundingUp(by: Int128(refill))))
            } else {
                kind = .forever
            }
        case .rolling(let length): hold = length
        default: break
        }
        for effect in limit.thresholds.flatMap(\.actions).flatMap(\.alternatives) {
            if case .throttle(_, let window) = effect { hold = max(hold, window) }
        }
    }

    private static func longest(_ window: Window) -> Int64 {
        switch window {
        case .calendar(.day, _, _): Micros.day.multipliedSaturated(by: 2)
        case .calendar(.week, _, _): Micros.day.multipliedSaturated(by: 8)
        case .calendar(.month, _, _): Micros.day.multipliedSaturated(by: 32)
        case .calendar(.quarter, _, _): Micros.day.multipliedSaturated(by: 93)
        case .calendar(.year, _, _): Micros.day.multipliedSaturated(by: 367)
        case .every(let length, _), .fromFirstUse(let length): length
        case .rate, .rolling, .request, .lifetime: 0
        }
    }

    private static func kind(of limit: Limit) -> Kind {
        switch limit.window {
        case .calendar, .every, .fromFirstUse, .request: .window
        case .rolling(let length): .slices(length: length / Window.slices)
        case .rate: .bucket
        case .lifetime: limit.unit == .concurrentRequests ? .running : .forever
        }
    }

    /// The retention of a counter that two limits share.
    func merged(with other: CounterRetention) -> CounterRetention {
        var merged = self
        if case .forever = other.kind { merged.kind = .forever }
        merged.isCarried = isCarried || other.isCarried
        merged.hold = max(hold, other.hold)
        merged.longest = max(longest, other.longest)
        merged.refill = min(refill, other.refill)
        return merged
    }
}

/// When each counter of an engine may be forgotten.
final class CounterRetentions: Sendable {
    /// By number; counters of plans that were compiled later are kept.
    private let byNumber: [CounterRetention]
    /// Every tenant has a tier's plan, so that these hold for groups.
    let holdForGroups: Bool

    /// - Parameter watched: names of limits that alerts look at.
    init(
        _ plans: [CompiledPlan], compounding: Set<String>, watched: Set<String>, lifetime: Int64, holdForGroups: Bool
    ) {
        var found: [Int: CounterRetention] = [:]
        for row in plans.flatMap(\.rows) {
            let limit = row.limit
            let retention = CounterRetention(
                limit, isCompounding: compounding.contains(limit.name), isWatched: watched.contains(limit.name),
                lifetime: lifetime)
            let number = Int(row.counterNumber)
            found[number] = found[number]?.merged(with: retention) ?? retention
        }
        byNumber = (0..<((found.keys.max() ?? -1) + 1)).map { found[$0] ?? .forever }
        self.holdForGroups = holdForGroups
    }

    subscript(number: Int32) -> CounterRetention {
        byNumber.indices.contains(Int(number)) ? byNumber[Int(number)] : .forever
    }
}

extension CounterBook {
    /// Looks at a few counters, each time at the next ones, and forgets those that are as good as new; called whenever a
    /// counter was made, so that there are never many more than are in use.
    ///
    /// - Parameters:
    ///   - time: of the request. What it reaches was looked up at that time, and is kept.
    ///   - isShared: of a group, whose tenants settle at their own times.
    ///   - isInUse: whether a counter may be reached without being looked up.
    mutating func forgetSome(
        at time: Int64, _ retentions: CounterRetentions, isShared: Bool, isInUse: (Int) -> Bool
    ) {
        // One time far ahead, which may be an error, forgets nothing.
        let now = min(time, lastMade)
        lastMade = time
        for _ in 0..<Self.lookedAt {
            hand = hand + 1 < ages.count ? hand + 1 : 0
            guard ages[hand].touched > .min, ages[hand].touched < now, ages[hand].open == 0, !isInUse(hand) else {
                continue
            }
            let retention = retentions[names[hand].key]
            guard isSpent(hand, retention, at: now, isShared: isShared) else { continue }
            forget(hand, isCarried: retention.isCarried)
        }
    }

    private func isSpent(_ index: Int, _ retention: CounterRetention, at now: Int64, isShared: Bool) -> Bool {
        guard isQuiet(index, retention.hold, at: now) else { return false }
        switch retention.kind {
        case .forever: return false
        case .window:
            let (start, end) = (counters[index].start, counters[index].end)
            // An event that was given in a window in which nothing was counted yet.
            if let extra = extra(index), !extra.fired.isEmpty, extra.firedWindow > start {
                if extra.firedWindow.addingSaturated(retention.longest) > now { return false }
            }
            if end == .min { return true }
            // The window that takes over from it has ended too.
            let slack = retention.isCarried ? end.subtractingReportingOverflow(start).partialValue : 0
            return slack >= 0 && end.addingSaturated(slack).addingSaturated(slack) <= now
        case .slices(let length):
            guard length > 0, let extra = extra(index), extra.newestSlice != .min else { return true }
            return extra.newestSlice.addingSaturated(Window.countedSlices) <= floorDiv(now, length)
        case .bucket:
            if counters[index].refilled == .min { return true }
            // Attempts may take it below empty.
            let debt = max(0, -counters[index].level).dividedRoundingUp(by: Int128(retention.refill))
            let wait = retention.hold.addingSaturated(Int64(clamping: debt))
            return !isShared && counters[index].refilled.addingSaturated(wait) <= now
        case .running: return running(index, at: now) == 0 && (extra(index)?.fired.isEmpty ?? true)
        }
    }

    /// No throttle is below its rate, and no event was given lately.
    private func isQuiet(_ index: Int, _ hold: Int64, at now: Int64) -> Bool {
        guard let extra = extra(index) else { return true }
        return extra.throttles.values.allSatisfy { $0.level >= 0 && $0.refilled.addingSaturated(hold) <= now }
            && extra.eventTimes.values.allSatisfy { $0.addingSaturated(hold) <= now }
    }
}
