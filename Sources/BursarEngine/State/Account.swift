import BursarPolicy
import BursarStorage
import BursarSyntax
import CIntrinsics
import Synchronization

/// One tenant's counters, plan and open reservations: where they lie. Everything in it is guarded by its lock.
///
/// It belongs to the engine's `AccountMemory`, so that handing it around counts no references.
struct Account: @unchecked Sendable {
    /// What every decision touches stands first, and the rows' places, the first reservations and the first counters lie
    /// right behind, where the accounts' layout has room for them: with a million tenants all of it is cold, and is asked
    /// for at once.
    struct State: ~Copyable {
        let lock = AccountLock()
        let id: Symbol
        /// Index of the tenant's record; -1 where no document lists it.
        let record: Int32
        var planEdition = Int32(-1)
        var planTier = Symbol.absent
        /// The same as `plan`, reached without counting references.
        var planReference: Unmanaged<CompiledPlan>?
        /// The counter of each row of the plan that has a fixed one, else -1.
        var slots: RawArray<Int32>
        var book: CounterBook
        var reservations: ReservationTable
        /// Of each row whose counter depends on one attribute: its last value and that one's counter. None where no row's
        /// does.
        var lastScopes = RawArray<(value: UInt32, counter: Int32)>()
        var recent = RecentRequests()
        var plan: CompiledPlan?
        /// Counters that depend on the request may be forgotten once they are as good as new.
        let forgets: Bool
        /// nil where nothing is measured.
        var meters: AccountMeters?
        /// nil where nobody looks at alerts.
        var alerts: AccountAlerts?
    }

    private let place: UnsafeMutablePointer<State>

    /// - Parameter memory: as long as `layout` says, at a line of the cache.
    init(
        id: Symbol, engine: UInt32, record: Int, forgets: Bool, lifetime: Int64, at memory: UnsafeMutableRawPointer,
        _ layout: borrowing AccountLayout
    ) {
        place = memory.assumingMemoryBound(to: State.self)
        place.initialize(
            to: State(
                id: id, record: Int32(truncatingIfNeeded: record),
                slots: RawArray(lent: memory + layout.slots, capacity: layout.slotCount),
                book: CounterBook(
                    counters: RawArray(lent: memory + layout.counters, capacity: layout.counterCount),
                    lifetime: lifetime),
                reservations: ReservationTable(
                    headers: RawArray(lent: memory + layout.headers, capacity: AccountLayout.headerCount),
                    owner: UInt64(engine) << 32 | UInt64(id.rawValue)),
                forgets: forgets))
    }

    /// Ends it; nobody may hold it any more.
    func deinitialize() { place.deinitialize(count: 1) }

    /// Asks for the memory that a decision touches, all of it at once.
    @inline(__always)
    func prefetch(_ layout: borrowing AccountLayout) {
        let memory = UnsafeRawPointer(place)
        var offset = 0
        while offset < layout.counters {
            bursar_prefetch(memory + offset)
            offset &+= 64
        }
        let end = layout.counters &+ layout.counterCount &* MemoryLayout<Counter>.stride
        while offset < end {
            bursar_prefetch(memory + offset)
            offset &+= MemoryLayout<Counter>.stride
        }
    }

    // MARK: - Its parts

    @inline(__always) func lock() { place.pointee.lock.lock() }
    @inline(__always) func unlock() { place.pointee.lock.unlock() }

    @inline(__always)
    func withLock<Result>(_ body: () throws -> Result) rethrows -> Result { try place.pointee.lock.withLock(body) }

    @inline(__always) var id: Symbol { place.pointee.id }
    @inline(__always) var record: Int32 { place.pointee.record }
    @inline(__always) var planEdition: Int32 { place.pointee.planEdition }
    @inline(__always) var planTier: Symbol { place.pointee.planTier }
    @inline(__always) var planReference: Unmanaged<CompiledPlan>? { place.pointee.planReference }
    @inline(__always) var plan: CompiledPlan? { place.pointee.plan }
    @inline(__always) var meters: AccountMeters? { place.pointee.meters }
    @inline(__always) var alerts: AccountAlerts? { place.pointee.alerts }

    /// The number of the counter of a row of the plan; -1 where the counter depends on the request, or there is none.
    @inline(__always) func slot(_ row: Int) -> Int { Int(place.pointee.slots[row]) }

    /// The counter that a row had last, where its scope was `value` then.
    @inline(__always)
    func lastCounter(_ row: Int, of value: UInt32) -> Int? {
        let last = place.pointee.lastScopes[row]
        return last.value == value ? Int(last.counter) : nil
    }

