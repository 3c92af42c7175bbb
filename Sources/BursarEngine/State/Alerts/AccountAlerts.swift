import BursarPolicy
import BursarSyntax

/// What an alert of one tenant tells apart: the limit's counter, or the values of its attributes.
struct AlertKey: Hashable, Sendable {
    /// By index in `Engine.alertRules`.
    var rule: Int32
    var values = SIMD4<UInt32>(repeating: 0)

    func hash(into hasher: inout Hasher) {
        hasher.combine(rule)
        hasher.combine(UInt64(values[0]) << 32 | UInt64(values[1]))
        if values[2] != 0 { hasher.combine(UInt64(values[2]) << 32 | UInt64(values[3])) }
    }
}

/// An alert rule with its names resolved.
final class CompiledAlert: Sendable {
    let index: Int
    let rule: AlertRule
    let heading: AlertHeading
    /// nil: every request.
    let when: ConditionProgram?
    let slots: [AttributeSlot]
    let isJudgedAtEnd: Bool
    let hasQuantile: Bool
    let hasBaseline: Bool
    /// Windows that are kept: those of the baseline, the current one, and one more for what comes late.
    let keptWindows: Int

    init(_ rule: AlertRule, index: Int, zone: TimeZoneRules, source: String, currency: String, symbols: SymbolTable) {
        self.index = index
        self.rule = rule
        heading = AlertHeading(rule, source: source, currency: currency)
        isJudgedAtEnd = rule.isJudgedAtEnd
        hasQuantile = rule.criteria.hasQuantile
        hasBaseline = rule.criteria.hasBaseline
        keptWindows = rule.criteria.baseline + 2
        when = rule.when.map { ConditionProgram($0, zone: zone, symbols: symbols) }
        slots = rule.per.compactMap { Attribute.named[$0.rawValue].flatMap { AttributeSlot($0) } }
    }
}

/// A request that was admitted and not yet settled, as alerts remember it.
struct WatchedRequest {
    var time: Int64
    var edition: Int32
    var model: Symbol
    var feature: Symbol
    var version: Symbol
    /// What it is expected to use; it counts so if nobody says.
    var cost: Int64
    var tokens: Int64
    /// What it counts in.
    struct Place {
        var key: AlertKey
        let series: AlertSeries<Symbol>
        /// In its window.
        var time: Int64
        /// Of a limit's alert: the counter, and the amount that the limit then had; else -1.
        var counter: Int32 = -1
        var amount: Int64 = 0
        /// The window of the time, if nothing was counted in it yet.
        var freshWindow: Interval?
    }

    var places: [Place]
    /// The same, of alerts that are judged when their window ends.
    var together: [AlertKey]
}

/// One tenant's windows, as far as alerts look at them; guarded by the account's lock.
final class AccountAlerts {
    /// Of the latest request, but for one whose time was wrong.
    private(set) var now = Int64.min
    /// The later one of the times of the latest request and the one before it.
    private var latest = Int64.max
    private var previous = Int64.max
    var series: [AlertKey: AlertSeries<Symbol>] = [:]
    /// What the counter of a limit's alert is counted for.
    private(set) var scopes: [AlertKey: [(name: String, value: Symbol)]] = [:]
    private var open: [ReservationID: WatchedRequest] = [:]
    /// What was opened, in that order, which is also the order in which it expires; some of it is settled by now.
    private var opened: [(id: ReservationID, time: Int64)] = []
    private var firstOpened = 0
    /// Where alerts are gathered: those of this tenant.
    var found: [GatheredAlert] = []
    private var nextSweep = 1_024
    /// The rows of a plan that alerts look at, by rule.
    private var watchedRows: [[Int]] = []
    private var watchedPlan: UInt32 = 0

    /// A request was admitted and waits for its settlement.
    func remember(_ watched: WatchedRequest, as id: ReservationID) {
        open[id] = watched
        if opened.count > 2 * open.count + 1_024 {
            opened = opened[firstOpened...].filter { open[$0.id] != nil }
            firstOpened = 0
        }
        opened.append((id, watched.time))
    }

