/// A version such as `2026-06-01.2` or `1.10.0`. The order compares runs of digits as numbers and the rest as text.
package struct Version: Sendable, Hashable, Comparable, CustomStringConvertible {
    package let text: String

    package init(_ text: String) { self.text = text }

    package var description: String { text }

    package static func == (left: Version, right: Version) -> Bool { left.text == right.text }

    package static func < (left: Version, right: Version) -> Bool {
        let a = Array(left.text.utf8)
        let b = Array(right.text.utf8)
        var i = 0
        var j = 0
        while i < a.count, j < b.count {
            if isDigit(a[i]), isDigit(b[j]) {
                let x = run(a, &i)
                let y = run(b, &j)
                if x.count != y.count { return x.count < y.count }
                for (p, q) in zip(x, y) where p != q { return p < q }
            } else {
                if a[i] != b[j] { return a[i] < b[j] }
                i += 1
                j += 1
            }
        }
        if a.count - i != b.count - j { return a.count - i < b.count - j }
        return left.text < right.text
    }

    /// A run of digits without leading zeros.
    private static func run(_ bytes: [UInt8], _ index: inout Int) -> ArraySlice<UInt8> {
        let start = index
        while index < bytes.count, isDigit(bytes[index]) { index += 1 }
        return bytes[start..<index].drop { $0 == UInt8(ascii: "0") }
    }
}

extension TextScanner {
    package mutating func version() throws(ScalarError) -> Version {
        let start = position
        while let byte = peek, isNameByte(byte) || byte == UInt8(ascii: "+") { position += 1 }
        guard position > start else { throw unexpected("expected a version such as 2026-06-01 or 1.10.0") }
        return Version(try boundedName(from: start, "a version"))
    }
}
