import BursarPolicy
import BursarSyntax
import Synchronization

/// One tenant's counters, plan and open reservations. Everything in it is guarded by its lock, which also makes the
/// checks of exclusive access superfluous.
final class Account: @unchecked Sendable {
    let lock = Mutex<Void>(())
    let id: Symbol
    /// Index of the tenant's record; -1 where no document lists it.
    let record: Int
    @exclusivity(unchecked) var book = CounterBook()
    @exclusivity(unchecked) var plan: CompiledPlan?
    @exclusivity(unchecked) var planEdition = -1
    @exclusivity(unchecked) var planTier = Symbol.absent
    /// The counter of each row of the plan that has a fixed one, else -1.
    @exclusivity(unchecked) var slots: [Int32] = []
    /// The number of each row's counter name, for counters that depend on the request.
    @exclusivity(unchecked) private var keyNumbers: [Int32] = []
    @exclusivity(unchecked) var reservations = ReservationTable()
    @exclusivity(unchecked) var recent = RecentRequests()

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
    func counter(_ index: Int, _ row: CompiledPlan.Row, _ request: Request) -> Int32 {
        var scope: Int32 = 0
        for (slot, value) in row.within { scope = book.scope(scope, slot, value) }
        for slot in row.per { scope = book.scope(scope, slot, request[slot]) }
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

    /// Fills slots that are not in use.
    static let none = ReservedAmount(
        counter: CounterRef(index: -1, isShared: false), unit: .requests, kind: .window, window: 0, amount: 0)
}

/// What a reservation must know besides its amounts.
struct ReservationHeader: Sendable {
    var price: Price?
    var time: Int64 = 0
    var expires: Int64 = .max
    /// Of prepaid limits.
    var grants: [Grant] = []
    var group: GroupAccount?
    var generation: UInt32 = 0
    var count: UInt32 = 0
    var isOpen = false
}

/// Open reservations of a tenant by slot; a slot is used again, with a new generation, once it is closed.
///
/// The amounts of all slots lie in one array, a fixed number for each, so that opening one allocates nothing.
struct ReservationTable: Sendable {
    private var headers: ContiguousArray<ReservationHeader> = []
    private var amounts: ContiguousArray<ReservedAmount> = []
    private var stride = 0
    private var free: ContiguousArray<UInt32> = []
    /// Slots in the order in which they expire: all live equally long.
    private var queue: ContiguousArray<ReservationID> = []
    private var head = 0

    /// Opens a reservation for at most so many amounts; they are added with `append`.
    mutating func open(_ header: ReservationHeader, room: Int) -> ReservationID {
        if room > stride { widen(to: room) }
        let slot: UInt32
        if let reused = free.popLast() {
            slot = reused
            let generation = headers[Int(slot)].generation &+ 1
            headers[Int(slot)] = header
            headers[Int(slot)].generation = generation
        } else {
            slot = UInt32(headers.count)
            headers.append(header)
            amounts.append(contentsOf: repeatElement(.none, count: stride))
        }
        headers[Int(slot)].isOpen = true
        headers[Int(slot)].count = 0
        let id = ReservationID(slot: slot, generation: headers[Int(slot)].generation)
        enqueue(id)
        return id
    }

    mutating func append(_ amount: ReservedAmount, to id: ReservationID) {
        let slot = Int(id.slot)
        amounts[slot * stride + Int(headers[slot].count)] = amount
        headers[slot].count += 1
    }

    private mutating func enqueue(_ id: ReservationID) {
        guard headers[Int(id.slot)].expires != .max else { return }
        // Closed ones at the front are passed over now, so that the queue stays as long as what is open.
        while head < queue.count, !isOpen(queue[head]) { head += 1 }
        if head > 64, head * 2 > queue.count {
            queue.removeFirst(head)
            head = 0
        }
        queue.append(id)
    }

    private func isOpen(_ id: ReservationID) -> Bool {
        let slot = Int(id.slot)
        return headers.indices.contains(slot) && headers[slot].isOpen && headers[slot].generation == id.generation
    }

