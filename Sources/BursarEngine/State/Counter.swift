import BursarPolicy
import BursarStorage
import BursarSyntax

/// What one limit has used in one scope. What every request touches fills one line of the cache, the rest the next.
struct Counter: Sendable {
    /// What a bucket holds, in units of 1/window microseconds; at least `leastLevel`.
    var level: Int128 = 0
    /// When a bucket was last refilled; `Int64.min`: it is full.
    var refilled = Int64.min
    /// The current window; empty before the first request.
    var start = Int64.min
    var end = Int64.min
    /// Settled and reserved in the current window, in the limit's unit. Of a bucket: unused.
    var used: Int64 = 0
    /// The amount in force at the last request that was counted in the current window.
    var amount: Int64 = -1
    /// The scope that it is counted for, for the first window in which that was seen.
    var scope: Int32 = 0
    /// Index of rarer state, or -1.
    var extra: Int32 = -1

    /// When anything was first counted: nothing is carried over into the window of that time.
    var first = Int64.max
    /// The window before the current one in which anything was counted.
    var earlier = EarlierWindow()
    /// What was carried into the current window, as computed for the amount and the rollover beside it; -1: not yet.
    var carry: Int64 = 0
    var carryAmount: Int64 = -1
    var carryRollover = Rollover(cap: Percentage(scaled: 0), isCompounding: false)
    /// The plan of whose thresholds those that only notify have all given their event in the current window; 0: none.
    var quietPlan: UInt32 = 0

    /// What was carried into the current window is known for an amount and a rollover.
    @inline(__always)
    func knowsCarry(of amount: Int64, _ rollover: Rollover) -> Bool {
        carryAmount == amount && carryRollover == rollover
    }

    /// Far below what any one request takes (2^117), and so small that no sum with it passes 128 bits.
    static let leastLevel = -(Int128(1) << 120)

    /// Takes an amount from a bucket, or gives it back where it is negative; a bucket never holds more than `full`.
    mutating func take(_ amount: Int64, length: Int64, full: Int128) {
        let taken = Int128(amount).multipliedSaturated(by: Int128(length))
        level = min(full, max(Self.leastLevel, level.subtractingSaturated(taken)))
    }

    struct EarlierWindow: Sendable {
        var start = Int64.min
        var end = Int64.min
        var used: Int64 = 0
        var amount: Int64 = -1
    }
}

/// State that only some kinds of limits have.
struct CounterExtra: Sendable {
    /// Of a rolling window: what each slice used, by its number modulo those that count.
    var slices: [Int64] = []
    var newestSlice = Int64.min
    /// Runs that were counted, and when (the start of the window, slice, or request).
    var runs: [UInt32: Int64] = [:]
    /// Of a bucket, which has no window that ends: how many runs there may be before those that no longer count are removed.
    var runsBeforeSweep = 64
    /// Of a prepaid balance: what each grant has lost to spend, and spend beyond all grants.
    var burned: [Int64] = []
    var overdraft: Int64 = 0
    /// Earlier windows, for compounding rollover.
    var history: [Counter.EarlierWindow] = []
    /// Buckets of `throttle`, by threshold and action.
    var throttles: [Int32: Throttle] = [:]
    /// Thresholds whose event was given in `firedWindow`: by level, because the plans that share a counter may have them at
    /// other places.
    var fired: Set<Threshold.Level> = []
    /// The start of the window; the largest number: the window from first use that opens next.
    var firedWindow = Int64.min
    /// Of concurrent requests: when those that are not settled yet were made, in the order of time.
    var holders: [Int64] = []
    /// When an event was last given, by threshold, for windows without bounds.
    var eventTimes: [Threshold.Level: Int64] = [:]

    struct Throttle: Sendable {
        var level: Int128
        var refilled: Int64

        /// What it holds at a time.
        func level(at time: Int64, requests: Int64, full: Int128) -> Int128 {
            let elapsed = max(0, time.subtractingSaturated(refilled))
            return min(full, level.addingSaturated(Int128(requests).multipliedSaturated(by: Int128(elapsed))))
        }
    }
}

