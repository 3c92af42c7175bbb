import BursarPolicy
import BursarSyntax

/// How amounts get into counters and out of them again.
extension CounterBook {
    /// Adds an amount to a counter that was brought to `time` before, and says what settling must know. An amount of nothing
    /// leaves the counter as it was.
    mutating func reserve(
        _ amount: Int64, in reference: CounterRef, _ limit: Limit, keepsHistory: Bool, grants: [Grant], run: Symbol,
        at time: Int64
    ) -> ReservedAmount {
        let index = Int(reference.index)
        var reserved = ReservedAmount(
            counter: reference, unit: limit.unit, kind: .window, window: counters[index].start, amount: amount,
            generation: generation(index))
        if amount != 0 {
            keepReading(index)
            if counters[index].first == .max { counters[index].first = time }
        }
        switch limit.window {
        case .rate(let length):
            counters[index].take(amount, length: length, full: Self.full(limit.capacity, length))
            reserved.kind = .bucket
            reserved.length = length
            reserved.capacity = limit.capacity
            reserved.rate = limit.amount
        case .rolling(let length):
            let interval = limit.window.interval(at: time)
            let slice = floorDiv(interval.start, interval.length)
            // What comes late counts in the newest slice: a clock that goes back opens nothing again.
            let newest = extra(index)?.newestSlice ?? slice
            reserved.kind = .rolling
            reserved.window = max(slice, newest)
            reserved.length = length
            if amount != 0 { _ = add(amount, slice: reserved.window, to: index) }
        case .fromFirstUse(let length):
            reserved.kind = .firstUse
            reserved.length = length
            if amount != 0 {
                if counters[index].end == .min { openFirstUse(index, length, at: time) }
                counters[index].used = counters[index].used.addingSaturated(amount)
            }
            reserved.window = counters[index].start
        default:
            if limit.isPrepaid {
                reserved.kind = .prepaid
                burn(amount, index, grants, at: time)
            } else if limit.unit == .concurrentRequests {
                reserved.kind = .running
                if amount != 0 { enter(index, at: time) }
            } else {
                counters[index].used = counters[index].used.addingSaturated(amount)
                reserved.length = counters[index].end
                reserved.capacity = limit.amount
                reserved.keepsHistory = keepsHistory
                if amount != 0 { counters[index].amount = limit.amount }
            }
        }
        if limit.unit == .runs, amount > 0 {
            reserved.run = run.rawValue
            let stamp: Int64
            switch limit.window {
            case .rate: stamp = time
            case .rolling: stamp = reserved.window
            default: stamp = counters[index].start
            }
            withExtra(index) { extra in
                extra.runs[run.rawValue] = stamp
                if case .rate(let length) = limit.window { extra.sweepRuns(olderThan: length, at: time) }
            }
        }
        return reserved
    }

    /// Opens a window from first use; an event that was given before belongs to it.
    private mutating func openFirstUse(_ index: Int, _ length: Int64, at time: Int64) {
        counters[index].start = time
        counters[index].end = time.addingSaturated(length)
        counters[index].used = 0
        guard counters[index].extra >= 0 else { return }
        let extra = Int(counters[index].extra)
        if !extras[extra].runs.isEmpty { extras[extra].runs.removeAll() }
        if extras[extra].firedWindow == .max { extras[extra].firedWindow = time }
    }

    /// Puts another amount in place of a reserved one, in the window in which it was reserved.
    ///
    /// - Parameters:
    ///   - reservedAt: when the request was made.
    ///   - time: of the settlement.
    mutating func adjust(
        _ reserved: ReservedAmount, to actual: Int64, grants: [Grant], reservedAt made: Int64, at time: Int64
    ) {
        let index = Int(reserved.counter.index)
        let delta = actual.subtractingSaturated(reserved.amount)
        // Where the counter was forgotten, nothing depends on what it counted then.
        if delta == 0 || generation(index) != reserved.generation { return }
        if reserved.amount == 0, made < counters[index].first { counters[index].first = made }
        switch reserved.kind {
        case .bucket:
            let (rate, capacity, length) = (reserved.rate, reserved.capacity, reserved.length)
            counters[index].level = level(index, amount: rate, capacity: capacity, length, at: time)
            counters[index].refilled = max(counters[index].refilled, time)
            counters[index].take(delta, length: length, full: Self.full(capacity, length))
        case .rolling: adjustSlice(reserved, delta)
        case .firstUse: adjustFirstUse(reserved, delta, at: time)
        case .prepaid:
            if delta > 0 {
                burn(delta, index, grants, at: made)
            } else {
                unburn(delta.negatedSaturated, index, grants, at: made)
            }
        case .running: leave(index, since: made)
        case .window: adjustWindow(reserved, delta, at: time)
        }
        guard reserved.run != 0, actual == 0 else { return }
        // It may have been counted again since, in a window of its own.
        let stamp = reserved.kind == .bucket ? made : reserved.window
        withExtra(index) { extra in
            if extra.runs[reserved.run] == stamp { extra.runs[reserved.run] = nil }
        }
    }

    private mutating func adjustSlice(_ reserved: ReservedAmount, _ delta: Int64) {
        let index = Int(reserved.counter.index)
        // Nothing was reserved, so that the slice may not have come yet.
        if reserved.amount == 0 { passSlices(index, to: reserved.window) }
        _ = add(delta, slice: reserved.window, to: index)
    }

    private mutating func adjustFirstUse(_ reserved: ReservedAmount, _ delta: Int64, at time: Int64) {
        let index = Int(reserved.counter.index)
        if reserved.amount != 0 {
            if counters[index].start == reserved.window { counters[index].used.addSaturated(delta) }
        } else {
            // What was counted first is the settlement.
            if time >= counters[index].end { openFirstUse(index, reserved.length, at: time) }
            counters[index].used.addSaturated(delta)
        }
    }

