import BursarPolicy
import BursarStorage
import BursarSyntax
import CIntrinsics

/// What was reserved in one counter.
struct ReservedAmount: Sendable {
    var counter: CounterRef
    var unit: Unit
    var kind: Kind
    /// Start of the window, or number of the slice.
    var window: Int64
    var amount: Int64
    /// Of the counter's place, which may be used again.
    var generation: UInt32 = 0
    /// Of a run that this reservation was the first to count.
    var run: UInt32 = 0
    /// Of a bucket and of a window from first use: its length; of any other window: its end.
    var length: Int64 = 0
    /// Of a bucket: the most that it holds; of a window: the limit's amount.
    var capacity: Int64 = 0
    /// Of a bucket: what it gains in its length.
    var rate: Int64 = 0
    /// Of a window: those before the latest are kept.
    var keepsHistory = false

    enum Kind: UInt8, Sendable { case window, rolling, bucket, prepaid, firstUse, running }

    /// A settlement changes the counter even where nothing is counted in it any more.
    var holdsCounter: Bool { kind == .bucket || amount == 0 }

    /// Fills slots that are not in use.
    static let none = ReservedAmount(
        counter: CounterRef(index: -1, isShared: false), unit: .requests, kind: .window, window: 0, amount: 0)
}

/// What a reservation must know besides its amounts: one line of the cache, nothing in it counts references.
struct ReservationHeader: Sendable {
    var time: Int64 = 0
    /// Of the model that was decided; -1: none that the catalog lists.
    var model = Int32(-1)
    /// By index in `Engine.editions`, for the model's price.
    var edition: Int32 = 0
    var generation: UInt32 = 0
    /// Amounts that are spelled out.
    var count: UInt16 = 0
    var state = State.closed
    /// The estimate has no cached tokens.
    var isUncached = false
    /// What stands in for spelled-out amounts: the rows of the account's plan that it counts in, as bits, and the
    /// estimate.
    var rows: UInt64 = 0
    var spend: Int64 = 0
    var input: Int64 = 0
    var output: Int64 = 0
    /// Neighbours among the open reservations, in the order in which they expire; of a closed one the next closed one.
    fileprivate var previous = Int32(-1)
    fileprivate var next = Int32(-1)

    enum State: UInt8, Sendable { case closed, spelledOut, byRows }

    /// Whether what was used is what was estimated, so that it costs as much.
    @inline(__always)
    func isEstimate(of usage: Usage) -> Bool {
        isUncached && usage.cachedTokens == 0 && usage.inputTokens == input && usage.outputTokens == output
            && usage.cost == nil
    }
}

/// What few reservations have.
struct RareReservation: Sendable {
    /// Of prepaid limits.
    var grants: [Grant] = []
    var group: GroupAccount?
}

/// Open reservations of a tenant by slot; a slot is used again, with a new generation, once it is closed.
///
/// The amounts of all slots lie in one array, a fixed number for each, so that opening one allocates nothing.
struct ReservationTable: ~Copyable {
    private var headers = RawArray<ReservationHeader>()
    private var firstFree = Int32(-1)
    /// All live equally long, so that the one opened first expires first.
    private var first = Int32(-1)
    private var last = Int32(-1)
    private var stride: Int32 = 0
    private var amounts = RawArray<ReservedAmount>()
    private var rare: [UInt32: RareReservation] = [:]

    /// The engine and the tenant that the reservations belong to.
    private let owner: UInt64

    init(headers: consuming RawArray<ReservationHeader>, owner: UInt64) {
        self.headers = headers
        self.owner = owner
    }

    /// Asks for the memory of the next reservation that is opened, and of the last one, which it is linked to.
    @inline(__always)
    func prefetch() {
        bursar_prefetch(headers.prefetchHint(Int(max(0, firstFree))))
        bursar_prefetch(headers.prefetchHint(Int(max(0, last))))
    }

    /// Opens a reservation; spelled-out amounts, at most `room` of them, are added with `append`.
    @inline(__always)
    mutating func open(_ header: ReservationHeader, room: Int) -> ReservationID {
        if room > 0 { makeRoom(room) }
        let slot: Int32
        if firstFree >= 0 {
            slot = firstFree
            firstFree = headers[Int(slot)].next
        } else {
            slot = Int32(headers.count)
            headers.append(ReservationHeader())
            if stride > 0 { amounts.append(repeating: .none, count: Int(stride)) }
        }
        let place = Int(slot)
        let generation = headers[place].generation &+ 1
        headers[place] = header
        headers[place].generation = generation
        headers[place].previous = last
        if last >= 0 { headers[Int(last)].next = slot } else { first = slot }
        last = slot
        return ReservationID(owner: owner, slot: UInt32(slot), generation: generation)
    }

    mutating func setRare(_ value: RareReservation, for id: ReservationID) { rare[id.slot] = value }

    func append(_ amount: ReservedAmount, to id: ReservationID) {
        let slot = Int(id.slot)
        amounts[slot * Int(stride) + Int(headers[slot].count)] = amount
        headers[slot].count += 1
    }