/// A counter of a tenant, or of its group.
struct CounterRef: Sendable, Hashable {
    var index: Int32
    var isShared: Bool
}

/// What tells the counters of a tenant or group apart.
struct CounterName: Hashable {
    /// Of `CounterNumbers`.
    var key: Int32
    var scope: Int32
}

/// What is known of a counter that depends on the request, and so may be forgotten.
struct CounterAge: Sendable {
    /// The time of the latest request for which it was looked up; the least time of a counter that is never forgotten.
    var touched = Int64.min
    /// Another one each time that the place is used again: what was reserved in the counter before does not count here.
    var generation: UInt32 = 0
    /// Reservations that may still change it.
    var open: Int32 = 0
}

/// What tells a scope apart from the others one step inside the same scope.
struct ScopeStep: Hashable {
    var parent: Int32
    var slot: UInt8
    var value: UInt32
}

/// A scope below a tenant or group.
struct CounterScope: Sendable {
    var step: ScopeStep
    /// Counters of it, and scopes one step inside it.
    var users: Int32 = 0
}

/// The counters of one tenant or group, with the scopes that they are counted for.
struct CounterBook: ~Copyable {
    var counters = RawArray<Counter>()
    /// Of each counter. Of one that was forgotten the key is -1, and the scope the next place that was.
    private(set) var names = RawArray<CounterName>()
    /// Of the counters up to the last that may be forgotten.
    private(set) var ages = RawArray<CounterAge>()
    /// When each counter that was forgotten, and carries something over, first counted.
    private var began: [CounterName: Int64] = [:]
    var extras = RawArray<CounterExtra>()
    private var freeExtras: [Int32] = []
    /// The scopes below, from 1; the tenant or group itself is 0.
    private var scopes = RawArray<CounterScope>()
    private var freeScopes: [Int32] = []
    private var scopesByStep: [ScopeStep: Int32] = [:]
    /// The first counters are looked through; these are the others.
    private var byName: [CounterName: Int32] = [:]
    private static let few = 16
    /// The latest of the counters that were forgotten; -1: none.
    private var firstFree = Int32(-1)
    /// How many counters are looked at for each one that is made: more than one, so that few are kept in vain.
    static let lookedAt = 4
    /// The counter that was looked at last.
    var hand = -1
    /// The time of the request for which a counter was made last.
    var lastMade = Int64.min

    /// The time of the latest request that was decided; the largest before the first.
    private var previous = Int64.max
    /// Microseconds for which a request that is not settled takes up one of the concurrent requests.
    let lifetime: Int64
    /// Counters that were brought to the time of the request that is being decided, as they were before.
    private var readings: [Reading] = []

    /// A counter as it was before it was read.
    private struct Reading {
        var index: Int
        var counter: Counter
        var extra: CounterExtra?
    }

    init(lifetime: Int64) { self.lifetime = lifetime }

    init(counters: consuming RawArray<Counter>, lifetime: Int64) {
        self.counters = counters
        self.lifetime = lifetime
    }

    // MARK: - Reading

    /// A counter is about to be brought to the time of the request that is being decided. Unless the request is counted in
    /// it, `endReading` puts it back: what counts nothing changes nothing.
    mutating func beginReading(_ index: Int) {
        if readings.contains(where: { $0.index == index }) { return }
        readings.append(Reading(index: index, counter: counters[index], extra: extra(index)))
    }

    /// Something is counted in a counter: it stays as it is now.
    mutating func keepReading(_ index: Int) {
        if let position = readings.firstIndex(where: { $0.index == index }) { readings.remove(at: position) }
    }