    @inline(__always) var book: CounterBook {
        _read { yield place.pointee.book }
        nonmutating _modify { yield &place.pointee.book }
    }

    @inline(__always) var reservations: ReservationTable {
        _read { yield place.pointee.reservations }
        nonmutating _modify { yield &place.pointee.reservations }
    }

    @inline(__always) var recent: RecentRequests {
        _read { yield place.pointee.recent }
        nonmutating _modify { yield &place.pointee.recent }
    }

    func madeMeters() -> AccountMeters {
        if let meters { return meters }
        let made = AccountMeters()
        place.pointee.meters = made
        return made
    }

    func madeAlerts() -> AccountAlerts {
        if let alerts { return alerts }
        let made = AccountAlerts()
        place.pointee.alerts = made
        return made
    }

    /// Takes a plan into use. Counters are found again by name, so what was used stays used.
    func bind(_ plan: CompiledPlan, edition: Int, tier: Symbol) {
        place.pointee.planEdition = Int32(truncatingIfNeeded: edition)
        place.pointee.planTier = tier
        guard self.plan !== plan else { return }
        // Their amounts stand by rows of the old plan.
        spellOutReservations()
        place.pointee.plan = plan
        place.pointee.planReference = Unmanaged.passUnretained(plan)
        place.pointee.slots.removeAll(keepingCapacity: true)
        place.pointee.lastScopes.removeAll(keepingCapacity: true)
        // No value is 0: the rows apply to requests that carry the attribute.
        if plan.hasScopedRows { place.pointee.lastScopes.append(repeating: (0, -1), count: plan.rows.count) }
        for row in plan.rows {
            guard row.hasFixedCounter, row.needsCounter else {
                place.pointee.slots.append(-1)
                continue
            }
            var scope: Int32 = 0
            for (slot, value) in row.within { scope = book.scope(scope, slot, value) }
            place.pointee.slots.append(book.counter(row.counterNumber, scope: scope, at: nil).index)
        }
    }

    /// Whether the plan in use holds at a time.
    @inline(__always)
    func plan(holdsAt time: Int64) -> Bool {
        planReference?._withUnsafeGuaranteedRef { $0.start <= time && time < $0.end } ?? false
    }

    /// The counter of a row whose scope depends on the request.
    func counter(_ index: Int, _ row: CompiledPlan.Row, _ attributes: AttributeValues, at time: Int64) -> Int32 {
        guard row.scopeSlot >= 0 else { return findCounter(row, attributes, at: time) }
        let value = attributes[row.scopeSlot]
        if let last = lastCounter(index, of: value) {
            if last >= 0 { book.touch(last, at: time) }
            return Int32(truncatingIfNeeded: last)
        }
        let found = findCounter(row, attributes, at: time)
        place.pointee.lastScopes[index] = (value, found)
        return found
    }

    private func findCounter(_ row: CompiledPlan.Row, _ attributes: AttributeValues, at time: Int64) -> Int32 {
        var scope: Int32 = 0
        for (slot, value) in row.within { scope = book.scope(scope, slot, value) }
        for slot in row.per { scope = book.scope(scope, slot, Symbol(rawValue: attributes[slot.rawValue])) }
        let (found, isNew) = book.counter(row.counterNumber, scope: scope, at: time)
        if isNew { forgetSome(at: time) }
        return found
    }

    private func forgetSome(at time: Int64) {
        // What is measured is told apart by the counters' numbers.
        guard place.pointee.forgets, meters == nil, let retentions = plan?.counters.retentions else { return }
        place.pointee.book.forgetSome(at: time, retentions, isShared: false) { index in
            let lastScopes = place.pointee.lastScopes.indices
            return lastScopes.contains { Int(place.pointee.lastScopes[$0].counter) == index }
        }
    }
}

/// The counters that the tenants of a group share.
final class GroupAccount: @unchecked Sendable {
    let lock = Mutex<Void>(())
    @exclusivity(unchecked) var book: CounterBook
    private let retentions: CounterRetentions?

    init(_ retentions: CounterRetentions?, lifetime: Int64) {
        self.retentions = retentions
        book = CounterBook(lifetime: lifetime)
    }

    func counter(_ row: CompiledPlan.Row, _ request: Request) -> Int32 {
        var scope: Int32 = 0
        for (slot, value) in row.within { scope = book.scope(scope, slot, value) }
        for slot in row.per where slot != .group { scope = book.scope(scope, slot, request[slot]) }
        let (found, isNew) = book.counter(row.counterNumber, scope: scope, at: request.time)
        if isNew, let retentions, retentions.holdForGroups {
            book.forgetSome(at: request.time, retentions, isShared: true) { _ in false }
        }
        return found
    }
}
