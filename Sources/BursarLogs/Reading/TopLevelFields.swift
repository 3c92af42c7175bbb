import BursarEngine
import BursarSyntax

/// The members of the object that a line begins, as far as they can be read. They name a request that cannot be used, so
/// that its refusal can be matched with it.
///
/// O(n) for a line of n bytes.
package struct TopLevelFields {
    package enum Value: Sendable, Hashable {
        case text(String)
        /// A number, as it was written.
        case number(String)
        case other
    }

    /// In the order of the line.
    package private(set) var members: [(name: String, value: Value)] = []

    package init(_ line: UnsafeBufferPointer<UInt8>) {
        var scan = Scan(bytes: line)
        if line.starts(with: [0xEF, 0xBB, 0xBF]) { scan.position = 3 }
        guard scan.take(UInt8(ascii: "{")) else { return }
        while members.count < Bounds.requestFields, let name = scan.string(), scan.take(UInt8(ascii: ":")),
            let value = scan.value()
        {
            members.append((name, value))
            guard scan.take(UInt8(ascii: ",")) else { return }
        }
    }

    package init(_ line: [UInt8]) { self = line.withUnsafeBufferPointer { TopLevelFields($0) } }

    /// The first text or number of a field.
    package func text(_ field: Field, columns: [String: Field] = Field.named) -> String? {
        for member in members where columns[member.name] == field {
            switch member.value {
            case .text(let text): return text
            case .number(let text): return text
            case .other: return nil
            }
        }
        return nil
    }

    private struct Scan {
        let bytes: UnsafeBufferPointer<UInt8>
        var position = 0

        var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

        mutating func skipSpace() {
            while let byte = peek, byte == 0x20 || (byte >= 0x09 && byte <= 0x0D) { position += 1 }
        }

        mutating func take(_ byte: UInt8) -> Bool {
            skipSpace()
            guard peek == byte else { return false }
            position += 1
            return true
        }

        /// The bytes of a string with its quotation marks; nil if it does not end.
        private mutating func quoted() -> [UInt8]? {
            let start = position
            position += 1
            while let byte = peek {
                position += byte == UInt8(ascii: "\\") ? 2 : 1
                if byte == UInt8(ascii: "\"") { return Array(bytes[start..<position]) }
            }
            return nil
        }

        mutating func string() -> String? {
            skipSpace()
            guard peek == UInt8(ascii: "\""), let text = quoted(), let tree = try? JSONTree.parse(text) else {
                return nil
            }
            return tree.text
        }

        mutating func value() -> Value? {
            skipSpace()
            switch peek {
            case nil: return nil
            case UInt8(ascii: "\""): return string().map { .text($0) }
            case UInt8(ascii: "{"), UInt8(ascii: "["): return skipNested() ? .other : nil
            default:
                let start = position
                while let byte = peek, byte > 0x20, byte != UInt8(ascii: ","), byte != UInt8(ascii: "}") {
                    position += 1
                }
                guard position > start else { return nil }
                let text = Array(bytes[start..<position])
                if case .number(let number)? = try? JSONTree.parse(text) { return .number(number) }
                return .other
            }
        }

        /// Passes an object or a list; false if it does not end.
        private mutating func skipNested() -> Bool {
            var depth = 0
            while let byte = peek {
                switch byte {
                case UInt8(ascii: "\""):
                    guard quoted() != nil else { return false }
                    continue
                case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
                default: break
                }
                position += 1
                if depth == 0 { return true }
            }
            return false
        }
    }
}

extension RequestLabel {
    /// The label with what a line says of its request where the request itself could not be read.
    package mutating func complete(from fields: TopLevelFields) {
        if requestID.isEmpty { requestID = fields.text(.requestID) ?? "" }
        if tenant.isEmpty { tenant = fields.text(.tenant) ?? "" }
        if model.isEmpty { model = fields.text(.model) ?? "" }
        if time == nil, let text = fields.text(.time) {
            var scanner = TextScanner(text)
            if case .exact(let micros)? = try? scanner.instant(), scanner.isAtEnd { time = micros }
        }
    }
}
