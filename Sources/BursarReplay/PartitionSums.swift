import BursarEngine
import BursarStorage

/// Sums by symbol, found without hashing: symbols are small numbers.
struct SymbolSums<Sum: Summable>: ~Copyable {
    private var places = RawArray<Int32>()
    private var symbols = RawArray<UInt32>()
    private var sums = RawArray<Sum>()

    /// Where a symbol's sum lies, until the next one is asked for.
    @inline(__always)
    mutating func at(_ symbol: Symbol) -> UnsafeMutablePointer<Sum> {
        let index = Int(symbol.rawValue)
        if index >= places.count { places.append(repeating: -1, count: max(64, index + 1 - places.count)) }
        if places[index] < 0 {
            places[index] = Int32(sums.count)
            symbols.append(symbol.rawValue)
            sums.append(Sum())
        }
        return sums.base + Int(places[index])
    }

    var entries: [(symbol: Symbol, sum: Sum)] { symbols.indices.map { (Symbol(rawValue: symbols[$0]), sums[$0]) } }
}

/// How often each of the details was given that are made with a plan: the last ones are found by their address.
struct SharedDetails: ~Copyable {
    private var recent = RawArray<(detail: Unmanaged<DecisionDetail>?, count: Int)>()
    private var rest: [ObjectIdentifier: (detail: DecisionDetail, count: Int)] = [:]

    init() { recent.append(repeating: (nil, 0), count: 64) }

    @inline(__always)
    mutating func add(_ reference: Unmanaged<DecisionDetail>) {
        let address = UInt(bitPattern: reference.toOpaque())
        let place = recent.base + Int((address >> 4 ^ address >> 10) & 63)
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

    /// All of them; the counts begin anew.
    mutating func take() -> [(detail: DecisionDetail, count: Int)] {
        for index in recent.indices { flush(recent.base + index) }
        defer { rest = [:] }
        return Array(rest.values)
    }

    deinit { for index in recent.indices { recent[index].detail?.release() } }
}
