import Foundation
import Testing

/// Logs of other systems, read as they are: what a replay makes of each stands beside it. `BURSAR_RECORD=1` writes it anew.
@Suite struct LogFormatTests {
    static let folder = "Tests/Fixtures/logs"
    static let logs =
        ((try? FileManager.default.contentsOfDirectory(atPath: Binary.root + folder)) ?? [])
        .filter { !$0.hasSuffix(".expected") && !$0.hasSuffix(".yaml") }.sorted()

    @Test func `there is a fixture for each format`() throws {
        let formats = ["litellm", "otel", "helicone", "langfuse", "portkey", "usage-log"]
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
        let expected = Binary.root + "\(Self.folder)/\(format).expected"
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
            "<svg", "Timeline", "What stands behind it", "Margin a month", "policy.yaml:28:7",
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

    @Test(arguments: [
        ("refused > 10%", 3), ("refused > 99%", 0), ("tenants_refused >= 1", 3), ("spend > +5%", 0),
        ("coverage < 99%", 0),
        ("deny", 3), ("refused ? 1", 2), ("refusd > 1", 2),
    ]) func `fail-on ends with 3 where it holds`(expression: String, status: Int32) throws {
        let result = try Binary.run(
            "replay", "--quiet", "--policies", "Policies/saas-tiers", "--fail-on", expression,
            "Policies/saas-tiers/traffic.jsonl")
        #expect(result.status == status, "\(result.errors)")
    }
}
