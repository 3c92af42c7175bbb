import Foundation
import Testing

/// Logs that are no plain files of short lines.
@Suite struct LogInputTests {
    private static let policies = "Policies/trial"
    private static let log = "Policies/trial/traffic.jsonl"

    private static var summary: String {
        get throws {
            try String(contentsOfFile: Binary.root + policies + "/expected-summary.txt", encoding: .utf8)
        }
    }

    @Test(arguments: [
        "cat LOG | $BURSAR replay --quiet --policies SET -",
        "cat LOG | $BURSAR replay --quiet --policies SET /dev/stdin",
        "mkfifo DIR/pipe; cat LOG > DIR/pipe & $BURSAR replay --quiet --policies SET DIR/pipe",
        "gzip -c LOG | $BURSAR replay --quiet --policies SET -",
        // Times go back, so that the log is read twice.
        "mkfifo DIR/pipe; tac LOG > DIR/pipe & $BURSAR replay --quiet --policies SET DIR/pipe | grep -v 'was not in order'",
        "bash -c '$BURSAR replay --quiet --policies SET <(cat LOG)'",
    ]) func `a stream is read to its end`(commands: String) throws {
        try Binary.inFolder { folder in
            let commands = [
                ("LOG", Binary.root + Self.log), ("SET", Binary.root + Self.policies), ("DIR", folder.path()),
            ]
            .reduce(commands) { $0.replacingOccurrences(of: $1.0, with: $1.1) }
            let result = try Binary.shell(commands)
            #expect(result.status == 0, "\(result.errors)")
            let found = result.output.split(separator: "\n").filter { !$0.hasPrefix("time:") }
            #expect(found == (try Self.summary).split(separator: "\n").filter { !$0.hasPrefix("time:") })
        }
    }

    @Test func `a stream that is named twice is refused`() throws {
        let result = try Binary.run("replay", "--policies", Self.policies, "-", "/dev/stdin")
        #expect(result.status == 2)
        #expect(result.errors.contains("standard input: is named twice"), "\(result.errors)")
    }

    @Test func `a device is refused`() throws {
        let result = try Binary.run("replay", "--policies", Self.policies, "/dev/zero")
        #expect(result.status == 2)
        #expect(result.errors.contains("has no end"), "\(result.errors)")
    }

    @Test func `a line beyond the bound is rejected with its size`() throws {
        try Binary.inFolder { folder in
            let lines = try String(contentsOfFile: Binary.root + Self.log, encoding: .utf8)
                .split(separator: "\n").prefix(2)
            let log = folder.appending(path: "log.jsonl")
            let long = "{\"a\": \"" + String(repeating: "x", count: 65 << 20) + "\"}"
            try Data((lines[0] + "\n" + long + "\n" + lines[1]).utf8).write(to: log)
            let rejects = folder.appending(path: "rejects").path()
            let result = try Binary.run(
                "replay", "--quiet", "--policies", Self.policies, "--rejects", rejects, log.path())
            #expect(result.output.contains("records: 3 read, 1 rejected, 2 decided"), "\(result.output)")
            let text = try String(contentsOfFile: rejects, encoding: .utf8)
            #expect(text.contains("\"line\":2,\"reason\":\"a line of \(long.utf8.count) bytes"), "\(text)")
        }
    }

