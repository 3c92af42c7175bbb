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
    private struct Column {
        var field: Field
        /// Every value is told apart.
        var isExact: Bool
        /// Index of the engine.
        var engine: Int
        /// Shared by the columns of an engine whose names are told apart in the same way.
        var cache: UnsafeMutablePointer<NameCache>
    }

    private let symbols: [SymbolTable]
    @exclusivity(unchecked) private var columns = RawArray<Column>()
    /// Two for each engine: of names that the policies hold, and of all names.
    private let caches: UnsafeMutablePointer<NameCache>
    private let cacheCount: Int

    /// For the blocks that are read.
    let memories: RecordMemories

    /// - Parameter engines: their columns follow each other in each record.
    init(_ engines: [Engine], map: FieldMap, memories: RecordMemories) {
        self.memories = memories
        symbols = engines.map(\.symbols)
        cacheCount = engines.count * 2
        caches = .allocate(capacity: cacheCount)
        for index in 0..<cacheCount { (caches + index).initialize(to: NameCache()) }
        for (index, engine) in engines.enumerated() {
            for column in NameColumns(engine, map).columns {
                columns.append(
                    Column(
                        field: column.field, isExact: column.isExact, engine: index,
                        cache: caches + index * 2 + (column.isExact ? 1 : 0)))
            }
        }
    }

    deinit {
        caches.deinitialize(count: cacheCount)
        caches.deallocate()
    }

    var columnCount: Int { columns.count }

    /// The symbols of a record that was just read, by column; absent where it has no such name.
    @inline(__always)
    func read(_ record: RecordBlock.Record, of block: RecordBlock) {
        let text = block.text
        let values = record.texts
        let symbols = record.symbols
        var column = columns.base
        for index in 0..<columns.count {
            let slice = values[Int(column.pointee.field.rawValue)]
            if slice.count > 0, !slice.isEscaped, let base = text.baseAddress {
                let name = base + Int(slice.start)
                let readable = text.count &- Int(slice.start)
                symbols[index] =
                    column.pointee.cache.pointee.find(name, count: slice.count, readable: readable)
                    ?? newSymbol(UnsafeBufferPointer(start: name, count: slice.count), readable, column)
            } else {
                symbols[index] = slice.isPresent ? unusualSymbol(slice, block, column) : Symbol.absent.rawValue
            }
            column += 1
        }
    }

    @inline(never)
    private func newSymbol(
        _ name: UnsafeBufferPointer<UInt8>, _ readable: Int, _ column: UnsafeMutablePointer<Column>
    ) -> UInt32 {
        let table = symbols[column.pointee.engine]
        let symbol = (column.pointee.isExact ? table.intern(name) : table.known(name)).rawValue
        if let base = name.baseAddress {
            column.pointee.cache.pointee.insert(base, count: name.count, readable: readable, value: symbol)
        }
        return symbol
    }

    @inline(never)
    private func unusualSymbol(
        _ slice: ByteSlice, _ block: RecordBlock, _ column: UnsafeMutablePointer<Column>
    ) -> UInt32 {
        block.withText(slice) { newSymbol($0, 0, column) }
    }
}

/// Readers of names that wait for a thread to use them.
public final class NameReaders: Sendable {
    private let idle: Mutex<[Unshared]>
    private let make: @Sendable () -> NameReader

    private struct Unshared: @unchecked Sendable { let reader: NameReader }

    public init(_ engines: [Engine], map: FieldMap) {
        idle = Mutex([])
        let memories = RecordMemories()
        make = { NameReader(engines, map: map, memories: memories) }
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
