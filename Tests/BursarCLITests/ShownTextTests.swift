import Foundation
import Testing

/// Names from logs and policies show themselves and do nothing else, wherever they are printed.
@Suite struct ShownTextTests {
    /// Clears the screen, sets a title with a C1 control, reverses the order of writing, breaks lines, rings.
    static let nasty = "a\u{1B}[2J\u{9D}0;t\u{7}b\u{202E}c\u{2028}d\u{7F}e\nf\rg\u{2067}h\u{85}i\u{FEFF}j"

    /// The same without line breaks, which names in policies may not have.
    static let nastyLine = "a\u{1B}[2J\u{9D}0;t\u{7}b\u{202E}c\u{7F}d\u{2067}e\u{FEFF}j"

    private static func acts(_ scalar: Unicode.Scalar) -> Bool {
        let category = scalar.properties.generalCategory
        return scalar != "\n"
            && (category == .control || category == .lineSeparator || category == .paragraphSeparator
                || scalar.properties.isBidiControl || scalar == "\u{FEFF}")
    }

    private static func check(_ text: String, _ what: String) {
        let found = text.unicodeScalars.filter(acts).map { String($0.value, radix: 16) }
        #expect(found.isEmpty, "\(what): \(found) in \(text.debugDescription)")
    }

    /// In double quotes of JSON and YAML, in plain characters.
    private static func quoted(_ text: String) -> String {
        let scalars = text.unicodeScalars.map { scalar in
            let code = String(scalar.value, radix: 16)
            let isPlain = scalar.isASCII && !acts(scalar) && !["\"", "\\", "\n"].contains(scalar)
            return isPlain ? String(scalar) : "\\u" + String(repeating: "0", count: 4 - code.count) + code
        }
        return "\"\(scalars.joined())\""
    }

    /// A set and a log whose names all do something.
    private static func makeFiles(in folder: URL) throws -> (set: String, log: String, request: String) {
        let set = folder.appending(path: "set-\u{1B}[31m-\u{202E}")
        try FileManager.default.createDirectory(at: set, withIntermediateDirectories: true)
        var name = quoted(nastyLine)
        let condition = quoted("feature != \"\(nastyLine)\"")
        let policy = """
            policy: p
            version: 2020-01-01
            default tier: free
            tiers:
              free:
                models: any
                limits: {requests: {amount: 1 requests/day, when: \(condition), at: {100%: deny}}}
            ---
            tests:
              \(name):
                request: {model: \(name)}
                repeat: 2
                expect: allow
            """
        try Data(policy.utf8).write(to: set.appending(path: "p\u{1B}[31m.yaml"))
        name = quoted(nasty)
        let lines = (0..<3).map { number in
            "{\"ts\":\"2026-06-01T00:00:0\(number)Z\",\"request_id\":\(name),\"tenant\":\(name),\"feature\":\(name),"
                + "\"user\":\(name),\"model\":\(name),\"input_tokens\":\(number)}\n"
        }
        let log = folder.appending(path: "log\u{1B}[31m.jsonl")
        try Data(lines.joined().utf8).write(to: log)
        return (set.path(percentEncoded: false), log.path(percentEncoded: false), lines[0])
    }

