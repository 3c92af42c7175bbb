import BursarEngine
import BursarStorage

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
/// It belongs to one thread at a time, which keeps it from block to block, and with it all that it learned of their lines.
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
    let keys: KeyMemory

    /// - Parameters:
    ///   - engines: their columns follow each other in each record.
    ///   - memories: may be shared with other readers of the same engines and map.
    public init(_ engines: [Engine], map: FieldMap, memories: RecordMemories) {
        self.memories = memories
        keys = KeyMemory(map)
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
        let values = record.texts
        let symbols = record.symbols
        let text = block.text.baseAddress.unsafelyUnwrapped
        // Names that begin later end where not as much may be read as is read of each.
        let last = block.text.count &- NameCache.longestName
        var column = columns.base
        for index in 0..<columns.count {
            let slice = values[Int(column.pointee.field.rawValue)]
            let start = Int(slice.start)
            if let count = slice.plainCount(atMost: NameCache.longestName), start <= last {
                let name = text + start
                symbols[index] =
                    column.pointee.cache.pointee.find(name, count: count) ?? newSymbol(name, count: count, column)
            } else {
                symbols[index] =
                    slice.isPresent ? unusualSymbol(slice, block, column) : Symbol.absent.rawValue
            }
            column += 1
        }
    }

    @inline(never)
    private func newSymbol(
        _ name: UnsafePointer<UInt8>, count: Int, _ column: UnsafeMutablePointer<Column>
    ) -> UInt32 {
        let symbol = symbol(UnsafeBufferPointer(start: name, count: count), column)
        column.pointee.cache.pointee.insert(name, count: count, value: symbol)
        return symbol
    }

    private func symbol(_ name: UnsafeBufferPointer<UInt8>, _ column: UnsafeMutablePointer<Column>) -> UInt32 {
        let table = symbols[column.pointee.engine]
        return (column.pointee.isExact ? table.intern(name) : table.known(name)).rawValue
    }

    /// Of a name that is long or has escapes, or stands at the end of the text.
    @inline(never)
    private func unusualSymbol(
        _ slice: ByteSlice, _ block: RecordBlock, _ column: UnsafeMutablePointer<Column>
    ) -> UInt32 {
        block.withText(slice) { symbol($0, column) }
    }
}
