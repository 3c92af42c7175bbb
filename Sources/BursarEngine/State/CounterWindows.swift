import BursarPolicy
import BursarSyntax

/// How counters follow the time: windows, slices, buckets, what is carried over.
extension CounterBook {
    /// Brings a counter to an instant. What comes late counts in the current window, unless that window's time was wrong.
    mutating func advance(_ index: Int, _ limit: Limit, keepsHistory: Bool, to time: Int64) {
        switch limit.window {
        case .calendar, .every:
            if time < counters[index].end, counters[index].end != .min {
                if isWrong(counters[index].start, at: time) { goBack(index, to: limit.window.interval(at: time), time) }
                return
            }
            open(index, limit.window.interval(at: time), keepsHistory: keepsHistory)
        case .fromFirstUse(let length):
            guard counters[index].end != .min else { return }
            if isWrong(counters[index].start, at: time) {
                goBack(index, to: Interval(start: time, end: time.addingSaturated(length)), time)
            }
            guard time >= counters[index].end else { return }
            // Closed; it opens anew with the next request that it counts.
            counters[index].start = .min
            counters[index].end = .min
            counters[index].used = 0
            closeExtra(index)
        case .rolling: advanceSlices(index, limit, to: time)
        case .rate(let length): refill(index, amount: limit.amount, capacity: limit.capacity, length, to: time)
        case .request, .lifetime: break
        }
    }

    private mutating func open(_ index: Int, _ interval: Interval, keepsHistory: Bool) {
        if counters[index].end != .min {
            let closed = Counter.EarlierWindow(
                start: counters[index].start, end: counters[index].end, used: counters[index].used,
                amount: counters[index].amount)
            counters[index].earlier = closed
            if keepsHistory { withExtra(index) { $0.history.append(closed) } }
            closeExtra(index)
        }
        counters[index].start = interval.start
        counters[index].end = interval.end
        counters[index].used = 0
        counters[index].amount = -1
        counters[index].carryAmount = -1
        counters[index].quietPlan = 0
    }

    /// The current window was opened by a wrong time: the one that holds the request takes its place. Nothing that was used
    /// is lost, neither there nor in the window before.
    private mutating func goBack(_ index: Int, to interval: Interval, _ time: Int64) {
        let earlier = counters[index].earlier
        if earlier.start == interval.start, earlier.end == interval.end {
            counters[index].used.addSaturated(earlier.used)
        }
        counters[index].earlier = Counter.EarlierWindow()
        counters[index].start = interval.start
        counters[index].end = interval.end
        counters[index].carryAmount = -1
        seeAnew(counters[index].scope, at: time)
        guard counters[index].extra >= 0 else { return }
        let extra = Int(counters[index].extra)
        extras[extra].history.removeAll()
        for run in extras[extra].runs.keys { extras[extra].runs[run] = interval.start }
    }

    /// Forgets what belonged to the window that closes.
    private mutating func closeExtra(_ index: Int) {
        guard counters[index].extra >= 0 else { return }
        let extra = Int(counters[index].extra)
        extras[extra].runs.removeAll()
        extras[extra].fired.removeAll()
    }

    // MARK: - Rolling windows

    private mutating func advanceSlices(_ index: Int, _ limit: Limit, to time: Int64) {
        let interval = limit.window.interval(at: time)
        let slice = floorDiv(interval.start, interval.length)
        let latest = latest(at: time)
        let used = counters[index].used
        let left = withExtra(index) { extra -> Int64? in
            if extra.slices.isEmpty {
                extra.slices = [Int64](repeating: 0, count: Int(Window.slices))
                extra.newestSlice = slice
            }
            if Self.isWrong(extra.newestSlice.multipliedSaturated(by: interval.length), latest: latest) {
                // All that was used counts as if it had been used now.
                extra.slices = [Int64](repeating: 0, count: Int(Window.slices))
                extra.slices[Int(positiveModulo(slice))] = used
                extra.newestSlice = slice
                for run in extra.runs.keys { extra.runs[run] = slice }
            }
            guard slice > extra.newestSlice else { return nil }
            for passed in 0..<min(slice.subtractingSaturated(extra.newestSlice), Window.slices) {
                let position = Int(positiveModulo(slice.subtractingSaturated(passed)))
                extra.slices[position] = 0
            }
            extra.newestSlice = slice
            if !extra.runs.isEmpty {
                extra.runs = extra.runs.filter { $0.value > slice.subtractingSaturated(Window.slices) }
            }
            // Added up anew rather than subtracted: a slice may stand at the largest number.
            return extra.slices.sumSaturated()
        }
        if let left { counters[index].used = left }
    }

    /// Adds to the slice of a number, if it still counts.
    mutating func add(_ amount: Int64, slice: Int64, to index: Int) -> Bool {
        let counted = withExtra(index) { extra -> Bool in
            guard !extra.slices.isEmpty, slice > extra.newestSlice.subtractingSaturated(Window.slices),
                slice <= extra.newestSlice
            else {
                return false
            }
            let position = Int(positiveModulo(slice))
            extra.slices[position] = extra.slices[position].addingSaturated(amount)
            return true
        }
        if counted { counters[index].used = counters[index].used.addingSaturated(amount) }
        return counted
    }

