import Foundation
import Testing

/// Log lines with more keys, and with longer keys, than the reader remembers: they give the same decisions as lines without.
@Suite struct ManyKeysTests {
    private static let fields = (0..<40).map { number in
        [
            #""ts":"2026-06-01T00:00:\#(number < 10 ? "0" : "")\#(number)Z""#, #""request_id":"r\#(number)""#,
            #""tenant":"free-\#(number % 3)""#, #""model":"gpt-4o-mini""#, #""input_tokens":\#(number * 7)"#,
            #""output_tokens":\#(number)"#,
        ]
    }

    /// - Parameter extra: keys that no field has, before and after each field of a line.
    private func decisions(_ folder: URL, _ extra: (_ line: Int, _ field: Int) -> [String]) throws -> String {
        let lines = Self.fields.enumerated().map { line, fields in
            "{" + fields.enumerated().flatMap { extra(line, $0) + [$1] }.joined(separator: ",") + "}"
        }
        let (log, out) = (folder.appending(path: "log.jsonl"), folder.appending(path: "decisions"))
        try lines.joined(separator: "\n").write(to: log, atomically: true, encoding: .utf8)
        let result = try Binary.run(
            "replay", "--policies", "Policies/saas-tiers", "--decisions", out.path(), log.path())
        #expect(result.output.contains("40 decided"), "\(result.output) \(result.errors)")
        return try String(contentsOf: out, encoding: .utf8)
    }

    @Test(arguments: [1, 50, 300, 1_000]) func `unknown keys change nothing`(count: Int) throws {
        try Binary.inFolder { folder in
            let plain = try decisions(folder) { _, _ in [] }
            let same = try decisions(folder) { _, field in (0..<count).map { #""x\#(field)-\#($0)":\#($0)"# } }
            #expect(same == plain)
            let different = try decisions(folder) { line, field in
                (0..<count / 10 + 1).map { #""x\#(line)-\#(field)-\#($0)":"\#($0)""# }
            }
            #expect(different == plain)
        }
    }

    @Test func `unknown keys that repeat, and long ones, change nothing`() throws {
        try Binary.inFolder { folder in
            let plain = try decisions(folder) { _, _ in [] }
            let filled = (0..<300).map { #""f\#($0)":0"# }
            let repeated = try decisions(folder) { line, field in
                (line == 0 && field == 0 ? filled : []) + [#""a":1"#, #""a":1"#, #""b":"x""#, #""a":1"#]
            }
            #expect(repeated == plain)
            for length in [31, 32, 33, 63, 64, 65, 1_024, 1_025, 5_000] {
                let long = String(repeating: "k", count: length)
                #expect(try decisions(folder) { line, field in [#""\#(long)\#((line + field) % 3)":"v""#] } == plain)
            }
        }
    }

    @Test func `a field that stands twice after many keys is rejected`() throws {
        try Binary.inFolder { folder in
            let many = (0..<300).map { #""f\#($0)":0"# }.joined(separator: ",")
            let line = "{" + (Self.fields[0] + [many] + [#""tenant":"free-0""#]).joined(separator: ",") + "}"
            let log = folder.appending(path: "log.jsonl")
            try "\(line)\n\(line)".write(to: log, atomically: true, encoding: .utf8)
            let result = try Binary.run("replay", "--policies", "Policies/saas-tiers", log.path())
            #expect(result.output.contains("2 read, 2 rejected, 0 decided"), "\(result.output)")
        }
    }
}
