/// Writes random logs in Bursar's own format for the policies of `RandomPolicies`, with extreme numbers, equal times, ids that
/// come again, and lines that are no record.
public struct RandomLogs: Sendable {
    public var random: SeededGenerator
    /// Times go back here and there.
    public var isUnordered = false

    /// The last record without its time, which comes again with a later one.
    private var last = ""

    /// The time of the first record, in seconds since 1970.
    public static let start: Int64 = 1_780_272_000

    public init(random: SeededGenerator) { self.random = random }

    private static let tenants = [
        "acme", "beta", "core", "nobody", "d", "e", "f", "g\u{E9}", "h\u{301}", "h i", "\u{202E}j", "(none)",
    ]

    public mutating func log(records: Int) -> String {
        var time = Self.start
        var text = ""
        for number in 0..<records {
            // The first line tells the format.
            if number > 0, random.chance(2) {
                text += random.pick(["{\"ts\": \"never\"}", "no JSON", "{}", "[1"]) + "\n"
            }
            time += step()
            var shown = isUnordered && random.chance(10) ? time - Int64(random.below(100_000)) : time
            // The years 1970, 0 and 9999, and a wrong clock.
            if isUnordered, random.chance(2) {
                shown = random.pick([0, -62_167_219_200, 253_402_300_799, time + 400 * 86_400])
            }
            text += record(number, shown) + "\n"
        }
        return text
    }

    private mutating func step() -> Int64 {
        switch random.below(20) {
        case 0...3: 0
        case 4: 1
        case 5...9: Int64(random.below(20))
        case 10...15: Int64(random.below(3_600))
        case 16, 17: Int64(random.below(6)) * 3_600
        case 18: 86_400
        default: random.chance(20) ? 40 * 86_400 : 60
        }
    }

    private mutating func record(_ number: Int, _ time: Int64) -> String {
        let instant = "{\"ts\": \"\(Self.instant(time))\", "
        if number > 0, random.chance(5) { return instant + last }
        last = content(number)
        return instant + last
    }

    private mutating func content(_ number: Int) -> String {
        let isAgain = number > 0 && random.chance(6)
        var fields = [
            "\"request_id\": \"r\(isAgain ? number - 1 - random.below(min(number, 3)) : number)\"",
            "\"tenant\": \"\(random.pick(Self.tenants))\"",
        ]
        let models = ["ant", "ant", "bee", "cat", "dog", "ant-latest", "ghost", "unheard-of"]
        fields.append("\"model\": \"\(random.pick(models))\"")
        func maybe(_ name: String, _ percent: Int, _ values: [String]) {
            if random.chance(percent) { fields.append("\"\(name)\": \(random.pick(values))") }
        }
        let counts = ["0", "1", "10", "50", "1000", "50000", "1000000"]
        let large = counts + ["1000000000000000", "9223372036854775806", "9223372036854775807"]
        let sizes = random.chance(30) ? large : counts
        maybe("input_tokens", 90, sizes)
        maybe("cached_tokens", 20, ["0", "1", "10"])
        maybe("output_tokens", 80, sizes)
        maybe("max_output_tokens", 40, sizes)
        maybe("characters", 20, sizes)
        maybe("cost", 30, ["0", "0.01", "\"0.000000001\"", "100", "1.5", "\"9223372036.854775807\"", "9000000000"])
        maybe("duration_ms", 30, ["0", "1", "1500", "3600000", "100000000", "1000000000000"])
        maybe("attempt", 20, ["1", "2", "3"])
        maybe("tier", 20, ["\"t0\"", "\"t1\"", "\"t9\""])
        maybe("feature", 80, ["\"chat\"", "\"search\"", "\"batch\"", "\"rare\""])
        maybe("user", 50, ["\"u1\"", "\"u2\"", "\"u3\""])
        maybe("workspace", 40, ["\"w1\"", "\"w2\""])
        maybe("group", 20, ["\"g1\"", "\"g2\""])
        maybe("session", 20, ["\"s1\"", "\"s2\""])
        maybe("run", 40, ["\"a\"", "\"b\"", "\"c\""])
        maybe("prompt_version", 30, ["\"1\"", "\"2\"", "\"3\""])
        maybe("status", 20, ["\"ok\"", "\"error\""])
        maybe("fallback", 20, ["true", "false"])
        maybe("approved", 10, ["true"])
        maybe("confirmed", 10, ["true"])
        maybe("accepts", 20, ["[\"downgrade\"]"])
        maybe("tools", 20, ["[\"db:drop\"]", "[\"pay:card\", \"find:x\"]", "[]"])
        maybe("labels", 15, ["{\"team\": \"red\"}", "{\"team\": \"blue\"}"])
        return fields.joined(separator: ", ") + "}"
    }

    /// Seconds since 1970 as `2026-06-01T00:00:00Z`.
    private static func instant(_ seconds: Int64) -> String {
        if seconds < 0 { return "0000-01-01T00:00:00Z" }
        var (year, day) = (1970, Int(seconds / 86_400))
        func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }
        while day >= (isLeap(year) ? 366 : 365) {
            day -= isLeap(year) ? 366 : 365
            year += 1
        }
        var month = 0
        let lengths = [31, isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        while day >= lengths[month] {
            day -= lengths[month]
            month += 1
        }
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let rest = Int(seconds % 86_400)
        return
            "\(year)-\(two(month + 1))-\(two(day + 1))T\(two(rest / 3_600)):\(two(rest / 60 % 60)):\(two(rest % 60))Z"
    }
}
