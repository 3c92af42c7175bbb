import BursarEngine
import BursarStorage
import Synchronization

/// The text fields of a log that some decision of an engine depends on.
struct NameColumns {
    struct Column {
        var field: Field
        var slot: AttributeSlot
        /// Every value is told apart.
        var isExact: Bool
    }

    /// The tenant first.
    let columns: [Column]

    init(_ engine: Engine, _ map: FieldMap) {
        let constants = Set(map.constants.map(\.field))
        columns =
            [Column(field: .tenant, slot: .tenant, isExact: true)]
            + Field.allCases.compactMap { field in
                guard field != .tenant, !constants.contains(field), let slot = field.slot, engine.uses(slot) else {
                    return nil
                }
                return Column(field: field, slot: slot, isExact: engine.isExact(slot))
            }
    }
}

/// Looks names up for engines while the text that holds them is at hand.
///
/// It belongs to one thread at a time.
public final class NameReader {
    /// The symbols of one engine that are told apart in the same way.
    private final class Lookup {
        let symbols: SymbolTable
        let isExact: Bool
        @exclusivity(unchecked) var cache = NameCache()

        init(_ symbols: SymbolTable, isExact: Bool) {
            self.symbols = symbols
            self.isExact = isExact
        }

        /// - Parameter readable: how many bytes may be read from the name's first on.
        @inline(__always)
        func symbol(_ name: UnsafeBufferPointer<UInt8>, readable: Int) -> UInt32 {
            guard let base = name.baseAddress else { return Symbol.absent.rawValue }
            return cache.find(base, count: name.count, readable: readable) ?? newSymbol(name, base, readable)
        }

        private func newSymbol(
            _ name: UnsafeBufferPointer<UInt8>, _ base: UnsafePointer<UInt8>, _ readable: Int
        ) -> UInt32 {
            let symbol = isExact ? symbols.intern(name) : symbols.known(name)
            cache.insert(base, count: name.count, readable: readable, value: symbol.rawValue)
            return symbol.rawValue
        }
    }

    private struct Column {
        var field: Field
        var lookup: Unmanaged<Lookup>
    }

    private let lookups: [Lookup]
    @exclusivity(unchecked) private var columns = RawArray<Column>()

    /// - Parameter engines: their columns follow each other in each record.
    public init(_ engines: [Engine], map: FieldMap) {
        var lookups: [Lookup] = []
        for engine in engines {
            let known = Lookup(engine.symbols, isExact: false)
            let exact = Lookup(engine.symbols, isExact: true)
            lookups += [known, exact]
            for column in NameColumns(engine, map).columns {
                columns.append(
                    Column(field: column.field, lookup: .passUnretained(column.isExact ? exact : known)))
            }
        }
        self.lookups = lookups
    }

    var columnCount: Int { columns.count }

    /// The symbols of a record that was just read, by column; absent where it has no such name.
    @inline(__always)
    func read(_ record: Int, of block: RecordBlock, into symbols: UnsafeMutablePointer<UInt32>) {
        for index in columns.indices {
            let column = columns.base + index
            let slice = block.slice(record, column.pointee.field)
            symbols[index] =
                slice.isPresent
                ? column.pointee.lookup._withUnsafeGuaranteedRef { lookup in
                    block.withText(slice) { name in
                        lookup.symbol(name, readable: slice.isEscaped ? 0 : block.text.count &- Int(slice.start))
                    }
                } : Symbol.absent.rawValue
        }
    }
}

/// Readers of names that wait for a thread to use them.
public final class NameReaders: Sendable {
    private let idle: Mutex<[Unshared]>
    private let make: @Sendable () -> NameReader

    private struct Unshared: @unchecked Sendable { let reader: NameReader }

    public init(_ engines: [Engine], map: FieldMap) {
        idle = Mutex([])
        make = { NameReader(engines, map: map) }
    }

    /// Lends a reader to the calling thread.
    public func withReader<Result>(_ body: (NameReader) -> Result) -> Result {
        let reader = idle.withLock { $0.popLast() }?.reader ?? make()
        defer {
            let unshared = Unshared(reader: reader)
            idle.withLock { $0.append(unshared) }
        }
        return body(reader)
    }
}
