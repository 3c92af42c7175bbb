import Foundation
import Testing

/// Logs of other systems, read as they are: what a replay makes of each stands beside it. `BURSAR_RECORD=1` writes it anew.
@Suite struct LogFormatTests {
    static let folder = "Tests/Fixtures/logs"
    static let logs =
        ((try? FileManager.default.contentsOfDirectory(atPath: Binary.root + folder)) ?? [])
        .filter { !$0.hasSuffix(".expected") && !$0.hasSuffix(".yaml") }.sorted()

    @Test func `there is a fixture for each format`() throws {
        let formats = ["litellm", "otel", "helicone", "langfuse", "portkey", "usage-log", "openai-usage"]
        #expect(Set(Self.logs.map { String($0.prefix { $0 != "." }) }) == Set(formats))
        for format in formats {
            #expect(try Binary.run("replay", "--describe-input", format).output.hasPrefix("\(format): "))
        }
    }

    private func replayed(_ name: String, _ arguments: [String]) throws -> String {
        var text = ""
        try Binary.inFolder { folder in
            let decisions = folder.appending(path: "decisions.jsonl").path()
            let rejects = folder.appending(path: "rejects.jsonl").path()
            let result = try Binary.run(
                [
                    "replay", "--quiet", "--policies", "\(Self.folder)/policy.yaml", "--decisions", decisions,
                    "--rejects", rejects,
                ]
                    + arguments + ["\(Self.folder)/\(name)"])
            #expect(result.status == 0, "\(result.errors)")
            for line in try String(contentsOfFile: decisions, encoding: .utf8).split(separator: "\n") {
                let found = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] ?? [:]
                let estimate = found["estimate"] as? [String: Any] ?? [:]
                text += [
                    "request_id", "ts", "tenant", "requested_model", "outcome",
                ].map { "\($0)=\(found[$0] ?? "-")" }.joined(separator: " ")
                text +=
                    ["input_tokens", "cached_tokens", "output_tokens", "spend"].map { " \($0)=\(estimate[$0] ?? "-")" }
                    .joined() + "\n"
            }
            text += try String(contentsOfFile: rejects, encoding: .utf8)
            text += result.output.split(separator: "\n").first { $0.hasPrefix("cost:") }.map { "\($0)\n" } ?? ""
        }
        return text
    }

    @Test(arguments: logs) func `a log is read as its system means it`(name: String) throws {
        let format = String(name.prefix { $0 != "." })
        let text = try replayed(name, ["--input", format])
        let stem = name.prefix(upTo: name.lastIndex(of: ".") ?? name.endIndex)
        let expected = Binary.root + "\(Self.folder)/\(stem).expected"
        if ProcessInfo.processInfo.environment["BURSAR_RECORD"] != nil {
            try text.write(toFile: expected, atomically: true, encoding: .utf8)
        }
        #expect(text == (try String(contentsOfFile: expected, encoding: .utf8)))
        #expect(try replayed(name, []) == text, "guessing the format makes something else of it")
    }

    @Test func `a mapping goes before the format's own`() throws {
        let text = try replayed("litellm.jsonl", ["--input", "litellm", "--map", "tenant=end_user"])
        #expect(text.contains("request_id=chatcmpl-1 ts=2026-06-01T10:00:00.125Z tenant=e-1"))
    }

    @Test func `attempts of one call are joined by the column that is named`() throws {
        try Binary.inFolder { folder in
            func row(_ second: Int, _ trace: String, _ status: Int, _ output: Int) -> String {
                #"{"id":"p\#(second)","trace_id":"\#(trace)","created_at":"2026-06-01T10:00:0\#(second)Z","ai_model":"gpt-4o","req_units":100,"res_units":\#(output),"cost":0.1,"response_status_code":\#(status),"metadata":{"tenant":"acme"}}"#
                    + "\n"
            }
            let log = folder.appending(path: "portkey.jsonl")
            let lines = row(1, "t1", 500, 0) + row(2, "t2", 200, 10) + row(3, "t1", 200, 20)
            try lines.write(to: log, atomically: true, encoding: .utf8)
            func summary(_ arguments: String...) throws -> String {
                try Binary.run(
                    ["replay", "--quiet", "--policies", "\(Self.folder)/policy.yaml", "--input", "portkey"] + arguments
                        + [log.path()]
                ).output
            }
            #expect(try summary().contains("3 decided"))
            let joined = try summary("--map", "external_request_id=trace_id")
            #expect(joined.contains("2 decided") && joined.contains("joined:  1 later attempt"))
            #expect(joined.contains("$0.003 recorded"))
        }
    }

    @Test func `a wrong format gets the nearest`() throws {
        let result = try Binary.run("replay", "--input", "litelm", "--policies", "x", "y")
        #expect(result.status == 2 && result.errors.contains("did you mean `litellm`?"))
    }
}