    private mutating func widen(to room: Int) {
        var wider: ContiguousArray<ReservedAmount> = []
        wider.reserveCapacity(headers.count * room)
        for slot in headers.indices {
            wider.append(contentsOf: amounts[slot * stride..<(slot + 1) * stride])
            wider.append(contentsOf: repeatElement(.none, count: room - stride))
        }
        amounts = wider
        stride = room
    }

    /// Takes a reservation out and hands over its parts; nil where it is closed already.
    mutating func close(_ id: ReservationID) -> (header: ReservationHeader, amounts: Range<Int>)? {
        guard isOpen(id) else { return nil }
        let slot = Int(id.slot)
        let header = headers[slot]
        headers[slot].isOpen = false
        headers[slot].group = nil
        if !header.grants.isEmpty { headers[slot].grants = [] }
        free.append(id.slot)
        return (header, slot * stride..<slot * stride + Int(header.count))
    }

    subscript(position: Int) -> ReservedAmount { amounts[position] }

    /// The next reservation whose time to live has ended.
    mutating func nextExpired(at time: Int64) -> ReservationID? {
        while head < queue.count {
            let id = queue[head]
            if isOpen(id) {
                guard headers[Int(id.slot)].expires <= time else { return nil }
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
        var id: RequestID
        var time: Int64
        var decision: Decision
    }

    /// Open addressing over entries in the order of their coming.
    private struct Table {
        private var entries: ContiguousArray<Entry> = []
        private var slots: ContiguousArray<UInt32> = []

        func find(_ id: RequestID) -> Int? {
            guard !slots.isEmpty else { return nil }
            let mask = slots.count - 1
            var position = Int(truncatingIfNeeded: id.low >> 8) & mask
            while slots[position] != 0 {
                let index = Int(slots[position]) - 1
                if entries[index].id == id { return index }
                position = (position + 1) & mask
            }
            return nil
        }

        subscript(index: Int) -> Entry {
            get { entries[index] }
            set { entries[index] = newValue }
        }

        mutating func insert(_ entry: Entry) {
            if (entries.count + 1) * 2 > slots.count { grow() }
            entries.append(entry)
            place(entry.id, UInt32(entries.count))
        }

        private mutating func place(_ id: RequestID, _ value: UInt32) {
            let mask = slots.count - 1
            var position = Int(truncatingIfNeeded: id.low >> 8) & mask
            while slots[position] != 0 { position = (position + 1) & mask }
            slots[position] = value
        }

        private mutating func grow() {
            slots = ContiguousArray(repeating: 0, count: max(16, slots.count * 2))
            for index in entries.indices { place(entries[index].id, UInt32(index + 1)) }
        }

        mutating func removeAll() {
            guard !entries.isEmpty else { return }
            // A table that a burst has made large does not stay large.
            if slots.count > 1_024, entries.count * 8 < slots.count {
                slots = []
                entries = []
                return
            }
            entries.removeAll(keepingCapacity: true)
            slots.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
        }
    }

    private var young = Table()
    private var old = Table()
    private var youngSince = Int64.min

    /// The decision that a request of this id got less than `window` ago.
    func decision(_ id: RequestID, at time: Int64, window: Int64) -> Decision? {
        let entry: Entry
        if let index = young.find(id) {
            entry = young[index]
        } else if let index = old.find(id) {
            entry = old[index]
        } else {
            return nil
        }
        return time < entry.time.addingSaturated(window) ? entry.decision : nil
    }

    mutating func remember(_ id: RequestID, _ decision: Decision, at time: Int64, window: Int64) {
        if youngSince == .min {
            youngSince = time
        } else if time >= youngSince.addingSaturated(window) {
            swap(&young, &old)
            young.removeAll()
            youngSince = time
        }
        let entry = Entry(id: id, time: time, decision: decision)
        if let index = young.find(id) { young[index] = entry } else { young.insert(entry) }
    }
}
