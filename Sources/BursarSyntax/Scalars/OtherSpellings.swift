/// Amounts, units and windows as other systems write them: what the language writes instead.
extension TextScanner {
    private static let signs: [(sign: String, code: String)] = [
        ("US$", "USD"), ("A$", "AUD"), ("C$", "CAD"), ("\u{20AC}", "EUR"), ("\u{A3}", "GBP"), ("\u{A5}", "JPY"),
        ("\u{20B9}", "INR"), ("\u{20BD}", "RUB"), ("\u{20A9}", "KRW"),
    ]

    private static let currencyWords = [
        "dollar": "USD", "dollars": "USD", "buck": "USD", "bucks": "USD", "euro": "EUR", "euros": "EUR", "pound": "GBP",
        "pounds": "GBP", "yen": "JPY", "usd": "USD", "eur": "EUR", "gbp": "GBP", "jpy": "JPY", "chf": "CHF",
    ]

    private static func written(_ amount: String, _ code: String) -> String {
        code == "USD" ? "$" + amount : "\(amount) \(code)"
    }

    private func hasText(_ text: String, at index: Int) -> Bool {
        let utf8 = Array(text.utf8)
        return index + utf8.count <= bytes.count && bytes[index..<index + utf8.count].elementsEqual(utf8)
    }

    /// The digits from a place on, with their marks.
    private func number(at start: Int) -> (text: String, end: Int) {
        var end = start
        while end < bytes.count,
            isDigit(bytes[end]) || bytes[end] == UInt8(ascii: ".") || bytes[end] == UInt8(ascii: "_")
        {
            end += 1
        }
        return (text(start, end), end)
    }

    /// `EUR 5`, `\u{20AC}5`, `US$5`: the currency comes first.
    func leadingCurrency() -> ScalarError? {
        var code: String?
        var next = position
        if let sign = Self.signs.first(where: { hasText($0.sign, at: position) }) {
            code = sign.code
            next += sign.sign.utf8.count
        } else {
            var copy = self
            if let word = copy.currencyCode() {
                code = word
                next = copy.position
            }
        }
        guard let code else { return nil }
        while next < bytes.count, bytes[next] == UInt8(ascii: " ") { next += 1 }
        let (amount, end) = number(at: next)
        guard !amount.isEmpty else { return nil }
        return ScalarError(
            code == "USD"
                ? "an amount in dollars is `$` and a number" : "the currency follows the amount, as three letters",
            position, next,
            help: "write `\(Self.written(amount, code))\(text(end, bytes.count))`" + Self.policyHint(code))
    }

    /// `100$`, `5\u{20AC}`, `5 usd`, `5 dollars`, at the text after the number.
    func trailingCurrency(from start: Int) -> ScalarError? {
        let (amount, _) = number(at: start)
        var code: String?
        var end = position
        if hasText("$", at: position) {
            (code, end) = ("USD", position + 1)
        } else if let sign = Self.signs.first(where: { hasText($0.sign, at: position) }) {
            (code, end) = (sign.code, position + sign.sign.utf8.count)
        } else {
            var copy = self
            let word = copy.word()
            (code, end) = (Self.currencyWords[word.lowercased()], copy.position)
        }
        guard let code, !amount.isEmpty else { return nil }
        let isSign = hasText("$", at: position)
        return ScalarError(
            isSign ? "the sign comes before the amount" : "a currency is three capital letters, or `$`", position, end,
            help: "write `\(Self.written(amount, code))\(text(end, bytes.count))`" + Self.policyHint(code))
    }

    private static func policyHint(_ code: String) -> String {
        code == "USD" ? "" : ", with `currency: \(code)` in the policy and the catalog"
    }

    /// `$10k`: money has no suffix.
    func moneySuffix(_ digits: Digits, sign: String) -> ScalarError? {
        guard let byte = peek, !(peek(1).map(isWordByte) ?? false) else { return nil }
        let scales: [UInt8: Int64] = [
            UInt8(ascii: "k"): 1_000, UInt8(ascii: "K"): 1_000, UInt8(ascii: "m"): 1_000_000,
            UInt8(ascii: "M"): 1_000_000,
            UInt8(ascii: "b"): 1_000_000_000, UInt8(ascii: "B"): 1_000_000_000,
        ]
        guard let scale = scales[byte] else { return nil }
        let exact = try? self.exact(digits, scale: scale, "an amount")
        return ScalarError(
            "an amount of money has no suffix `\(text(position, position + 1))`", position, position + 1,
            help: exact.map { "write `\(sign)\(groupedDigits($0))\(text(position + 1, bytes.count))`" }
                ?? "write all digits, as in `$10_000`")
    }

    // MARK: - Units

    private static let units = [
        "rps": "requests/second", "rpm": "requests/minute", "rph": "requests/hour", "rpd": "requests/day",
        "tpm": "tokens/minute", "tpd": "tokens/day", "req": "requests", "reqs": "requests", "call": "requests",
        "calls": "requests", "message": "requests", "messages": "requests", "msg": "requests", "msgs": "requests",
        "query": "requests", "queries": "requests", "tok": "tokens", "toks": "tokens", "char": "characters",
        "chars": "characters", "concurrent": "concurrent requests", "parallel": "concurrent requests",
        "parallel requests": "concurrent requests", "simultaneous requests": "concurrent requests",
        "concurrency": "concurrent requests", "input": "input tokens", "output": "output tokens",
        "prompt tokens": "input tokens", "completion tokens": "output tokens", "tools": "tool calls",
        "tool call": "tool calls", "function calls": "tool calls", "run": "runs",
    ]

