import Foundation
import Testing

/// A replay that was cut by tenant and put together again is the replay of the whole, byte for byte.
@Suite struct ShardTests {
    /// A log with lines that are no records.
    private static func log(in folder: URL) throws -> String {
        let text = try String(contentsOfFile: Binary.root + "Policies/saas-tiers/traffic.jsonl", encoding: .utf8)
        var lines = text.split(separator: "\n").map(String.init)
        lines.insert("{\"ts\": \"never\"}", at: 700)
        lines.insert("not JSON", at: 3)
        let log = folder.appending(path: "log.jsonl")
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: log)
        return log.path()
    }

    @Test(arguments: [[], ["--against", "Policies/trial"], ["--state", "observe"], ["--threads", "1"]])
    func `shards put together are the whole`(options: [String]) throws {
        try Binary.inFolder { folder in
            let log = try Self.log(in: folder)
            let replay = ["replay", "--quiet", "--policies", "Policies/saas-tiers", log] + options
            func reports(_ name: String) -> [String] {
                ["html", "json", "md"].map { folder.appending(path: "\(name).\($0)").path() }
            }
            func flags(_ paths: [String]) -> [String] { paths.flatMap { ["--report", $0] } }
            let whole = try Binary.run(replay + flags(reports("whole")))
            #expect(whole.status == 0, "\(whole.errors)")
            let partials = try (1...4).map { shard in
                let path = folder.appending(path: "part-\(shard)").path()
                let result = try Binary.run(replay + ["--shard", "\(shard)/4", "--partial", path])
                #expect(result.status == 0, "\(result.errors)")
                return path
            }
            let merged = try Binary.run(["merge"] + partials.reversed() + flags(reports("merged")))
            #expect(merged.output == whole.output)
            for (one, other) in zip(reports("whole"), reports("merged")) {
                #expect(try Data(contentsOf: URL(filePath: one)) == Data(contentsOf: URL(filePath: other)), "\(one)")
            }
            let missing = try Binary.run(["merge"] + partials.dropLast())
            #expect(missing.status == 2)
            #expect(missing.errors.contains("shard 4/4 is missing"))
            let text = try String(contentsOfFile: partials[0], encoding: .utf8)
            let changed = folder.appending(path: "changed").path()
            for damaged in [text.replacing("\"requests\":1", with: "\"requests\":9"), String(text.dropLast(100))] {
                #expect(damaged != text)
                try Data(damaged.utf8).write(to: URL(filePath: changed))
                let result = try Binary.run(["merge", changed] + partials.dropFirst())
                #expect(result.status == 2)
                #expect(result.errors.contains("is damaged"), "\(result.errors)")
            }
            let twice = try Binary.run(["merge", partials[0]] + partials)
            #expect(twice.errors.contains("is given twice"))
        }
    }

    @Test func `parts of different replays are not put together`() throws {
        try Binary.inFolder { folder in
            let parts = try ["Policies/saas-tiers", "Policies/trial"].enumerated().map { index, set in
                let path = folder.appending(path: "part-\(index)").path()
                _ = try Binary.run(
                    "replay", "--quiet", "--policies", set, "Policies/trial/traffic.jsonl", "--shard", "\(index + 1)/2",
                    "--partial", path)
                return path
            }
            let result = try Binary.run(["merge"] + parts)
            #expect(result.status == 2)
            #expect(result.errors.contains("is from another replay"))
        }
    }

    @Test(arguments: ["/dev/zero", "/dev/null", "Policies", "no-such-file"])
    func `a path that is no shard file is refused`(path: String) throws {
        let result = try Binary.run("merge", path)
        #expect(result.status == 2)
        #expect(result.errors.contains(path), "\(result.errors)")
    }

    @Test func `shards of policy sets that differ in a byte are not put together`() throws {
        try Binary.inFolder { folder in
            let set = folder.appending(path: "set")
            try FileManager.default.copyItem(at: URL(filePath: Binary.root + "Policies/trial"), to: set)
            let parts = try (1...2).map { shard in
                let text = try String(contentsOfFile: Binary.root + "Policies/trial/policy.yaml", encoding: .utf8)
                try Data((text + "# \(shard)\n").utf8).write(to: set.appending(path: "policy.yaml"))
                let path = folder.appending(path: "part-\(shard)").path()
                let result = try Binary.run(
                    "replay", "--quiet", "--policies", set.path(), "Policies/trial/traffic.jsonl", "--shard",
                    "\(shard)/2",
                    "--partial", path)
                #expect(result.status == 0, "\(result.errors)")
                return path
            }
            let result = try Binary.run(["merge"] + parts)
            #expect(result.status == 2)
            #expect(result.errors.contains("is from another replay"), "\(result.errors)")
        }
    }

    @Test func `wrong shards are told`() throws {
        for shard in ["0/4", "5/4", "1", "a/b", "1/0"] {
            let result = try Binary.run(
                "replay", "--policies", "Policies/trial", "Policies/trial/traffic.jsonl", "--shard", shard)
            #expect(result.status == 2)
            #expect(result.errors.contains("is not K/N"), "\(result.errors)")
        }
        let result = try Binary.run("merge", "README.md")
        #expect(result.status == 2)
        #expect(result.errors.contains("is not a partial replay"))
    }
}