    /// The request is decided.
    mutating func endReading() {
        while let reading = readings.popLast() {
            let place = counters[reading.index].extra
            counters[reading.index] = reading.counter
            guard place >= 0 else { continue }
            counters[reading.index].extra = place
            // Events that were given, and throttles that were passed, stay.
            var extra = reading.extra ?? CounterExtra()
            extra.fired = extras[Int(place)].fired
            extra.firedWindow = extras[Int(place)].firedWindow
            extra.eventTimes = extras[Int(place)].eventTimes
            extra.throttles = extras[Int(place)].throttles
            extras[Int(place)] = extra
        }
    }

    // MARK: - Wrong times

    /// A time that is kept from an earlier request was wrong if two requests in a row lie further before it.
    static let mostLate = Micros.day

    /// The later one of the times of a request and of the one before it.
    @inline(__always)
    func latest(at time: Int64) -> Int64 { max(previous, time) }

    /// The earlier one of them: one time far ahead, which may be wrong, gives nothing up.
    @inline(__always)
    func earliest(at time: Int64) -> Int64 { min(previous, time) }

    @inline(__always)
    static func isWrong(_ kept: Int64, latest: Int64) -> Bool { kept.subtractingSaturated(mostLate) > latest }

    /// Whether a time that is kept here was wrong, by a request at a time and the one before it.
    @inline(__always)
    func isWrong(_ kept: Int64, at time: Int64) -> Bool { Self.isWrong(kept, latest: latest(at: time)) }

    /// A request was decided.
    @inline(__always)
    mutating func pass(_ time: Int64) { previous = time }

    // MARK: - Scopes

    /// The scope one step inside another.
    mutating func scope(_ parent: Int32, _ slot: AttributeSlot, _ value: Symbol) -> Int32 {
        let step = ScopeStep(parent: parent, slot: UInt8(slot.rawValue), value: value.rawValue)
        if let found = scopesByStep[step] { return found }
        if parent > 0 { scopes[Int(parent) - 1].users += 1 }
        let made: Int32
        if let free = freeScopes.popLast() {
            made = free
            scopes[Int(free) - 1] = CounterScope(step: step)
        } else {
            scopes.append(CounterScope(step: step))
            made = Int32(scopes.count)
        }
        scopesByStep[step] = made
        return made
    }

    /// One counter of a scope, or one scope inside it, is gone; with the last of them it goes too.
    private mutating func leave(_ scope: Int32) {
        var scope = scope
        while scope > 0 {
            scopes[Int(scope) - 1].users -= 1
            guard scopes[Int(scope) - 1].users == 0 else { return }
            let step = scopes[Int(scope) - 1].step
            scopesByStep[step] = nil
            freeScopes.append(scope)
            scope = step.parent
        }
    }

    // MARK: - Counters

    /// The counter of a name in a scope; nil where there is none.
    private func find(_ name: CounterName) -> Int32? {
        for index in 0..<min(Self.few, names.count) where names[index] == name { return Int32(index) }
        return byName.isEmpty ? nil : byName[name]
    }

    /// The counter of a name in a scope, which is made where there is none.
    ///
    /// - Parameters:
    ///   - key: of `CounterNumbers`.
    ///   - time: of the request on which the counter depends; nil: it depends on none, and is kept.
    mutating func counter(_ key: Int32, scope: Int32, at time: Int64?) -> (index: Int32, isNew: Bool) {
        if let found = find(CounterName(key: key, scope: scope)) {
            if let time { touch(Int(found), at: time) }
            return (found, false)
        }
        return (make(key, scope, at: time), true)
    }

    /// A counter that depends on the request is reached by one.
    mutating func touch(_ index: Int, at time: Int64) { ages[index].touched = time }

    /// A reservation of a counter is opened.
    mutating func hold(_ reserved: ReservedAmount) { hold(reserved, by: 1) }

    /// A reservation of a counter is closed.
    mutating func letGo(_ reserved: ReservedAmount) { hold(reserved, by: -1) }

    private mutating func hold(_ reserved: ReservedAmount, by change: Int32) {
        let index = Int(reserved.counter.index)
        guard reserved.holdsCounter, index < ages.count, ages[index].generation == reserved.generation else { return }
        ages[index].open += change
    }