    private mutating func makeRoom(_ room: Int) {
        guard room > Int(stride) else { return }
        var wider = RawArray<ReservedAmount>()
        for slot in headers.indices {
            for position in 0..<Int(stride) { wider.append(amounts[slot * Int(stride) + position]) }
            wider.append(repeating: .none, count: room - Int(stride))
        }
        amounts = wider
        stride = Int32(room)
    }

    @inline(__always)
    private func isOpen(_ id: ReservationID) -> Bool {
        let slot = Int(id.slot)
        return id.owner == owner && headers.indices.contains(slot) && headers[slot].state != .closed
            && headers[slot].generation == id.generation
    }

    /// Takes a reservation out and hands over its parts; nil where it is closed already.
    @inline(__always)
    mutating func close(_ id: ReservationID) -> (header: ReservationHeader, amounts: Range<Int>)? {
        guard isOpen(id) else { return nil }
        let slot = Int(id.slot)
        let header = headers[slot]
        if header.previous >= 0 { headers[Int(header.previous)].next = header.next } else { first = header.next }
        if header.next >= 0 { headers[Int(header.next)].previous = header.previous } else { last = header.previous }
        headers[slot].state = .closed
        headers[slot].next = firstFree
        firstFree = Int32(slot)
        let start = slot * Int(stride)
        return (header, start..<start + Int(header.count))
    }

    /// What else there is of a reservation that was just closed.
    mutating func takeRare(_ id: ReservationID) -> RareReservation {
        rare.isEmpty ? RareReservation() : rare.removeValue(forKey: id.slot) ?? RareReservation()
    }

    subscript(position: Int) -> ReservedAmount { amounts[position] }

    /// When the reservation was made; nil where it is closed.
    func time(_ id: ReservationID) -> Int64? { isOpen(id) ? headers[Int(id.slot)].time : nil }

    /// The next reservation that can no longer be settled, or whose time was wrong.
    ///
    /// - Parameter latest: of the times of this request and the one before it.
    @inline(__always)
    func nextExpired(at time: Int64, latest: Int64, lifetime: Int64) -> ReservationID? {
        guard first >= 0 else { return nil }
        let made = headers[Int(first)].time
        guard made.addingSaturated(lifetime) <= time || CounterBook.isWrong(made, latest: latest) else { return nil }
        return ReservationID(owner: owner, slot: UInt32(first), generation: headers[Int(first)].generation)
    }

    /// Spells out the amounts of reservations that stand by rows of a plan.
    mutating func spellOut(room: Int, _ amount: (ReservationHeader, Int) -> ReservedAmount) {
        var slot = first
        while slot >= 0 {
            let header = headers[Int(slot)]
            if header.state == .byRows {
                makeRoom(room)
                let id = ReservationID(owner: owner, slot: UInt32(slot), generation: header.generation)
                var rows = header.rows
                while rows != 0 {
                    append(amount(header, rows.trailingZeroBitCount), to: id)
                    rows &= rows - 1
                }
                headers[Int(slot)].state = .spelledOut
            }
            slot = header.next
        }
    }
}

/// How a reservation ends.
enum Ending {
    case used(Usage)
    /// The request was never made. An attempt stays an attempt.
    case released
    /// Nobody said what it used: its estimate stands.
    case dropped

    /// What counts in place of a reserved amount.
    ///
    /// - Parameter cost: of what was used; nil where that is not known.
    func actual(_ unit: Unit, _ reserved: Int64, cost: Int64?) -> Int64 {
        switch self {
        case .used(let usage):
            switch unit {
            case .spend: cost ?? reserved
            case .tokens: usage.inputTokens.addingSaturated(usage.outputTokens)
            case .inputTokens: usage.inputTokens
            case .outputTokens: usage.outputTokens
            case .concurrentRequests: 0
            default: reserved
            }
        case .released: unit == .attempts ? reserved : 0
        case .dropped: unit == .concurrentRequests ? 0 : reserved
        }
    }

    /// By how much a reservation by rows changes in every unit.
    @inline(__always)
    func changes(_ header: ReservationHeader, cost: Int64?) -> FastAmounts {
        var changes = FastAmounts(spend: 0, input: 0, output: 0, count: 0)
        changes.concurrent = -1
        switch self {
        case .used(let usage):
            changes.spend = (cost ?? header.spend).subtractingSaturated(header.spend)
            changes.input = usage.inputTokens.subtractingSaturated(header.input)
            changes.output = usage.outputTokens.subtractingSaturated(header.output)
            changes.tokens = changes.input.addingSaturated(changes.output)
        case .released:
            changes.spend = header.spend.negatedSaturated
            changes.input = header.input.negatedSaturated
            changes.output = header.output.negatedSaturated
            changes.tokens = changes.input.addingSaturated(changes.output)
            changes.requests = -1
        case .dropped: break
        }
        return changes
    }
}