    private mutating func adjustWindow(_ reserved: ReservedAmount, _ delta: Int64, at time: Int64) {
        let index = Int(reserved.counter.index)
        let window = reserved.window
        if counters[index].start == window {
            counters[index].used.addSaturated(delta)
            return
        }
        if counters[index].start < window {
            if reserved.amount == 0, window <= time {
                // Nothing was counted since the window began.
                open(index, Interval(start: window, end: reserved.length), keepsHistory: reserved.keepsHistory)
                counters[index].amount = reserved.capacity
            }
            // Otherwise the window was opened by a wrong time; its use counts in the current one since time went back.
            counters[index].used = max(0, counters[index].used.addingSaturated(delta))
            return
        }
        let isNew = reserved.amount == 0
        let added = Counter.EarlierWindow(start: window, end: reserved.length, used: delta, amount: reserved.capacity)
        if counters[index].earlier.start == window {
            counters[index].earlier.used = counters[index].earlier.used.addingSaturated(delta)
        } else if isNew, counters[index].earlier.start < window {
            counters[index].earlier = added
        }
        // What an earlier window used changes what was carried out of it.
        counters[index].carryAmount = -1
        guard reserved.keepsHistory else { return }
        withExtra(index) { extra in
            if let found = extra.history.lastIndex(where: { $0.start <= window }), extra.history[found].start == window
            {
                extra.history[found].used = extra.history[found].used.addingSaturated(delta)
            } else if isNew {
                let place = extra.history.lastIndex { $0.start < window }.map { $0 + 1 } ?? 0
                extra.history.insert(added, at: place)
            }
        }
    }

    /// What a full bucket holds, in units of 1/length.
    static func full(_ capacity: Int64, _ length: Int64) -> Int128 {
        Int128(capacity).multipliedSaturated(by: Int128(length))
    }

    // MARK: - Prepaid

    /// Takes spend from the grants that hold, in their order; what they do not cover is overdrawn.
    private mutating func burn(_ amount: Int64, _ index: Int, _ grants: [Grant], at time: Int64) {
        withExtra(index) { extra in
            var left = amount
            while extra.burned.count < grants.count { extra.burned.append(0) }
            for (position, grant) in grants.enumerated() where grant.holds(at: time) {
                let taken = min(left, max(0, grant.amount.subtractingSaturated(extra.burned[position])))
                extra.burned[position].addSaturated(taken)
                left.subtractSaturated(taken)
            }
            extra.overdraft = extra.overdraft.addingSaturated(left)
        }
    }

    /// Gives back what was reserved too much, in the reverse of the order in which it was taken.
    private mutating func unburn(_ amount: Int64, _ index: Int, _ grants: [Grant], at time: Int64) {
        withExtra(index) { extra in
            var left = amount
            let overdrawn = min(left, extra.overdraft)
            extra.overdraft.subtractSaturated(overdrawn)
            left.subtractSaturated(overdrawn)
            // Another plan may have fewer grants.
            let known = min(extra.burned.count, grants.count)
            for position in (0..<known).reversed() where left > 0 && grants[position].holds(at: time) {
                let back = min(left, extra.burned[position])
                extra.burned[position].subtractSaturated(back)
                left.subtractSaturated(back)
            }
        }
    }

    // MARK: - Throttles and events

    /// Takes one request from a throttle's own bucket.
    mutating func passThrottle(_ index: Int, _ key: Int32, requests: Int64, window: Int64, at time: Int64) {
        let latest = latest(at: time)
        withExtra(index) { extra in
            let full = Self.full(requests, window)
            let bucket = extra.throttles[key] ?? CounterExtra.Throttle(level: full, refilled: time)
            let level = bucket.level(at: time, requests: requests, full: full)
            extra.throttles[key] = CounterExtra.Throttle(
                level: max(Counter.leastLevel, level.subtractingSaturated(Int128(window))),
                refilled: Self.isWrong(bucket.refilled, latest: latest) ? time : max(time, bucket.refilled))
        }
    }

    /// Whether a threshold's event is due now; it is taken as given then.
    mutating func takeEvent(
        _ index: Int, _ level: Threshold.Level, _ window: Window, at time: Int64
    ) -> Bool {
        switch window {
        case .request: return true
        case .rate(let length), .rolling(let length):
            // No window has an end here: at most one event in the length of the window.
            let latest = latest(at: time)
            return withExtra(index) { extra in
                if let last = extra.eventTimes[level], time < last.addingSaturated(length),
                    !Self.isWrong(last, latest: latest)
                {
                    return false
                }
                extra.eventTimes[level] = time
                return true
            }
        default:
            let window = counters[index].end == .min && isFromFirstUse(window) ? .max : counters[index].start
            return withExtra(index) { extra in
                if window > extra.firedWindow {
                    extra.fired.removeAll()
                    extra.firedWindow = window
                }
                return extra.fired.insert(level).inserted
            }
        }
    }

    private func isFromFirstUse(_ window: Window) -> Bool { if case .fromFirstUse = window { true } else { false } }
}

extension CounterExtra {
    /// Removes runs that were counted so long ago that they count anew; each time that their number has doubled.
    fileprivate mutating func sweepRuns(olderThan length: Int64, at time: Int64) {
        guard runs.count > runsBeforeSweep else { return }
        runs = runs.filter { time.subtractingSaturated($0.value) < length }
        runsBeforeSweep = max(64, runs.count * 2)
    }
}
