/// A growable array that is never copied, so access needs no reference counting and no uniqueness check.
///
/// Elements move when the array grows, so callers keep indices, not addresses. Code that needs an address gets it in a
/// closure and must not let it escape. Indices come from the engine, never from input; debug builds check each one.
@frozen public struct RawArray<Element>: ~Copyable {
    @usableFromInline var memory = UnsafeMutableRawPointer(bitPattern: 64).unsafelyUnwrapped
    @usableFromInline var used = 0
    /// The number of elements that fit into the memory; negative if the memory is borrowed.
    @usableFromInline var room = 0

    @inlinable @inline(__always) public var count: Int { used }
    @inlinable @inline(__always) public var isEmpty: Bool { used == 0 }
    @inlinable @inline(__always) var capacity: Int { abs(room) }

    @inlinable public init() {}

    /// Creates an array that starts in borrowed memory and moves to its own memory when it outgrows that. The borrowed
    /// memory must outlive the array.
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

    /// Appends an element that the closure initializes in place, which avoids a copy.
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

    /// The address of an element, only for prefetching; it is never dereferenced. The index may be out of range.
    @inlinable @inline(__always)
    public func prefetchHint(_ index: Int) -> UnsafeRawPointer {
        UnsafeRawPointer(memory) + index &* MemoryLayout<Element>.stride
    }

    /// Overwrites every element with the same value.
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
        // At least one cache line.
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
