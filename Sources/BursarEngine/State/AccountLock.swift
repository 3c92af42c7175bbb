import CIntrinsics
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The lock of one tenant's account: a word that is taken by one locked instruction and given back by a plain store.
///
/// It is held for some hundred nanoseconds, and of thousands of tenants hardly two threads want the same one at once. So
/// what counts is what it costs alone; a mutex, which must know whether anybody sleeps, costs twice that. Who finds it
/// taken tries again, and soon sleeps between two tries, so that a holder that was interrupted gets the processor.
struct AccountLock: ~Copyable, Sendable {
    private let isHeld = Atomic(false)

    private static let triesAwake = 200
    private static let triesYielding = 50
    /// Microseconds.
    private static let sleep: UInt32 = 50

    @inline(__always)
    func lock() {
        if isHeld.exchange(true, ordering: .acquiring) { wait() }
    }

    @inline(__always)
    func unlock() { isHeld.store(false, ordering: .releasing) }

    @inline(__always)
    func withLock<Result>(_ body: () throws -> Result) rethrows -> Result {
        lock()
        defer { unlock() }
        return try body()
    }

    @inline(never)
    private func wait() {
        var tries = 0
        repeat {
            tries += 1
            if tries <= Self.triesAwake {
                bursar_pause()
            } else if tries <= Self.triesAwake + Self.triesYielding {
                sched_yield()
            } else {
                usleep(Self.sleep)
            }
        } while isHeld.load(ordering: .relaxed) || isHeld.exchange(true, ordering: .acquiring)
    }
}
