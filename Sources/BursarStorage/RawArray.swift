/// A growable array that is never copied, so that reaching an element counts no references and asks for no uniqueness.
///
/// Elements begin at a line of the cache. Indices are made by the engine, never by input.
@frozen public struct RawArray<Element>: ~Copyable {
    @usableFromInline var memory = UnsafeMutableRawPointer(bitPattern: 64).unsafelyUnwrapped
    @usableFromInline var used = 0
    /// Elements that there is room for; below zero where the memory is somebody else's.
    @usableFromInline var room = 0

    @inlinable @inline(__always) public var count: Int { used }
    @inlinable @inline(__always) var capacity: Int { abs(room) }

    @inlinable public init() {}

    /// An array that begins in memory that outlives it, and leaves it once it has outgrown it.
    @inlinable public init(lent memory: UnsafeMutableRawPointer, capacity: Int) {
        self.memory = memory
        room = -capacity
    }

    @inlinable public init(_ elements: some Sequence<Element>) {
        for element in elements { append(element) }
    }

    @inlinable deinit {
        guard room != 0 else { return }
        base.deinitialize(count: count)
        if room > 0 { memory.deallocate() }
    }

    @inlinable @inline(__always) public var base: UnsafeMutablePointer<Element> {
        memory.assumingMemoryBound(to: Element.self)
    }

    @inlinable @inline(__always) public var indices: Range<Int> { 0..<count }

    @inlinable @inline(__always) public subscript(index: Int) -> Element {
        _read {
            assert(indices.contains(index))
            yield base[index]
        }
        nonmutating _modify {
            assert(indices.contains(index))
            yield &base[index]
        }
    }

    @inlinable public mutating func append(_ element: consuming Element) { appended().initialize(to: element) }

    /// The place of one more element, which the caller initializes at once: what is made there need not be copied.
    @inlinable @inline(__always)
    public mutating func appended() -> UnsafeMutablePointer<Element> {
        if used == capacity { grow(to: used &+ 1) }
        used &+= 1
        return base + (used &- 1)
    }

    @inlinable public mutating func append(repeating element: Element, count added: Int) {
        if count + added > capacity { grow(to: count + added) }
        (base + count).initialize(repeating: element, count: added)
        used += added
    }

    @inlinable public mutating func removeAll(keepingCapacity: Bool) {
        base.deinitialize(count: count)
        used = 0
        guard !keepingCapacity, room > 0 else { return }
        memory.deallocate()
        memory = UnsafeMutableRawPointer(bitPattern: 64).unsafelyUnwrapped
        room = 0
    }

    @usableFromInline mutating func grow(to wanted: Int) {
        // At least a line of the cache, which nothing else would use.
        let larger = max(wanted, capacity * 2, 64 / MemoryLayout<Element>.stride)
        let new = UnsafeMutableRawPointer.allocate(
            byteCount: larger * MemoryLayout<Element>.stride, alignment: 64)
        new.assumingMemoryBound(to: Element.self).moveInitialize(from: base, count: count)
        if room > 0 { memory.deallocate() }
        memory = new
        room = larger
    }
}

extension RawArray: @unchecked Sendable where Element: Sendable {}
