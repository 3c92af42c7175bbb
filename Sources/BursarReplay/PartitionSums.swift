import BursarEngine
import BursarStorage
import CIntrinsics

/// Sums by symbol in an array, because symbols are small numbers.
struct SymbolSums<Sum: Summable>: ~Copyable {
    private var places = RawArray<Int32>()
    private var symbols = RawArray<UInt32>()
    private var sums = RawArray<Sum>()

    /// The index of a symbol's sum.
    @inline(__always)
    private mutating func place(of symbol: Symbol) -> Int {
        let index = Int(symbol.rawValue)
        if index >= places.count { places.append(repeating: -1, count: max(64, index + 1 - places.count)) }
        if places[index] < 0 {
            places[index] = Int32(sums.count)
            symbols.append(symbol.rawValue)
            sums.append(Sum())
        }
        return Int(places[index])
    }

    @inline(__always)
    mutating func add(_ sum: Sum, to symbol: Symbol) { sums[place(of: symbol)].add(sum) }

    var entries: [(symbol: Symbol, sum: Sum)] { symbols.indices.map { (Symbol(rawValue: symbols[$0]), sums[$0]) } }
}

/// A cache of tallies by four names. Most records have the names of a recent record, so one addition replaces four. An
/// evicted cell is flushed to the sums.
struct CrossTallies: ~Copyable {
    struct Cell {
        fileprivate var first: UInt64
        fileprivate var second: UInt64
        fileprivate(set) var tally = Tally()

        var tenant: Symbol { Symbol(rawValue: UInt32(truncatingIfNeeded: first >> 32)) }
        var tier: Symbol { Symbol(rawValue: UInt32(truncatingIfNeeded: first)) }
        var feature: Symbol { Symbol(rawValue: UInt32(truncatingIfNeeded: second >> 32)) }
        var model: Symbol { Symbol(rawValue: UInt32(truncatingIfNeeded: second)) }
        /// A tenant is never absent, so 0 means an unused cell.
        var isEmpty: Bool { first == 0 }
    }

    let cells: FixedArray<Cell>
    private static let count = 512

    init() { cells = FixedArray(repeating: Cell(first: 0, second: 0), count: Self.count) }

    /// The index of a cell or its neighbour. The tier is not part of the hash, so the cell is known before the
    /// decision.
    @inline(__always)
    private func place(_ tenant: Symbol, _ feature: Symbol, _ model: Symbol) -> Int {
        let names = UInt64(feature.rawValue) << 32 | UInt64(model.rawValue)
        return Int(truncatingIfNeeded: mix(UInt64(tenant.rawValue) &+ mix(names))) & (Self.count - 1)
    }

    /// Prefetches the cell that the record will probably be added to.
    @inline(__always)
    func prefetch(tenant: Symbol, feature: Symbol, model: Symbol) {
        let cell = UnsafeRawPointer(cells.address(of: place(tenant, feature, model)))
        for offset in stride(from: 0, to: MemoryLayout<Cell>.stride, by: 64) { bursar_prefetch(cell + offset) }
    }

    /// Adds a record to the tally of its names.
    ///
    /// - Parameter flush: receives an evicted cell.
    @inline(__always)
    func add(
        _ decided: DecidedRecord, tenant: Symbol, tier: Symbol, feature: Symbol, model: Symbol,
        flush: (Cell) -> Void
    ) {
        let first = UInt64(tenant.rawValue) << 32 | UInt64(tier.rawValue)
        let second = UInt64(feature.rawValue) << 32 | UInt64(model.rawValue)
        let place = place(tenant, feature, model)
        var cell = cells.address(of: place)
        if cell.pointee.first != first || cell.pointee.second != second {
            let neighbour = cells.address(of: place ^ 1)
            if neighbour.pointee.first == first, neighbour.pointee.second == second {
                cell = neighbour
            } else {
                if !cell.pointee.isEmpty, neighbour.pointee.isEmpty { cell = neighbour }
                flush(cell.pointee)
                cell.pointee = Cell(first: first, second: second)
            }
        }
        cell.pointee.tally.add(decided)
    }
}

/// Counts how often each detail of a plan was used. Recent ones are found by their address.
struct SharedDetails: ~Copyable {
    private let recent: FixedArray<(detail: Unmanaged<DecisionDetail>?, count: Int)>
    private var rest: [ObjectIdentifier: (detail: DecisionDetail, count: Int)] = [:]

    init() { recent = FixedArray(repeating: (nil, 0), count: 64) }

    @inline(__always)
    mutating func add(_ reference: Unmanaged<DecisionDetail>) {
        let address = UInt(bitPattern: reference.toOpaque())
        let place = recent.address(of: Int((address >> 4 ^ address >> 10) & 63))
        if place.pointee.detail?.toOpaque() != reference.toOpaque() { replace(place, by: reference) }
        place.pointee.count += 1
    }

    private mutating func replace(
        _ place: UnsafeMutablePointer<(detail: Unmanaged<DecisionDetail>?, count: Int)>,
        by detail: Unmanaged<DecisionDetail>
    ) {
        flush(place)
        place.pointee = (detail.retain(), 0)
    }

    private mutating func flush(_ place: UnsafeMutablePointer<(detail: Unmanaged<DecisionDetail>?, count: Int)>) {
        guard let detail = place.pointee.detail?.takeRetainedValue() else { return }
        rest[ObjectIdentifier(detail), default: (detail, 0)].count += place.pointee.count
        place.pointee = (nil, 0)
    }

    /// Returns all counts and resets them.
    mutating func take() -> [(detail: DecisionDetail, count: Int)] {
        for index in recent.indices { flush(recent.address(of: index)) }
        defer { rest = [:] }
        return Array(rest.values)
    }

    deinit { for index in recent.indices { recent[index].detail?.release() } }
}
