import BursarSyntax

/// Bare arithmetic on `Int64` does not compile in this module: amounts, counters and times come from input and may be any
/// number. These operators are preferred to those of the standard library, and the package treats their deprecation as an error.
/// `SaturatingArithmetic.swift` has the functions to use.
///
/// `&+`, `&-` and `&*` state that the operands are known to be small. Numbers that only index storage are `Int`.
extension Int64 {
    @available(*, deprecated, message: "an amount may be any number: use `addingSaturated`")
    static func + (left: Int64, right: Int64) -> Int64 { left.addingSaturated(right) }

    @available(*, deprecated, message: "an amount may be any number: use `subtractingSaturated`")
    static func - (left: Int64, right: Int64) -> Int64 { left.subtractingSaturated(right) }

    @available(*, deprecated, message: "an amount may be any number: use `multipliedSaturated`")
    static func * (left: Int64, right: Int64) -> Int64 { left.multipliedSaturated(by: right) }

    @available(*, deprecated, message: "an amount may be any number: use `addSaturated`")
    static func += (left: inout Int64, right: Int64) { left.addSaturated(right) }

    @available(*, deprecated, message: "an amount may be any number: use `subtractSaturated`")
    static func -= (left: inout Int64, right: Int64) { left.subtractSaturated(right) }

    @available(*, deprecated, message: "an amount may be any number: use `multipliedSaturated`")
    static func *= (left: inout Int64, right: Int64) { left = left.multipliedSaturated(by: right) }

    @available(*, deprecated, message: "an amount may be any number: use `negatedSaturated`")
    static prefix func - (number: Int64) -> Int64 { number.negatedSaturated }
}

@available(*, deprecated, message: "an amount may be any number: use `magnitudeSaturated`")
func abs(_ number: Int64) -> Int64 { number.magnitudeSaturated }
