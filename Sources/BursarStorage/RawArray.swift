/// A growable array that is never copied, so that reaching an element counts no references and needs no uniqueness check.
///
/// Its elements move when it grows, so it hands out no addresses: callers keep indices. Where an element's address is
/// needed, a closure gets it and must not let it escape. Indices come from the engine, never from input; debug builds
/// check each one.
@frozen public struct RawArray<Element>: ~Copyable {
    @usableFromInline var memory = UnsafeMutableRawPointer(bitPattern: 64).unsafelyUnwrapped
    @usableFromInline var used = 0
    /// Elements that there is room for; below zero where the memory is lent.
    @usableFromInline var room = 0

    @inlinable @inline(__always) public var count: Int { used }
    @inlinable @inline(__always) public var isEmpty: Bool { used == 0 }
    @inlinable @inline(__always) var capacity: Int { abs(room) }

    @inlinable public init() {}

    /// An array that begins in memory that outlives it, and leaves that memory once it has outgrown it.
    @inlinable public init(lent memory: UnsafeMutableRawPointer, capacity: Int) {
        precondition(capacity >= 0, "negative capacity")
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

    /// Valid until the array grows.
    @inlinable @inline(__always) var base: UnsafeMutablePointer<Element> {
        memory.assumingMemoryBound(to: Element.self)
    }

    @inlinable @inline(__always) public var indices: Range<Int> { 0..<count }

    @inlinable @inline(__always) public subscript(index: Int) -> Element {
        _read {
            assert(indices.contains(index), "index out of range")
            yield base[index]
        }
        nonmutating _modify {
            assert(indices.contains(index), "index out of range")
            yield &base[index]
        }
    }

    @inlinable public mutating func append(_ element: consuming Element) {
        if used == capacity { grow(to: used &+ 1) }
        (base + used).initialize(to: element)
        used &+= 1
    }

    /// Appends an element that the closure initializes in place, so that it need not be copied.
    @inlinable @inline(__always)
    public mutating func append(initializedBy body: (UnsafeMutablePointer<Element>) -> Void) {
        if used == capacity { grow(to: used &+ 1) }
        body(base + used)
        used &+= 1
    }

    @inlinable public mutating func append(repeating element: Element, count added: Int) {
        precondition(added >= 0, "negative count")
        if added > capacity - count { grow(to: count + added) }
        (base + count).initialize(repeating: element, count: added)
        used += added
    }

    @inlinable public mutating func append(contentsOf elements: UnsafeBufferPointer<Element>) {
        guard let source = elements.baseAddress else { return }
        if elements.count > capacity - count { grow(to: count + elements.count) }
        (base + count).initialize(from: source, count: elements.count)
        used += elements.count
    }

    /// Gives the closure the address of an element; the address is not valid afterwards.
    @inlinable @inline(__always)
    public func withAddress<Result>(of index: Int, _ body: (UnsafeMutablePointer<Element>) -> Result) -> Result {
        assert(indices.contains(index), "index out of range")
        return body(base + index)
    }

    /// The place of an element, for prefetching alone: it is never read. The index may be out of range.
    @inlinable @inline(__always)
    public func prefetchHint(_ index: Int) -> UnsafeRawPointer {
        UnsafeRawPointer(memory) + index &* MemoryLayout<Element>.stride
    }

    /// Puts the same value in place of every element.
    @inlinable public func fill(with element: Element) { base.update(repeating: element, count: count) }

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
