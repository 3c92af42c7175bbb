import BursarPolicy
import Synchronization

/// Numbers for the names of counters, the same in all plans and for all tenants of an engine: so a new tenant's plan is
/// bound without comparing names.
final class CounterNumbers: @unchecked Sendable {
    private let numbers = Mutex<[Limit.CounterKey: Int32]>([:])
    /// When counters may be forgotten; set once, before the engine decides anything.
    private(set) var retentions: CounterRetentions?

    func number(of key: Limit.CounterKey) -> Int32 {
        numbers.withLock { numbers in
            if let found = numbers[key] { return found }
            let made = Int32(numbers.count)
            numbers[key] = made
            return made
        }
    }

    /// Settles when counters may be forgotten, once all plans of all tiers are known and nothing is decided yet.
    func settle(_ retentions: consuming CounterRetentions) { self.retentions = retentions }
}
