import Foundation
import Testing

/// No input crashes, hangs or exhausts memory; each gets a clear error, and nothing good is lost.
@Suite struct BadInputTests {
    private func check(_ text: Data, says message: String) throws {
        try Binary.inFolder { folder in
            let file = folder.appending(path: "policy.yaml")
            try text.write(to: file)
            let result = try Binary.run("check", file.path())
            #expect(result.status == 1)
            #expect(result.output.contains(message), "\(result.output.prefix(600))")
        }
    }

    @Test func `a YAML bomb is refused`() throws {
        var text = "a: &a [x,x,x,x,x,x,x,x,x]\n"
        for (from, to) in zip("abcdefgh", "bcdefghi") {
            text += "\(to): &\(to) [*\(from),*\(from),*\(from),*\(from),*\(from)]\n"
        }
        try check(Data(text.utf8), says: "anchors are not part of the language")
    }

    @Test func `nesting of 100,000 levels is refused`() throws {
        try check(Data(("policy: " + String(repeating: "[", count: 100_000)).utf8), says: "levels of nesting")
        try check(Data(("policy: " + String(repeating: "{a: ", count: 100_000)).utf8), says: "levels of nesting")
    }

    @Test func `more than a million values are refused`() throws {
        let text = "policy: [" + String(repeating: "a,", count: 1_100_000) + "]"
        try check(Data(text.utf8), says: "more than 1000000 values")
    }

    @Test func `a file over 64 MiB is refused`() throws {
        try check(Data(repeating: UInt8(ascii: "a"), count: (64 << 20) + 1), says: "is larger than 64 MiB")
    }

    @Test func `an empty folder has nothing to read`() throws {
        try Binary.inFolder { folder in
            let result = try Binary.run("check", folder.path())
            #expect(result.status == 1)
            #expect(result.output.contains("there is nothing to read"))
            #expect(try Binary.run("check", folder.appending(path: "none").path()).status == 2)
        }
    }

    // MARK: - Logs

    private static let good = (0..<40).map { number in
        #"{"ts":"2026-06-01T00:\#(number / 60 < 10 ? "0" : "")\#(number / 60):\#(number % 60 < 10 ? "0" : "")\#(number % 60)Z","request_id":"g\#(number)","tenant":"free-0","model":"gpt-4o-mini","input_tokens":\#(number),"output_tokens":3}"#
    }

