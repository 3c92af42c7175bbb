/// A table that is encoded in the order of its keys, so that equal tables have equal bytes. Decoding refuses a key that
/// appears twice.
@propertyWrapper
package struct SortedTable<Key, Value>: Sendable
where Key: Hashable & Comparable & Codable & Sendable, Value: Codable & Sendable {
    package var wrappedValue: [Key: Value]

    package init(wrappedValue: [Key: Value]) { self.wrappedValue = wrappedValue }
}

extension SortedTable: Codable {
    package init(from decoder: any Decoder) throws {
        var rows = try decoder.unkeyedContainer()
        var table: [Key: Value] = [:]
        while !rows.isAtEnd {
            let key = try rows.decode(Key.self)
            guard table.updateValue(try rows.decode(Value.self), forKey: key) == nil else {
                throw DecodingError.dataCorruptedError(in: rows, debugDescription: "duplicate key \(key)")
            }
        }
        wrappedValue = table
    }

    package func encode(to encoder: any Encoder) throws {
        var rows = encoder.unkeyedContainer()
        for (key, value) in wrappedValue.sorted(by: { $0.key < $1.key }) {
            try rows.encode(key)
            try rows.encode(value)
        }
    }
}
