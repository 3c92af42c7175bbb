import CIntrinsics
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The lock of one tenant's account: a word that is acquired by one atomic instruction and released by a plain store.
///
/// It is held for about a hundred nanoseconds and rarely contended, so its uncontended cost matters. A mutex, which
/// must track waiting threads, costs twice as much. A contending thread spins and then sleeps between attempts, so that
/// an interrupted owner gets the processor.
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