/// Reports of a replay.
@Suite struct ReportTests {
    private func report(_ ending: String, _ arguments: [String] = []) throws -> (text: String, result: Binary.Result) {
        var text = ""
        var result = Binary.Result(status: 0, output: "", errors: "")
        try Binary.inFolder { folder in
            let file = folder.appending(path: "report.\(ending)").path()
            result = try Binary.run(
                ["replay", "--quiet", "--policies", "Policies/saas-tiers", "--report", file] + arguments
                    + ["Policies/saas-tiers/traffic.jsonl"])
            text = try String(contentsOfFile: file, encoding: .utf8)
        }
        return (text, result)
    }

    @Test func `the html asks for nothing else and escapes what comes from logs`() throws {
        let (html, result) = try report("html", ["--against", "Policies/saas-tiers"])
        #expect(result.status == 0)
        for part in [
            "<svg", "Timeline", "Reasons", "Monthly margin", "policy.yaml:28:7",
            "prefers-color-scheme:dark",
        ] {
            #expect(html.contains(part), "\(part)")
        }
        for part in ["http://", "https://", "<script", "<link", "src="] { #expect(!html.contains(part), "\(part)") }
        try Binary.inFolder { folder in
            let log = folder.appending(path: "log.jsonl")
            let evil =
                #"{"ts":"2026-06-01T10:00:00Z","request_id":"<b>","tenant":"<script>alert(1)</script>|`x`","model":"gpt-4o","tier":"free"}"#
            try (evil + "\n").write(to: log, atomically: true, encoding: .utf8)
            for ending in ["html", "md"] {
                let file = folder.appending(path: "r.\(ending)").path()
                _ = try Binary.run(
                    "replay", "--quiet", "--policies", "Policies/saas-tiers", "--report", file, log.path())
                let text = try String(contentsOfFile: file, encoding: .utf8)
                #expect(ending == "md" ? text.contains("`<script>alert(1)</script>··x·`") : !text.contains("<script"))
            }
        }
    }

    @Test func `the numbers are the same in every form, with any number of threads`() throws {
        let (json, _) = try report("json", ["--threads", "1"])
        #expect(try report("json", ["--threads", "2"]).text == json)
        let root = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        let total = try #require((root["summary"] as? [String: Any])?["total"] as? [String: Any])
        let requests = try #require(total["requests"] as? Int)
        let timeline = try #require(root["timeline"] as? [[String: Any]])
        #expect(timeline.compactMap { $0["requests"] as? Int }.reduce(0, +) == requests)
        let (markdown, _) = try report("md")
        #expect(markdown.contains("| requests decided | 1,500 |") && requests == 1_500)
    }

    /// A policy with the one model `m`, at $1 for a thousand input tokens, and a log: their paths.
    private func write(_ policy: String, _ lines: String, in folder: URL) throws -> (set: String, log: String) {
        let catalog = "catalog: c\nversion: 1\nmodels: {m: {price: {input: $1/1k, output: $0/1k}}}\n---\n"
        let (set, log) = (folder.appending(path: "p.yaml"), folder.appending(path: "log.jsonl"))
        try (catalog + policy).write(to: set, atomically: true, encoding: .utf8)
        try lines.write(to: log, atomically: true, encoding: .utf8)
        return (set.path(), log.path())
    }

    @Test func `limits are sized by what the traffic asks for, whatever is decided`() throws {
        try Binary.inFolder { folder in
            let policy = """
                policy: p
                version: 1
                default tier: t
                tiers: {t: {models: any, limits: {daily: $2/day, user: {amount: 3 requests/day, per: user}}}}
                """
            // Ten tenants; tenant N asks for N times $0.50 on the second day, each request by another of two users.
            var lines = ""
            for tenant in 1...10 {
                for number in 0..<tenant {
                    lines +=
                        #"{"ts":"2026-06-02T10:0\#(number % 10):00Z","request_id":"\#(tenant).\#(number)","tenant":"t\#(tenant)","user":"u\#(number % 2)","model":"m","input_tokens":500,"output_tokens":1}"#
                        + "\n"
                }
            }
            let (set, log) = try write(policy, lines, in: folder)
            let file = folder.appending(path: "r.json").path()
            _ = try Binary.run("replay", "--quiet", "--policies", set, "--report", file, log)
            let root =
                try JSONSerialization.jsonObject(with: try Data(contentsOf: URL(filePath: file))) as? [String: Any]
            let limits = try #require(root?["limits"] as? [[String: Any]])
            func figure(_ limit: String, _ name: String) -> String {
                limits.first { $0["limit"] as? String == limit }.map { "\($0[name] ?? "")" } ?? "none"
            }
            // Tenants 5 to 10 pass $2, seven users pass three requests: those of tenants 7 to 10, one of 7 alone.
            #expect(figure("daily", "tenants_above") == "6" && figure("daily", "tenants") == "10")
            #expect(figure("user", "tenants_above") == "4" && figure("user", "windows_above") == "7")
            #expect(figure("user", "windows") == "19")
            #expect(figure("daily", "p50") == "1.25" && figure("daily", "p90") == "2.25")
            #expect(figure("daily", "touches_10_percent") == "4.5" && figure("daily", "touches_1_percent") == "5")
            #expect(figure("user", "touches_5_percent") == "5")
        }
    }

    @Test func `requests that no limit applies to are counted`() throws {
        try Binary.inFolder { folder in
            let policy = """
                policy: p
                version: 1
                default tier: t
                rules: {no: {when: feature == "batch", deny: no_batch}}
                tiers: {t: {models: any, limits: {chat: {amount: $2/day, when: feature == "chat"}}}}
                """
            let lines = ["chat", "search", "batch", "chat"].enumerated().map { number, feature in
                #"{"ts":"2026-06-02T10:00:0\#(number)Z","request_id":"\#(number)","tenant":"a","feature":"\#(feature)","model":"m","input_tokens":5,"output_tokens":1}"#
            }
            let (set, log) = try write(policy, lines.joined(separator: "\n") + "\n", in: folder)
            for state in ["simulate", "observe"] {
                let result = try Binary.run(
                    "replay", "--quiet", "--state", state, "--policies", set, "--fail-on", "coverage < 76%",
                    log)
                #expect(result.status == 3 && result.output.contains("coverage: 75.00% of the requests meet a limit"))
            }
        }
    }

    @Test(arguments: [
        ("refused > 10%", 3), ("alerts > 0", 0), ("refused > 99%", 0), ("tenants_refused >= 1", 3), ("spend > +5%", 0),
        ("coverage < 99%", 0),
        ("deny", 3), ("refused ? 1", 2), ("refusd > 1", 2),
    ]) func `fail-on ends with 3 where it holds`(expression: String, status: Int32) throws {
        let result = try Binary.run(
            "replay", "--quiet", "--policies", "Policies/saas-tiers", "--fail-on", expression,
            "Policies/saas-tiers/traffic.jsonl")
        #expect(result.status == status, "\(result.errors)")
    }
}

/// Where logs may lie, and how they may end.
@Suite struct LogSourceTests {
    private static let trial = "Policies/trial"
    private static let compressed = Binary.root + "Tests/Fixtures/sources/trial-traffic.jsonl.zst"

