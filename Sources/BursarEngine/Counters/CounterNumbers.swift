import BursarPolicy
import Synchronization

/// Numbers for the names of counters, the same in all plans and for all tenants of an engine: so a new tenant's plan is
/// bound without comparing names.
final class CounterNumbers: Sendable {
    private let numbers = Mutex<[Limit.CounterKey: Int32]>([:])

    func number(of key: Limit.CounterKey) -> Int32 {
        numbers.withLock { numbers in
            if let found = numbers[key] { return found }
            let made = Int32(numbers.count)
            numbers[key] = made
            return made
        }
    }
}
