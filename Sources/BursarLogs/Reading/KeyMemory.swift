import BursarStorage
import CIntrinsics

/// The last known keys of JSON lines with the bytes between their values, and the shapes of whole lines.
///
/// Only one thread at a time uses it. It can be kept from block to block for logs with the same map.
final class KeyMemory {
    typealias Key = bursar_key

    /// Memory for all keys, so that they never move, plus one for keys that are not stored.
    private let keys: UnsafeMutablePointer<Key>
    @exclusivity(unchecked) private var count = 0
    @exclusivity(unchecked) private var index = ByteIndex()
    let map: FieldMap
    /// The first key of the last line; nil before the first line.
    @exclusivity(unchecked) var first: UnsafeMutablePointer<Key>?

    /// nil if lines are not read by words of 64 bytes.
    let lines: UnsafeMutablePointer<bursar_lines>?

    /// More keys than any log has. Further keys are parsed byte by byte.
    private static let mostKeys = 256
    /// Nor any as long.
    private static let longestKey = 1_024

    /// - Parameter isWide: use words of 64 bytes, which the processor must support; the result is the same.
    init(_ map: FieldMap, isWide: Bool) {
        self.map = map
        lines = isWide ? bursar_new_lines() : nil
        keys = .allocate(capacity: Self.mostKeys + 1)
    }

    deinit {
        keys.deallocate()
        bursar_free_lines(lines)
    }

    /// The key with a name.
    func key(_ name: UnsafeBufferPointer<UInt8>) -> UnsafeMutablePointer<Key> {
        if let known = index.find(name) { return keys + Int(known) }
        let place = keys + count
        place.initialize(to: Key(map.columns[String(decoding: name, as: UTF8.self)]))
        if count < Self.mostKeys, name.count <= Self.longestKey {
            index.insert(name, value: UInt32(count))
            count += 1
        }
        return place
    }
}

extension bursar_key {
    /// nil: ignored.
    var asked: Field? { field < 0 ? nil : Field(rawValue: UInt8(truncatingIfNeeded: field)) }

    fileprivate init(_ asked: Field?) {
        self.init()
        guard let asked else {
            field = -1
            kind = UInt8(truncatingIfNeeded: bursar_ignored.rawValue)
            return
        }
        field = Int16(asked.rawValue)
        field_bit = 1 << UInt64(asked.rawValue)
        let found =
            switch asked {
            case .time: bursar_time
            case .duration: bursar_duration
            case .cost: bursar_other
            default: asked.isText ? bursar_text : asked.isNumber ? bursar_whole : bursar_other
            }
        kind = UInt8(truncatingIfNeeded: found.rawValue)
        place = asked.isText ? asked.rawValue : asked.isNumber ? UInt8(truncatingIfNeeded: asked.numberIndex) : 0
    }
}
