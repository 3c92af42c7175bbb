import BursarEngine
import BursarStorage

/// The text fields of a log that some decision of an engine depends on.
struct NameColumns {
    struct Column {
        var field: Field
        var slot: AttributeSlot
        /// Every value is told apart.
        var isExact: Bool

        func symbol(_ name: UnsafeBufferPointer<UInt8>, in symbols: SymbolTable) -> Symbol {
            isExact ? symbols.intern(name) : symbols.known(name)
        }
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

/// Looks names up for an engine while the text that holds them is at hand.
///
/// It belongs to one thread at a time, which keeps it from block to block, and with it all that it learned of their lines.
package final class NameReader {
    private struct Column {
        var column: NameColumns.Column
        /// Shared by columns that ask for the same.
        var cache: UnsafeMutablePointer<NameCache>
    }

    private let symbols: SymbolTable
    private let columns: FixedArray<Column>
    /// At hand: reaching the process's own takes a check each time.
    let hashKey = HashKey.process
    /// Of names of which only those of the policy set are told apart, and of names that all are.
    private let caches: UnsafeMutablePointer<NameCache>
    /// How many symbols a record has.
    var symbolCount: Int { columns.count }

    /// For the blocks that are read.
    let memories: RecordMemories
    let keys: KeyMemory

    /// - Parameter memories: may be shared with other readers of the same engine and map.
    package init(_ engine: Engine, map: FieldMap, memories: RecordMemories) {
        self.memories = memories
        keys = KeyMemory(map, isWide: LogFormat.hasWideWords)
        symbols = engine.symbols
        caches = .allocate(capacity: 2)
        for index in 0..<2 { (caches + index).initialize(to: NameCache()) }
        let caches = caches
        columns = FixedArray(
            NameColumns(engine, map).columns.map { Column(column: $0, cache: caches + ($0.isExact ? 1 : 0)) })
    }

    deinit {
        caches.deinitialize(count: 2)
        caches.deallocate()
    }

    /// The symbols of a record that was just read, by column; absent where it has no such name.
    @inline(__always)
    func read(_ record: RecordBlock.Record, of block: RecordBlock) {
        let values = record.texts
        let text = block.text.baseAddress.unsafelyUnwrapped
        // Names that begin later end where not as much may be read as is read of each.
        let last = block.text.count &- NameCache.longestName
        for index in columns.indices {
            let column = columns.address(of: index)
            let slice = values[Int(column.pointee.column.field.rawValue)]
            let start = Int(slice.start)
            if let count = slice.plainCount(atMost: NameCache.longestName), start <= last {
                let name = text + start
                record.symbols[index] =
                    column.pointee.cache.pointee.find(name, count: count) ?? newName(name, count: count, column)
            } else {
                record.symbols[index] = slice.isPresent ? unusualName(slice, column, block) : Symbol.absent.rawValue
            }
        }
    }

    @inline(never)
    private func newName(
        _ name: UnsafePointer<UInt8>, count: Int, _ column: UnsafeMutablePointer<Column>
    ) -> UInt32 {
        let value = column.pointee.column.symbol(UnsafeBufferPointer(start: name, count: count), in: symbols).rawValue
        column.pointee.cache.pointee.insert(name, count: count, value: value)
        return value
    }

    /// Of a name that is long or has escapes, or stands at the end of the text.
    @inline(never)
    private func unusualName(
        _ slice: ByteSlice, _ column: UnsafeMutablePointer<Column>, _ block: RecordBlock
    ) -> UInt32 {
        block.withText(slice) { column.pointee.column.symbol($0, in: symbols).rawValue }
    }
}
