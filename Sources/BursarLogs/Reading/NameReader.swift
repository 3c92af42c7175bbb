import BursarEngine
import BursarStorage

/// The text fields of a log that decisions of an engine depend on.
struct NameColumns {
    struct Column {
        var field: Field
        var slot: AttributeSlot
        /// All values are distinguished.
        var isExact: Bool

        func symbol(_ name: UnsafeBufferPointer<UInt8>, in symbols: SymbolTable) -> Symbol {
            isExact ? symbols.intern(name) : symbols.known(name)
        }
    }

    /// The tenant is the first column.
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

/// Looks up names for an engine while their text is in the cache.
///
/// Only one thread at a time uses it and keeps it from block to block, with everything that it learned about the lines.
package final class NameReader {
    private struct Column {
        var column: NameColumns.Column
        /// Shared by columns with the same kind of lookup.
        var cache: UnsafeMutablePointer<NameCache>
    }

    private let symbols: SymbolTable
    private let columns: FixedArray<Column>
    /// A copy, because access to the key of the process is checked each time.
    let hashKey = HashKey.process
    /// One cache for names of which only those in the policy set are distinguished, and one for names that are all
    /// distinguished.
    private let caches: UnsafeMutablePointer<NameCache>
    /// The number of symbols of a record.
    var symbolCount: Int { columns.count }

    /// The memory of the parsed blocks.
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

    /// The symbols of a record that was just parsed, by column; absent if it has no such name.
    @inline(__always)
    func read(_ record: RecordBlock.Record, of block: RecordBlock) {
        let values = record.texts
        let text = block.text.baseAddress.unsafelyUnwrapped
        // Names that start later do not have enough readable bytes after them.
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

    /// Looks up a name that is long, has escapes, or is at the end of the text.
    @inline(never)
    private func unusualName(
        _ slice: ByteSlice, _ column: UnsafeMutablePointer<Column>, _ block: RecordBlock
    ) -> UInt32 {
        block.withText(slice) { column.pointee.column.symbol($0, in: symbols).rawValue }
    }
}
