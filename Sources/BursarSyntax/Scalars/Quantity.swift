/// The unit that a limit counts.
package enum Unit: String, Sendable, Hashable, CaseIterable {
    case spend
    case tokens
    case inputTokens = "input tokens"
    case outputTokens = "output tokens"
    case requests
    case attempts
    case runs
    case characters
    case toolCalls = "tool calls"
    case concurrentRequests = "concurrent requests"

    /// The unit adds up consumption and does not count how often.
    package var isBudget: Bool {
        switch self {
        case .spend, .tokens, .inputTokens, .outputTokens: true
        default: false
        }
    }

    /// A cap on the output lowers the counted amount.
    package var dependsOnOutput: Bool {
        switch self {
        case .spend, .tokens, .outputTokens: true
        default: false
        }
    }
}

package enum RateUnit: String, Sendable, Hashable {
    case second, minute, hour

    package var micros: Int64 {
        switch self {
        case .second: Micros.second
        case .minute: Micros.minute
        case .hour: Micros.hour
        }
    }
}

package enum CalendarUnit: String, Sendable, Hashable {
    case day, week, month, quarter, year
}

/// A window as written.
package enum WindowLiteral: Sendable, Hashable {
    /// `minute`, `15 minutes`: a token bucket that refills over a number of microseconds.
    case rate(micros: Int64)
    /// `month`, `month from 15`.
    case calendar(CalendarUnit, fromDay: Int)
    case rolling(micros: Int64)
    case fromFirstUse(micros: Int64)
    case every(micros: Int64, from: InstantLiteral)
    case request
    /// As long as the scope lasts; the same as no window.
    case lifetime
}

/// A quantity such as `$25/day`, `8k input tokens/request` or `10 concurrent requests`.
package struct QuantityLiteral: Sendable, Hashable {
    /// Nano-units of money, or a whole number for other units.
    package var amount: Int64
    package var unit: Unit
    /// Only set for money.
    package var currency: CurrencyMark?
    /// nil: as long as the scope exists.
    package var window: WindowLiteral?

    package init(amount: Int64, unit: Unit, currency: CurrencyMark?, window: WindowLiteral?) {
        self.amount = amount
        self.unit = unit
        self.currency = currency
        self.window = window
    }
}

extension TextScanner {
    package mutating func quantity() throws(ScalarError) -> QuantityLiteral {
        let start = position
        var quantity: QuantityLiteral
        if let money = try moneyIfPresent() {
            quantity = QuantityLiteral(amount: money.nanos, unit: .spend, currency: money.currency, window: nil)
        } else {
            let amount = try count("an amount such as $25, 50 requests or 8k tokens")
            skipSpaces()
            quantity = QuantityLiteral(amount: amount, unit: try unit(), currency: nil, window: nil)
        }
        skipSpaces()
        if take("/") {
            skipSpaces()
            quantity.window = try window()
        } else if !isAtEnd {
            throw unexpected("expected `/` and a window, or the end", help: windowAfterWordsHelp(from: start))
        }
        skipSpaces()
        try expectEnd()
        if quantity.unit == .concurrentRequests, quantity.window != nil {
            throw error(
                "concurrent requests are counted as they run and have no window", from: start,
                help: "write `10 concurrent requests`")
        }
        return quantity
    }

    /// Parses money if a `$` or a currency code follows the number. Consumes nothing if neither does.
    mutating func moneyIfPresent(
        _ what: String = "an amount such as $25, 50 requests or 8k tokens"
    ) throws(ScalarError) -> MoneyLiteral? {
        if let error = leadingCurrency() { throw error }
        if seesDollar { return try money() }
        let start = position
        _ = try digits(what)
        skipSpaces()
        let isMoney = currencyCode() != nil
        if !isMoney, let error = trailingCurrency(from: start) { throw error }
        position = start
        return isMoney ? try money() : nil
    }

    mutating func unit() throws(ScalarError) -> Unit {
        guard !isAtEnd else {
            throw error(
                "the amount has no unit", from: 0,
                help: "as in `50 requests/day`, `8k tokens/day`, or `$25/day` for money")
        }
        guard position > 0, bytes[position - 1] == UInt8(ascii: " ") else {
            throw unexpected("expected a space and a unit", help: unitHelp() ?? "as in `50 requests/day`")
        }
        if takeWords("concurrent", "requests") || takeWords("concurrent", "request") { return .concurrentRequests }
        if takeWords("input", "tokens") || takeWords("input", "token") { return .inputTokens }
        if takeWords("output", "tokens") || takeWords("output", "token") { return .outputTokens }
        if takeWords("tool", "calls") || takeWords("tool", "call") { return .toolCalls }
        if takeWords("tokens") || takeWords("token") { return .tokens }
        if takeWords("requests") || takeWords("request") { return .requests }
        if takeWords("attempts") || takeWords("attempt") { return .attempts }
        if takeWords("runs") || takeWords("run") { return .runs }
        if takeWords("characters") || takeWords("character") { return .characters }
        throw unexpected(
            "expected a unit",
            help: unitHelp()
                ?? "units: " + Unit.allCases.dropFirst().map(\.rawValue).joined(separator: ", ") + "; money as `$25`")
    }

