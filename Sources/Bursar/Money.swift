import BursarSyntax

/// An exact amount of money in the currency of a policy, as a whole number of nano-units.
public struct Money: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Billionths of the currency's unit.
    public var nanoUnits: Int64

    public init(nanoUnits: Int64) { self.nanoUnits = nanoUnits }

    /// Parses a decimal such as `0.0125`; nil for other text, for more than nine decimals, and for an amount that
    /// exceeds 64 bits.
    public init?(_ decimal: String) {
        let isNegative = decimal.hasPrefix("-")
        let parts = decimal.dropFirst(isNegative ? 1 : 0).split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(Self.isDigit) })
        else { return nil }
        let fraction = parts.count == 2 ? parts[1] : ""
        guard fraction.utf8.count <= 9 else { return nil }
        let digits = parts[0] + fraction + String(repeating: "0", count: 9 - fraction.utf8.count)
        guard let nanoUnits = Int64((isNegative ? "-" : "") + digits) else { return nil }
        self.nanoUnits = nanoUnits
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    /// The decimal number without a currency: `0.0125`.
    public var description: String { moneyText(nanoUnits) }

    public static func < (left: Money, right: Money) -> Bool { left.nanoUnits < right.nanoUnits }
}

/// An amount in the unit of a limit.
public enum Amount: Sendable, Hashable, CustomStringConvertible {
    case money(Money)
    /// Tokens, requests, runs, characters or tool calls.
    case count(Int)

    init(_ value: Int64, _ unit: Unit) {
        self = unit == .spend ? .money(Money(nanoUnits: value)) : .count(Int(value))
    }

    public var description: String {
        switch self {
        case .money(let money): money.description
        case .count(let count): String(count)
        }
    }
}
