import Foundation
import Testing

@Suite struct ExamplePolicyTests {
    static let sets = (try? FileManager.default.contentsOfDirectory(atPath: Binary.root + "Policies"))?.sorted() ?? []

    @Test func `there are ten example sets`() { #expect(Self.sets.count == 10) }

    @Test(arguments: sets) func `an example set is clean`(name: String) throws {
        let result = try Binary.run("check", "--strict", "Policies/\(name)")
        #expect(result.status == 0, "\(result.output)")
        #expect(!result.output.contains("warning:"))
    }

    @Test(arguments: sets) func `an example's traffic gives the expected summary`(name: String) throws {
        let result = try Binary.run("replay", "--policies", "Policies/\(name)", "Policies/\(name)/traffic.jsonl")
        let expected = try String(
            contentsOfFile: Binary.root + "Policies/\(name)/expected-summary.txt", encoding: .utf8)
        #expect(result.status == 0)
        #expect(result.output == expected)
    }

    @Test(arguments: sets) func `decisions do not depend on threads`(name: String) throws {
        try Binary.inFolder { folder in
            var decisions: [Data] = []
            for threads in ["1", "2", "7"] {
                let file = folder.appending(path: threads).path()
                let result = try Binary.run(
                    "replay", "--policies", "Policies/\(name)", "--threads", threads, "--decisions", file,
                    "Policies/\(name)/traffic.jsonl")
                #expect(result.status == 0)
                decisions.append(try Data(contentsOf: URL(filePath: file)))
            }
            #expect(!decisions[0].isEmpty)
            #expect(decisions[0] == decisions[1] && decisions[0] == decisions[2])
        }
    }

    @Test(arguments: sets) func `a summary does not depend on how much decisions tell`(name: String) throws {
        try Binary.inFolder { folder in
            let arguments = [
                "replay", "--format", "json", "--policies", "Policies/\(name)", "Policies/\(name)/traffic.jsonl",
            ]
            let brief = try Binary.run(arguments)
            let full = try Binary.run(arguments + ["--decisions", folder.appending(path: "d").path()])
            #expect(!brief.output.isEmpty)
            #expect(brief.output == full.output)
        }
    }
}

@Suite struct CommandTests {
    private static let policies = "Policies/saas-tiers"

    @Test func `wrong usage ends with 2`() throws {
        for arguments in [
            ["chekc"], ["replay"], ["eval", "--nonsense"], ["fmt"], ["explain", "--policies", "x", "--log", "y"],
        ] {
            let result = try Binary.run(arguments)
            #expect(result.status == 2, "\(arguments)")
            #expect(result.output.isEmpty)
            #expect(!result.errors.isEmpty)
        }
    }

    @Test func `every verb has help`() throws {
        for verb in ["check", "eval", "replay", "explain", "import", "init"] {
            let result = try Binary.run(verb, "--help")
            #expect(result.status == 0)
            #expect(result.output.contains("USAGE: bursar \(verb)"))
        }
    }