extension Account {
    /// Puts actual amounts in place of reserved ones; the account's lock is held. Returns when the reservation was made; nil
    /// where it was closed already, or made longer ago than `lifetime`.
    ///
    /// - Parameter cost: of what was used, by the reservation; asked only where something was.
    @inline(__always)
    func finish(
        _ id: ReservationID, _ ending: Ending, at settled: Int64?, lifetime: Int64,
        cost: (ReservationHeader) -> Int64?
    ) -> Int64? {
        guard let made = reservations.time(id) else { return nil }
        let time = settled ?? made
        guard time < made.addingSaturated(lifetime), let (header, positions) = reservations.close(id) else {
            return nil
        }
        var spent: Int64?
        if case .used(let usage) = ending { spent = header.isEstimate(of: usage) ? header.spend : cost(header) }
        if header.state == .byRows {
            var changes = ending.changes(header, cost: spent)
            changes.withPlaces { finishRows(header, $0, at: time) }
        } else {
            finishAmounts(id, header, positions, ending, spent, at: time)
        }
        return made
    }

    /// - Parameter changes: by place in `FastAmounts`.
    @inline(__always)
    private func finishRows(_ header: ReservationHeader, _ changes: UnsafePointer<Int64>, at time: Int64) {
        guard let planReference else { return }
        planReference._withUnsafeGuaranteedRef { plan in
            var rows = header.rows
            while rows != 0 {
                let index = rows.trailingZeroBitCount
                rows &= rows &- 1
                let row = plan.fastRows[index]
                let change = changes[Int(row.pointee.amountPlace)]
                if change == 0 { continue }
                let number = slot(index)
                if row.pointee.isPeriodic, book.counters[number].start <= header.time,
                    header.time < book.counters[number].end
                {
                    // The window in which it was reserved is still open.
                    book.counters[number].used = book.counters[number].used.addingSaturated(change)
                } else {
                    let actual = row.pointee.amount(header).addingSaturated(change)
                    book.adjust(
                        spelledOut(header, index, counter: number, plan), to: actual, grants: [],
                        reservedAt: header.time, at: time)
                }
            }
        }
    }

    @inline(never)
    private func finishAmounts(
        _ id: ReservationID, _ header: ReservationHeader, _ positions: Range<Int>, _ ending: Ending, _ cost: Int64?,
        at time: Int64
    ) {
        let rare = reservations.takeRare(id)
        for position in positions {
            let reserved = reservations[position]
            let amount = ending.actual(reserved.unit, reserved.amount, cost: cost)
            if reserved.counter.isShared {
                guard let group = rare.group else { continue }
                group.lock.withLock { _ in
                    group.book.adjust(reserved, to: amount, grants: [], reservedAt: header.time, at: time)
                    group.book.letGo(reserved)
                }
            } else {
                book.adjust(reserved, to: amount, grants: rare.grants, reservedAt: header.time, at: time)
                book.letGo(reserved)
            }
        }
    }

    /// Keeps what was reserved in one counter, which is then not forgotten before the reservation is closed.
    func append(_ reserved: ReservedAmount, to id: ReservationID, _ group: GroupAccount?) {
        reservations.append(reserved, to: id)
        if reserved.counter.isShared {
            // Its lock is held.
            group?.book.hold(reserved)
        } else {
            book.hold(reserved)
        }
    }

    /// What a reservation by rows holds in one row's counter.
    func spelledOut(
        _ header: ReservationHeader, _ index: Int, counter number: Int, _ plan: CompiledPlan
    ) -> ReservedAmount {
        let row = plan.fastRows[index].pointee
        var reserved = ReservedAmount(
            counter: CounterRef(index: Int32(truncatingIfNeeded: number), isShared: false), unit: row.unit,
            kind: .window, window: .min, amount: row.amount(header), generation: book.generation(number))
        if row.kind == .bucket {
            reserved.kind = .bucket
            reserved.length = row.length
            reserved.capacity = row.capacity
            reserved.rate = row.amount
        } else if row.unit == .concurrentRequests {
            reserved.kind = .running
        } else if row.isPeriodic {
            // A request that costs nothing has opened no window.
            var window = Interval(start: book.counters[number].start, end: book.counters[number].end)
            if !window.contains(header.time) { window = plan.rows[index].limit.window.interval(at: header.time) }
            reserved.window = window.start
            reserved.length = window.end
            reserved.capacity = row.amount
            reserved.keepsHistory = plan.rows[index].keepsHistory
        }
        return reserved
    }

    func spellOutReservations() {
        guard let plan else { return }
        reservations.spellOut(room: plan.rows.count) { header, index in
            spelledOut(header, index, counter: slot(index), plan)
        }
    }

    /// Closes the reservations that can no longer be settled; the account's lock is held.
    @inline(__always)
    func dropReservations(at time: Int64, lifetime: Int64) {
        let latest = book.latest(at: time)
        while let id = reservations.nextExpired(at: book.earliest(at: time), latest: latest, lifetime: lifetime) {
            drop(id)
        }
    }

    @inline(never)
    private func drop(_ id: ReservationID) {
        _ = finish(id, .dropped, at: .min, lifetime: .max) { _ in nil }
    }
}