    private static var summary: String {
        get throws { try String(contentsOfFile: Binary.root + trial + "/expected-summary.txt", encoding: .utf8) }
    }

    @Test func `zstd is read as what it holds`() throws {
        let result = try Binary.run("replay", "--quiet", "--policies", Self.trial, Self.compressed)
        #expect(result.output == (try Self.summary))
    }

    @Test func `zstd that ends early or is damaged is told, and what came before it is decided`() throws {
        let whole = try Data(contentsOf: URL(filePath: Self.compressed))
        var damaged = whole
        damaged[20] ^= 0xFF
        try Binary.inFolder { folder in
            for (name, bytes, reason) in [
                ("cut", whole.dropLast(200), "truncated"), ("damaged", damaged, "damaged"),
                ("more", whole + Data("more".utf8), "something else after"),
            ] {
                let log = folder.appending(path: "\(name).jsonl.zst")
                try bytes.write(to: log)
                let result = try Binary.run("replay", "--quiet", "--policies", Self.trial, log.path())
                #expect(result.status == 2)
                #expect(result.errors.contains(reason), "\(name): \(result.errors)")
            }
        }
    }

    @Test func `a folder stands for the logs in it`() throws {
        let lines = try String(contentsOfFile: Binary.root + Self.trial + "/traffic.jsonl", encoding: .utf8)
            .split(separator: "\n")
        try Binary.inFolder { folder in
            let half = lines.count / 2
            for (name, part) in [("a.jsonl", lines[..<half]), ("b.jsonl", lines[half...]), ("notes.txt", lines[..<1])] {
                try Data((part.joined(separator: "\n") + "\n").utf8).write(to: folder.appending(path: name))
            }
            let result = try Binary.run("replay", "--quiet", "--policies", Self.trial, folder.path())
            #expect(result.output == (try Self.summary))
        }
        let empty = try Binary.run("replay", "--quiet", "--policies", Self.trial, "Docs")
        #expect(empty.status == 2)
        #expect(empty.errors.contains("a folder without logs"))
    }

