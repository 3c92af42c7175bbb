import Synchronization

/// Text of a log at an address that stays, as long as someone reads from it.
///
/// Readers load words of up to 64 bytes: `padding` zeros follow the text, so that such a load may begin at any byte of it.
package final class TextBuffer: @unchecked Sendable {
    private let base: UnsafeMutablePointer<UInt8>
    /// Bytes that fit.
    let capacity: Int
    /// Bytes that were added.
    private(set) var count = 0
    private let pool: TextBufferPool?

    package static let padding = 64

    init(capacity: Int) {
        base = .allocate(capacity: capacity + Self.padding)
        self.capacity = capacity
        pool = nil
    }

    fileprivate init(_ base: UnsafeMutablePointer<UInt8>, _ pool: TextBufferPool) {
        self.base = base
        self.pool = pool
        capacity = pool.capacity
    }

    package convenience init(_ bytes: [UInt8]) {
        self.init(capacity: bytes.count)
        bytes.withUnsafeBufferPointer { add($0) }
        seal()
    }

    deinit { if let pool { pool.giveBack(base) } else { base.deallocate() } }

    package var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: base, count: count) }

    /// Where the next bytes go.
    var free: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: base + count, count: capacity - count)
    }

    /// Takes bytes that were written to `free`.
    func grow(by added: Int) {
        precondition(added >= 0 && added <= capacity - count)
        count += added
    }

    func add(_ bytes: UnsafeBufferPointer<UInt8>) {
        precondition(bytes.count <= capacity - count)
        guard let source = bytes.baseAddress else { return }
        (base + count).update(from: source, count: bytes.count)
        count += bytes.count
    }

    func truncate(to count: Int) {
        precondition(count >= 0 && count <= self.count)
        self.count = count
    }

    /// Puts the zeros behind the text.
    func seal() { (base + count).update(repeating: 0, count: Self.padding) }
}

/// Memory of buffers that are done with, for the next ones: it is in the cache, and the system need not clear it again.
final class TextBufferPool: Sendable {
    /// Bytes of each buffer.
    let capacity: Int

    private struct Idle: @unchecked Sendable {
        var bases: [UnsafeMutablePointer<UInt8>] = []
    }

    private let idle = Mutex(Idle())

    init(capacity: Int) { self.capacity = capacity }

    deinit { idle.withLock { for base in $0.bases { base.deallocate() } } }

    func take() -> TextBuffer {
        let base = idle.withLock { $0.bases.popLast() }
        return TextBuffer(base ?? .allocate(capacity: capacity + TextBuffer.padding), self)
    }

    fileprivate func giveBack(_ base: UnsafeMutablePointer<UInt8>) { idle.withLock { $0.bases.append(base) } }
}
