import BursarPolicy
import BursarStorage
import BursarSyntax

/// What one limit has used in one scope. What every request touches fills one line of the cache, the rest the next.
struct Counter: Sendable {
    /// What a bucket holds, in units of 1/window microseconds.
    var level: Int128 = 0
    /// When a bucket was last refilled; `Int64.min`: it is full.
    var refilled = Int64.min
    /// The current window; empty before the first request.
    var start = Int64.min
    var end = Int64.min
    /// Settled and reserved in the current window, in the limit's unit. Of a bucket: unused.
    var used: Int64 = 0
    /// The amount in force at the last request that reached the limit in the current window.
    var amount: Int64 = -1
    /// The scope that it is counted for, for the first window in which that was seen.
    var scope: Int32 = 0
    /// Index of rarer state, or -1.
    var extra: Int32 = -1

    /// The window before the current one in which anything reached the limit.
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

    struct EarlierWindow: Sendable {
        var start = Int64.min
        var end = Int64.min
        var used: Int64 = 0
        var amount: Int64 = -1
    }
}

/// State that only some kinds of limits have.
struct CounterExtra: Sendable {
    /// Of a rolling window: what each slice used, by slice number modulo 60.
    var slices: [Int64] = []
    var newestSlice = Int64.min
    /// Runs that were counted, and when (the start of the window, slice, or request).
    var runs: [UInt32: Int64] = [:]
    /// Of a prepaid balance: what each grant has lost to spend, and spend beyond all grants.
    var burned: [Int64] = []
    var overdraft: Int64 = 0
    /// Earlier windows, for compounding rollover.
    var history: [Counter.EarlierWindow] = []
    /// Buckets of `throttle`, by threshold and action.
    var throttles: [Int32: Throttle] = [:]
    /// Thresholds whose event was given in the current window: by level, because the plans that share a counter may have
    /// them at other places.
    var fired: Set<Threshold.Level> = []
    /// When an event was last given, by threshold, for windows without bounds.
    var eventTimes: [Threshold.Level: Int64] = [:]

    struct Throttle: Sendable {
        var level: Int128
        var refilled: Int64
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

/// The counters of one tenant or group, with the scopes that they are counted for.
struct CounterBook: ~Copyable {
    var counters = RawArray<Counter>()
    /// First instant at which a request of the tenant or group reached its limits.
    private var rootSeen = Int64.max
    var extras = RawArray<CounterExtra>()
    /// The same by scope below, from 1; the tenant or group itself is 0.
    private var scopesSeen: ContiguousArray<Int64> = []
    private var scopes: [ScopeStep: Int32] = [:]
    /// Of the first counters, which are looked through.
    private var names = RawArray<CounterName>()
    private static let few = 16
    /// The others.
    private var byName: [CounterName: Int32] = [:]

    private struct ScopeStep: Hashable {
        var parent: Int32
        var slot: UInt8
        var value: UInt32
    }

    init() {}

    init(counters: consuming RawArray<Counter>) { self.counters = counters }

    /// First instant at which a request of a scope reached its limits.
    func firstSeen(_ scope: Int32) -> Int64 { scope == 0 ? rootSeen : scopesSeen[Int(scope) - 1] }

    /// A request of a scope reaches its limits.
    @inline(__always)
    mutating func see(_ scope: Int32, at time: Int64) {
        if scope == 0 {
            if time < rootSeen { rootSeen = time }
        } else if time < scopesSeen[Int(scope) - 1] {
            scopesSeen[Int(scope) - 1] = time
        }
    }

    /// The scope one step inside another.
    mutating func scope(_ parent: Int32, _ slot: AttributeSlot, _ value: Symbol) -> Int32 {
        let step = ScopeStep(parent: parent, slot: UInt8(slot.rawValue), value: value.rawValue)
        if let found = scopes[step] { return found }
        scopesSeen.append(.max)
        let made = Int32(scopesSeen.count)
        scopes[step] = made
        return made
    }

    /// The counter of a name in a scope.
    ///
    /// - Parameter key: of `CounterNumbers`.
    mutating func counter(_ key: Int32, scope: Int32) -> Int32 {
        let name = CounterName(key: key, scope: scope)
        for index in names.indices where names[index] == name { return Int32(index) }
        if let found = byName[name] { return found }
        let made = Int32(counters.count)
        counters.append(Counter())
        counters[Int(made)].scope = scope
        if names.count < Self.few { names.append(name) } else { byName[name] = made }
        return made
    }

    /// Changes the rarer state of a counter, making it where there is none.
    mutating func withExtra<Result>(_ index: Int, _ body: (inout CounterExtra) -> Result) -> Result {
        if counters[index].extra < 0 {
            counters[index].extra = Int32(extras.count)
            extras.append(CounterExtra())
        }
        return body(&extras[Int(counters[index].extra)])
    }

    func extra(_ index: Int) -> CounterExtra? {
        counters[index].extra < 0 ? nil : extras[Int(counters[index].extra)]
    }

    /// Invariants that hold between any two decisions; tests call it.
    func checkInvariants() -> Bool {
        counters.indices.allSatisfy { index in
            let counter = counters[index]
            return counter.start <= counter.end && counter.earlier.start <= counter.earlier.end
                && counter.earlier.end <= max(counter.start, counter.earlier.end)
                && (0...scopesSeen.count).contains(Int(counter.scope))
                && (counter.extra < 0 || extras.indices.contains(Int(counter.extra)))
        }
    }
}

extension Int64 {
    /// A sum that stays at the largest number where it would pass it, which refuses rather than wraps.
    package func addingSaturated(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other > 0 ? .max : .min) : sum
    }
}
