import Foundation
import Testing

/// A replay of a policy in shadow mode tells what enforcing it would do.
@Suite struct ShadowReplayTests {
    private static let modeLine = "mode:    the policy is in shadow mode; "

    /// A starter set in shadow mode, and a copy of it that is enforced.
    private static func sets(in folder: URL) throws -> (shadow: String, enforced: String, log: String) {
        let shadow = folder.appending(path: "set").path()
        #expect(try Binary.run(["init", shadow]).status == 0)
        let enforced = folder.appending(path: "enforced").path()
        try FileManager.default.copyItem(atPath: shadow, toPath: enforced)
        let policy = enforced + "/policy.yaml"
        let text = try String(contentsOfFile: policy, encoding: .utf8)
        let changed = text.replacing("mode: shadow", with: "mode: enforce")
        #expect(changed != text)
        try changed.write(toFile: policy, atomically: true, encoding: .utf8)
        return (shadow, enforced, shadow + "/traffic.jsonl")
    }

    /// The output without what names the mode and the digest, which differ between the two sets.
    private static func comparable(_ text: String) -> String {
        text.split(separator: "\n").filter { !$0.hasPrefix("mode: ") && !$0.hasPrefix("Mode: ") }.joined(
            separator: "\n"
        )
        .replacing(/sha256:[0-9a-f]+/, with: "sha256:")
    }

    @Test(arguments: [[], ["--state", "observe"], ["--threads", "1"], ["--estimate", "policy"]])
    func `figures and decisions are those of the enforced policy`(options: [String]) throws {
        try Binary.inFolder { folder in
            let (shadow, enforced, log) = try Self.sets(in: folder)
            func replay(_ set: String, _ name: String) throws -> (output: String, files: [String]) {
                let paths = ["jsonl", "md"].map { folder.appending(path: "\(name).\($0)").path() }
                let result = try Binary.run(
                    ["replay", "--quiet", "--policies", set, "--decisions", paths[0], "--report", paths[1], log]
                        + options)
                #expect(result.status == 0, "\(result.errors)")
                return (result.output, try paths.map { try String(contentsOfFile: $0, encoding: .utf8) })
            }
            let (inShadow, asEnforced) = (try replay(shadow, "shadow"), try replay(enforced, "enforced"))
            #expect(inShadow.output.contains(Self.modeLine))
            #expect(!asEnforced.output.contains(Self.modeLine))
            #expect(Self.comparable(inShadow.output) == Self.comparable(asEnforced.output))
            for (one, other) in zip(inShadow.files, asEnforced.files) {
                #expect(Self.comparable(one).trimmingCharacters(in: .newlines) == Self.comparable(other))
            }
        }
    }

    @Test func `a policy replayed as written refuses nothing`() throws {
        try Binary.inFolder { folder in
            let (shadow, _, log) = try Self.sets(in: folder)
            let result = try Binary.run(["replay", "--quiet", "--as-written", "--policies", shadow, log])
            #expect(result.status == 0)
            #expect(!result.output.contains(Self.modeLine))
            #expect(result.output.contains("refused: 0 requests (0.00%)"))
            #expect(result.output.contains("shadow:  195 requests would get a different decision"))
        }
    }

    @Test func `a replay in shadow can fail`() throws {
        try Binary.inFolder { folder in
            let (shadow, _, log) = try Self.sets(in: folder)
            let replay = ["replay", "--quiet", "--policies", shadow, log, "--fail-on"]
            #expect(try Binary.run(replay + ["refused > 0.1%"]).status == 3)
            #expect(try Binary.run(replay + ["refused > 0.1%", "--as-written"]).status == 0)
            #expect(try Binary.run(replay + ["shadowed > 194", "--as-written"]).status == 3)
            #expect(try Binary.run(replay + ["shadowed > 195", "--as-written"]).status == 0)
        }
    }

    @Test func `a limit in shadow has its own figure beside the enforced outcome`() throws {
        try Binary.inFolder { folder in
            let (_, enforced, log) = try Self.sets(in: folder)
            let policy = enforced + "/policy.yaml"
            let text = try String(contentsOfFile: policy, encoding: .utf8)
            let changed = text.replacing(
                "requests: 40 requests/day", with: "requests: {amount: 40 requests/day, mode: shadow}")
            #expect(changed != text)
            try changed.write(toFile: policy, atomically: true, encoding: .utf8)
            let (html, markdown) = (enforced + "/r.html", enforced + "/r.md")
            let result = try Binary.run([
                "replay", "--quiet", "--policies", enforced, log, "--report", html, "--report", markdown,
            ])
            #expect(result.status == 0, "\(result.errors)")
            #expect(result.output.contains("requests would get a different decision if shadow limits were enforced"))
            #expect(result.output.contains("shadow: deny"))
            #expect(try String(contentsOfFile: html, encoding: .utf8).contains("if shadow limits were enforced"))
            let page = try String(contentsOfFile: markdown, encoding: .utf8)
            #expect(page.contains("| would change if shadow limits were enforced |"))
            #expect(page.contains("| quota_exceeded | shadow: deny | `requests` | 126 | 3 |"))
        }
    }

    @Test func `an explanation agrees with the decision that the replay wrote`() throws {
        try Binary.inFolder { folder in
            let (shadow, _, log) = try Self.sets(in: folder)
            let decisions = folder.appending(path: "d.jsonl").path()
            for mode in [[], ["--as-written"]] {
                let replay = ["replay", "--quiet", "--policies", shadow, "--decisions", decisions, log] + mode
                #expect(try Binary.run(replay).status == 0)
                let result = try Binary.run(
                    ["explain", "--policies", shadow, "--log", log, "--decision", decisions + ":400"] + mode)
                #expect(result.output.hasPrefix("the decision has not changed: "), "\(result.output) \(result.errors)")
            }
        }
    }
}