    func generation(_ index: Int) -> UInt32 { index < ages.count ? ages[index].generation : 0 }

    private mutating func make(_ key: Int32, _ scope: Int32, at time: Int64?) -> Int32 {
        let name = CounterName(key: key, scope: scope)
        let first = began.isEmpty ? nil : began.removeValue(forKey: name)
        // One that began before has never left its scope.
        if scope > 0, first == nil { scopes[Int(scope) - 1].users += 1 }
        let made: Int
        if firstFree >= 0 {
            made = Int(firstFree)
            firstFree = names[made].scope
            names[made] = name
        } else {
            made = counters.count
            counters.append(Counter())
            names.append(name)
        }
        counters[made].scope = scope
        if let first { counters[made].first = first }
        if made >= Self.few { byName[name] = Int32(made) }
        if let time {
            if made >= ages.count { ages.append(repeating: CounterAge(), count: made + 1 - ages.count) }
            ages[made].touched = time
        }
        return Int32(made)
    }

    /// Frees the place of a counter that changes no decision any more.
    ///
    /// - Parameter isCarried: when it first counted is kept.
    mutating func forget(_ index: Int, isCarried: Bool) {
        let name = names[index]
        let isKept = isCarried && counters[index].first < .max
        if isKept { began[name] = counters[index].first }
        if index >= Self.few { byName[name] = nil }
        if counters[index].extra >= 0 {
            extras[Int(counters[index].extra)] = CounterExtra()
            freeExtras.append(counters[index].extra)
        }
        counters[index] = Counter()
        names[index] = CounterName(key: -1, scope: firstFree)
        ages[index] = CounterAge(generation: ages[index].generation &+ 1)
        firstFree = Int32(index)
        if !isKept { leave(name.scope) }
    }

    // MARK: - Rarer state

    /// Changes the rarer state of a counter, making it where there is none.
    mutating func withExtra<Result>(_ index: Int, _ body: (inout CounterExtra) -> Result) -> Result {
        if counters[index].extra < 0 {
            if let free = freeExtras.popLast() {
                counters[index].extra = free
            } else {
                counters[index].extra = Int32(extras.count)
                extras.append(CounterExtra())
            }
        }
        return body(&extras[Int(counters[index].extra)])
    }

    func extra(_ index: Int) -> CounterExtra? {
        counters[index].extra < 0 ? nil : extras[Int(counters[index].extra)]
    }

    // MARK: - Checks

    /// How much it holds, for tests: places of counters, of their rarer state, scopes that are known, and how many counters
    /// were forgotten.
    var sizes: (counters: Int, extras: Int, scopes: Int, forgotten: Int) {
        (
            counters.count, extras.count, scopesByStep.count,
            ages.indices.reduce(0) { $0 + Int(ages[$1].generation) }
        )
    }

    /// Invariants that hold between any two decisions; tests call it.
    func checkInvariants() -> Bool {
        var free = 0
        var next = firstFree
        while next >= 0, free <= counters.count {
            guard names[Int(next)].key == -1 else { return false }
            free += 1
            next = names[Int(next)].scope
        }
        guard names.count == counters.count, free == names.indices.count(where: { names[$0].key == -1 }),
            scopes.count == scopesByStep.count + freeScopes.count
        else { return false }
        return counters.indices.allSatisfy { index in
            let (counter, name) = (counters[index], names[index])
            let isFound = name.key == -1 || find(name) == Int32(index)
            let isPlaced = name.key == -1 || counter.scope == name.scope
            return isFound && isPlaced && counter.start <= counter.end && counter.earlier.start <= counter.earlier.end
                && counter.earlier.end <= max(counter.start, counter.earlier.end)
                && (0...scopes.count).contains(Int(counter.scope))
                && (counter.extra < 0 || extras.indices.contains(Int(counter.extra)))
        }
    }
}
