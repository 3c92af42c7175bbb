/// Writes compact JSON as bytes. Keys keep the order of the calls; strings are escaped according to RFC 8259.
package struct JSONWriter: Sendable {
    package private(set) var bytes: [UInt8] = []
    private var needsComma = false

    package init() {}

    package var text: String { String(decoding: bytes, as: UTF8.self) }

    package mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        needsComma = false
    }

    package mutating func object(_ key: StaticString? = nil, _ body: (inout JSONWriter) -> Void) {
        open(key, UInt8(ascii: "{"))
        body(&self)
        close(UInt8(ascii: "}"))
    }

    package mutating func array(_ key: StaticString? = nil, _ body: (inout JSONWriter) -> Void) {
        open(key, UInt8(ascii: "["))
        body(&self)
        close(UInt8(ascii: "]"))
    }

    /// Writes a list with one object for each element.
    package mutating func objects<Elements: Sequence>(
        _ key: StaticString, _ elements: Elements, _ body: (Elements.Element, inout JSONWriter) -> Void
    ) {
        array(key) { json in
            for element in elements { json.object { body(element, &$0) } }
        }
    }

    private mutating func open(_ key: StaticString?, _ bracket: UInt8) {
        if let key { self.key(key) } else { separate() }
        bytes.append(bracket)
        needsComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        bytes.append(bracket)
        needsComma = true
    }

    /// Ends a line of JSON Lines.
    package mutating func endLine() {
        bytes.append(UInt8(ascii: "\n"))
        needsComma = false
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    private mutating func key(_ key: StaticString) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        key.withUTF8Buffer { bytes.append(contentsOf: $0) }
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
    }

    /// Writes a key that is only known at run time.
    package mutating func key(text: String) {
        separate()
        quote(text)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    package mutating func field(_ key: StaticString, _ value: String) {
        self.key(key)
        quote(value)
    }

    package mutating func field(_ key: StaticString, _ value: String?) {
        if let value { field(key, value) } else { null(key) }
    }

    package mutating func field(_ key: StaticString, _ value: Int) {
        self.key(key)
        number(value)
    }

    package mutating func field(_ key: StaticString, _ value: Bool) {
        self.key(key)
        bytes.append(contentsOf: (value ? "true" : "false").utf8)
    }

    package mutating func null(_ key: StaticString) {
        self.key(key)
        bytes.append(contentsOf: "null".utf8)
    }

    /// Writes a field whose value is already JSON.
    package mutating func raw(_ key: StaticString, _ value: some Sequence<UInt8>) {
        self.key(key)
        bytes.append(contentsOf: value)
    }

    /// Writes bytes that are already JSON, such as fields copied from an input line.
    package mutating func raw(_ value: some Sequence<UInt8>) {
        separate()
        bytes.append(contentsOf: value)
    }

    package mutating func value(_ value: String) {
        separate()
        quote(value)
    }

    package mutating func value(_ value: Int) {
        separate()
        number(value)
    }

    package mutating func value(_ tree: JSONTree) {
        switch tree {
        case .null: raw("null".utf8)
        case .boolean(let value): raw((value ? "true" : "false").utf8)
        case .number(let text): raw(text.utf8)
        case .string(let text): value(text)
        case .list(let elements): array { json in for element in elements { json.value(element) } }
        case .object(let entries):
            object { json in
                for (key, value) in entries {
                    json.key(text: key)
                    json.value(value)
                }
            }
        }
    }

    private mutating func number(_ value: Int) {
        if value >= 0, value < 10 {
            bytes.append(UInt8(ascii: "0") + UInt8(value))
        } else {
            appendDecimal(Int64(value), to: &bytes)
        }
    }

    private mutating func quote(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { buffer in
            for byte in buffer {
                switch byte {
                case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                    bytes.append(UInt8(ascii: "\\"))
                    bytes.append(byte)
                case 0x0A: bytes.append(contentsOf: "\\n".utf8)
                case 0x0D: bytes.append(contentsOf: "\\r".utf8)
                case 0x09: bytes.append(contentsOf: "\\t".utf8)
                case 0..<0x20:
                    bytes.append(contentsOf: "\\u00".utf8)
                    bytes.append(hexDigit(byte >> 4))
                    bytes.append(hexDigit(byte & 15))
                default: bytes.append(byte)
                }
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}

private func hexDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
}

/// Appends a whole number as decimal digits without creating a `String`.
package func appendDecimal(_ value: Int64, to bytes: inout [UInt8]) {
    var magnitude = value.magnitude
    if value < 0 { bytes.append(UInt8(ascii: "-")) }
    let start = bytes.count
    repeat {
        bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: magnitude % 10))
        magnitude /= 10
    } while magnitude > 0
    bytes[start...].reverse()
}
