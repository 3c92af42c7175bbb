import BursarPolicy
import BursarStorage
import BursarSyntax

/// The decisions of requests that came within the retry window, by request id.
///
/// Two tables take turns: when the younger one has filled for a whole window, every entry of the older is too old.
struct RecentRequests: ~Copyable {
    /// A decision as it was given, in numbers alone: its detail is kept alive by hand.
    struct Entry {
        let id: RequestID
        let time: Int64
        private let outcome: Outcome
        private let isUnpriced: Bool
        private let isUnlimited: Bool
        private let model: Symbol
        private let tier: Symbol
        private let edition: Int32
        private let estimate: Estimate
        private let reservation: ReservationID?
        private let detail: Unmanaged<DecisionDetail>?
        /// The engine does not keep the detail, so that the table does.
        let keepsDetail: Bool

        /// - Parameter decision: not changed; at its address, because handing it on would copy it.
        @inline(__always)
        init(id: RequestID, time: Int64, decision: inout Decision) {
            self.id = id
            self.time = time
            outcome = decision.outcome
            isUnpriced = decision.isUnpriced
            isUnlimited = decision.isUnlimited
            model = decision.model
            tier = decision.tier
            edition = decision.edition
            estimate = decision.estimate
            reservation = decision.reservation
            detail = decision.detailReference
            keepsDetail = detail.map { $0._withUnsafeGuaranteedRef { !$0.isLasting } } ?? false
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

        mutating func replace(_ index: Int, by entry: Entry) {
            entries[index].release()
            entries[index] = entry
            if entry.keepsDetail { keepsDetails = true }
        }

        @inline(__always)
        mutating func insert(_ entry: Entry) {
            if (entries.count + 1) * 2 > slots.count { grow() }
            entries.appended().initialize(to: entry)
            if entry.keepsDetail { keepsDetails = true }
            place(entry.id, UInt32(entries.count))
        }

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
            slots.base.update(repeating: 0, count: slots.count)
        }
    }

    private var young = Table()
    private var old = Table()
    private var youngSince = Int64.min

    /// Some request of this id is remembered, within the window or not.
    @inline(__always)
    func holds(_ id: RequestID) -> Bool { young.find(id) != nil || old.find(id) != nil }

    /// The decision that a request of this id got less than `window` ago.
    func decision(_ id: RequestID, at time: Int64, window: Int64) -> Decision? {
        if let index = young.find(id) { return decision(young[index], at: time, window: window) }
        if let index = old.find(id) { return decision(old[index], at: time, window: window) }
        return nil
    }

    private func decision(_ entry: Entry, at time: Int64, window: Int64) -> Decision? {
        time < entry.time.addingSaturated(window) ? entry.given : nil
    }

    /// - Parameter decision: not changed, as below.
    mutating func remember(_ id: RequestID, _ decision: inout Decision, at time: Int64, window: Int64) {
        if youngSince == .min {
            youngSince = time
        } else if time >= youngSince.addingSaturated(window) {
            swap(&young, &old)
            young.removeAll()
            youngSince = time
        }
        let entry = Entry(id: id, time: time, decision: &decision)
        if let index = young.find(id) { young.replace(index, by: entry) } else { young.insert(entry) }
    }

    /// The same for an id that `holds` has just not found.
    @inline(__always)
    mutating func rememberNew(_ id: RequestID, _ decision: inout Decision, at time: Int64, window: Int64) {
        if youngSince == .min || time >= youngSince.addingSaturated(window) {
            remember(id, &decision, at: time, window: window)
        } else {
            young.insert(Entry(id: id, time: time, decision: &decision))
        }
    }
}