    private static func page(_ results: String...) -> String {
        results.map { #"{"start_time": 1780272000, "end_time": 1780275600, "results": [\#($0)]}"# }
            .joined(separator: ",\n")
    }

    @Test func `one JSON value may have many lines`() throws {
        try Binary.inFolder { folder in
            let result =
                #"{"input_tokens": 40, "output_tokens": 10, "num_model_requests": 1, "project_id": "p", "model": "gpt-4o"}"#
            // Over a megabyte, in lines of their own.
            let results = [String](repeating: result, count: 10_000).joined(separator: ",\n")
            let text = "{\"object\": \"page\", \"data\": [\n\(Self.page(results))\n]}\n"
            let log = folder.appending(path: "usage.json")
            for (bytes, status, shown) in [
                (Data(text.utf8), Int32(0), "records: 10,000 read, 0 rejected, 10,000 decided"),
                (Data(text.utf8).prefix(700_000), 2, "is one JSON value over several lines, and cannot be read"),
            ] {
                try bytes.write(to: log)
                let run = try Binary.run(
                    "replay", "--quiet", "--input", "openai-usage", "--policies", "Tests/Fixtures/logs/policy.yaml",
                    log.path())
                #expect(run.status == status)
                #expect((run.output + run.errors).contains(shown), "\(run.output + run.errors)")
            }
        }
    }

    @Test func `a row that stands for too many requests is rejected`() throws {
        try Binary.inFolder { folder in
            let rows = [Int64.max, 2, 1_000_001, .max].map {
                #"{"input_tokens": 40, "output_tokens": 10, "num_model_requests": \#($0), "project_id": "p", "model": "gpt-4o"}"#
            }
            let log = folder.appending(path: "usage.json")
            try Data("{\"data\": [\(Self.page(rows.joined(separator: ",")))]}\n".utf8).write(to: log)
            let run = try Binary.run(
                "replay", "--quiet", "--input", "openai-usage", "--policies", "Tests/Fixtures/logs/policy.yaml",
                log.path())
            #expect(run.output.contains("records: 5 read, 3 rejected, 2 decided"), "\(run.output + run.errors)")
        }
    }

    @Test(arguments: [
        // The list of `JSON.stringify`, of `jq`, and objects over several lines one after another.
        "[", "[\n", "{\n",
    ]) func `records need not be one a line`(opening: String) throws {
        let lines = try String(contentsOfFile: Binary.root + Self.log, encoding: .utf8).split(separator: "\n")
        let isList = opening.hasPrefix("[")
        var text = isList ? opening : ""
        for (index, line) in lines.enumerated() {
            text += opening == "[" ? String(line) : line.replacingOccurrences(of: ",\"", with: ",\n  \"")
            text += isList && index < lines.count - 1 ? "," : ""
            text += opening == "[" ? "" : "\n"
        }
        try Binary.inFolder { folder in
            let log = folder.appending(path: "log.json")
            try Data((text + (isList ? "]" : "")).utf8).write(to: log)
            let result = try Binary.run("replay", "--quiet", "--policies", Self.policies, log.path())
            #expect(result.output == (try Self.summary), "\(result.errors)")
        }
    }

    @Test func `a record of a list that cannot be used is rejected with its line`() throws {
        try Binary.inFolder { folder in
            let good = #"{"ts": "2026-06-01T00:00:00Z", "request_id": "r", "tenant": "t", "model": "gpt-4o"}"#
            let log = folder.appending(path: "log.json")
            try Data("[\n\(good)\n, {\"request_id\": \"r2\"}]".utf8).write(to: log)
            let rejects = folder.appending(path: "rejects").path()
            let result = try Binary.run(
                "replay", "--quiet", "--policies", Self.policies, "--rejects", rejects, log.path())
            #expect(result.output.contains("records: 2 read, 1 rejected, 1 decided"), "\(result.output)")
            #expect(try String(contentsOfFile: rejects, encoding: .utf8).contains("`ts` is missing"))
        }
    }

    @Test func `a database that is damaged is told`() throws {
        let whole = try Data(contentsOf: URL(filePath: Binary.root + "Tests/Fixtures/sources/usage.sqlite"))
        try Binary.inFolder { folder in
            let log = folder.appending(path: "usage.sqlite")
            try whole.prefix(whole.count / 2).write(to: log)
            let result = try Binary.run("replay", "--policies", "Tests/Fixtures/logs/policy.yaml", log.path())
            #expect(result.status == 2)
            #expect(result.errors.contains("is damaged"), "\(result.errors)")
        }
    }

    @Test func `a first line that is damaged does not take the next requests with it`() throws {
        let good = #"{"request_id":"r","tenant":"t","model":"gpt-4o"}"#
        for (lines, count) in [("{\n\(good)\n\(good)\n", 3), ("{\n{\n{\n", 1), ("{\n" + good.dropFirst(), 1)] {
            let result = try Binary.run(
                "eval", "--policies", "Tests/Fixtures/logs/policy.yaml", input: Data(lines.utf8))
            #expect(result.output.split(separator: "\n").count == count, "\(result.output)")
        }
    }
}
