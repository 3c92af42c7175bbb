import BursarStorage
import Testing

/// Counts its living instances, so that a test sees what was lost or freed twice.
final class Counted {
    final class Census { var living = 0 }

    let number: Int
    private let census: Census

    init(_ number: Int, _ census: Census) {
        self.number = number
        self.census = census
        census.living += 1
    }

    deinit { census.living -= 1 }
}

@Suite struct RawArrayTests {
    @Test(arguments: [0, 1, 3]) func `it holds what an array holds, in lent memory and in its own`(lent: Int) {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 64)
        defer { memory.deallocate() }
        let census = Counted.Census()
        do {
            var array = RawArray<Counted>(lent: memory, capacity: lent)
            var expected: [Int] = []
            for round in 0..<6 {
                for number in 0..<(round * 20) {
                    array.append(Counted(number, census))
                    expected.append(number)
                    array.append { $0.initialize(to: Counted(number + 1, census)) }
                    expected.append(number + 1)
                }
                #expect(array.indices.map { array[$0].number } == expected)
                #expect(census.living == expected.count)
                if let last = array.indices.last {
                    array[last] = Counted(-1, census)
                    expected[last] = -1
                    #expect(array.withAddress(of: last) { $0.pointee.number } == -1)
                }
                array.removeAll(keepingCapacity: round.isMultiple(of: 2))
                expected = []
                #expect(array.isEmpty && census.living == 0)
            }
            array.append(Counted(0, census))
        }
        #expect(census.living == 0)
    }

    @Test func `it appends runs`() {
        var array = RawArray<UInt8>()
        array.append(repeating: 7, count: 3)
        array.append(repeating: 0, count: 0)
        [UInt8](0..<200).withUnsafeBufferPointer { array.append(contentsOf: $0) }
        array.append(contentsOf: UnsafeBufferPointer(start: nil, count: 0))
        #expect(array.indices.map { array[$0] } == [7, 7, 7] + (0..<200))
        array.fill(with: 1)
        #expect(array.indices.allSatisfy { array[$0] == 1 } && array.count == 203)
    }

    #if DEBUG
        @Test func `an index beyond its end stops a debug build`() async {
            await #expect(processExitsWith: .failure) {
                let array = RawArray([1, 2, 3])
                _ = array[3]
            }
            await #expect(processExitsWith: .failure) {
                let array = RawArray([1, 2, 3])
                array[-1] = 1
            }
        }
    #endif
}

@Suite struct FixedArrayTests {
    @Test func `elements stay where they are, and go with it`() {
        let census = Counted.Census()
        do {
            let array = FixedArray((0..<100).map { Counted($0, census) })
            let place = array.address(of: 42)
            array[42] = Counted(-42, census)
            #expect(place.pointee.number == -42 && census.living == 100)
            #expect(array.elements(10..<13).map(\.number) == [10, 11, 12])
            #expect(array.address(of: 100) == array.address(of: 0) + 100)
        }
        #expect(census.living == 0)
    }

    @Test func `it may be empty`() {
        let array = FixedArray<Int>([])
        #expect(array.count == 0 && array.elements(0..<0).isEmpty)
    }

    @Test func `it may be made of one value`() {
        let array = FixedArray(repeating: 3, count: 5)
        #expect(array.indices.map { array[$0] } == [3, 3, 3, 3, 3])
    }

    #if DEBUG
        @Test func `an index beyond its end stops a debug build`() async {
            await #expect(processExitsWith: .failure) {
                let array = FixedArray([1, 2, 3])
                _ = array[3]
            }
            await #expect(processExitsWith: .failure) {
                let array = FixedArray([1, 2, 3])
                _ = array.address(of: 4)
            }
        }
    #endif
}
