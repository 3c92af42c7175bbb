import Foundation
import Testing

/// No 64-bit number of a policy or a log stops the program: sums stay at the largest number, and what cannot be meant is
/// an error with its place.
@Suite struct LargeNumberTests {
    private static let folder = "Tests/Fixtures/large/"
    private static let log = folder + "log.jsonl"
    private static let old = folder + "old.yaml"
    private static let new = folder + "new.yaml"

    /// - Parameter statuses: what the command may end with; a trap is none of them.
    @discardableResult
    private func run(_ arguments: [String], ends statuses: Set<Int32> = [0]) throws -> String {
        let result = try Binary.run(arguments)
        #expect(statuses.contains(result.status), "\(arguments): \(result.status)\n\(result.errors.prefix(2_000))")
        return result.output
    }

    @Test func `a policy and a log of the largest numbers are checked and compared`() throws {
        for set in [Self.old, Self.new] {
            try run(["check", set])
            try run(["check", "--traffic", Self.log, set])
        }
        try run(["diff", Self.old, Self.new, "--traffic", Self.log], ends: [1])
        try run(["diff", "--format", "json", Self.new, Self.old, "--traffic", Self.log], ends: [1])
    }

    @Test(arguments: ["simulate", "observe"], ["catalog", "recorded"])
    func `replays and reports of the largest numbers are the same from any number of threads`(
        state: String, cost: String
    ) throws {
        try Binary.inFolder { folder in
            var outputs: [[String]] = []
            for threads in ["1", "3"] {
                let reports = ["html", "md", "json"].map { folder.appending(path: "\(threads).\($0)").path() }
                let options = ["--threads", threads, "--state", state, "--cost", cost, "--against", Self.old]
                let summary = try run(
                    ["replay", "--policies", Self.new] + options + reports.flatMap { ["--report", $0] } + [Self.log])
                outputs.append([summary] + (try reports.map { try String(contentsOfFile: $0, encoding: .utf8) }))
            }
            #expect(outputs[0] == outputs[1])
        }
    }

    @Test func `shards of the largest numbers add up to the whole`() throws {
        try Binary.inFolder { folder in
            let options = ["--policies", Self.new, "--against", Self.old, "--format", "json", Self.log]
            let whole = try run(["replay"] + options)
            let parts = (1...3).map { folder.appending(path: "\($0)").path() }
            for (index, part) in parts.enumerated() {
                try run(["replay", "--shard", "\(index + 1)/3", "--partial", part] + options)
            }
            #expect(try run(["merge", "--format", "json"] + parts) == whole)
        }
    }

    @Test func `a decision on the largest numbers is explained`() throws {
        for id in ["r17", "r36", "r120"] {
            try run(["explain", "--policies", Self.old, "--log", Self.log, "--request-id", id], ends: [0, 1])
        }
    }

    @Test func `a test that spans too many years is an error at its value`() throws {
        try Binary.inFolder { folder in
            let file = folder.appending(path: "set.yaml")
            let texts = try [Self.old, Self.folder + "tests.yaml"].map {
                try String(contentsOfFile: Binary.root + $0, encoding: .utf8)
            }
            try texts.joined(separator: "---\n").write(to: file, atomically: true, encoding: .utf8)
            let result = try Binary.run(["test", file.path()])
            #expect(result.status == 1)
            let errors = result.errors
            #expect(errors.contains("- {at: +106751991d, expect: allow}\n    |              ^^^^^^^^^^^"), "\(errors)")
            #expect(errors.contains("every: 100000d\n    |            ^^^^^^^"), "\(errors)")
            #expect(errors.contains("the steps of a test span at most 1000 years"), "\(errors)")
        }
    }
}
