import BursarSyntax

/// Formats numbers for reports.
struct ReportText {
    /// A note for a replay of a policy in shadow mode.
    static let shadowEnforced =
        "the policy is in shadow mode; the figures show the effect of enforcing it (--as-written: without enforcing it)"

    let currency: String

    /// An amount with cents, or with more digits if it is below one cent.
    func money(_ nanos: Int64) -> String {
        let cents = nanos.magnitude / 10_000_000 + (nanos.magnitude % 10_000_000 >= 5_000_000 ? 1 : 0)
        let sign = nanos < 0 ? "−" : ""
        let text =
            cents == 0 && nanos != 0
            ? moneyText(Int64(clamping: nanos.magnitude))
            : "\(number(Int(cents / 100))).\(cents % 100 < 10 ? "0" : "")\(cents % 100)"
        return sign + withCurrency(text, currency)
    }

    func number(_ value: Int) -> String {
        var digits = Array(String(value.magnitude))
        var position = digits.count - 3
        while position > 0 {
            digits.insert(",", at: position)
            position -= 3
        }
        return (value < 0 ? "−" : "") + String(digits)
    }

    func percent(_ part: Int64, of whole: Int64) -> String {
        guard whole != 0 else { return "–" }
        let hundredths =
            Int128(part.magnitude).multipliedSaturated(by: 10_000).addingSaturated(Int128(whole.magnitude) / 2)
            / Int128(whole.magnitude)
        if hundredths == 0, part != 0 { return "<0.01%" }
        let rest = hundredths % 100
        return "\((part < 0) != (whole < 0) ? "−" : "")\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)%"
    }

    func percent(_ part: Int, of whole: Int) -> String { percent(Int64(part), of: Int64(whole)) }

    /// Rounded to a whole percent.
    func roundPercent(_ part: Int64, of whole: Int64) -> String {
        guard whole > 0 else { return "–" }
        return "\(Int128(part).multipliedSaturated(by: 100).addingSaturated(Int128(whole) / 2) / Int128(whole))%"
    }

    /// Tenths of a percent with a sign.
    func tenths(_ value: Int) -> String {
        "\(value < 0 ? "−" : "+")\(number(Int(clamping: value.magnitude / 10))).\(value.magnitude % 10)%"
    }

    /// Thousandths as a percentage.
    func share(_ thousandths: Int64) -> String {
        thousandths == .max ? "∞" : "\(number(Int(thousandths / 10))).\(thousandths % 10)%"
    }

    /// A day, with the hour if requested.
    func time(_ micros: Int64, hour: Bool) -> String {
        let text = instantText(micros)
        return hour ? "\(text.prefix(10)) \(text.dropFirst(11).prefix(5))" : String(text.prefix(10))
    }
}