    @Test func `a table of a database is read where it lies`() throws {
        let table = try Binary.run(
            "replay", "--quiet", "--format", "json", "--policies", "Tests/Fixtures/logs/policy.yaml",
            "Tests/Fixtures/sources/usage.sqlite")
        #expect(table.output.contains("\"decided\":2"), "\(table.output)")
        #expect(table.output.contains("\"recorded_cost\":\"0.0075045\""), "\(table.output)")
    }

    @Test func `columns of a database are mapped like those of a table`() throws {
        let result = try Binary.run(
            "replay", "--quiet", "--policies", "Tests/Fixtures/logs/policy.yaml", "--map", "tenant=tenant_id", "--map",
            "ts=created_at", "--map", "cost=cost_usd", "Tests/Fixtures/sources/usage.sqlite")
        #expect(result.status == 0)
        #expect(result.output.contains(" 0 rejected"), "\(result.output)")
    }

    @Test func `a log that grows is followed until it is told to stop`() throws {
        let lines = try String(contentsOfFile: Binary.root + Self.trial + "/traffic.jsonl", encoding: .utf8)
            .split(separator: "\n").map { $0 + "\n" }
        try Binary.inFolder { folder in
            let log = folder.appending(path: "live.jsonl")
            let decisions = folder.appending(path: "decisions.jsonl")
            let summary = folder.appending(path: "summary.txt")
            try Data(lines[..<100].joined().utf8).write(to: log)
            try Data().write(to: summary)
            let process = Process()
            process.executableURL = URL(filePath: Binary.path)
            process.arguments = [
                "replay", "--quiet", "--follow", "--policies", Binary.root + Self.trial, "--decisions",
                decisions.path(), log.path(),
            ]
            process.standardOutput = try FileHandle(forWritingTo: summary)
            try process.run()
            func wait(for count: Int) throws {
                let end = Date(timeIntervalSinceNow: 30)
                while Date() < end {
                    let found = (try? String(contentsOf: decisions, encoding: .utf8))?.split(separator: "\n").count ?? 0
                    if found == count { return }
                    Thread.sleep(forTimeInterval: 0.02)
                }
                Issue.record("\(count) decisions did not come")
            }
            try wait(for: 100)
            let growing = try FileHandle(forWritingTo: log)
            try growing.seekToEnd()
            // Half a line is no line yet.
            try growing.write(contentsOf: Data((lines[100..<150].joined() + lines[150].prefix(40)).utf8))
            try wait(for: 150)
            try growing.write(contentsOf: Data(lines[150].dropFirst(40).utf8))
            try wait(for: 151)
            process.interrupt()
            let end = Date(timeIntervalSinceNow: 30)
            while process.isRunning, Date() < end { Thread.sleep(forTimeInterval: 0.02) }
            if process.isRunning { process.terminate() }
            #expect(process.terminationStatus == 0)
            let text = try String(contentsOf: summary, encoding: .utf8)
            #expect(text.contains("records: 151 read, 0 rejected, 151 decided"), "\(text)")
        }
    }
}
