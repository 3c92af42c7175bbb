import Synchronization

/// The memory of a block's records.
final class RecordMemory: @unchecked Sendable {
    let base: UnsafeMutableRawPointer
    let count: Int

    init(_ count: Int) {
        base = .allocate(byteCount: count, alignment: 64)
        self.count = count
    }

    deinit { base.deallocate() }
}

/// Memory of finished blocks for reuse: it is in the cache, and the system need not clear it again.
package final class RecordMemories: Sendable {
    private let idle = Mutex<[RecordMemory]>([])

    package init() {}

    func take(_ count: Int) -> RecordMemory? {
        idle.withLock { idle in
            idle.lastIndex { $0.count >= count }.map { idle.remove(at: $0) }
        }
    }

    func giveBack(_ memory: RecordMemory) { idle.withLock { $0.append(memory) } }
}
