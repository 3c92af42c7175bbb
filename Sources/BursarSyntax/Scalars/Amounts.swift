/// The currency as written: a sign, which means the policy's own dollar, or an ISO 4217 code.
package enum CurrencyMark: Sendable, Hashable {
    case dollar
    case code(String)
}

/// An exact amount of money such as `$25` or `12.5 EUR`, in nano-units (10^-9) of its currency.
package struct MoneyLiteral: Sendable, Hashable {
    package var nanos: Int64
    package var currency: CurrencyMark
}

/// An exact percentage such as `50%`.
package struct Percentage: Sendable, Hashable, Comparable, Codable {
    /// The value of `scaled` for 100%; percentages keep nine decimals.
    package static let one: Int64 = 100_000_000_000

    package var scaled: Int64

    package init(scaled: Int64) { self.scaled = scaled }

    package static let full = Percentage(scaled: one)

    package static func < (left: Percentage, right: Percentage) -> Bool { left.scaled < right.scaled }

    /// This share of an amount, rounded down. Saturates at the largest 64-bit number.
    package func floor(of amount: Int64) -> Int64 {
        let product = Int128(amount) * Int128(scaled)
        let (quotient, remainder) = product.quotientAndRemainder(dividingBy: Int128(Percentage.one))
        let floored = remainder < 0 ? quotient - 1 : quotient
        return Int64(clamping: floored)
    }

    /// The percentage as text, such as `12.5%`.
    package var text: String {
        let unit = Percentage.one / 100
        return decimalText(scaled, scale: unit) + "%"
    }
}

/// `value / scale` as a decimal number without trailing zeros.
package func decimalText(_ value: Int64, scale: Int64) -> String {
    let magnitude = value.magnitude
    let unit = scale.magnitude
    var text = (value < 0 ? "-" : "") + String(magnitude / unit)
    var rest = magnitude % unit
    if rest > 0 {
        text += "."
        var step = unit / 10
        while rest > 0, step > 0 {
            text += String(rest / step)
            rest %= step
            step /= 10
        }
    }
    return text
}

/// Nano-units as a decimal number in the currency, for JSON and reports.
package func moneyText(_ nanos: Int64) -> String { decimalText(nanos, scale: 1_000_000_000) }

/// A decimal amount with its currency, for people.
package func withCurrency(_ amount: String, _ currency: String) -> String {
    currency == "USD" ? "$" + amount : "\(amount) \(currency)"
}

extension TextScanner {
    static let nanosPerUnit: Int64 = 1_000_000_000

    /// The next byte starts an amount of money.
    var seesDollar: Bool { peek == UInt8(ascii: "$") }

    package mutating func money() throws(ScalarError) -> MoneyLiteral { try money(isPrice: false) }

    /// - Parameter isPrice: a price may have three digits after its point.
    private mutating func money(isPrice: Bool) throws(ScalarError) -> MoneyLiteral {
        if let error = leadingCurrency() { throw error }
        if take("$") {
            let digits = try digits("an amount of money")
            if let error = moneySuffix(digits, sign: "$") { throw error }
            if !isPrice, let error = ambiguousPoint(digits, sign: "$") { throw error }
            return MoneyLiteral(nanos: try nanos(digits), currency: .dollar)
        }
        let digits = try digits("an amount of money")
        skipSpaces()
        guard let code = currencyCode() else {
            throw trailingCurrency(from: digits.start)
                ?? unexpected("expected a currency, as in `$25` or `12.5 EUR`")
        }
        if !isPrice, let error = ambiguousPoint(digits, sign: "") { throw error }
        return MoneyLiteral(nanos: try nanos(digits), currency: .code(code))
    }

    private func nanos(_ digits: Digits) throws(ScalarError) -> Int64 {
        guard digits.fraction.count <= 9 else {
            throw error("money has at most 9 digits after the point", from: digits.start)
        }
        return try exact(digits, scale: Self.nanosPerUnit, "the amount of money")
    }

    /// Parses three capital letters.
    mutating func currencyCode() -> String? {
        let start = position
        while let byte = peek, byte >= UInt8(ascii: "A"), byte <= UInt8(ascii: "Z") { position += 1 }
        if position - start == 3, !(peek.map(isWordByte) ?? false) { return text(start, position) }
        position = start
        return nil
    }

    package mutating func percentage() throws(ScalarError) -> Percentage {
        let digits = try digits("a percentage")
        guard take("%") else { throw unexpected("expected `%`") }
        guard digits.fraction.count <= 9 else {
            throw error("a percentage has at most 9 digits after the point", from: digits.start)
        }
        return Percentage(scaled: try exact(digits, scale: Percentage.one / 100, "the percentage"))
    }
}

/// The price of a token kind, in 10^-12 of the currency per token.
package struct PriceLiteral: Sendable, Hashable {
    package var picosPerToken: Int64
    package var currency: CurrencyMark
}

extension TextScanner {
    /// Parses `$2.50/1M`: money per number of tokens. Throws if the price per token is not a whole number of 10^-12.
    package mutating func price() throws(ScalarError) -> PriceLiteral {
        let start = position
        let money = try money(isPrice: true)
        skipSpaces()
        guard take("/") else {
            throw unexpected("expected `/` and a number of tokens", help: "a price per million tokens is `$2.50/1M`")
        }
        skipSpaces()
        let tokens = try count("a number of tokens")
        if takeSpaceAndWord("tokens") || takeSpaceAndWord("token") {}
        guard tokens > 0 else { throw error("a price per zero tokens has no meaning", from: start) }
        let (picos, rest) = (Int128(money.nanos) * 1_000).quotientAndRemainder(dividingBy: Int128(tokens))
        guard rest == 0 else {
            throw error("a price is kept in 10^-12 per token; this one has more digits", from: start)
        }
        guard let exact = Int64(exactly: picos) else { throw error("the price is too large", from: start) }
        return PriceLiteral(picosPerToken: exact, currency: money.currency)
    }

    private mutating func takeSpaceAndWord(_ word: String) -> Bool {
        let start = position
        guard take(" ") else { return false }
        skipSpaces()
        if takeWords(word) { return true }
        position = start
        return false
    }
}
