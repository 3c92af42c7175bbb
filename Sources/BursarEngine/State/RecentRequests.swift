import BursarPolicy
import BursarStorage
import BursarSyntax

/// The decisions of admitted requests that came within the retry window, by request id.
///
/// Two tables take turns: when the younger one has filled for a whole window, every entry of the older is too old.
struct RecentRequests: ~Copyable {
    /// A decision as it was given, in numbers alone: its detail is kept alive by hand.
    struct Entry {
        private(set) var id: RequestID
        private(set) var time: Int64
        /// Of the request: another one with this id is no repeat.
        private(set) var fingerprint: UInt64
        private var outcome: Outcome
        private var isUnpriced: Bool
        private var isUnlimited: Bool
        private var model: Symbol
        private var tier: Symbol
        private var edition: Int32
        private var estimate: Estimate
        private(set) var reservation: ReservationID?
        private var detail: Unmanaged<DecisionDetail>?
        /// The engine does not keep the detail, so that the table does.
        private(set) var keepsDetail: Bool

        /// Writes an entry where there is none: one that is made elsewhere would have to be copied.
        ///
        /// - Parameter decision: not changed; at its address for the same reason.
        @inline(__always)
        static func write(
            _ id: RequestID, _ time: Int64, _ fingerprint: UInt64, _ decision: inout Decision,
            to place: UnsafeMutablePointer<Entry>
        ) {
            place.pointee.id = id
            place.pointee.time = time
            place.pointee.fingerprint = fingerprint
            place.pointee.outcome = decision.outcome
            place.pointee.isUnpriced = decision.isUnpriced
            place.pointee.isUnlimited = decision.isUnlimited
            place.pointee.model = decision.model
            place.pointee.tier = decision.tier
            place.pointee.edition = decision.edition
            place.pointee.estimate = decision.estimate
            place.pointee.reservation = decision.reservation
            let detail = decision.detailReference
            place.pointee.detail = detail
            let keepsDetail = detail.map { $0._withUnsafeGuaranteedRef { !$0.isLasting } } ?? false
            place.pointee.keepsDetail = keepsDetail
            if keepsDetail { _ = detail?.retain() }
        }

        /// To be called once for every entry that goes.
        func release() { if keepsDetail { detail?.release() } }

        var given: Decision {
            var decision = Decision(outcome: outcome, model: model)
            decision.isUnpriced = isUnpriced
            decision.isUnlimited = isUnlimited
            decision.tier = tier
            decision.edition = edition
            decision.estimate = estimate
            decision.reservation = reservation
            decision.detail = detail?.takeUnretainedValue()
            return decision
        }
    }

    /// Open addressing over entries in the order of their coming.
    struct Table: ~Copyable {
        private var entries = RawArray<Entry>()
        private var slots = RawArray<UInt32>()
        /// Some entry keeps a detail.
        private var keepsDetails = false

        deinit { releaseAll() }

        func find(_ id: RequestID) -> Int? {
            guard slots.count > 0 else { return nil }
            let mask = slots.count - 1
            var position = Int(truncatingIfNeeded: id.low >> 8) & mask
            while slots[position] != 0 {
                let index = Int(slots[position]) - 1
                if entries[index].id == id { return index }
                position = (position + 1) & mask
            }
            return nil
        }

        subscript(index: Int) -> Entry { entries[index] }

        mutating func replace(
            _ index: Int, _ id: RequestID, _ time: Int64, _ fingerprint: UInt64, by decision: inout Decision
        ) {
            entries[index].release()
            entries.withAddress(of: index) { Entry.write(id, time, fingerprint, &decision, to: $0) }
            if entries[index].keepsDetail { keepsDetails = true }
        }

        @inline(__always)
        mutating func insert(
            _ id: RequestID, _ time: Int64, _ fingerprint: UInt64, _ decision: inout Decision
        ) {
            if (entries.count + 1) * 2 > slots.count { grow() }
            entries.append { Entry.write(id, time, fingerprint, &decision, to: $0) }
            if entries[entries.count - 1].keepsDetail { keepsDetails = true }
            place(id, UInt32(entries.count))
        }

        var count: Int { entries.count }