    @Test func `in every text that a command prints`() throws {
        try Binary.inFolder { folder in
            let (set, log, request) = try Self.makeFiles(in: folder)
            let broken = folder.appending(path: "broken\u{1B}[31m\n.yaml").path(percentEncoded: false)
            try Data(
                "policy: p\nversion: 1\ndefault tier: \(Self.quoted(Self.nasty))\n# \u{1B}[2J \u{202E}\nx: y\n".utf8
            )
            .write(to: URL(filePath: broken))
            let missing = folder.path(percentEncoded: false) + "missing-" + Self.nasty
            let commands: [[String]] = [
                ["check", set], ["check", broken], ["check", missing], ["check", "--explain", Self.nasty],
                ["check", set, "--traffic", log], ["replay", "--policies", set, log],
                ["replay", "--policies", set, "--against", set, log], ["replay", "--policies", set, missing],
                ["replay", "--policies", missing, log], ["replay", "--policies", set, "--where", Self.nasty, log],
                ["replay", "--policies", set, "--from", Self.nasty, log],
                ["replay", "--policies", set, "--map", Self.nasty, log],
                ["replay", "--policies", set, "--input", Self.nasty, log],
                ["replay", "--policies", set, "--fail-on", Self.nasty, log],
                ["replay", "--policies", set, "--shard", Self.nasty, log],
                ["replay", "--policies", set, "--threads", Self.nasty, log],
                ["replay", "--policies", set, "--decisions", log, log],
                ["replay", "--policies", set, "--report", Self.nasty, log],
                ["replay", "--policies", set, "--rejects", missing + "/x", log],
                ["diff", set, broken], ["diff", set, "Policies/trial"], ["diff", set, set, "--traffic", log],
                ["test", set], ["test", "--coverage", set], ["test", "--coverage", "--coverage-format", "lcov", set],
                ["test", "--format", "junit", set], ["explain", "--policies", set],
                ["explain", "--policies", set, "--log", log, "--request-id", Self.nasty],
                ["explain", "--policies", set, "--log", log, "--request-id", "no" + Self.nasty],
                ["explain", "--policies", set, "--log", log, "--decision", Self.nasty],
                ["fmt", "--diff", set], ["fmt", "--check", broken], ["fmt", broken], ["lock", set],
                ["merge", log], ["merge", missing], ["import", "prices", log], ["import", "prices", missing],
                ["init", folder.path(percentEncoded: false) + "new\u{1B}[31m"], ["init", missing + "/x/y"],
                [Self.nasty], ["check", "--" + Self.nasty], ["eval", "--policies", broken],
                ["eval", "--policies", set, missing],
            ]
            for command in commands {
                let result = try Binary.run(command, input: Data(request.utf8))
                Self.check(result.output, "output of \(command)")
                Self.check(result.errors, "errors of \(command)")
            }
            for ending in ["md", "html"] {
                let report = folder.appending(path: "r.\(ending)")
                _ = try Binary.run("replay", "--policies", set, "--report", report.path(), log)
                Self.check(try String(contentsOf: report, encoding: .utf8), ending)
            }
        }
    }

    @Test func `a name stays on its line and is exact in JSON`() throws {
        try Binary.inFolder { folder in
            let (set, log, _) = try Self.makeFiles(in: folder)
            let explained = try Binary.run("explain", "--policies", set, "--log", log, "--request-id", Self.nasty)
            #expect(explained.status == 0, "\(explained)")
            let text = explained.output
            #expect(
                text.contains(#"a\u{1b}[2J\u{9d}0;t\u{7}b\u{202e}c\u{2028}d\u{7f}e\nf\rg\u{2067}h\u{85}i\u{feff}j"#),
                "\(text)")
            let decisions = folder.appending(path: "d.jsonl")
            let json = try Binary.run(
                "replay", "--policies", set, "--format", "json", "--decisions", decisions.path(), log)
            let summary = try #require(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
            #expect("\(summary)".contains("2J"))
            let line = try #require(try String(contentsOf: decisions, encoding: .utf8).split(separator: "\n").first)
            let decision = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            #expect((decision?["tenant"] as? String)?.unicodeScalars.elementsEqual(Self.nasty.unicodeScalars) == true)
        }
    }

    @Test func `a long name loses its middle in a table and columns stay under their titles`() throws {
        try Binary.inFolder { folder in
            let long = String(repeating: "界", count: 40) + "-" + String(repeating: "x", count: 3_000) + "-end"
            let joined = "e" + String(repeating: "\u{301}", count: 30_000)
            let lines = [long, joined, "短い", "plain"].map { tenant in
                #"{"ts":"2026-06-01T00:00:00Z","request_id":"r","tenant":"\#(tenant)","model":"gpt-4o-mini"}"# + "\n"
            }
            let log = folder.appending(path: "log.jsonl")
            try Data(lines.joined().utf8).write(to: log)
            let text = try Binary.run("replay", "--policies", "Policies/saas-tiers", log.path())
            #expect(text.status == 0)
            let rows = text.output.split(separator: "\n")
            let start = try #require(rows.firstIndex { $0.hasPrefix("tenant ") })
            let table = rows[start...].prefix(5)
            #expect(table.contains { $0.hasPrefix("界界界") && $0.contains("…xxx") && $0.contains("-end") })
            #expect(table.allSatisfy { $0.unicodeScalars.count < 1_000 })
            // The first number ends in one column of the terminal. Of these names only ideographs are wide.
            let ends = table.map { row -> Int in
                let cell = row.prefix { !$0.isNumber } + row.drop { !$0.isNumber }.prefix { $0.isNumber }
                return cell.reduce(0) { $0 + (("\u{3000}"..."\u{9FFF}").contains($1) ? 2 : 1) }
            }
            #expect(Set(ends.dropFirst()).count == 1, "\(ends) \(table)")
            let json = try Binary.run("replay", "--policies", "Policies/saas-tiers", "--format", "json", log.path())
            #expect(json.output.contains(long))
        }
    }
}
