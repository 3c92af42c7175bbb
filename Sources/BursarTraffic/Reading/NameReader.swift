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
    /// An engine that needs a field's names.
    private struct Use {
        /// Its index.
        var engine: Int
        /// Every value is told apart.
        var isExact: Bool
        /// Of its symbol among a record's.
        var place: Int
    }

    /// A field whose names one engine needs, or two of them.
    private struct Column {
        var field: Field
        var first: Use
        var second: Use?
        /// Shared by columns that ask for the same; its values are symbols for one engine, or places of pairs for two.
        var cache: UnsafeMutablePointer<NameCache>
    }

    /// The symbols of a name.
    private struct Pair: Hashable {
        var first: UInt32
        /// For the second engine, where two need it.
        var second: UInt32
    }

    private let symbols: [SymbolTable]
    @exclusivity(unchecked) private var columns = RawArray<Column>()
    /// For the first engine alone, and where there is another for the second alone and for both, each by what is told apart.
    private let caches: UnsafeMutablePointer<NameCache>
    private let cacheCount: Int
    /// The pairs that occur, each once.
    @exclusivity(unchecked) private var pairs = RawArray<Pair>()
    private var pairPlaces: [Pair: UInt32] = [:]
    /// How many symbols a record has.
    private(set) var symbolCount = 0

    /// For the blocks that are read.
    let memories: RecordMemories
    let keys: KeyMemory

    /// - Parameters:
    ///   - engines: one or two; their symbols follow each other in each record.
    ///   - memories: may be shared with other readers of the same engines and map.
    public init(_ engines: [Engine], map: FieldMap, memories: RecordMemories) {
        self.memories = memories
        keys = KeyMemory(map, isWide: LogFormat.hasWideWords)
        symbols = engines.map(\.symbols)
        cacheCount = engines.count == 1 ? 2 : 8
        caches = .allocate(capacity: cacheCount)
        for index in 0..<cacheCount { (caches + index).initialize(to: NameCache()) }
        var wanted: [Field: [Use]] = [:]
        for (engine, columns) in engines.map({ NameColumns($0, map).columns }).enumerated() {
            for column in columns {
                wanted[column.field, default: []].append(
                    Use(engine: engine, isExact: column.isExact, place: symbolCount))
                symbolCount += 1
            }
        }
        for (field, uses) in wanted.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            let second = uses.count > 1 ? uses[1] : nil
            let first = uses[0]
            let kind = second.map { $0.isExact ? 6 : 4 } ?? first.engine * 2
            columns.append(
                Column(field: field, first: first, second: second, cache: caches + kind + (first.isExact ? 1 : 0)))
        }
    }

    deinit {
        caches.deinitialize(count: cacheCount)
        caches.deallocate()
    }

    /// The symbols of a record that was just read, by column; absent where it has no such name.
    @inline(__always)
    func read(_ record: RecordBlock.Record, of block: RecordBlock) {
        let values = record.texts
        let text = block.text.baseAddress.unsafelyUnwrapped
        // Names that begin later end where not as much may be read as is read of each.
        let last = block.text.count &- NameCache.longestName
        var column = columns.base
        let end = column + columns.count
        while column < end {
            let slice = values[Int(column.pointee.field.rawValue)]
            let start = Int(slice.start)
            if let count = slice.plainCount(atMost: NameCache.longestName), start <= last {
                let name = text + start
                let value = column.pointee.cache.pointee.find(name, count: count) ?? newName(name, count: count, column)
                set(value, column, record)
            } else if slice.isPresent {
                setUnusual(slice, column, record, block)
            } else {
                set(Pair(first: Symbol.absent.rawValue, second: Symbol.absent.rawValue), column, record)
            }
            column += 1
        }
    }

    @inline(__always)
    private func set(_ value: UInt32, _ column: UnsafeMutablePointer<Column>, _ record: RecordBlock.Record) {
        if column.pointee.second == nil {
            record.symbols[column.pointee.first.place] = value
        } else {
            set(pairs.base[Int(value)], column, record)
        }
    }

    @inline(__always)
    private func set(_ pair: Pair, _ column: UnsafeMutablePointer<Column>, _ record: RecordBlock.Record) {
        record.symbols[column.pointee.first.place] = pair.first
        if let second = column.pointee.second { record.symbols[second.place] = pair.second }
    }

    @inline(never)
    private func newName(
        _ name: UnsafePointer<UInt8>, count: Int, _ column: UnsafeMutablePointer<Column>
    ) -> UInt32 {
        let pair = pair(of: UnsafeBufferPointer(start: name, count: count), column)
        let value = column.pointee.second == nil ? pair.first : place(of: pair)
        column.pointee.cache.pointee.insert(name, count: count, value: value)
        return value
    }

    private func place(of pair: Pair) -> UInt32 {
        if let known = pairPlaces[pair] { return known }
        let place = UInt32(pairs.count)
        pairs.append(pair)
        pairPlaces[pair] = place
        return place
    }

    private func pair(of name: UnsafeBufferPointer<UInt8>, _ column: UnsafeMutablePointer<Column>) -> Pair {
        func symbol(_ use: Use) -> UInt32 {
            let table = symbols[use.engine]
            return (use.isExact ? table.intern(name) : table.known(name)).rawValue
        }
        return Pair(first: symbol(column.pointee.first), second: column.pointee.second.map(symbol) ?? 0)
    }

    /// Of a name that is long or has escapes, or stands at the end of the text.
    @inline(never)
    private func setUnusual(
        _ slice: ByteSlice, _ column: UnsafeMutablePointer<Column>, _ record: RecordBlock.Record, _ block: RecordBlock
    ) {
        block.withText(slice) { set(pair(of: $0, column), column, record) }
    }
}
