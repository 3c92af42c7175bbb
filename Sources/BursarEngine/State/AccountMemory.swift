import BursarStorage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Where the parts of an account lie that nearly every decision touches, in bytes from its beginning.
struct AccountLayout: ~Copyable {
    static let line = 64
    /// Reservations that are open at once; more lie elsewhere.
    static let headerCount = 2
    /// More than most plans have; those of larger ones lie elsewhere.
    private static let mostCounters = 16
    private static let mostSlots = 64

    let slots: Int
    let slotCount: Int
    let headers: Int
    /// Every line before them is touched; of each of them, the first.
    let counters: Int
    let counterCount: Int
    let size: Int

    init(like other: borrowing AccountLayout) {
        slots = other.slots
        slotCount = other.slotCount
        headers = other.headers
        counters = other.counters
        counterCount = other.counterCount
        size = other.size
    }

    init(_ editions: [CompiledEdition]) {
        let plans = editions.flatMap(\.plans)
        let counted = plans.map { plan in plan.rows.count { $0.hasFixedCounter && $0.needsCounter } }
        slotCount = min(plans.map(\.rows.count).max() ?? 0, Self.mostSlots)
        counterCount = min(counted.max() ?? 0, Self.mostCounters)
        func lines(_ bytes: Int) -> Int { (bytes + Self.line - 1) / Self.line * Self.line }
        slots = lines(MemoryLayout<Account.State>.size)
        headers = slots + lines(slotCount * MemoryLayout<Int32>.stride)
        counters = headers + lines(Self.headerCount * MemoryLayout<ReservationHeader>.stride)
        // An odd number of lines: the same parts of two accounts fall into different sets of the cache.
        size = (counters + lines(counterCount * MemoryLayout<Counter>.stride)) | Self.line
    }
}

/// The accounts of one engine: they lie one after the other in large stretches, for which the system has large pages, so
/// that a tenant that was not seen for a while costs few misses.
struct AccountMemory: ~Copyable {
    private var stretches: [UnsafeMutableRawPointer] = []
    private(set) var accounts: [Account] = []
    private var free = UnsafeMutableRawPointer(bitPattern: AccountLayout.line).unsafelyUnwrapped
    private var left = 0
    private var nextCount = 16

    /// A large page; stretches of that size begin at one.
    private static let largePage = 2 << 20
    private static let largestStretch = 32 << 20

    mutating func account(
        id: Symbol, engine: UInt32, record: Int, forgets: Bool, lifetime: Int64, _ layout: borrowing AccountLayout
    ) -> Account {
        if left < layout.size { grow(layout.size) }
        let made = Account(
            id: id, engine: engine, record: record, forgets: forgets, lifetime: lifetime, at: free, layout)
        free += layout.size
        left -= layout.size
        accounts.append(made)
        return made
    }

    private mutating func grow(_ size: Int) {
        var bytes = size * nextCount
        let isLarge = bytes >= Self.largePage
        if isLarge { bytes = (bytes + Self.largePage - 1) / Self.largePage * Self.largePage }
        free = .allocate(byteCount: bytes, alignment: isLarge ? Self.largePage : AccountLayout.line)
        left = bytes
        stretches.append(free)
        if bytes < Self.largestStretch { nextCount *= 2 }
        #if os(Linux)
            // Where the system has no large pages for it, small ones do.
            if isLarge { madvise(free, bytes, Int32(MADV_HUGEPAGE)) }
        #endif
    }

    deinit {
        for account in accounts { account.deinitialize() }
        for stretch in stretches { stretch.deallocate() }
    }
}
