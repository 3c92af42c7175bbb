import BursarPolicy
import BursarSyntax

/// How counters follow the time: windows, slices, buckets, what is carried over.
///
/// A counter changes for good only where something is counted in it. Whoever only reads it puts it back with `endReading`.
extension CounterBook {
    /// Brings a counter to an instant. What comes late counts in the current window, unless that window's time was wrong.
    mutating func advance(_ index: Int, _ limit: Limit, keepsHistory: Bool, to time: Int64) {
        switch limit.window {
        case .calendar, .every:
            if time < counters[index].end, counters[index].end != .min {
                if isWrong(counters[index].start, at: time) { goBack(index, to: limit.window.interval(at: time), time) }
                return
            }
            beginReading(index)
            open(index, limit.window.interval(at: time), keepsHistory: keepsHistory)
        case .fromFirstUse(let length):
            guard counters[index].end != .min else { return }
            if isWrong(counters[index].start, at: time) {
                goBack(index, to: Interval(start: time, end: time.addingSaturated(length)), time)
            }
            guard time >= counters[index].end else { return }
            beginReading(index)
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

    mutating func open(_ index: Int, _ interval: Interval, keepsHistory: Bool) {
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
        // Nothing is carried over into the window that time went back to: what came before it was forgotten.
        counters[index].first = time
        guard counters[index].extra >= 0 else { return }
        let extra = Int(counters[index].extra)
        extras[extra].history.removeAll()
        extras[extra].firedWindow = interval.start
        for run in extras[extra].runs.keys { extras[extra].runs[run] = interval.start }
    }

    /// Forgets what belonged to the window that closes.
    private mutating func closeExtra(_ index: Int) {
        guard counters[index].extra >= 0 else { return }
        let extra = Int(counters[index].extra)
        if !extras[extra].runs.isEmpty { extras[extra].runs.removeAll() }
    }

    // MARK: - Rolling windows

    private mutating func advanceSlices(_ index: Int, _ limit: Limit, to time: Int64) {
        let interval = limit.window.interval(at: time)
        let slice = floorDiv(interval.start, interval.length)
        let latest = latest(at: time)
        if slice > extra(index)?.newestSlice ?? .min { beginReading(index) }
        let used = counters[index].used
        let left = withExtra(index) { extra -> Int64? in
            if extra.slices.isEmpty {
                extra.slices = [Int64](repeating: 0, count: Int(Window.countedSlices))
                extra.newestSlice = slice
            }
            if Self.isWrong(extra.newestSlice.multipliedSaturated(by: interval.length), latest: latest) {
                // All that was used counts as if it had been used now.
                extra.slices = [Int64](repeating: 0, count: Int(Window.countedSlices))
                extra.slices[Int(positiveModulo(slice))] = used
                extra.newestSlice = slice
                for run in extra.runs.keys { extra.runs[run] = slice }
            }
            return extra.pass(to: slice)
        }
        if let left { counters[index].used = left }
    }

    /// Lets the slices before a later one pass.
    mutating func passSlices(_ index: Int, to slice: Int64) {
        let left = withExtra(index) { extra -> Int64? in
            if extra.slices.isEmpty {
                extra.slices = [Int64](repeating: 0, count: Int(Window.countedSlices))
                extra.newestSlice = slice
            }
            return extra.pass(to: slice)
        }
        if let left { counters[index].used = left }
    }

    /// Adds to the slice of a number, if it still counts.
    mutating func add(_ amount: Int64, slice: Int64, to index: Int) -> Bool {
        let counted = withExtra(index) { extra -> Bool in
            guard !extra.slices.isEmpty, slice > extra.newestSlice.subtractingSaturated(Window.countedSlices),
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
        for age in (0..<Window.countedSlices).reversed() {
            let slice = extra.newestSlice.subtractingSaturated(age)
            if extra.slices[Int(positiveModulo(slice))] != 0 {
                return slice.addingSaturated(Window.countedSlices).multipliedSaturated(by: sliceLength)
            }
        }
        return nil
    }

    // MARK: - Buckets

    /// What a bucket holds at an instant, which is not before that of the latest change.
    func level(_ index: Int, amount: Int64, capacity: Int64, _ length: Int64, at time: Int64) -> Int128 {
        let full = Self.full(capacity, length)
        guard counters[index].refilled != .min else { return full }
        let elapsed = max(0, time.subtractingSaturated(counters[index].refilled))
        let gained = Int128(amount).multipliedSaturated(by: Int128(elapsed))
        return min(full, counters[index].level.addingSaturated(gained))
    }

    /// Refills a bucket for the time that has passed.
    mutating func refill(_ index: Int, amount: Int64, capacity: Int64, _ length: Int64, to time: Int64) {
        if isWrong(counters[index].refilled, at: time) { counters[index].refilled = time }
        beginReading(index)
        counters[index].level = level(index, amount: amount, capacity: capacity, length, at: time)
        counters[index].refilled = max(counters[index].refilled, time)
    }

    // MARK: - Concurrent requests

    /// How many requests run at an instant: those that are not settled yet and made less than a lifetime ago.
    func running(_ index: Int, at time: Int64) -> Int64 {
        guard counters[index].extra >= 0 else { return 0 }
        let holders = extras[Int(counters[index].extra)].holders
        let latest = latest(at: time)
        let ended = holders.partitioningIndex { $0.addingSaturated(lifetime) > time }
        // A time that was wrong holds nothing.
        let wrong = holders.partitioningIndex { Self.isWrong($0, latest: latest) }
        return Int64(max(0, wrong - ended))
    }

    /// A request begins to run.
    mutating func enter(_ index: Int, at time: Int64) {
        let (lifetime, now) = (lifetime, earliest(at: time))
        let count = withExtra(index) { extra -> Int in
            // The time of what has ended comes first.
            let ended = extra.holders.partitioningIndex { $0.addingSaturated(lifetime) > now }
            if ended > extra.holders.count / 2 { extra.holders.removeFirst(ended) }
            let place = extra.holders.partitioningIndex { $0 > time }
            extra.holders.insert(time, at: place)
            return extra.holders.count
        }
        counters[index].used = Int64(count)
    }

    /// A request that began to run at an instant was settled or released.
    mutating func leave(_ index: Int, since time: Int64) {
        let count = withExtra(index) { extra -> Int in
            let place = extra.holders.partitioningIndex { $0 >= time }
            if place < extra.holders.count, extra.holders[place] == time { extra.holders.remove(at: place) }
            return extra.holders.count
        }
        counters[index].used = Int64(count)
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

    /// Nothing is carried into the first window in which anything was counted, nor into one that `since` is in or after.
    private func isCarrying(_ window: Interval, _ counter: Counter, _ since: Int64?) -> Bool {
        if let since, since >= window.start { return false }
        return counter.first < window.start
    }

    /// carried(k) = min(cap × amount(k), max(0, amount(k−1) + carried(k−1) − used(k−1))), from the first window on.
    private func compounded(_ index: Int, _ limit: Limit, _ rollover: Rollover, since: Int64?) -> Int64 {
        let counter = counters[index]
        let first = counter.first
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

extension CounterExtra {
    /// Makes a slice the newest one. Returns what the slices hold that still count; nil where the slice is no newer.
    fileprivate mutating func pass(to slice: Int64) -> Int64? {
        guard slice > newestSlice else { return nil }
        for passed in 0..<min(slice.subtractingSaturated(newestSlice), Window.countedSlices) {
            slices[Int(positiveModulo(slice.subtractingSaturated(passed)))] = 0
        }
        newestSlice = slice
        if !runs.isEmpty { runs = runs.filter { $0.value > slice.subtractingSaturated(Window.countedSlices) } }
        // Added up anew rather than subtracted: a slice may stand at the largest number.
        return slices.sumSaturated()
    }
}

extension [Int64] {
    /// The first place from which on a condition holds, in an array in which it holds from some place on.
    fileprivate func partitioningIndex(_ holds: (Int64) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if holds(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

/// The place of a slice among those that count.
private func positiveModulo(_ slice: Int64) -> Int64 {
    let rest = slice % Window.countedSlices
    return rest < 0 ? rest &+ Window.countedSlices : rest
}
