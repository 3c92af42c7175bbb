import BursarPolicy
import BursarSyntax
import Synchronization

/// One tenant's counters, plan and open reservations. Everything in it is guarded by its lock.
final class Account: @unchecked Sendable {
    let lock = Mutex<Void>(())
    let id: Symbol
    /// Index of the tenant's record; -1 where no document lists it.
    let record: Int
    var book = CounterBook()
    var plan: CompiledPlan?
    var planEdition = -1
    var planTier = Symbol.absent
    /// The counter of each row of the plan that has a fixed one, else -1.
    var slots: [Int32] = []
    /// The number of each row's counter name, for counters that depend on the request.
    private var keyNumbers: [Int32] = []
    var reservations = ReservationTable()
    var recent = RecentRequests()

    init(id: Symbol, record: Int) {
        self.id = id
        self.record = record
    }

    /// Takes a plan into use. Counters are found again by name, so what was used stays used.
    func bind(_ plan: CompiledPlan, edition: Int, tier: Symbol) {
        let old = self.plan
        self.plan = plan
        planEdition = edition
        planTier = tier
        guard old !== plan else { return }
        let oldSlots = slots
        keyNumbers = plan.rows.map { book.number(of: $0.key) }
        slots = plan.rows.indices.map { index in
            let row = plan.rows[index]
            guard row.hasFixedCounter, row.needsCounter else { return -1 }
            var scope: Int32 = 0
            for (slot, value) in row.within { scope = book.scope(scope, slot, value) }
            return book.counter(keyNumbers[index], scope: scope)
        }
        guard let old else { return }
        for (index, slot) in slots.enumerated() where slot >= 0 {
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
    func counter(_ row: CompiledPlan.Row, _ request: Request) -> Int32 {
        var scope: Int32 = 0
        for (slot, value) in row.within { scope = book.scope(scope, slot, value) }
        for slot in row.per { scope = book.scope(scope, slot, request[slot]) }
        return book.counter(book.number(of: row.key), scope: scope)
    }
}

/// The counters that the tenants of a group share.
final class GroupAccount: @unchecked Sendable {
    let lock = Mutex<Void>(())
    var book = CounterBook()

    func counter(_ row: CompiledPlan.Row, _ request: Request) -> Int32 {
        var scope: Int32 = 0
        for (slot, value) in row.within { scope = book.scope(scope, slot, value) }
        for slot in row.per where slot != .group { scope = book.scope(scope, slot, request[slot]) }
        return book.counter(book.number(of: row.key), scope: scope)
    }
}

/// What was reserved in one counter.
struct ReservedAmount: Sendable {
    var counter: CounterRef
    var unit: Unit
    var kind: Kind
    /// Start of the window, or number of the slice.
    var window: Int64
    var amount: Int64
    /// Of a run that this reservation was the first to count.
    var run: UInt32 = 0
    /// Of a bucket: its window and capacity, for giving back.
    var length: Int64 = 0
    var capacity: Int64 = 0

    enum Kind: UInt8, Sendable { case window, rolling, bucket, prepaid }
}

struct Reservation: Sendable {
    var amounts: [ReservedAmount] = []
    var price: Price?
    var grants: [Grant] = []
    var time: Int64 = 0
    var expires: Int64 = .max
    var group: GroupAccount?
    /// Parts of the output cap, so that settling can tell what was allowed.
    var generation: UInt32 = 0
    var isOpen = false
}

/// Open reservations of a tenant by slot; a slot is used again, with a new generation, once it is closed.
struct ReservationTable: Sendable {
    private var slots: [Reservation] = []
    private var free: [UInt32] = []
    /// Slots in the order in which they expire: all live equally long.
    private var queue: [ReservationID] = []
    private var head = 0
    private(set) var openCount = 0

    mutating func open(_ reservation: Reservation) -> ReservationID {
        var made = reservation
        made.isOpen = true
        let slot: UInt32
        if let reused = free.popLast() {
            slot = reused
            made.generation = slots[Int(slot)].generation &+ 1
            slots[Int(slot)] = made
        } else {
            slot = UInt32(slots.count)
            slots.append(made)
        }
        openCount += 1
        let id = ReservationID(slot: slot, generation: made.generation)
        if made.expires != .max {
            queue.append(id)
            if head > 1_024, head * 2 > queue.count {
                queue.removeFirst(head)
                head = 0
            }
        }
        return id
    }

    /// Takes a reservation out; nil where it is closed already.
    mutating func close(_ id: ReservationID) -> Reservation? {
        let slot = Int(id.slot)
        guard slots.indices.contains(slot), slots[slot].isOpen, slots[slot].generation == id.generation else { return nil }
        let reservation = slots[slot]
        slots[slot].isOpen = false
        slots[slot].amounts = []
        slots[slot].group = nil
        slots[slot].grants = []
        free.append(id.slot)
        openCount -= 1
        return reservation
    }

    /// The next reservation whose time to live has ended.
    mutating func nextExpired(at time: Int64) -> ReservationID? {
        while head < queue.count {
            let id = queue[head]
            let slot = slots[Int(id.slot)]
            if slot.isOpen, slot.generation == id.generation {
                guard slot.expires <= time else { return nil }
                head += 1
                return id
            }
            head += 1
        }
        return nil
    }
}

/// The decisions of requests that came within the retry window, by request id.
///
/// Two tables take turns: when the younger one has filled for a whole window, every entry of the older is too old.
struct RecentRequests: Sendable {
    private struct Entry {
        var time: Int64
        var decision: Decision
    }

    private var young: [RequestID: Entry] = [:]
    private var old: [RequestID: Entry] = [:]
    private var youngSince = Int64.min

    /// The decision that a request of this id got less than `window` ago.
    mutating func decision(_ id: RequestID, at time: Int64, window: Int64) -> Decision? {
        guard let entry = young[id] ?? old[id], time < entry.time.addingSaturated(window) else { return nil }
        return entry.decision
    }

    mutating func remember(_ id: RequestID, _ decision: Decision, at time: Int64, window: Int64) {
        if youngSince == .min {
            youngSince = time
        } else if time >= youngSince.addingSaturated(window) {
            swap(&young, &old)
            young.removeAll(keepingCapacity: true)
            youngSince = time
        }
        young[id] = Entry(time: time, decision: decision)
    }
}
