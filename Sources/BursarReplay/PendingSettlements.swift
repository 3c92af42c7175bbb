import BursarEngine
import HeapModule

/// A queue of the actual usage of requests, ordered by the time when it becomes known, and by the order of decisions at
/// equal times.
struct PendingSettlements: ~Copyable {
    struct Settlement: Comparable {
        var due: Int64
        var reservation: ReservationID
        var tenant: TenantID
        var usage: Usage
        fileprivate var sequence = 0

        init(due: Int64, _ reservation: ReservationID, of tenant: TenantID, usage: Usage) {
            self.due = due
            self.reservation = reservation
            self.tenant = tenant
            self.usage = usage
        }

        static func < (left: Settlement, right: Settlement) -> Bool {
            (left.due, left.sequence) < (right.due, right.sequence)
        }
        static func == (left: Settlement, right: Settlement) -> Bool { left.sequence == right.sequence }
    }

    /// The earliest settlement is stored separately, because usually there is at most one.
    private var first: Settlement?
    private var others = Heap<Settlement>()
    private var sequence = 0

    @inline(__always)
    mutating func add(_ settlement: Settlement) {
        var added = settlement
        sequence += 1
        added.sequence = sequence
        guard let earliest = first else {
            first = added
            return
        }
        if added < earliest {
            first = added
            others.insert(earliest)
        } else {
            others.insert(added)
        }
    }

    /// Removes and returns the earliest settlement if it is due.
    @inline(__always)
    mutating func next(until time: Int64) -> Settlement? {
        guard let earliest = first, earliest.due <= time else { return nil }
        first = others.isEmpty ? nil : others.removeMin()
        return earliest
    }
}