    /// Parses the text after the `/` of a quantity.
    package mutating func window() throws(ScalarError) -> WindowLiteral {
        let start = position
        if takeWords("request") { return .request }
        if takeWords("lifetime") { return .lifetime }
        if takeWords("rolling") {
            try expectSpace()
            return .rolling(micros: try hoursOrDays("rolling"))
        }
        if takeWords("every") {
            try expectSpace()
            let length = try hoursOrDays("every")
            skipSpaces()
            guard takeWords("from") else {
                throw unexpected("expected `from` and an instant", help: "as in `every 30 days from 2026-01-15`")
            }
            try expectSpace()
            return .every(micros: length, from: try instant())
        }
        if let byte = peek, isDigit(byte) {
            let number = try whole("a number")
            skipSpaces()
            guard number > 0 else { throw error("a window of length zero", from: start) }
            let unitStart = position
            guard let unit = timeUnit() else {
                throw unexpected(
                    "expected seconds, minutes, hours or days", help: numberedWindowHelp(number) ?? windowHelp)
            }
            let (micros, overflow) = number.multipliedReportingOverflow(by: unit.micros)
            guard !overflow, micros <= 400 * 366 * Micros.day else {
                throw error("the window is too long", from: start)
            }
            skipSpaces()
            if takeWords("from", "first", "use") { return .fromFirstUse(micros: micros) }
            guard unit.isRate else {
                throw error(
                    "days, weeks, months and years are calendar windows, which have no number", from: unitStart,
                    help:
                        "`rolling \(number) days` is the last \(number); `every \(number) days from 2026-01-15` a fixed length"
                )
            }
            return .rate(micros: micros)
        }
        let word = word()
        if let unit = RateUnit(rawValue: word) { return .rate(micros: unit.micros) }
        guard let unit = CalendarUnit(rawValue: word) else {
            throw error("there is no window `\(word)`", from: start, help: nearWindowHelp(word) ?? windowHelp)
        }
        var day = 1
        let end = position
        skipSpaces()
        if takeWords("from") {
            try expectSpace()
            guard unit == .month else {
                throw error("only a month can begin on another day: `month from 15`", from: start)
            }
            let dayStart = position
            day = Int(clamping: try whole("a day of the month"))
            guard (1...31).contains(day) else { throw error("a day of the month is 1 to 31", from: dayStart) }
        } else {
            position = end
        }
        return .calendar(unit, fromDay: day)
    }

    private var windowHelp: String {
        "windows: second, minute, hour, day, week, month, quarter, year, lifetime, request, `15 minutes`, `rolling 24 hours`, "
            + "`5 hours from first use`, `month from 15`, `every 30 days from 2026-01-15`"
    }

    private mutating func timeUnit() -> (micros: Int64, isRate: Bool)? {
        if takeWords("seconds") || takeWords("second") { return (Micros.second, true) }
        if takeWords("minutes") || takeWords("minute") { return (Micros.minute, true) }
        if takeWords("hours") || takeWords("hour") { return (Micros.hour, true) }
        if takeWords("days") || takeWords("day") { return (Micros.day, false) }
        return nil
    }

    private mutating func hoursOrDays(_ word: String) throws(ScalarError) -> Int64 {
        let start = position
        let number = try whole("a number of hours or days")
        skipSpaces()
        guard number > 0 else { throw error("a window of length zero", from: start) }
        guard let unit = timeUnit(), unit.micros >= Micros.hour else {
            throw unexpected("expected hours or days", help: "as in `\(word) 24 hours` or `\(word) 30 days`")
        }
        let (micros, overflow) = number.multipliedReportingOverflow(by: unit.micros)
        guard !overflow, micros <= 400 * 366 * Micros.day else { throw error("the window is too long", from: start) }
        return micros
    }
}

/// The position of a threshold: a share of the amount, or an amount.
package enum ThresholdLiteral: Sendable, Hashable {
    case percentage(Percentage)
    case money(MoneyLiteral)
    /// With the unit, if it was written.
    case count(Int64, Unit?)
}

extension TextScanner {
    package mutating func threshold() throws(ScalarError) -> ThresholdLiteral {
        let start = position
        if let first = peek, first == UInt8(ascii: ">") || first == UInt8(ascii: "<") || first == UInt8(ascii: "=") {
            throw unexpected("a threshold is a percentage or an amount", help: "write `80%: notify owner`")
        }
        if let money = try moneyIfPresent() {
            try expectEnd()
            return .money(money)
        }
        let digits = try digits("a threshold such as 80% or $600")
        let isPercentage = peek == UInt8(ascii: "%")
        if let error = fractionThreshold(digits) { throw error }
        if !isPercentage {
            var copy = self
            copy.skipSpaces()
            if copy.takeWords("percent") || copy.take("%") {
                throw error("a percentage is a number and `%`", from: start, help: "write `\(text(start, position))%`")
            }
        }
        position = start
        if isPercentage {
            let percentage = try percentage()
            try expectEnd()
            return .percentage(percentage)
        }
        let amount = try count("a threshold")
        skipSpaces()
        let unit = isAtEnd ? nil : try unit()
        skipSpaces()
        try expectEnd()
        return .count(amount, unit)
    }
}
