import Foundation
import Testing

/// Exit statuses as Docs/commands.md has them: 0, 1 for what was found, 2 for wrong usage and files that cannot be used.
@Suite struct StatusTests {
    static let set = "Policies/trial"
    static let log = "Policies/trial/traffic.jsonl"

    /// Every argument that is a file which is read; `BAD` stands for it.
    static let readers: [[String]] = [
        ["check", "BAD"], ["check", "--fix", "BAD"], ["check", "--format", "json", "BAD"],
        ["check", "--format", "sarif", set, "BAD"], ["check", set, "--traffic", "BAD"],
        ["replay", "--policies", "BAD", log], ["replay", "--policies", set, "BAD"],
        ["replay", "--policies", set, log, "BAD"], ["replay", "--policies", set, "--against", "BAD", log],
        ["replay", "--input", "litellm", "--policies", set, "BAD"], ["replay", "--follow", "--policies", set, "BAD"],
        ["merge", "BAD"], ["diff", "BAD", set], ["diff", set, "BAD"], ["diff", set, set, "--traffic", "BAD"],
        ["test", "BAD"], ["test", "--coverage", set, "BAD"], ["eval", "--policies", "BAD"],
        ["eval", "--policies", set, "BAD"], ["explain", "--policies", "BAD"], ["explain", "--policies", set, "BAD"],
        ["explain", "--policies", set, "--log", "BAD", "--request-id", "r"],
        ["explain", "--policies", set, "--log", log, "--decision", "BAD:1"],
        ["fmt", "BAD"], ["fmt", "--check", "BAD"], ["fmt", "--diff", set, "BAD"], ["lock", "BAD"],
        ["import", "prices", "BAD"],
    ]

    /// A file that is not there, one below a file, a link that leads nowhere, and a link to itself.
    @Test(arguments: readers) func `a file that cannot be read ends with 2 and is named`(arguments: [String]) throws {
        try Binary.inFolder { folder in
            let manager = FileManager.default
            let file = folder.appending(path: "file")
            try Data().write(to: file)
            let links = ["dangling", "loop"].map { folder.appending(path: $0).path() }
            try manager.createSymbolicLink(atPath: links[0], withDestinationPath: "nowhere")
            try manager.createSymbolicLink(atPath: links[1], withDestinationPath: "loop")
            for bad in [folder.appending(path: "missing").path(), file.path() + "/below"] + links {
                let result = try Binary.run(arguments.map { $0.replacing("BAD", with: bad) })
                #expect(result.status == 2, "\(bad) \(result)")
                #expect(result.errors.contains(bad), "\(result.errors)")
            }
        }
    }

    /// Where a set is read a folder is no fault.
    @Test(
        arguments: readers.filter {
            ["replay", "merge", "eval", "explain", "import"].contains($0[0]) && $0.last == "BAD"
                && !$0.contains("--policies") || $0.suffix(2) == [set, "BAD"] && ["eval", "replay"].contains($0[0])
        })
    func `a folder in place of a file ends with 2 and is named`(arguments: [String]) throws {
        try Binary.inFolder { folder in
            let result = try Binary.run(arguments.map { $0.replacing("BAD", with: folder.path()) })
            #expect(result.status == 2, "\(result)")
            #expect(result.errors.contains(folder.path()), "\(result.errors)")
        }
    }

    @Test(arguments: [["check"], ["test"], ["fmt"], ["lock"], ["diff", set], ["eval", "--policies"]])
    func `a file of a set that cannot be read ends with 2 and is named`(arguments: [String]) throws {
        try Binary.inFolder { folder in
            let copy = folder.appending(path: "set")
            try FileManager.default.copyItem(atPath: Binary.root + Self.set, toPath: copy.path())
            let link = copy.appending(path: "more.yaml").path()
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "nowhere")
            let result = try Binary.run(arguments + [copy.path()])
            #expect(result.status == 2, "\(result)")
            #expect(result.errors.contains(link), "\(result.errors)")
        }
    }

    @Test(
        arguments: [
            ["eval", "--policies", set], ["explain", "--policies", set], ["fmt", "-"],
            ["replay", "--policies", set, "-"], ["explain", "--policies", set, "--log", "-", "--request-id", "r"],
        ])
    func `standard input that cannot be read ends with 2`(arguments: [String]) throws {
        for input in ["</", "<&-"] {
            let result = try Binary.shell("exec $BURSAR \(arguments.joined(separator: " ")) \(input)")
            #expect(result.status == 2, "\(input) \(result)")
            #expect(result.errors.contains("standard input: "), "\(result.errors)")
        }
    }

    @Test func `wrong options end with 2 and print nothing else`() throws {
        let replay = ["replay", "--policies", Self.set, Self.log]
        let options = [
            ["--threads", "x"], ["--threads", "0"], ["--format", "xml"], ["--state", "x"], ["--estimate", "x"],
            ["--cost", "x"], ["--from", "x"], ["--to", "2026-13-01"], ["--shard", "9/1"], ["--fail-on", "x"],
            ["--where", "("], ["--map", "x"], ["--input", "x"], ["--report", "x"], ["--nope"], ["--decisions"],
            ["--describe-input", "x"], ["--shard", "1/2", "--follow"], ["--shard", "1/2", "--decisions", "x"],
        ]
        let commands =
            options.map { replay + $0 } + [
                ["nope"], ["check", "--format", "x", Self.set], ["check", "--explain", "nope"],
                ["diff", Self.set], ["merge"], ["test", "--format", "x", Self.set],
                ["test", "--coverage-format", "x", Self.set], ["lock"], ["fmt"], ["import", "prices"],
                ["import", "nope"], ["schema", "--format", "x"], ["explain"], ["init", "a", "b"], ["lsp", "x"],
                ["eval"],
                ["explain", "--policies", Self.set, "--log", Self.log],
                ["explain", "--policies", Self.set, "--log", Self.log, "--decision", "x"],
            ]
        for command in commands {
            let result = try Binary.run(command)
            #expect(result.status == 2, "\(command) \(result)")
            #expect(result.output.isEmpty && !result.errors.isEmpty, "\(command)")
        }
    }
}