    private static let bad: [(line: String, reason: String)] = [
        ("not json", "a line must be a JSON object"),
        (#"{"ts":"2026-06-01T00:00:00Z","request_id":"b","tenant":"t","model":"m""#, "ends inside the object"),
        (
            #"{"ts":"2026-06-01T00:00:00Z","request_id":"b","tenant":"t","model":"m","input_tokens":1.5}"#,
            "must be a whole number"
        ),
        (
            #"{"ts":"2026-06-01T00:00:00Z","request_id":"b","tenant":"t","model":"m","input_tokens":-1}"#,
            "cannot be negative"
        ),
        (
            #"{"ts":"2026-06-01T00:00:00Z","request_id":"b","tenant":"t","model":"m","input_tokens":"1"}"#,
            "must be a whole number"
        ),
        (#"{"ts":"2026-06-01T00:00:00Z","request_id":"b","tenant":"t","model":"m","input_tokens":01}"#, "leading zero"),
        (
            #"{"ts":"2026-06-01T00:00:00Z","request_id":"b","tenant":"t","model":"m","input_tokens":99999999999999999999}"#,
            "too large"
        ),
        (
            #"{"ts":"2026-06-01T00:00:00Z","request_id":"b","tenant":"t","model":"m","input_tokens":1,"cached_tokens":2}"#,
            "greater than"
        ),
        (#"{"ts":"2026-02-30T00:00:00Z","request_id":"b","tenant":"t","model":"m"}"#, "is not a time"),
        (#"{"ts":1780000000,"request_id":"b","tenant":"t","model":"m"}"#, "`ts` must be text"),
        (#"{"request_id":"b","tenant":"t","model":"m"}"#, "`ts` is missing"),
        (#"{"ts":"2026-06-01T00:00:00Z","tenant":"t","model":"m"}"#, "`request_id` is missing"),
        (#"{"ts":"2026-06-01T00:00:00Z","request_id":"b","model":"m"}"#, "`tenant` is missing"),
        (#"{"ts":"2026-06-01T00:00:00Z","request_id":"b","tenant":7,"model":"m"}"#, "`tenant` must be text"),
        (#"{"ts":"2026-06-01T00:00:00Z","request_id":"b","tenant":"t","tenant":"u","model":"m"}"#, "stands twice"),
        (#"{"ts":"2026-06-01T00:00:00Z","request_id":"b\q","tenant":"t","model":"m"}"#, "unknown escape"),
        (#"{"ts":"2026-06-01T00:00:00Z","request_id":"\ud800","tenant":"t","model":"m"}"#, "surrogate"),
        (#"{"ts":"2026-06-01T00:00:00Z","request_id":"b","tenant":"t","model":"m"} x"#, "more than one value"),
        (
            #"{"ts":"2026-06-01T00:00:00Z","request_id":"b","tenant":"t","model":"m","extra":[1,2}}"#,
            "brackets do not match"
        ),
        (#"{"ts":"2026-06-01T00:00:00Z","request_id":"b","tenant":"t","model":"m","tools":[1]}"#, "nothing but text"),
        (
            "{\"ts\":\"2026-06-01T00:00:00Z\",\"request_id\":\"b\u{1}\",\"tenant\":\"t\",\"model\":\"m\"}",
            "control character"
        ),
        (
            #"{"ts":"2026-06-01T00:00:00Z","request_id":"b","tenant":"t","model":"m","deep":\#(String(repeating: "[", count: 5_000))}"#,
            "levels of nesting"
        ),
    ]

    private func decisions(_ log: Data, _ folder: URL, name: String, arguments: [String] = []) throws -> (
        result: Binary.Result, decisions: String, rejects: String
    ) {
        let file = folder.appending(path: name)
        try log.write(to: file)
        let out = folder.appending(path: name + ".decisions")
        let rejects = folder.appending(path: name + ".rejects")
        let result = try Binary.run(
            ["replay", "--policies", "Policies/saas-tiers", "--decisions", out.path(), "--rejects", rejects.path()]
                + arguments
                + [file.path()])
        return (
            result, (try? String(contentsOf: out, encoding: .utf8)) ?? "",
            (try? String(contentsOf: rejects, encoding: .utf8)) ?? ""
        )
    }

    @Test func `damaged lines go to the rejects and every good line is decided as before`() throws {
        try Binary.inFolder { folder in
            let clean = try decisions(Data((Self.good.joined(separator: "\n") + "\n").utf8), folder, name: "clean")
            var lines: [String] = []
            for (index, line) in Self.good.enumerated() {
                lines.append(line)
                if index < Self.bad.count { lines.append(Self.bad[index].line) }
            }
            let damaged = try decisions(Data((lines.joined(separator: "\n") + "\n").utf8), folder, name: "damaged")
            #expect(damaged.result.status == 0)
            #expect(damaged.decisions == clean.decisions)
            #expect(damaged.result.output.contains("\(Self.bad.count) rejected, 40 decided"))
            let rejects = damaged.rejects.split(separator: "\n")
            #expect(rejects.count == Self.bad.count)
            for (index, (reject, bad)) in zip(rejects, Self.bad).enumerated() {
                #expect(reject.contains(#""line":\#(index * 2 + 2),"#), "\(reject)")
                #expect(reject.contains(bad.reason), "\(reject)")
            }
        }
    }

    @Test func `counts and costs near the largest numbers neither wrap nor crash`() throws {
        try Binary.inFolder { folder in
            let lines = (0..<40).map { number in
                #"{"ts":"2026-06-01T00:00:00Z","request_id":"h\#(number)","tenant":"t","model":"gpt-4o","input_tokens":\#(number % 2 == 0 ? "999999999999999999" : "999999999999999"),"output_tokens":999999999999999,"cost":9223372036}"#
            }
            for state in ["simulate", "observe"] {
                let result = try decisions(
                    Data(lines.joined(separator: "\n").utf8), folder, name: state, arguments: ["--state", state])
                #expect(result.result.status == 0)
                #expect(result.result.output.contains("40 decided"))
                #expect(result.decisions.contains("a count is larger than 10^15"))
            }
        }
    }

    @Test func `a cost beyond 64 bits is the largest number however much decisions tell`() throws {
        let policy = """
            catalog: c
            version: 2026-01-01
            models:
              large: {price: {input: $3/1M, output: $15/1M}}
              small: {price: {input: $2/1M, output: $12/1M}}
            ---
            policy: p
            version: 2026-01-01
            tiers:
              a: {models: any, limits: {requests: 9 requests/day}}
              b: {models: [small], downgrade: [large -> small], limits: {requests: 9 requests/day}}
            """
        try Binary.inFolder { folder in
            let lines = ["a", "b"].map { tier in
                #"{"ts":"2026-06-01T00:00:00Z","request_id":"\#(tier)","tenant":"\#(tier)","tier":"\#(tier)","model":"large","input_tokens":0,"output_tokens":1000000000000000}"#
            }
            let (set, log) = (folder.appending(path: "p.yaml"), folder.appending(path: "l.jsonl"))
            try Data(policy.utf8).write(to: set)
            try Data(lines.joined(separator: "\n").utf8).write(to: log)
            let arguments = ["replay", "--policies", set.path(), log.path()]
            let brief = try Binary.run(arguments)
            let full = try Binary.run(arguments + ["--decisions", folder.appending(path: "d").path()])
            #expect(brief.output.contains("$9,223,372,036.85 recorded, $9,223,372,036.85 under the policy"))
            #expect(brief.output == full.output)
        }
    }

    @Test func `invalid UTF-8 in a line is rejected`() throws {
        try Binary.inFolder { folder in
            var log = Data(#"{"ts":"2026-06-01T00:00:00Z","request_id":""#.utf8)
            log.append(contentsOf: [0xFF, 0xC0, 0x80])
            log.append(Data((#"","tenant":"t","model":"m"}"# + "\n" + Self.good[0]).utf8))
            let result = try decisions(log, folder, name: "log")
            #expect(result.rejects.contains("a string is not UTF-8"))
            #expect(result.result.output.contains("1 decided"))
        }
    }

    @Test func `a log out of order is decided in the order of its times and written in its own`() throws {
        try Binary.inFolder { folder in
            let clean = try decisions(Data((Self.good.joined(separator: "\n") + "\n").utf8), folder, name: "clean")
            let shuffled = stride(from: 0, to: 40, by: 2).map { $0 } + stride(from: 39, to: 0, by: -2).map { $0 }
            let log = shuffled.map { Self.good[$0] }.joined(separator: "\n")
            let result = try decisions(Data(log.utf8), folder, name: "shuffled")
            #expect(result.result.status == 0)
            let lines = clean.decisions.split(separator: "\n")
            #expect(result.decisions.split(separator: "\n") == shuffled.map { lines[$0] })
        }
    }

    @Test func `a truncated gzip says so and what was before it is decided`() throws {
        try Binary.inFolder { folder in
            // Hard to compress, so that half of the bytes hold whole lines.
            var random = SystemRandomNumberGenerator()
            let log = (0..<20_000).map { number in
                #"{"ts":"2026-06-01T00:00:00Z","request_id":"r\#(number)-\#(random.next())","tenant":"free-0","model":"gpt-4o-mini"}"#
            }.joined(separator: "\n")
            let plain = folder.appending(path: "log.jsonl")
            try Data(log.utf8).write(to: plain)
            let gzip = Process()
            gzip.executableURL = URL(filePath: "/bin/gzip")
            gzip.arguments = [plain.path()]
            try gzip.run()
            gzip.waitUntilExit()
            let whole = try Data(contentsOf: folder.appending(path: "log.jsonl.gz"))
            let good = try decisions(whole, folder, name: "whole.gz")
            #expect(good.result.status == 0)
            #expect(good.result.output.contains("20,000 decided"))
            let cut = try decisions(whole.prefix(whole.count / 2), folder, name: "cut.gz")
            #expect(cut.result.status == 2)
            #expect(cut.result.errors.contains("is truncated"))
            #expect(cut.result.output.contains("decided"))
        }
    }

    @Test func `a folder, a missing file and a log of nothing`() throws {
        try Binary.inFolder { folder in
            let policies = ["replay", "--policies", "Policies/saas-tiers"]
            let isFolder = try Binary.run(policies + [folder.path()])
            #expect(isFolder.status == 2)
            #expect(isFolder.errors.contains("is a folder without logs"))
            #expect(try Binary.run(policies + ["/no/such/log"]).status == 2)
            let empty = folder.appending(path: "empty")
            try Data().write(to: empty)
            let result = try Binary.run(policies + [empty.path()])
            #expect(result.status == 0)
            #expect(result.output.contains("0 read"))
        }
    }

    @Test func `a foreign CSV is read by its columns`() throws {
        try Binary.inFolder { folder in
            let csv = """
                TIMESTAMP,ContextTokens,GeneratedTokens,"Who, where"
                2023-11-16 18:17:03.9799600,4808,10,"a ""b"" c"
                2023-11-16 18:17:04.0319600,3180,8,plain
                2023-11-16 18:17:05.0319600,x,8,plain
                2023-11-16 18:17:06.0319600,1
                """
            let maps = [
                "ts=TIMESTAMP", "input_tokens=ContextTokens", "output_tokens=GeneratedTokens", "user=Who, where",
                "model==gpt-4o", "tenant==acme", "tier==enterprise",
            ]
            let policy = folder.appending(path: "p.yaml")
            let text =
                try String(contentsOfFile: Binary.root + "Policies/saas-tiers/catalog.yaml", encoding: .utf8)
                .replacing("2023-01-01", with: "2020-01-01")
                + "---\npolicy: p\nversion: 1\neffective: 2020-01-01\ntiers:\n  enterprise: {limits: {u: {amount: 5 requests/day, per: user}}}\n"
            try Data(text.utf8).write(to: policy)
            let file = folder.appending(path: "log.csv")
            try Data(csv.utf8).write(to: file)
            let out = folder.appending(path: "d").path()
            let result = try Binary.run(
                ["replay", "--policies", policy.path(), "--decisions", out] + maps.flatMap { ["--map", $0] } + [
                    file.path()
                ])
            #expect(result.status == 0, "\(result.errors)")
            #expect(result.output.contains("4 read, 2 rejected, 2 decided"))
            let decisions = try String(contentsOfFile: out, encoding: .utf8)
            #expect(decisions.contains(#""request_id":"log.csv:2","ts":"2023-11-16T18:17:03.97996Z","tenant":"acme""#))
            #expect(decisions.contains(#"user=a \"b\" c"#))
        }
    }
}
