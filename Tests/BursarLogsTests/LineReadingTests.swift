import BursarLogs
import Foundation
import Testing

/// Lines are read in four ways: with words of 64 bytes as a line of a known shape or key by key, with shorter words, and
/// letter by letter where none has seen a line like it. What is read is the same.
@Suite struct LineReadingTests {
    private struct Random {
        var state: UInt64
        /// How much rarer odd things are than they could be.
        let calm: Int

        mutating func below(_ count: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(count))
        }

        mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }

        mutating func isOdd(oneIn count: Int) -> Bool { below(count * calm) == 0 }
    }

    private static let texts = ["tenant", "tier", "workspace", "feature", "model", "request_id", "status", "run"]
    private static let numbers = [
        "input_tokens", "cached_tokens", "output_tokens", "max_output_tokens", "duration_ms", "attempt",
    ]

    private static func value(_ random: inout Random) -> String {
        guard random.isOdd(oneIn: 6) else { return "\"name-\(random.below(30))\"" }
        return random.pick([
            "null", "\"\"", "\"a \\\"quoted\\\" \\u00e9 name\"", "\"Zürich \u{1F600}\"",
            "\"\(String(repeating: "long-", count: random.below(40)))\"",
        ])
    }

    private static func number(_ random: inout Random) -> String {
        guard random.isOdd(oneIn: 30) else { return "\(random.below([10, 5_000, 10_000_000][random.below(3)]))" }
        return random.pick(
            ["0", "7", "00", "0123456", "1234567", "12345678", "123456789012", "-1", "1.5", "1e3", "null", "\"3\"", ""])
    }

    /// - Parameter digits: of a fraction, where nothing odd is written.
    private static func time(_ random: inout Random, digits: Int) -> String {
        let clock = "\(10 + random.below(14)):\(10 + random.below(50)):\(10 + random.below(50))"
        guard random.isOdd(oneIn: 4) else {
            let fraction = ["", ".\(100 + random.below(900))", ".\(100_000 + random.below(900_000))"][digits / 3]
            return "\"2026-06-10T\(clock)\(fraction)Z\""
        }
        let fraction = random.pick([".123456", ".12", "", ".1234567", ",123456", ".123", ",123", ".12:"])
        let oddClock = random.pick([clock, "24:00:00", "12:60:00", "12:00:60", "1:000:00"])
        return "\"2026-06-\(10 + random.below(3))T\(oddClock)\(fraction)\(random.pick(["Z", "Z", "[", "+02:00", ""]))\""
    }

    private static func line(_ random: inout Random, keys: [String], digits: Int) -> String {
        var keys = keys
        if random.isOdd(oneIn: 6) { keys.remove(at: random.below(keys.count)) }
        if random.isOdd(oneIn: 12) { keys.append(random.pick(keys)) }
        if random.isOdd(oneIn: 8) { keys.insert("unknown \(random.below(3))", at: random.below(keys.count)) }
        if random.isOdd(oneIn: 10) { keys.swapAt(0, random.below(keys.count)) }
        let (comma, colon) = random.isOdd(oneIn: 4) ? (", ", ": ") : (",", ":")
        let pairs = keys.map { key -> String in
            let value =
                key == "ts"
                ? Self.time(&random, digits: random.isOdd(oneIn: 20) ? 3 : digits)
                : Self.texts.contains(key)
                    ? Self.value(&random)
                    : Self.numbers.contains(key) ? Self.number(&random) : random.pick(["1", "[1,{}]", "\"x\"", "true"])
            return "\"\(key)\"\(colon)\(value)"
        }
        let open = random.isOdd(oneIn: 8) ? random.pick(["{{", "{ ", "{,", " {", "{["]) : "{"
        let close = random.isOdd(oneIn: 8) ? random.pick(["} ", "}\r", "}x", "}}", ",}", ""]) : "}"
        return open + pairs.joined(separator: comma) + close
    }

    /// Some text with some of its bytes changed.
    private static func log(_ random: inout Random) -> [UInt8] {
        let keys = ["ts", "request_id"] + texts.filter { $0 != "request_id" } + numbers
        let digits = 3 * random.below(3)
        let lines = (0..<400).map { _ in line(&random, keys: keys, digits: digits) }
        var text = Array(lines.joined(separator: "\n").utf8)
        for _ in 0..<random.below(60 / random.calm + 3) {
            text[1 + random.below(text.count - 1)] = random.pick([0x22, 0x5C, 0x0A, 0x2C, 0x7D, 0x20, 0x00, 0xC3, 0x30])
        }
        return text
    }

    /// What was read, by line.
    private static func told(_ block: RecordBlock) -> [Int: String] {
        var told: [Int: String] = [:]
        for record in 0..<block.count {
            let fields = Field.allCases.map { field -> String in
                Self.numbers.contains(field.name) || field == .time
                    ? "\(block.number(record, field))"
                    : Self.texts.contains(field.name) ? block.text(record, field) ?? "-" : ""
            }
            told[block.line(record)] = fields.joined(separator: "|")
        }
        for reject in block.rejects { told[reject.line] = reject.reason }
        return told
    }

    @Test(arguments: 1...80) func `the ways of reading agree`(seed: Int) throws {
        var random = Random(state: UInt64(seed), calm: seed % 2 == 0 ? 1 : 60)
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("bursar-lines-\(UUID())").path
        let log = Self.log(&random)
        try Data(log).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let stretch = try #require(try LogReader(path, map: FieldMap()).next())
        let narrow = LogFormat.read(stretch, isWide: false)
        #expect(narrow.count > 50 && narrow.rejects.count > (random.calm == 1 ? 50 : 0))
        let inOrder = Self.told(narrow)
        // A line alone has none before it that would be like it.
        for (index, line) in log.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            let alone = LogFormat.read(stretch.with(Array(line)), isWide: false)
            #expect(Self.told(alone)[1] == inOrder[index + 1], "line \(index + 1)")
        }
        if LogFormat.hasWideWords {
            #expect(Self.told(LogFormat.read(stretch, isWide: true)) == inOrder)
        }
    }
}