    /// The whole text with the unit that is meant, at the text after the number.
    func unitHelp() -> String? {
        var end = position
        while end < bytes.count, isLetter(bytes[end]) || bytes[end] == UInt8(ascii: " ") { end += 1 }
        while end > position, bytes[end - 1] == UInt8(ascii: " ") { end -= 1 }
        let words = text(position, end).lowercased()
        guard !words.isEmpty else { return nil }
        let names = Unit.allCases.dropFirst().map(\.rawValue)
        let first = words.split(separator: " ").first.map(String.init) ?? words
        // `60 requests per minute` is a known unit with words after it.
        let found =
            Self.units[words] ?? names.first { $0 == words } ?? Self.units[first].map {
                $0 + words.dropFirst(first.utf8.count)
            }
            ?? nearestName(to: words, among: names) ?? nearestName(to: first, among: names)
        guard let unit = found else { return nil }
        let amount = text(0, position).split(separator: " ").joined(separator: " ")
        let window = words.split(separator: " ").suffix(2)
        if window.count == 2, ["per", "a", "each", "every"].contains(window[window.startIndex]), let name = window.last,
            let known = Self.windowNames.first(where: { $0 == name }) ?? Self.windows[String(name)]
        {
            let counted = unit.split(separator: " ").prefix { $0 != window[window.startIndex] }.joined(separator: " ")
            return "did you mean `\(amount) \(counted)/\(known)`?"
        }
        let rest = unit.contains("/") ? "" : text(end, bytes.count)
        return "did you mean `\(amount) \(unit)\(rest)`?"
    }

    // MARK: - Windows

    private static let windows = [
        "mo": "month", "mon": "month", "mth": "month", "months": "month", "monthly": "month", "d": "day", "days": "day",
        "daily": "day", "w": "week", "wk": "week", "weeks": "week", "weekly": "week", "q": "quarter",
        "quarters": "quarter", "quarterly": "quarter", "y": "year", "yr": "year", "years": "year", "yearly": "year",
        "annum": "year", "annual": "year", "annually": "year", "h": "hour", "hr": "hour", "hrs": "hour",
        "hours": "hour",
        "hourly": "hour", "m": "minute", "min": "minute", "mins": "minute", "minutes": "minute", "s": "second",
        "sec": "second", "secs": "second", "seconds": "second", "requests": "request", "req": "request",
        "call": "request",
    ]
    private static let windowNames = ["second", "minute", "hour", "day", "week", "month", "quarter", "year", "request"]

    /// The window or the `per` that a word means.
    func nearWindowHelp(_ word: String) -> String? {
        if let scope = Scope(rawValue: word) ?? Scope(rawValue: String(word.dropLast())) {
            return
                "`per: \(scope.rawValue)` counts for each \(scope.rawValue); the part after `/` is a window such as `day`"
        }
        return (Self.windows[word.lowercased()] ?? nearestName(to: word, among: Self.windowNames))
            .map { "did you mean `\($0)`?" }
    }

    /// `30d`, `24h`, `5m` after a `/`.
    func numberedWindowHelp(_ number: Int64) -> String? {
        var copy = self
        let word = copy.word()
        switch Self.windows[word.lowercased()] {
        case "second": return "write `\(number) seconds`"
        case "minute": return "write `\(number) minutes`"
        case "hour": return "write `\(number) hours`, or `rolling \(number) hours` for a limit that does not refill"
        case "day": return "write `rolling \(number) days`, or `every \(number) days from 2026-01-15`"
        case "week": return "write `rolling \(number.multipliedSaturated(by: 7)) days`, or `week`"
        case "month": return number == 1 ? "write `month`" : "write `month`, `quarter` or `year`"
        case "year": return number == 1 ? "write `year`" : nil
        default: return nil
        }
    }

    /// `$5 per month`, `$5 monthly`: the window is written with words.
    func windowAfterWordsHelp(from start: Int) -> String {
        var words = text(position, bytes.count).split(separator: " ").map { $0.lowercased() }
        if let first = words.first, ["per", "a", "an", "each", "every", "in"].contains(first) { words.removeFirst() }
        if words.count == 1, let word = words.first,
            let window = Self.windowNames.first(where: { $0 == word }) ?? Self.windows[word]
        {
            let amount = text(start, position).split(separator: " ").joined(separator: " ")
            return "write `\(amount)/\(window)`"
        }
        return "as in `$25/day` or `50 requests/day`"
    }

    /// `0.8` as a threshold.
    func fractionThreshold(_ digits: Digits) -> ScalarError? {
        guard isAtEnd, !digits.fraction.isEmpty,
            digits.whole == [UInt8(ascii: "0")] || digits.whole == [UInt8(ascii: "1")],
            digits.fraction.count <= 6, let scaled = try? exact(digits, scale: 1_000_000, "a threshold")
        else { return nil }
        return error(
            "a threshold is a percentage, money or a whole number", from: digits.start,
            help: "write `\(decimalText(scaled.multipliedSaturated(by: 100), scale: 1_000_000))%`")
    }
}
