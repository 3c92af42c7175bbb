import BursarPolicy
import BursarStorage
import BursarSyntax
import CIntrinsics
import Synchronization

/// One tenant's counters, plan and open reservations. Everything in it is guarded by its lock, which also makes the
/// checks of exclusive access superfluous.
///
/// What every decision touches stands first: it fits two lines of the cache.
final class Account: @unchecked Sendable {
    let lock = AccountLock()
    let id: Symbol
    /// Index of the tenant's record; -1 where no document lists it.
    let record: Int32
    @exclusivity(unchecked) var planEdition = Int32(-1)
    @exclusivity(unchecked) var planTier = Symbol.absent
    /// The same as `plan`, reached without counting references.
    @exclusivity(unchecked) private(set) var planReference: Unmanaged<CompiledPlan>?
    @exclusivity(unchecked) var reservations = ReservationTable()
    /// The counter of each row of the plan that has a fixed one, else -1.
    @exclusivity(unchecked) var slots = RawArray<Int32>()
    @exclusivity(unchecked) var book = CounterBook()
    /// Of each row whose counter depends on one attribute: its last value and that one's counter.
    @exclusivity(unchecked) var lastScopes = RawArray<(value: UInt32, counter: Int32)>()
    @exclusivity(unchecked) private(set) var plan: CompiledPlan?
    @exclusivity(unchecked) var recent = RecentRequests()
    /// The number of each row's counter name, for counters that depend on the request.
    @exclusivity(unchecked) private var keyNumbers: [Int32] = []
    /// nil where nothing is measured.
    @exclusivity(unchecked) private(set) var meters: AccountMeters?
    /// nil where nobody looks at alerts.
    @exclusivity(unchecked) private(set) var alerts: AccountAlerts?

    init(id: Symbol, record: Int) {
        self.id = id
        self.record = Int32(truncatingIfNeeded: record)
    }

    func madeMeters() -> AccountMeters {
        if let meters { return meters }
        let made = AccountMeters()
        meters = made
        return made
    }

    func madeAlerts() -> AccountAlerts {
        if let alerts { return alerts }
        let made = AccountAlerts()
        alerts = made
        return made
    }

    /// Asks for the memory that a decision touches. With a million tenants it is cold, and one line would be waited for
    /// after the other.
    @inline(__always)
    func prefetch() {
        bursar_prefetch(slots.base)
        let counters = UnsafeRawPointer(book.counters.base)
        var offset = 0
        let end = min(book.counters.count, 12) * MemoryLayout<Counter>.stride
        while offset < end {
            bursar_prefetch(counters + offset)
            offset += MemoryLayout<Counter>.stride
        }
        reservations.prefetch()
    }

    /// Takes a plan into use. Counters are found again by name, so what was used stays used.
    func bind(_ plan: CompiledPlan, edition: Int, tier: Symbol) {
        planEdition = Int32(truncatingIfNeeded: edition)
        planTier = tier
        guard self.plan !== plan else { return }
        // Their amounts stand by rows of the old plan.
        spellOutReservations()
        self.plan = plan
        planReference = Unmanaged.passUnretained(plan)
        keyNumbers = plan.rows.map { book.number(of: $0.key) }
        slots.removeAll(keepingCapacity: true)
        lastScopes.removeAll(keepingCapacity: true)
        // No value is 0: the rows apply to requests that carry the attribute.
        lastScopes.append(repeating: (0, -1), count: plan.rows.count)
        for (index, row) in plan.rows.enumerated() {
            guard row.hasFixedCounter, row.needsCounter else {
                slots.append(-1)
                continue
            }
            var scope: Int32 = 0
            for (slot, value) in row.within { scope = book.scope(scope, slot, value) }
            slots.append(book.counter(keyNumbers[index], scope: scope))
        }
    }

    /// Whether the plan in use holds at a time.
    @inline(__always)
    func plan(holdsAt time: Int64) -> Bool {
        planReference?._withUnsafeGuaranteedRef { $0.start <= time && time < $0.end } ?? false
    }

    /// The counter of a row whose scope depends on the request.
    func counter(_ index: Int, _ row: CompiledPlan.Row, _ attributes: AttributeValues) -> Int32 {
        guard row.scopeSlot >= 0 else { return findCounter(index, row, attributes) }
        let value = attributes[row.scopeSlot]
        let last = lastScopes.base + index
        if last.pointee.value != value { last.pointee = (value, findCounter(index, row, attributes)) }
        return last.pointee.counter
    }

    private func findCounter(_ index: Int, _ row: CompiledPlan.Row, _ attributes: AttributeValues) -> Int32 {
        var scope: Int32 = 0
        for (slot, value) in row.within { scope = book.scope(scope, slot, value) }
        for slot in row.per { scope = book.scope(scope, slot, Symbol(rawValue: attributes[slot.rawValue])) }
        return book.counter(keyNumbers[index], scope: scope)
    }
}

/// The counters that the tenants of a group share.
final class GroupAccount: @unchecked Sendable {
    let lock = Mutex<Void>(())
    @exclusivity(unchecked) var book = CounterBook()

    func counter(_ row: CompiledPlan.Row, _ request: Request) -> Int32 {
        var scope: Int32 = 0
        for (slot, value) in row.within { scope = book.scope(scope, slot, value) }
        for slot in row.per where slot != .group { scope = book.scope(scope, slot, request[slot]) }
        return book.counter(book.number(of: row.key), scope: scope)
    }
}
