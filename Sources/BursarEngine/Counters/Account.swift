import BursarPolicy
import BursarSyntax
import Synchronization

/// One tenant's counters, plan and open reservations. Everything in it is guarded by its lock, which also makes the
/// checks of exclusive access superfluous.
///
/// What every decision touches stands first: it fits two lines of the cache.
final class Account: @unchecked Sendable {
    let lock = Mutex<Void>(())
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
    @exclusivity(unchecked) private(set) var plan: CompiledPlan?
    @exclusivity(unchecked) var recent = RecentRequests()
    /// The number of each row's counter name, for counters that depend on the request.
    @exclusivity(unchecked) private var keyNumbers: [Int32] = []

    init(id: Symbol, record: Int) {
        self.id = id
        self.record = Int32(truncatingIfNeeded: record)
    }

    /// Takes a plan into use. Counters are found again by name, so what was used stays used.
    func bind(_ plan: CompiledPlan, edition: Int, tier: Symbol) {
        let old = self.plan
        planEdition = Int32(truncatingIfNeeded: edition)
        planTier = tier
        guard old !== plan else { return }
        // Their amounts stand by rows of the old plan.
        spellOutReservations()
        self.plan = plan
        planReference = Unmanaged.passUnretained(plan)
        let oldSlots = slots.indices.map { slots[$0] }
        keyNumbers = plan.rows.map { book.number(of: $0.key) }
        slots.removeAll(keepingCapacity: true)
        for (index, row) in plan.rows.enumerated() {
            guard row.hasFixedCounter, row.needsCounter else {
                slots.append(-1)
                continue
            }
            var scope: Int32 = 0
            for (slot, value) in row.within { scope = book.scope(scope, slot, value) }
            slots.append(book.counter(keyNumbers[index], scope: scope))
        }
        guard let old else { return }
        for index in slots.indices where slots[index] >= 0 {
            let slot = slots[index]
            guard let before = oldSlots.firstIndex(of: slot) else { continue }
            remapEvents(slot, from: old.rows[before].limit, to: plan.rows[index].limit)
            book.counters[Int(slot)].carryAmount = -1
        }
    }

    /// Events that were given for a threshold stay given where another version has the threshold at another place.
    private func remapEvents(_ slot: Int32, from old: Limit, to new: Limit) {
        let fired = book.counters[Int(slot)].fired
        let elsewhere = book.extra(Int(slot))?.firedElsewhere ?? []
        guard fired != 0 || !elsewhere.isEmpty else { return }
        var levels = elsewhere
        for (index, threshold) in old.thresholds.enumerated() where fired & (1 << UInt64(index)) != 0 {
            levels.insert(threshold.level)
        }
        var mask: UInt64 = 0
        for (index, threshold) in new.thresholds.enumerated() where levels.remove(threshold.level) != nil {
            mask |= 1 << UInt64(index)
        }
        book.withExtra(Int(slot)) { $0.firedElsewhere = levels }
        book.counters[Int(slot)].fired = mask
    }

    /// The counter of a row whose scope depends on the request.
    func counter(_ index: Int, _ row: CompiledPlan.Row, _ attributes: SIMD32<UInt32>) -> Int32 {
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
