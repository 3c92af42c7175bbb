/// Saturating arithmetic on amounts, counts and times. A result out of range becomes the nearest representable number,
/// so that no value in a log or a policy can stop the program.
///
/// Sums of non-negative numbers do not depend on the order.
extension FixedWidthInteger where Self: SignedInteger {
    @inlinable @inline(__always)
    package func addingSaturated(_ other: Self) -> Self {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }

    @inlinable @inline(__always)
    package func subtractingSaturated(_ other: Self) -> Self {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow ? (other < 0 ? .max : .min) : difference
    }

    @inlinable @inline(__always)
    package func multipliedSaturated(by other: Self) -> Self {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? ((self < 0) == (other < 0) ? .max : .min) : product
    }

    @inlinable @inline(__always)
    package mutating func addSaturated(_ other: Self) { self = addingSaturated(other) }

    @inlinable @inline(__always)
    package mutating func subtractSaturated(_ other: Self) { self = subtractingSaturated(other) }

    /// The negated number.
    @inlinable @inline(__always)
    package var negatedSaturated: Self { Self.zero.subtractingSaturated(self) }

    /// The quotient, rounded away from zero. A divisor below 1 counts as 1.
    @inlinable
    package func dividedRoundingUp(by divisor: Self) -> Self {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: Swift.max(1, divisor))
        return remainder > 0 ? quotient.addingSaturated(1) : quotient
    }

    /// The absolute value.
    @inlinable @inline(__always)
    package var magnitudeSaturated: Self { self < 0 ? negatedSaturated : self }
}

extension Sequence where Element: FixedWidthInteger & SignedInteger {
    /// The sum of all elements, saturated at every step.
    @inlinable
    package func sumSaturated() -> Element { reduce(0) { $0.addingSaturated($1) } }
}

/// The product of all factors; nil if a partial product overflows.
@inlinable
package func exactProduct<Number: FixedWidthInteger>(_ factors: Number...) -> Number? {
    var product: Number = 1
    for factor in factors {
        let (next, overflow) = product.multipliedReportingOverflow(by: factor)
        if overflow { return nil }
        product = next
    }
    return product
}

extension Int64 {
    /// The nearest whole number; 0 for NaN.
    package init(saturating value: Double) {
        if value.isNaN {
            self = 0
        } else {
            self = Int64(exactly: value.rounded()) ?? (value < 0 ? .min : .max)
        }
    }
}
