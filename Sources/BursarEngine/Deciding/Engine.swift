import BursarPolicy
import BursarStorage
import BursarSyntax
import Synchronization

/// Decides requests by a policy set, and keeps the counters.
///
/// An engine is safe to use from many threads. Tenants do not wait for each other; those of one group do where a limit
/// is counted for the group. It has no clock: every request brings its time.
package final class Engine: @unchecked Sendable {
    package let policySet: PolicySet
    package let symbols: SymbolTable
    /// Microseconds after which a reservation that was neither settled nor released no longer counts as running.
    package let reservationLifetime: Int64
    /// Text attributes of which every value is told apart; of others only the names that the policy set holds.
    let exactSlots: Set<AttributeSlot>
    /// Text attributes that some condition or counter asks for; others need not be looked up.
    let usedSlots: Set<AttributeSlot>
    let editions: [CompiledEdition]
    /// The same with their times, reached without counting references.
    private let editionPlaces: FixedArray<EditionPlace>

    struct EditionPlace {
        var start: Int64
        var end: Int64
        var edition: Unmanaged<CompiledEdition>
    }

    private let filters: [ConditionProgram]
    /// Every alert rule once, and those in force by edition.
    let alertRules: [CompiledAlert]
    let editionAlerts: [[CompiledAlert]]
    let together: Mutex<TogetherAlerts>
    let onAlert: (@Sendable (Alert) -> Void)?
    /// Alerts are kept for `takeAlerts`.
    let gathersAlerts: Bool
    /// No two threads ever ask for the same tenant at once.
    private let isConfined: Bool
    /// Something looks at what is decided and settled.
    private let watches: Bool
    private let directory = Mutex(Directory())

    private struct Directory: ~Copyable {
        var memory = AccountMemory()
        /// By symbol.
        var accounts = RawArray<Account?>()
        var groups: [Symbol: GroupAccount] = [:]
    }

    /// For telling requests with one id apart.
    private let fingerprintKey = FingerprintKey(.process)
    private let layout: AccountLayout
    private let retentions: CounterRetentions
    /// There are more accounts than a core's cache holds, so that what a decision touches is asked for in advance.
    private let isSpread = Atomic(false)
    /// Half of the second level on common servers.
    private static let cachedBytes = 1 << 20

    /// Tells this engine's tenants and reservations from those of all others in the process.
    private let serial = Engine.serials.wrappingAdd(1, ordering: .relaxed).newValue
    private static let serials = Atomic(UInt32(0))

    /// An hour: longer than any answer streams.
    package static let defaultReservationLifetime = Micros.hour
    /// Microseconds after its lifetime in which a reservation can still be settled; then its estimate stands.
    package static let lateSettlement = Micros.day

    /// - Parameters:
    ///   - policySet: what is decided by.
    ///   - reservationLifetime: microseconds after which a reservation that was not settled is settled at its estimate.
    ///   - filters: conditions that will be asked besides the policy's, with `matchesFilters(_:)`.
    ///   - onAlert: takes the alerts that the policy declares, as they are raised, on the thread that decided or settled
    ///     and with no lock held; nil: nobody looks.
    package convenience init(
        _ policySet: PolicySet, reservationLifetime: Int64 = Engine.defaultReservationLifetime,
        filters: [Condition] = [], onAlert: (@Sendable (Alert) -> Void)? = nil
    ) {
        self.init(
            policySet, reservationLifetime: reservationLifetime, filters: filters, onAlert: onAlert,
            gathersAlerts: false)
    }

    /// - Parameters:
    ///   - isConfined: no two threads ever ask for the same tenant at once, so that its lock need not be taken.
    ///   - gathersAlerts: they are kept for `takeAlerts`, those that need all tenants to be judged there.
    ///   - other: a policy set whose names are told apart too.
    ///   - shared: the names of an engine that was made for the same two sets; nil: its own.
    package init(
        _ policySet: PolicySet, reservationLifetime: Int64 = Engine.defaultReservationLifetime,
        filters: [Condition] = [], onAlert: (@Sendable (Alert) -> Void)? = nil, isConfined: Bool = false,
        gathersAlerts: Bool, beside other: PolicySet? = nil, sharing shared: SymbolTable? = nil
    ) {
        self.policySet = policySet
        self.reservationLifetime = reservationLifetime
        var names = NameCollector()
        names.add(policySet)
        for filter in filters { names.add(filter) }
        countsGroups = names.exact.contains(.group)
        let compounding = names.compounding
        if let other { names.add(other) }
        let symbols = shared ?? SymbolTable(base: names.names)
        self.symbols = symbols
        let zone = policySet.editions.last?.policy.zone ?? .utc
        self.filters = filters.map { ConditionProgram($0, zone: zone, symbols: symbols) }
        exactSlots = Set(names.exact.compactMap { AttributeSlot($0) })
        usedSlots = Set(names.used.compactMap { AttributeSlot($0) }).union(exactSlots)
        let counters = CounterNumbers()
        editions = policySet.editions.enumerated().map {
            CompiledEdition($1, index: $0, symbols: symbols, counters: counters, compounding: compounding)
        }
        let alerts = Self.compileAlerts(policySet, symbols: symbols)
        alertRules = alerts.rules
        editionAlerts = alerts.byEdition
        together = Mutex(TogetherAlerts(alerts.rules, gathers: gathersAlerts))
        self.onAlert = onAlert
        self.gathersAlerts = gathersAlerts
        self.isConfined = isConfined
        watches = !alerts.rules.isEmpty && (onAlert != nil || gathersAlerts)
        layout = AccountLayout(editions)
        retentions = CounterRetentions(
            editions.flatMap(\.plans), compounding: compounding,
            watched: watches ? Set(alerts.rules.compactMap(\.rule.limit)) : [], lifetime: reservationLifetime,
            holdForGroups: policySet.tenants.allSatisfy(\.followsTier))
        counters.settle(retentions)
        editionPlaces = Self.places(of: editions)
    }

    /// An engine with the policies and names of another one, whose compiled form it shares, and with accounts of its own.
    ///
    /// - Parameters:
    ///   - other: an engine without filters. It takes alerts if this one is to take them.
    ///   - onAlert: takes the alerts of this engine.
    package init(like other: Engine, onAlert: (@Sendable (Alert) -> Void)?) {
        policySet = other.policySet
        symbols = other.symbols
        reservationLifetime = other.reservationLifetime
        exactSlots = other.exactSlots
        usedSlots = other.usedSlots
        countsGroups = other.countsGroups
        editions = other.editions
        filters = other.filters
        alertRules = other.alertRules
        editionAlerts = other.editionAlerts
        together = Mutex(TogetherAlerts(other.alertRules, gathers: false))
        self.onAlert = onAlert
        gathersAlerts = false
        isConfined = false
        watches = other.watches && onAlert != nil
        layout = AccountLayout(like: other.layout)
        retentions = other.retentions
        editionPlaces = Self.places(of: other.editions)
    }

    private static func places(of editions: [CompiledEdition]) -> FixedArray<EditionPlace> {
        FixedArray(
            editions.map {
                EditionPlace(
                    start: $0.edition.interval.start, end: $0.edition.interval.end,
                    edition: Unmanaged.passUnretained($0))
            })
    }

    /// Two engines that are asked the same requests, for replays: their symbols are the same, so that a request of the one
    /// is a request of the other but for its tenant.
    ///
    /// - Parameter gathersAlerts: of the first one.
    package static func pair(
        _ first: PolicySet, _ second: PolicySet, filters: [Condition], gathersAlerts: Bool
    ) -> (Engine, Engine) {
        let one = Engine(
            first, filters: filters, isConfined: true, gathersAlerts: gathersAlerts, beside: second)
        let other = Engine(
            second, filters: filters, isConfined: true, gathersAlerts: false, beside: first, sharing: one.symbols)
        return (one, other)
    }

    // MARK: - Names

    /// The tenant of an id, known to a document or not.
    package func tenant(_ id: String) -> TenantID { tenant(symbols.intern(id), named: { id }) }

    func tenant(_ symbol: Symbol, named name: () -> String) -> TenantID {
        directory.withLock { directory in
            let index = Int(symbol.rawValue)
            let missing = index + 1 - directory.accounts.count
            if missing > 0 { directory.accounts.append(repeating: nil, count: missing) }
            if let account = directory.accounts[index] { return TenantID(account, engine: serial) }
            let record = policySet.tenantIndex(of: name())
            // A plan of its own is compiled when it is in force, so that what it will carry over is not known now.
            let forgets = record.map { policySet.tenants[$0].followsTier } ?? true
            let account = directory.memory.account(
                id: symbol, engine: serial, record: record ?? -1, forgets: forgets, lifetime: reservationLifetime,
                layout)
            directory.accounts[index] = account
            let count = directory.memory.accounts.count
            if count * layout.size > Self.cachedBytes { isSpread.store(true, ordering: .relaxed) }
            return TenantID(account, engine: serial)
        }
    }

    /// The tenant of a symbol of this engine.
    ///
    /// Of a symbol that the engine does not know, no tenant: its requests are refused.
    package func tenant(_ symbol: Symbol) -> TenantID {
        guard symbols.holds(symbol) else { return TenantID(tenant("").account, engine: 0) }
        return tenant(symbol, named: { symbols.text(symbol) })
    }

    /// Whether a request can be looked at by this engine.
    func isOwn(_ request: Request) -> Bool { request.tenant.engine == serial && request.hasUsableTime }

    var allAccounts: [Account] { directory.withLock { $0.memory.accounts } }

    func group(_ symbol: Symbol) -> GroupAccount {
        directory.withLock { directory in
            if let group = directory.groups[symbol] { return group }
            let group = GroupAccount(retentions, lifetime: reservationLifetime)
            directory.groups[symbol] = group
            return group
        }
    }

    /// The symbol of an attribute's value: its own where a counter or a condition depends on it, else `.other`.
    @inline(__always)
    package func symbol(_ slot: AttributeSlot, _ bytes: UnsafeBufferPointer<UInt8>) -> Symbol {
        exactSlots.contains(slot) ? symbols.intern(bytes) : symbols.known(bytes)
    }

    @inline(__always)
    private func editionPlace(at time: Int64) -> Unmanaged<CompiledEdition>? {
        var index = editionPlaces.count - 1
        while index >= 0 {
            if editionPlaces[index].start <= time {
                return time < editionPlaces[index].end ? editionPlaces[index].edition : nil
            }
            index -= 1
        }
        return nil
    }

    func edition(at time: Int64) -> CompiledEdition? { editionPlace(at: time)?.takeUnretainedValue() }

    package var hasFilters: Bool { !filters.isEmpty }

    /// Whether every filter that the engine was made with holds for a request, its model resolved.
    package func matchesFilters(_ request: Request) -> Bool {
        if filters.isEmpty { return true }
        guard request.tenant.engine == serial, let edition = edition(at: request.time) ?? editions.last else {
            return false
        }
        var request = request
        let account = request.tenant.account
        request[.tenant] = account.id
        if account.record >= 0, let group = policySet.tenants[Int(account.record)].group {
            request[.group] = symbols.intern(group)
        }
        edition.set(edition.model(request[.model]), named: request[.model], in: &request)
        return filters.allSatisfy {
            $0.constant
                ?? $0.holds(request, isCritical: edition.isCritical(request[.feature]), symbols: symbols)
        }
    }

    /// Some decision depends on this attribute.
    package func uses(_ slot: AttributeSlot) -> Bool { usedSlots.contains(slot) }

    /// Every value of this attribute is told apart.
    package func isExact(_ slot: AttributeSlot) -> Bool { exactSlots.contains(slot) }

    /// What tokens cost with a model by the catalog that is in force at a time, in nano-units: the largest number where
    /// that exceeds 64 bits, nil where the model's price is not known.
    package func cost(of model: Symbol, at time: Int64, input: Int64, cached: Int64, output: Int64) -> Int64? {
        editionPlace(at: time)?._withUnsafeGuaranteedRef { edition in
            edition.model(model).flatMap { edition.cost(of: $0, input: input, cached: cached, output: output) }
        }
    }

    /// Some limit is counted across tenants, so that tenants cannot be decided apart from each other.
    package let countsGroups: Bool

    // MARK: - Deciding

    package enum Counting: Sendable {
        /// What is admitted is reserved.
        case decided
        /// What happened is counted as it happened, whatever was decided.
        case observed
    }

    /// Decides a request and reserves what it is expected to use in every limit that applies: all or none.
    ///
    /// - Parameters:
    ///   - request: its names are symbols of this engine.
    ///   - detail: how much the decision tells.
    ///   - counting: `.observed` in replays of what really happened.
    package func decide(_ request: Request, detail: DetailLevel = .reasons, counting: Counting = .decided) -> Decision {
        var decision = Decision()
        decide(request, request.tenant, detail, counting, &decision)
        decision.own()
        return decision
    }

    /// The same for a caller whose decision does not outlive the engine.
    ///
    /// - Parameters:
    ///   - tenant: whose request it is, whatever tenant it names: so that one of a pair of engines can be asked what the
    ///     other was.
    ///   - decision: a plain permission, in whose place it is put.
    package func decideLending(
        _ request: borrowing Request, of tenant: TenantID, detail: DetailLevel, counting: Counting,
        into decision: inout Decision
    ) {
        decide(request, tenant, detail, counting, &decision)
    }

    /// - Parameter decision: written in place, because copying it costs more than deciding.
    @inline(__always)
    private func decide(
        _ request: Request, _ tenant: TenantID, _ detail: DetailLevel, _ counting: Counting,
        _ decision: inout Decision
    ) {
        guard tenant.engine == serial, request.hasUsableTime else {
            decision = badRequest(
                tenant.engine == serial ? request.defect ?? "" : "the tenant belongs to another engine")
            return
        }
        if let place = editionPlace(at: request.time) {
            place._withUnsafeGuaranteedRef { edition in
                decide(request, edition, tenant.account, detail, counting, &decision)
            }
        } else {
            decision = refusal("no_policy_in_force", message: "no version of the policy is in force at this time")
        }
        if watches { watch(decision, request, tenant.account) }
    }

    @inline(__always)
    private func decide(
        _ request: Request, _ edition: CompiledEdition, _ account: Account, _ detail: DetailLevel,
        _ counting: Counting, _ decision: inout Decision
    ) {
        if isSpread.load(ordering: .relaxed) { account.prefetch(layout) }
        if countsGroups {
            decision = decide(request, edition, account, groupAccount(account, request), detail, counting)
            return
        }
        if !isConfined { account.lock() }
        defer { if !isConfined { account.unlock() } }
        account.reservations.prefetch()
        account.dropReservations(at: request.time, lifetime: openLifetime)
        defer { account.book.pass(request.time) }
        let isQuick = detail != .full && isReady(account, for: request, edition)
        // What is let through as it was asked counts the same whether it is decided or observed.
        let isBrief = detail == .brief && counting == .decided
        if isQuick, decideQuickly(request, edition, account, isBrief: isBrief, &decision) { return }
        decision = decideFully(request, edition, account, nil, detail, counting, hasTriedFastPath: isQuick)
    }

    @inline(never)
    private func decideFully(
        _ request: Request, _ edition: CompiledEdition, _ account: Account, _ group: GroupAccount?,
        _ detail: DetailLevel, _ counting: Counting, hasTriedFastPath: Bool = false
    ) -> Decision {
        var sitting = Sitting(self, edition, account, group, request, detail, counting)
        sitting.hasTriedFastPath = hasTriedFastPath
        defer { sitting.end() }
        return sitting.decide()
    }

    @inline(never)
    private func decide(
        _ request: Request, _ edition: CompiledEdition, _ account: Account, _ group: GroupAccount?,
        _ detail: DetailLevel, _ counting: Counting
    ) -> Decision {
        account.withLock {
            account.dropReservations(at: request.time, lifetime: openLifetime)
            defer { account.book.pass(request.time) }
            guard let group else { return decideFully(request, edition, account, nil, detail, counting) }
            // After what expires was settled, which may belong to another group.
            return group.lock.withLock { _ in
                defer { group.book.pass(request.time) }
                return decideFully(request, edition, account, group, detail, counting)
            }
        }
    }

    /// Whether the fast path can be asked straight away: the account has its plan in use, and the request is no repeat.
    @inline(__always)
    private func isReady(_ account: Account, for request: Request, _ edition: CompiledEdition) -> Bool {
        // A record's own tier, group and status are looked at on the full way.
        guard account.record < 0, Int(account.planEdition) == edition.index, !request.hasDefect else { return false }
        let named = request[.tier]
        guard account.planTier == (named.isPresent ? named : edition.defaultTier),
            account.plan(holdsAt: request.time)
        else { return false }
        return request.id.map { !account.recent.holds($0) } ?? true
    }

    /// The fast path for an account that is ready. False: not known, and nothing has changed.
    @inline(__always)
    private func decideQuickly(
        _ request: Request, _ edition: CompiledEdition, _ account: Account, isBrief: Bool, _ decision: inout Decision
    ) -> Bool {
        guard let planReference = account.planReference else { return false }
        let isDecided = planReference._withUnsafeGuaranteedRef { plan in
            account.decideQuickly(request, plan, edition, isBrief: isBrief, &decision)
        }
        guard isDecided else { return false }
        if let id = request.id, decision.reservation != nil {
            account.recent.rememberNew(
                id, fingerprint(request), &decision, at: request.time, latest: account.book.latest(at: request.time),
                window: edition.retryWindow)
        }
        return true
    }

    /// What tells two requests with the same id apart.
    @inline(__always)
    func fingerprint(_ request: Request) -> UInt64 { fingerprintKey.fingerprint(request) }

    /// Counts what a limit had used before, as if it had happened at the request's time; for tests of policies.
    ///
    /// - Parameter amount: nano-units of money or a count for a limit of this unit; nil: it is an amount of something else.
    package func presume(
        _ limit: String, before request: Request, amount: (Unit) -> Int64?
    ) -> PresumedUsage {
        guard request.tenant.engine == serial, request.hasUsableTime, let edition = edition(at: request.time) else {
            return .noSuchLimit
        }
        let account = request.tenant.account
        let group = groupAccount(account, request)
        return account.withLock {
            var sitting = Sitting(self, edition, account, group, request, .full, .decided)
            guard let group else {
                defer { sitting.end() }
                return sitting.presume(limit, amount)
            }
            return group.lock.withLock { _ in
                defer { sitting.end() }
                return sitting.presume(limit, amount)
            }
        }
    }

    /// What became of usage that was to be counted.
    package enum PresumedUsage: Sendable, Hashable {
        case counted
        /// No limit of this name counts the request.
        case noSuchLimit
        /// The limit counts this unit, and the amount is one of something else.
        case otherUnit(Unit)
    }

    /// The record's group goes before the request's.
    func groupAccount(_ account: Account, _ request: Request) -> GroupAccount? {
        guard countsGroups else { return nil }
        if account.record >= 0, let name = policySet.tenants[Int(account.record)].group {
            return group(symbols.intern(name))
        }
        return request[.group].isPresent ? group(request[.group]) : nil
    }

    func refusal(_ code: String, message: String) -> Decision {
        let reason = Reason(code: code, action: "deny", message: message)
        return Decision(outcome: .deny, model: .absent, tier: .absent, detail: DecisionDetail(reasons: [reason]))
    }

    /// A refusal of a request that cannot be read.
    package func badRequest(_ message: String) -> Decision { refusal("bad_request", message: message) }

    // MARK: - Settling

    /// What settling can meet.
    package enum SettlementError: Error, Sendable, CustomStringConvertible {
        /// The reservation was settled, released or made too long ago, or is of another tenant or engine; nothing changed.
        case notOpen
        /// The usage cannot be counted: negative, or more cached than input tokens; nothing changed.
        case badUsage(String)

        package var description: String {
            switch self {
            case .notOpen: "the reservation was settled or released before, or ended more than a day ago"
            case .badUsage(let reason): reason
            }
        }
    }

    /// How a reservation was settled.
    package enum Settlement: Sendable {
        case inTime
        /// After the reservation's lifetime. It counts in full all the same.
        case late
    }

    /// Puts what a request really used in place of what was reserved for it, in the windows in which it was reserved,
    /// even where they have closed. What is above the estimate is counted in full.
    ///
    /// - Parameter time: when the request ended; nil: at once. Buckets are changed at that time.
    @discardableResult
    package func settle(
        _ id: ReservationID, of tenant: TenantID, usage: Usage, at time: Int64? = nil
    ) throws(SettlementError) -> Settlement {
        guard usage.inputTokens >= 0, usage.cachedTokens >= 0, usage.outputTokens >= 0 else {
            throw .badUsage("a count is negative")
        }
        guard usage.cost ?? 0 >= 0 else { throw .badUsage("the cost is negative") }
        guard usage.cachedTokens <= usage.inputTokens else {
            throw .badUsage("there are more cached tokens than input tokens")
        }
        guard max(usage.inputTokens, usage.outputTokens) <= Request.largestCount else {
            throw .badUsage("a count is larger than 10^15")
        }
        let settlement = try close(id, of: tenant, .used(usage), at: time)
        if watches { watch(id, of: tenant, usage: usage) }
        return settlement
    }

    /// What usage costs by the price that the reservation was made at; nil where none was known.
    private func cost(_ usage: Usage, of reservation: ReservationHeader) -> Int64? {
        guard reservation.model >= 0 else { return nil }
        return editionPlaces[Int(reservation.edition)].edition._withUnsafeGuaranteedRef {
            $0.cost(
                of: ModelID(rawValue: Int(reservation.model)), input: usage.inputTokens, cached: usage.cachedTokens,
                output: usage.outputTokens)
        }
    }

    /// Takes a reservation away: the request was never made. An attempt stays an attempt.
    ///
    /// A later request with the same id is decided anew.
    @discardableResult
    package func release(
        _ id: ReservationID, of tenant: TenantID, at time: Int64? = nil
    ) throws(SettlementError) -> Settlement {
        let settlement = try close(id, of: tenant, .released, at: time)
        if watches { watch(id, of: tenant, usage: nil) }
        return settlement
    }

    /// Microseconds for which a reservation is open.
    private var openLifetime: Int64 { reservationLifetime.addingSaturated(Self.lateSettlement) }

    @inline(__always)
    private func close(
        _ id: ReservationID, of tenant: TenantID, _ ending: Ending, at time: Int64?
    ) throws(SettlementError) -> Settlement {
        guard tenant.engine == serial else { throw .notOpen }
        guard time.map(Request.isUsable) ?? true else { throw .badUsage("the time is outside the years 0000 to 9999") }
        let account = tenant.account
        if !isConfined { account.lock() }
        let made = account.finish(id, ending, at: time, lifetime: openLifetime) { reservation in
            guard case .used(let usage) = ending else { return nil }
            return usage.cost ?? cost(usage, of: reservation)
        }
        if made != nil, case .released = ending { account.recent.forget(id) }
        if !isConfined { account.unlock() }
        guard let made else { throw .notOpen }
        return time ?? made < made.addingSaturated(reservationLifetime) ? .inTime : .late
    }

    /// How many counters, rarer states of them and scopes a tenant has, and how many counters were forgotten; for tests.
    package func sizes(of tenant: TenantID) -> (counters: Int, extras: Int, scopes: Int, forgotten: Int) {
        guard tenant.engine == serial else { return (0, 0, 0, 0) }
        return tenant.account.withLock { tenant.account.book.sizes }
    }

    /// The same of a group.
    package func groupSizes(_ name: String) -> (counters: Int, extras: Int, scopes: Int, forgotten: Int) {
        let group = group(symbols.intern(name))
        return group.lock.withLock { _ in group.book.sizes }
    }

    /// Whether every counter of a tenant is as it must be between two decisions; for tests.
    package func checkInvariants(of tenant: TenantID) -> Bool {
        tenant.engine == serial && tenant.account.withLock { tenant.account.book.checkInvariants() }
    }
}