    @Test func `eval decides in order and shares counters`() throws {
        var lines = ""
        for number in 0..<52 {
            lines +=
                #"{"ts":"2026-06-03T10:00:00Z","request_id":"r\#(number)","tenant":"t","model":"gpt-4o-mini","input_tokens":1,"max_output_tokens":1}"#
                + "\n"
        }
        let result = try Binary.run("eval", "--policies", Self.policies, "-", input: Data(lines.utf8))
        let outcomes = result.output.split(separator: "\n").map { $0.contains(#""outcome":"allow""#) }
        #expect(result.status == 0)
        #expect(outcomes == Array(repeating: true, count: 50) + [false, false])
    }

    @Test func `a request that cannot be read is denied as bad_request and the next one decided`() throws {
        let lines = """
            {"request_id":"a","tenant":"t","model":"gpt-4o-mini","input_tokens":-1}
            {"request_id":"b","tenant":"t","model":"gpt-4o-mini","input_tokens":1.5}
            {"request_id":"c","tenant":"t","model":"gpt-4o-mini","input_tokens":1,"cached_tokens":2}
            {"request_id":"d","tenant":"t","model":7}
            {"request_id":"e","tenant":"t"}
            not json
            {"request_id":"f","tenant":"t","model":"gpt-4o-mini","input_tokens":99999999999999999999}
            {"request_id":"g","tenant":"t","model":"gpt-4o-mini"}
            """
        let result = try Binary.run("eval", "--policies", Self.policies, input: Data(lines.utf8))
        let decisions = result.output.split(separator: "\n")
        #expect(decisions.count == 8)
        #expect(decisions.dropLast().allSatisfy { $0.contains(#""code":"bad_request""#) })
        #expect(decisions.last?.contains(#""outcome":"allow""#) == true)
    }

    @Test func `policies that do not compile end with 1 and say where`() throws {
        try Binary.inFolder { folder in
            let file = folder.appending(path: "bad.yaml")
            try Data("policy: p\nversion: 1\ndefault tier: x\n".utf8).write(to: file)
            let result = try Binary.run("eval", "--policies", file.path(), input: Data("{}".utf8))
            #expect(result.status == 1)
            #expect(result.errors.contains("bad.yaml:3:15: error: no tier is named `x` [name/unknown]"))
            let json = try Binary.run("check", "--format", "json", file.path())
            #expect(json.status == 1)
            #expect(json.output.contains(#""code":"name/unknown","severity":"error""#))
            #expect(json.output.contains(#""line":3,"column":15"#))
        }
    }

    @Test func `fail-on deny ends with 3`() throws {
        let log = "\(Self.policies)/traffic.jsonl"
        #expect(try Binary.run("replay", "--policies", Self.policies, "--fail-on", "deny", log).status == 3)
        let one = try Binary.run(
            "replay", "--policies", Self.policies, "--fail-on", "deny", "--tenant", "enterprise-0", log)
        #expect(one.status == 0)
    }

    @Test func `explain says which alerts count a request`() throws {
        try Binary.inFolder { folder in
            let file = folder.appending(path: "request.json")
            let request =
                #"{"request_id":"r","ts":"2026-06-15T10:00:00Z","tenant":"a","feature":"chat","model":"gpt-4o","environment":"test"}"#
            try request.write(to: file, atomically: true, encoding: .utf8)
            let text = try Binary.run("explain", "--policies", "Policies/alerts", file.path()).output
            #expect(text.contains("alert budget (warning), use of monthly >= 80%: counts it  [policy.yaml:19:3]"))
            // It is a test's, and carries no version of a prompt.
            #expect(text.contains("alert retrying, retry ratio > 20%: does not count it"))
            #expect(text.contains("alert dearer, cost per request > 150% of baseline: does not count it"))
        }
    }

    @Test func `explain shows each limit with its numbers and its line`() throws {
        try Binary.inFolder { folder in
            let decisions = folder.appending(path: "d.jsonl").path()
            let log = "\(Self.policies)/traffic.jsonl"
            _ = try Binary.run("replay", "--policies", Self.policies, "--decisions", decisions, log)
            let denied = try String(contentsOfFile: decisions, encoding: .utf8).split(separator: "\n")
                .first { $0.contains(#""outcome":"deny""#) && $0.contains("quota_exceeded") }
            let line = try #require(denied)
            let id = try #require(line.split(separator: "\"").dropFirst(3).first.map(String.init))
            let result = try Binary.run("explain", "--policies", Self.policies, "--log", log, "--request-id", id)
            #expect(result.status == 0)
            #expect(result.output.contains("request \(id) of"))
            #expect(result.output.contains("50 used + 1 of 50 requests per day"))
            #expect(result.output.contains("x 100% (50): deny"))
            #expect(result.output.contains("policy.yaml:28:7"))
        }
    }

    @Test func `init writes a set that works`() throws {
        try Binary.inFolder { folder in
            let set = folder.appending(path: "set").path()
            #expect(try Binary.run("init", set).status == 0)
            #expect(try Binary.run("check", "--strict", set).status == 0)
            let tests = try Binary.run("test", "--quiet", "--coverage", set)
            #expect(tests.status == 0 && !tests.output.contains("never exercised"), "\(tests.output)")
            #expect(try Binary.run("fmt", "--check", set).status == 0)
            let replay = try Binary.run("replay", "--policies", set, "\(set)/traffic.jsonl")
            #expect(replay.output.contains("400 decided"))
            #expect(try Binary.run("init", set).status == 2)
        }
    }

    @Test func `against tells what two sets in shadow would decide otherwise`() throws {
        try Binary.inFolder { folder in
            let (before, after) = (folder.appending(path: "before"), folder.appending(path: "after"))
            for set in [before, after] { _ = try Binary.run("init", set.path()) }
            let policy = after.appending(path: "policy.yaml")
            let text = try String(contentsOf: policy, encoding: .utf8)
                .replacingOccurrences(of: "$0.10/day", with: "$1/day")
                .replacingOccurrences(of: "40 requests/day", with: "1k requests/day")
            try Data(text.utf8).write(to: policy)
            let log = before.appending(path: "traffic.jsonl").path()
            func compared(_ new: URL, _ old: URL) throws -> String {
                try Binary.run(
                    "replay", "--quiet", "--policies", new.path(), "--against", old.path(), "--as-written", log
                ).output
            }
            let looser = try compared(after, before)
            #expect(looser.contains("0 requests from 0 tenants get a different decision, "), "\(looser)")
            #expect(looser.contains("more if shadow limits were enforced"))
            #expect(looser.contains("shadow: deny -> allow"))
            #expect(!(try compared(before, before)).contains("in shadow;"))
            // Once it is enforced the same refusals are real.
            try Data(text.replacingOccurrences(of: "mode: shadow", with: "mode: enforce").utf8).write(to: policy)
            #expect(try compared(after, before).contains("allow -> downgrade"))
        }
    }

    @Test func `against reports what changes`() throws {
        try Binary.inFolder { folder in
            let log = "\(Self.policies)/traffic.jsonl"
            let same = try Binary.run("replay", "--policies", Self.policies, "--against", Self.policies, log)
            #expect(same.output.contains("against: 0 requests from 0 tenants get a different decision"))
            let changed = folder.appending(path: "new")
            try FileManager.default.copyItem(atPath: Binary.root + Self.policies, toPath: changed.path())
            let policy = changed.appending(path: "policy.yaml")
            let text = try String(contentsOf: policy, encoding: .utf8).replacing(
                "500 requests/day", with: "20 requests/day")
            try Data(text.utf8).write(to: policy)
            let result = try Binary.run("replay", "--policies", changed.path(), "--against", Self.policies, log)
            #expect(result.output.contains("allow -> deny"))
        }
    }

    @Test func `a price list comes out exact and what cannot be carried over is listed`() throws {
        try Binary.inFolder { folder in
            let list = folder.appending(path: "prices.json")
            try Data(
                """
                {"sample_spec": {"input_cost_per_token": 0.0},
                 "a/model": {"input_cost_per_token": 1.5e-07, "output_cost_per_token": 6e-07, "max_input_tokens": 128000,
                             "input_cost_per_token_above_200k_tokens": 3e-07, "litellm_provider": "openai"},
                 "embed": {"input_cost_per_token": 2e-08, "mode": "embedding"},
                 "images": {"output_cost_per_image": 0.04}, "tiny": {"input_cost_per_token": 1e-13, "output_cost_per_token": 0}}
                """.utf8
            ).write(to: list)
            let result = try Binary.run("import", "prices", list.path())
            #expect(result.status == 0)
            #expect(result.output.contains("price: {input: $0.15/1M, output: $0.6/1M}"))
            #expect(result.output.contains("price: {input: $0.02/1M, output: $0/1M}"))
            #expect(result.errors.contains("a/model: not carried over: input_cost_per_token_above_200k_tokens"))
            #expect(result.errors.contains("images: listed without a price: has no"))
            #expect(
                result.errors.contains(
                    "tiny: listed without a price: input_cost_per_token 1e-13 cannot be kept exactly"))
            let catalog = folder.appending(path: "catalog.yaml")
            try Data((result.output + "---\npolicy: p\nversion: 1\n").utf8).write(to: catalog)
            let check = try Binary.run("check", catalog.path())
            #expect(check.status == 0, "\(check.output)")
        }
    }
}