    /// When the oldest slice that holds anything leaves the window.
    func rollingReset(_ index: Int, sliceLength: Int64) -> Int64? {
        guard let extra = extra(index), !extra.slices.isEmpty else { return nil }
        for age in (0..<Window.slices).reversed() {
            let slice = extra.newestSlice.subtractingSaturated(age)
            if extra.slices[Int(positiveModulo(slice))] != 0 {
                return slice.addingSaturated(Window.slices).multipliedSaturated(by: sliceLength)
            }
        }
        return nil
    }

    // MARK: - Buckets

    /// Refills a bucket for the time that has passed.
    mutating func refill(_ index: Int, amount: Int64, capacity: Int64, _ length: Int64, to time: Int64) {
        let full = Self.full(capacity, length)
        guard counters[index].refilled != .min else {
            counters[index].level = full
            counters[index].refilled = time
            return
        }
        if isWrong(counters[index].refilled, at: time) { counters[index].refilled = time }
        let elapsed = max(0, time.subtractingSaturated(counters[index].refilled))
        let gained = Int128(amount).multipliedSaturated(by: Int128(elapsed))
        counters[index].level = min(full, counters[index].level.addingSaturated(gained))
        counters[index].refilled = max(counters[index].refilled, time)
    }

    // MARK: - Rollover

    /// What the current window took over from the one before.
    mutating func carried(_ index: Int, _ limit: Limit, since: Int64?) -> Int64 {
        guard let rollover = limit.rollover else { return 0 }
        if counters[index].knowsCarry(of: limit.amount, rollover) { return counters[index].carry }
        let carry = computeCarried(index, limit, rollover, since: since)
        counters[index].carryAmount = limit.amount
        counters[index].carryRollover = rollover
        counters[index].carry = carry
        return carry
    }

    private func computeCarried(_ index: Int, _ limit: Limit, _ rollover: Rollover, since: Int64?) -> Int64 {
        let counter = counters[index]
        let interval = Interval(start: counter.start, end: counter.end)
        guard isCarrying(interval, counter, since) else { return 0 }
        let cap = rollover.cap.floor(of: limit.amount)
        if !rollover.isCompounding {
            let previous = counter.earlier.end == counter.start ? counter.earlier : nil
            let amount = previous.map { $0.amount < 0 ? limit.amount : $0.amount } ?? limit.amount
            return min(cap, max(0, amount.subtractingSaturated(previous?.used ?? 0)))
        }
        return compounded(index, limit, rollover, since: since)
    }

    /// Nothing is carried into the first window in which the scope was seen, nor into one that `since` is in or after.
    private func isCarrying(_ window: Interval, _ counter: Counter, _ since: Int64?) -> Bool {
        if let since, since >= window.start { return false }
        return firstSeen(counter.scope) < window.start
    }

    /// carried(k) = min(cap × amount(k), max(0, amount(k−1) + carried(k−1) − used(k−1))), from the first window on.
    private func compounded(_ index: Int, _ limit: Limit, _ rollover: Rollover, since: Int64?) -> Int64 {
        let counter = counters[index]
        let first = firstSeen(counter.scope)
        guard first != .max else { return 0 }
        let today = limit.amount
        let windows = (extra(index)?.history ?? []).filter { $0.end > first }
        var position = limit.window.interval(at: first)
        var carry: Int64 = 0
        var next = 0
        while position.end <= counter.start {
            let touched: Counter.EarlierWindow?
            if next < windows.count, windows[next].start == position.start {
                touched = windows[next]
                next += 1
            } else {
                touched = nil
            }
            let amount = touched.map { $0.amount < 0 ? today : $0.amount } ?? today
            let left = max(0, amount.addingSaturated(carry).subtractingSaturated(touched?.used ?? 0))
            let following = limit.window.interval(at: position.end)
            let followingAmount =
                following.start == counter.start
                ? today
                : next < windows.count && windows[next].start == following.start && windows[next].amount >= 0
                    ? windows[next].amount : today
            carry = isCarrying(following, counter, since) ? min(rollover.cap.floor(of: followingAmount), left) : 0
            position = following
            // A long gap changes nothing once the cap is reached.
            if touched == nil, carry == rollover.cap.floor(of: today), since.map({ $0 < following.start }) ?? true {
                if next >= windows.count { return carry }
                let last = limit.window.interval(at: windows[next].start.subtractingSaturated(1))
                if last.start > position.start, last.end == windows[next].start { position = last }
            }
        }
        return carry
    }
}

/// The place of a slice among the sixty that are kept.
private func positiveModulo(_ slice: Int64) -> Int64 {
    let rest = slice % Window.slices
    return rest < 0 ? rest &+ Window.slices : rest
}
