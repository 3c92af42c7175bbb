import Foundation
import Testing

/// No result depends on the order of a hash table: every process has its own seed, and all write the same bytes.
@Suite struct HashSeedTests {
    /// One seed that is always the same, and two at random.
    private static let seeds: [[String: String]] = [["SWIFT_DETERMINISTIC_HASHING": "1"], [:], [:]]

    private static let sets = ["agents", "alerts", "copilot", "enterprise", "saas-tiers"]

    @Test(arguments: sets) func `a replay writes the same bytes with any seed`(set: String) throws {
        try Binary.inFolder { folder in
            let policies = "Policies/\(set)"
            let decisions = folder.appending(path: "decisions.jsonl").path()
            let report = folder.appending(path: "report.html").path()
            let parts = ["1/2", "2/2"].map { ($0, folder.appending(path: "part-\($0.prefix(1)).json").path()) }
            var expected: [String]?
            for seed in Self.seeds {
                func run(_ arguments: [String]) throws -> String {
                    let result = try Binary.run(arguments, environment: seed)
                    #expect(result.status == 0, "\(arguments): \(result.errors)")
                    return result.output
                }
                let replay = ["replay", "--quiet", "--policies", policies, "\(policies)/traffic.jsonl"]
                var outputs = try [
                    run(replay + ["--decisions", decisions, "--report", report]), run(replay + ["--format", "json"]),
                ]
                for (shard, part) in parts { _ = try run(replay + ["--shard", shard, "--partial", part]) }
                outputs.append(try run(["merge", "--format", "json"] + parts.map(\.1)))
                outputs += try [decisions, report].map { try String(contentsOfFile: $0, encoding: .utf8) }
                guard let first = expected else {
                    expected = outputs
                    continue
                }
                for (place, output) in outputs.enumerated() where output != first[place] {
                    Issue.record("output \(place) differs")
                }
            }
        }
    }

    @Test(arguments: sets) func `check, diff and test write the same bytes with any seed`(set: String) throws {
        let policies = "Policies/\(set)"
        let commands = [
            ["check", policies], ["check", policies, "--traffic", "\(policies)/traffic.jsonl"],
            ["diff", "Policies/trial", policies], ["test", "--coverage", policies],
        ]
        for command in commands {
            let results = try Self.seeds.map { try Binary.run(command, environment: $0) }
            #expect(results[0].status <= 1, "\(command): \(results[0].errors)")
            for other in results.dropFirst() {
                #expect(other.output == results[0].output && other.errors == results[0].errors, "\(command)")
                #expect(other.status == results[0].status)
            }
        }
    }
}
