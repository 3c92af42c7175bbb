/// A JSON number as decimal digits and an exponent, which avoids binary rounding.
package struct JSONDecimal {
    package private(set) var isNegative = false
    private var digits: Int64 = 0
    private var exponent = 0

    /// Parses a JSON number and keeps 18 digits; nil if the text is not a JSON number.
    package init?(_ text: UnsafeBufferPointer<UInt8>) {
        var index = 0
        let count = text.count
        if index < count, text[index] == UInt8(ascii: "-") {
            isNegative = true
            index += 1
        }
        let start = index
        while index < count, text[index] &- 48 < 10 {
            guard add(text[index] &- 48, isFraction: false) else { return nil }
            index += 1
        }
        guard index > start, index - start == 1 || text[start] != UInt8(ascii: "0") else { return nil }
        if index < count, text[index] == UInt8(ascii: ".") {
            index += 1
            let start = index
            while index < count, text[index] &- 48 < 10 {
                guard add(text[index] &- 48, isFraction: true) else { return nil }
                index += 1
            }
            guard index > start else { return nil }
        }
        if index < count, text[index] | 0x20 == UInt8(ascii: "e") {
            index += 1
            var sign = 1
            if index < count, text[index] == UInt8(ascii: "-") || text[index] == UInt8(ascii: "+") {
                sign = text[index] == UInt8(ascii: "-") ? -1 : 1
                index += 1
            }
            let start = index
            var power = 0
            while index < count, text[index] &- 48 < 10, power < 10_000 {
                power = power * 10 + Int(text[index] &- 48)
                index += 1
            }
            guard index > start else { return nil }
            exponent += sign * power
        }
        guard index == count else { return nil }
    }

    @inline(__always)
    private mutating func add(_ digit: UInt8, isFraction: Bool) -> Bool {
        if digits >= 100_000_000_000_000_000 {
            // Digits beyond 18 are dropped: they are below a nano-unit of money, and such a count exceeds every bound.
            if !isFraction { exponent += 1 }
            return true
        }
        digits = digits * 10 + Int64(digit)
        if isFraction { exponent -= 1 }
        return true
    }

    /// The number × 10^power as a whole number; nil if it does not fit 64 bits.
    package func scaled(by power: Int, roundingUp: Bool) -> Int64? {
        var value = digits
        var shift = exponent + power
        if value == 0 { return 0 }
        while shift > 0 {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            if overflow { return nil }
            value = product
            shift -= 1
        }
        var hasRest = false
        while shift < 0, value > 0 {
            if value % 10 != 0 { hasRest = true }
            value /= 10
            shift += 1
        }
        if hasRest, roundingUp { value.addSaturated(1) }
        return isNegative ? value.negatedSaturated : value
    }
}