        private func releaseAll() {
            guard keepsDetails else { return }
            for index in entries.indices { entries[index].release() }
        }

        private mutating func place(_ id: RequestID, _ value: UInt32) {
            let mask = slots.count - 1
            var position = Int(truncatingIfNeeded: id.low >> 8) & mask
            while slots[position] != 0 { position = (position + 1) & mask }
            slots[position] = value
        }

        private mutating func grow() {
            let wanted = max(16, slots.count * 2)
            slots.removeAll(keepingCapacity: false)
            slots.append(repeating: 0, count: wanted)
            for index in entries.indices { place(entries[index].id, UInt32(index + 1)) }
        }

        mutating func removeAll() {
            guard entries.count > 0 else { return }
            releaseAll()
            keepsDetails = false
            // A table that a burst has made large does not stay large.
            if slots.count > 1_024, entries.count * 8 < slots.count {
                slots.removeAll(keepingCapacity: false)
                entries.removeAll(keepingCapacity: false)
                return
            }
            entries.removeAll(keepingCapacity: true)
            slots.fill(with: 0)
        }
    }

    private var young = Table()
    private var old = Table()
    private var youngSince = Int64.min
    /// Reservations that were released: their requests were never made, so that their ids are new.
    private var released: Set<ReservationID> = []
    private var mostReleased = Self.fewReleased
    private static let fewReleased = 64

    /// Some request of this id is remembered, within the window or not.
    @inline(__always)
    func holds(_ id: RequestID) -> Bool { young.find(id) != nil || old.find(id) != nil }

    /// The request of this id that was admitted less than `window` ago, unless the time of that was wrong.
    ///
    /// - Parameter latest: of the times of this request and the one before it.
    func entry(_ id: RequestID, at time: Int64, latest: Int64, window: Int64) -> Entry? {
        guard let entry = young.find(id).map({ young[$0] }) ?? old.find(id).map({ old[$0] }) else { return nil }
        guard time < entry.time.addingSaturated(window), !CounterBook.isWrong(entry.time, latest: latest) else {
            return nil
        }
        return entry.reservation.map(released.contains) == true ? nil : entry
    }

    /// The request of a reservation was never made.
    mutating func forget(_ reservation: ReservationID) {
        guard young.count + old.count > 0 else { return }
        if released.count >= mostReleased {
            // Those whose requests are not remembered any more need not be kept.
            var kept: Set<ReservationID> = []
            for table in 0..<2 {
                for index in 0..<(table == 0 ? young.count : old.count) {
                    let id = table == 0 ? young[index].reservation : old[index].reservation
                    if let id, released.contains(id) { kept.insert(id) }
                }
            }
            released = kept
            mostReleased = max(Self.fewReleased, kept.count * 2, (young.count + old.count) / 4)
        }
        released.insert(reservation)
    }

    /// The younger table has filled for a whole window, or since a time that was wrong.
    @inline(__always)
    private func isFull(_ time: Int64, _ latest: Int64, _ window: Int64) -> Bool {
        time >= youngSince.addingSaturated(window) || CounterBook.isWrong(youngSince, latest: latest)
    }

    /// - Parameter decision: not changed, as below.
    mutating func remember(
        _ id: RequestID, _ fingerprint: UInt64, _ decision: inout Decision, at time: Int64, latest: Int64, window: Int64
    ) {
        if youngSince == .min {
            youngSince = time
        } else if isFull(time, latest, window) {
            swap(&young, &old)
            young.removeAll()
            youngSince = time
        }
        if let index = young.find(id) {
            young.replace(index, id, time, fingerprint, by: &decision)
        } else {
            young.insert(id, time, fingerprint, &decision)
        }
    }

    /// The same for an id that `holds` has just not found.
    @inline(__always)
    mutating func rememberNew(
        _ id: RequestID, _ fingerprint: UInt64, _ decision: inout Decision, at time: Int64, latest: Int64, window: Int64
    ) {
        if youngSince == .min || isFull(time, latest, window) {
            remember(id, fingerprint, &decision, at: time, latest: latest, window: window)
        } else {
            young.insert(id, time, fingerprint, &decision)
        }
    }
}
