/// An array of fixed length. It is never copied and its elements never move, so an element's address is valid as long
/// as the array exists.
///
/// Indices come from the engine, never from input; debug builds check each one.
@frozen public struct FixedArray<Element>: ~Copyable {
    @usableFromInline let memory: UnsafeMutablePointer<Element>
    public let count: Int

    @inlinable public init(_ elements: some Sequence<Element>) {
        let elements = ContiguousArray(elements)
        count = elements.count
        memory = Self.allocate(count)
        _ = UnsafeMutableBufferPointer(start: memory, count: count).initialize(from: elements)
    }

    @inlinable public init(repeating element: Element, count: Int) {
        self.count = count
        memory = Self.allocate(count)
        memory.initialize(repeating: element, count: count)
    }

    /// Allocates memory for at least one element, aligned to a cache line.
    @inlinable static func allocate(_ count: Int) -> UnsafeMutablePointer<Element> {
        UnsafeMutableRawPointer.allocate(byteCount: max(1, count) * MemoryLayout<Element>.stride, alignment: 64)
            .assumingMemoryBound(to: Element.self)
    }

    @inlinable deinit {
        memory.deinitialize(count: count)
        UnsafeMutableRawPointer(memory).deallocate()
    }

    @inlinable @inline(__always) public var indices: Range<Int> { 0..<count }

    @inlinable @inline(__always) public subscript(index: Int) -> Element {
        _read {
            assert(indices.contains(index), "index out of range")
            yield memory[index]
        }
        nonmutating _modify {
            assert(indices.contains(index), "index out of range")
            yield &memory[index]
        }
    }

    /// The address of an element, or of the end for `count`. It is valid as long as the array exists.
    @inlinable @inline(__always)
    public func address(of index: Int) -> UnsafeMutablePointer<Element> {
        assert((0...count).contains(index), "index out of range")
        return memory + index
    }

    /// A range of elements; it is valid as long as the array exists.
    @inlinable @inline(__always)
    public func elements(_ range: Range<Int>) -> UnsafeBufferPointer<Element> {
        assert(range.lowerBound >= 0 && range.upperBound <= count, "range out of range")
        return UnsafeBufferPointer(start: memory + range.lowerBound, count: range.count)
    }
}

extension FixedArray: @unchecked Sendable where Element: Sendable {}
