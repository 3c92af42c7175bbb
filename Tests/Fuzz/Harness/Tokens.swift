/// Values that programs tend to handle wrongly, and words of the language that the corpora use rarely.
enum Tokens {
    static let numbers: [[UInt8]] = [
        "0", "-0", "-1", "1", "127", "128", "255", "256", "65535", "65536", "2147483647", "2147483648", "-2147483649",
        "4294967296", "999999999999999", "1000000000000000", "1000000000000001", "9007199254740993",
        "999999999999999999", "1000000000000000000", "9223372036854775807", "9223372036854775808",
        "-9223372036854775808", "-9223372036854775809", "18446744073709551615", "18446744073709551616", "1e308",
        "1e-308",
        "1e309", "-1e308", "5e-324", "1e18", "1e19", "0.000000000000000001", "9223372036.854775807",
        "9223372036.854775808", "NaN", "Infinity", "-Infinity", ".5", "5.", "00", "0x7f", "1_000", "1,000",
        "9223372036854775807000000000000000000000000000000000000000",
        "0.99999999999999999999999999999999999999999999999999999",
    ].map { Array($0.utf8) }

    private static let times: [[UInt8]] = [
        "2026-06-01T00:00:00Z", "1970-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "0000-01-01T00:00:00Z",
        "0001-01-01", "9999-12-31T23:59:59.999999Z", "9999-12-31", "2026-02-30", "2024-02-29T12:00:00+14:00",
        "2026-06-01T24:00:00Z", "2026-06-01T00:00:60Z", "2026-06-01T00:00:00-99:99", "292277026596-12-04T15:30:07Z",
        "2026-03-29T02:30:00", "+106751991d", "-106751991d", "1780308000", "1780308000.8", "1780308000000",
        "-62135596800", "253402300799", "2026-06-01 10:00:00.125",
    ].map { Array($0.utf8) }

    private static let texts: [[UInt8]] = [
        "", " ", "\t", "\r", "\r\n", "\n", "\n---\n", "\n...\n", "\0", "\u{1}", "\u{7F}", "\u{85}", "\u{A0}",
        "\u{2028}",
        "\u{2029}", "\u{FEFF}", "\u{FFFD}", "\u{200B}", "\u{202E}", "\u{1F4A9}", "e\u{301}", "\u{1B}[31m", "ß", "İ",
        "~", "null", "true", "false", "yes", "no", "on", "off", "<<", "<<: *a", "&a", "*a", "!!int", "!!binary", "!<x>",
        "- ", "? ", ": ", "# ", "|", ">", "|+", ">-", "|9", "%YAML 1.1", "%TAG ! x", "@", "`", "{}", "[]", "{", "}",
        "[",
        "]", "(", ")", "\"", "'", "\"\"", "''", "\\", "\\u0000", "\\ud800", "\\udc00", "\\ud83d\\ude00", "\\x",
        "\"\\\"",
        ",", ", ,", ":", "::", "=", "==", "!=", "<=", ">=", "<", ">", "&&", "||", "!", "in", "not in", "*", "**", "->",
        "-> ->", "/", "//", "../", "..", ".", "%", "%s", "%n", "%%", "$", "$0", "$-1", "$0.000000001",
        "$9,223,372,036.854775807", "\u{20AC}1", "100%", "0%", "101%", "1000000000%", "-5%", "0.0001%",
        "</script>", "<b>", "&amp;", "]]>", "<!--", "a|b", "__proto__",
    ].map { Array($0.utf8) }

    private static let invalid: [[UInt8]] = [
        [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x80], [0xEF, 0xBB, 0xBF],
        [0xFE, 0xFF],
        [0x1F, 0x8B], [0x28, 0xB5, 0x2F, 0xFD], [0, 0, 0, 0, 0, 0, 0, 0],
    ]

    private static let words: [[UInt8]] = [
        "limits", "amount", "per", "user", "session", "run", "group", "workspace", "rollover", "burst", "at", "notify",
        "downgrade", "downgrade else deny", "deny", "queue", "approve", "confirm", "cap", "raise", "price", "reserve",
        "weights", "of",
        "other", "extends", "models", "any", "when", "unless", "alerts", "if", "window", "baseline", "across tenants",
        "at least",
        "every", "repeat", "expect", "requests", "tokens", "/day", "/month", "/hour", "/minute", "rolling 30 days",
        "/5 hours",
        "prepaid", "$1/day", "5 requests/day", "1k requests/minute", "10M tokens/month",
        "9223372036854775807 tokens/day",
        "$9223372036/month", "0 requests/day", "p95 tokens > 20", "spend >= 150% of baseline", "mode: shadow",
        "mode: frozen",
        "effective", "until", "timezone: America/New_York", "timezone: Nowhere", "critical: true", "tier", "tenant",
        "feature", "class",
        "input_tokens", "output_tokens", "cached_tokens", "max_output_tokens", "cost", "attempt", "request_id", "ts",
        "model",
        "fallback", "approved", "confirmed", "tools", "labels", "status", "duration_ms", "time.hour", "model.class",
    ].map { Array($0.utf8) }

    static let all = numbers + numbers + times + texts + invalid + words
}