    /// The request of a reservation, which is not open any more.
    func take(_ id: ReservationID) -> WatchedRequest? { open.removeValue(forKey: id) }

    /// A request was decided.
    func follow(_ time: Int64) {
        latest = max(previous, time)
        previous = time
        if time > now || CounterBook.isWrong(now, latest: latest) { now = time }
    }

    /// The next unsettled request that was made at or before a time, or at a wrong time.
    func takeExpired(at deadline: Int64) -> WatchedRequest? {
        while firstOpened < opened.count,
            opened[firstOpened].time <= deadline
                || CounterBook.isWrong(opened[firstOpened].time, latest: latest)
        {
            let id = opened[firstOpened].id
            firstOpened += 1
            if let watched = take(id) { return watched }
        }
        return nil
    }

    /// The rows of a plan's limits that a rule looks at.
    func rows(_ rule: Int, of plan: CompiledPlan, _ rules: [CompiledAlert]) -> [Int] {
        if watchedPlan != plan.serial {
            watchedPlan = plan.serial
            watchedRows = rules.map { rule in
                plan.rows.indices.filter { index in
                    let limit = plan.rows[index].limit
                    return limit.name == rule.rule.limit && limit.canBeWatched
                }
            }
        }
        return watchedRows[rule]
    }

    /// What a rule tells apart, new where it was not known.
    func series(
        _ key: AlertKey, scope: @autoclosure () -> [(name: String, value: Symbol)] = []
    ) -> AlertSeries<Symbol> {
        if let found = series[key] { return found }
        let made = AlertSeries<Symbol>()
        series[key] = made
        let scope = scope()
        if !scope.isEmpty { scopes[key] = scope }
        return made
    }

    /// Forgets what has had no requests for longer than its baseline looks back: sessions and runs end without a word.
    func sweep(_ rules: [CompiledAlert]) {
        guard series.count >= nextSweep else { return }
        series = series.filter { key, series in
            guard let last = series.windows.last, last.end != .max else { return true }
            let kept = Int64(rules[Int(key.rule)].keptWindows)
            return last.end.addingSaturated(last.interval.length.multipliedSaturated(by: kept)) > now
        }
        scopes = scopes.filter { series[$0.key] != nil }
        nextSweep = max(1_024, series.count * 2)
    }
}

/// What is added to a window.
struct AlertAddition {
    var sums: AlertSums
    var feature: Symbol
    var version: Symbol
    var driver: AlertDriver

    /// Of a request that was just decided.
    init(decided: Decision, attempt: Int64, feature: Symbol, version: Symbol) {
        sums = AlertSums()
        sums.requests = 1
        sums.refused = decided.outcome.isRefused ? 1 : 0
        sums.retries = attempt > 1 ? 1 : 0
        self.feature = feature
        self.version = version
        driver = AlertDriver(requests: 1, cost: 0)
    }

    /// Of a request that is settled.
    init(settled request: WatchedRequest, cost: Int64, tokens: Int64, failed: Bool) {
        sums = AlertSums()
        sums.settled = 1
        sums.failed = failed ? 1 : 0
        sums.cost = cost
        sums.tokens = tokens
        feature = request.feature
        version = request.version
        driver = AlertDriver(requests: 0, cost: cost)
    }
}

extension AlertSeries where Name == Symbol {
    func add(_ addition: AlertAddition, at place: Int, hasQuantile: Bool, tenant: Symbol? = nil) {
        windows[place].sums.add(addition.sums)
        if hasQuantile, addition.sums.settled > 0 { windows[place].sums.sizes.add(addition.sums.tokens) }
        if place < windows.count - 1 { forgetBase() }
        if addition.feature.isPresent {
            windows[place].features[addition.feature, default: AlertDriver()].add(addition.driver)
        }
        if addition.version.isPresent {
            let start = windows[place].start
            windows[place].versions[addition.version, default: AlertDriver()].add(addition.driver)
            firstSeen[addition.version] = min(firstSeen[addition.version] ?? start, start)
        }
        if let tenant { windows[place].tenants[tenant, default: AlertDriver()].add(addition.driver) }
    }
}
