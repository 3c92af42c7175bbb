import Foundation
import Testing

/// What the command line writes is whole, or it says that it is not.
@Suite struct OutputTests {
    static let policies = "Policies/trial"
    static let log = "Policies/trial/traffic.jsonl"
    static let replay = ["replay", "--quiet", "--policies", policies, log]

    /// Every command that prints, and each of its formats.
    static let printing: [[String]] = [
        ["check", "Tests/Fixtures/diagnostics/name-unknown"], ["check", "--format", "json", "Policies/trial"],
        ["check", "--format", "sarif", policies], ["check", "--explain", "name/unknown"],
        replay, replay + ["--format", "json"], replay + ["--decisions", "-"], replay + ["--rejects", "-"],
        replay + ["--partial", "-"], ["replay", "--describe-input", "litellm"],
        ["diff", policies, "Policies/saas-tiers"], ["diff", "--format", "json", policies, "Policies/saas-tiers"],
        ["test", policies], ["test", "--format", "json", policies], ["test", "--format", "junit", policies],
        ["test", "--coverage", policies], ["test", "--coverage", "--coverage-format", "lcov", policies],
        ["test", "--coverage", "--coverage-format", "json", policies],
        ["eval", "--policies", policies], ["explain", "--policies", policies],
        ["explain", "--format", "json", "--policies", policies], ["fmt", "-"], ["fmt", "--diff", "-"], ["schema"],
        ["import", "prices", "PRICES"], ["init", "FOLDER/new"], ["lock", "FOLDER/set"],
        ["lock", "--format", "json", "FOLDER/set"], ["merge", "PART"], ["merge", "--format", "json", "PART"],
        ["lsp"], ["--help"], ["replay", "--help"], ["--version"],
        ["--generate-completion-script", "bash"], ["--generate-completion-script", "zsh"],
        ["--generate-completion-script", "fish"],
    ]

    @Test(arguments: printing) func `standard output that cannot be written is an error`(arguments: [String]) throws {
        try Binary.inFolder { folder in
            let set = folder.appending(path: "set")
            try FileManager.default.copyItem(atPath: Binary.root + Self.policies, toPath: set.path())
            let prices = folder.appending(path: "prices.json")
            try Data(#"{"m": {"input_cost_per_token": 1e-06, "output_cost_per_token": 1e-06}}"#.utf8).write(to: prices)
            let part = folder.appending(path: "part").path()
            if arguments.contains("PART") { _ = try Binary.run(Self.replay + ["--partial", part]) }
            let arguments = arguments.map {
                $0.replacing("FOLDER", with: folder.path()).replacing("PART", with: part)
                    .replacing("PRICES", with: prices.path())
            }
            var input = Data(#"{"request_id":"r","tenant":"t","model":"gpt-4o"}"#.utf8)
            if arguments.first == "fmt" { input = Data("policy:  p\nversion:   1\n".utf8) }
            if arguments.first == "lsp" {
                let message = #"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#
                input = Data("Content-Length: \(message.utf8.count)\r\n\r\n\(message)".utf8)
            }
            // The command prints something in the first place.
            if arguments.first != "init" {
                let whole = try Binary.run(arguments, input: input)
                #expect(!whole.output.isEmpty || arguments.contains("--rejects"), "\(whole.errors)")
            }
            if arguments.contains("--rejects") { return }
            let result = try Binary.run(arguments, input: input, output: "/dev/full")
            #expect(result.status == 2, "\(result)")
            #expect(result.errors.contains("standard output: No space left on device"), "\(result.errors)")
        }
    }

    @Test(arguments: ["--decisions", "--rejects", "--partial", "--report"])
    func `a file that cannot be written is an error`(option: String) throws {
        try Binary.inFolder { folder in
            let log = folder.appending(path: "log.jsonl")
            try Data((try String(contentsOfFile: Binary.root + Self.log, encoding: .utf8) + "no record\n").utf8)
                .write(to: log)
            let full = folder.appending(path: "full.json").path()
            try FileManager.default.createSymbolicLink(atPath: full, withDestinationPath: "/dev/full")
            let missing = folder.appending(path: "no/such/folder.json").path()
            for (path, reason) in [
                (full, "No space left on device"), (missing, "No such file or directory"),
            ] {
                let result = try Binary.run("replay", "--quiet", "--policies", Self.policies, log.path(), option, path)
                #expect(result.status == 2, "\(path) \(result)")
                #expect(result.errors.contains(reason) && result.errors.contains(path), "\(result.errors)")
            }
        }
    }

    @Test func `a reader that has seen enough ends a command quietly and nothing stays`() throws {
        try Binary.inFolder { folder in
            let result = try Binary.shell(
                """
                ($BURSAR replay --quiet --policies Policies/saas-tiers --decisions - Policies/saas-tiers/traffic.jsonl \
                2>"$TMPDIR.errors"; echo $? >"$TMPDIR.status") | head -1
                """, environment: ["TMPDIR": folder.path().trimmingSuffix("/")])
            #expect(result.output.hasPrefix(#"{"request_id":"#))
            let beside = folder.path().trimmingSuffix("/")
            #expect(try String(contentsOfFile: beside + ".status", encoding: .utf8) == "141\n")
            #expect(try String(contentsOfFile: beside + ".errors", encoding: .utf8).isEmpty)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path()).isEmpty)
            for name in [".status", ".errors"] { try FileManager.default.removeItem(atPath: beside + name) }
        }
    }

    @Test func `a closed standard output is an error and no file is taken for it`() throws {
        try Binary.inFolder { folder in
            let file = folder.appending(path: "d").path()
            let result = try Binary.shell(
                "$BURSAR replay --quiet --policies \(Self.policies) --decisions \(file) \(Self.log) >&-")
            #expect(result.status == 2)
            #expect(result.errors.contains("standard output: Bad file descriptor"))
            let text = try String(contentsOfFile: file, encoding: .utf8)
            #expect(text.split(separator: "\n").allSatisfy { $0.hasPrefix(#"{"request_id":"#) })
        }
    }

    /// What takes the place of a file that is there, by the command's arguments and the file.
    static let replacing: [([String], String)] = [
        (["fmt", "SET"], "policy.yaml"), (["lock", "SET"], "bursar.lock"), (["check", "--fix", "SET"], "policy.yaml"),
        (replay + ["--report", "SET/r.html"], "r.html"), (replay + ["--partial", "SET/part"], "part"),
        (replay + ["--decisions", "SET/d"], "d"),
    ]

    /// A set whose policy has a layout to change and a finding with a fix, beside old results.
    private static func makeSet(in folder: URL, isValid: Bool = false) throws -> URL {
        let set = folder.appending(path: "set")
        try FileManager.default.createDirectory(at: set, withIntermediateDirectories: true)
        let filler = (0..<400).map { "# a comment that makes the file longer than the limit of this test, \($0)\n" }
        let policy =
            filler.joined() + "policy:   p\nversion: 1\ndefault tier:  \(isValid ? "free" : "fre")\ntiers:\n"
            + "  free: {limits: {a: 3 requests/day}}\n"
        try Data(policy.utf8).write(to: set.appending(path: "policy.yaml"))
        for name in ["bursar.lock", "r.html", "part", "d"] {
            try Data("old\n".utf8).write(to: set.appending(path: name))
        }
        return set
    }

    @Test(arguments: replacing) func `a full disk leaves the old file`(arguments: [String], name: String) throws {
        try Binary.inFolder { folder in
            let set = try Self.makeSet(in: folder)
            if name == "bursar.lock" {
                // Many versions, so that the lock is longer than the limit.
                let versions = (1...400).map { "---\npolicy: p\nversion: \($0)\neffective: \(1_600 + $0)-01-01\n" }
                try Data(versions.joined().utf8).write(to: set.appending(path: "policy.yaml"))
            }
            let file = set.appending(path: name)
            let before = try Data(contentsOf: file)
            let command = arguments.map { $0.replacing("SET", with: set.path()) }.joined(separator: " ")
            let names = try FileManager.default.contentsOfDirectory(atPath: set.path()).sorted()
            // 4 KiB of each file can be written.
            let result = try Binary.shell(
                "ulimit -f 8; exec $BURSAR \(command)", environment: ["TMPDIR": folder.path()])
            #expect(result.status == 2, "\(result)")
            #expect(result.errors.contains("File too large"), "\(result.errors)")
            #expect(try Data(contentsOf: file) == before)
            #expect(try FileManager.default.contentsOfDirectory(atPath: set.path()).sorted() == names)
        }
    }

    @Test func `init that fails leaves nothing`() throws {
        try Binary.inFolder { folder in
            let result = try Binary.shell("ulimit -f 2; exec $BURSAR init \(folder.path())new")
            #expect(result.status == 2)
            #expect(result.errors.contains("File too large"))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path()).isEmpty)
        }
    }

    @Test(arguments: replacing)
    func `a file that is replaced keeps its mode, its links and its names`(arguments: [String], name: String) throws {
        try Binary.inFolder { folder in
            let set = try Self.makeSet(in: folder, isValid: name == "bursar.lock")
            let manager = FileManager.default
            let (file, real) = (set.appending(path: name), folder.appending(path: "real"))
            try manager.moveItem(at: file, to: real)
            try manager.createSymbolicLink(atPath: file.path(), withDestinationPath: "../real")
            try manager.setAttributes([.posixPermissions: 0o640], ofItemAtPath: real.path())
            let before = try Data(contentsOf: real)
            let result = try Binary.run(arguments.map { $0.replacing("SET", with: set.path()) })
            #expect(result.status < 2, "\(result)")
            #expect(try Data(contentsOf: real) != before)
            #expect(try manager.destinationOfSymbolicLink(atPath: file.path()) == "../real")
            #expect(try manager.attributesOfItem(atPath: real.path())[.posixPermissions] as? Int == 0o640)
            // A second name of the same file shows what was written through the first.
            let second = folder.appending(path: "second")
            try before.write(to: real)
            try manager.linkItem(at: real, to: second)
            let again = try Binary.run(arguments.map { $0.replacing("SET", with: set.path()) })
            #expect(again.status < 2, "\(again)")
            #expect(try Data(contentsOf: second) != before)
            #expect(try Data(contentsOf: second) == Data(contentsOf: real))
        }
    }

    @Test func `an output that is an input or another output is refused`() throws {
        try Binary.inFolder { folder in
            let log = folder.appending(path: "log.jsonl")
            try FileManager.default.copyItem(atPath: Binary.root + Self.log, toPath: log.path())
            let set = try Self.makeSet(in: folder)
            let policy = set.appending(path: "policy.yaml")
            try Data("policy: p\nversion: 1\n".utf8).write(to: policy)
            let link = folder.appending(path: "link.json").path()
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: log.path())
            let new = folder.appending(path: "new.json").path()
            let sameNew = folder.appending(path: "set/../new.json").path()
            let before = [try Data(contentsOf: log), try Data(contentsOf: policy)]
            let cases: [[String]] = [
                ["--decisions", log.path()], ["--rejects", link], ["--partial", log.path()], ["--report", link],
                ["--decisions", policy.path()], ["--decisions", new, "--rejects", sameNew],
                ["--decisions", new, "--report", new], ["--partial", new, "--report", sameNew],
                ["--report", new, "--report", sameNew], ["--decisions", "-", "--rejects", "-"],
                ["--decisions", "-", "--partial", "/dev/stdout"],
            ]
            for options in cases {
                let result = try Binary.run(["replay", "--policies", set.path(), log.path()] + options)
                #expect(result.status == 2, "\(options) \(result)")
                #expect(
                    result.errors.contains("also an input") || result.errors.contains("already")
                        || result.errors.contains("is also the output of"), "\(result.errors)")
                #expect([try Data(contentsOf: log), try Data(contentsOf: policy)] == before)
                #expect(!FileManager.default.fileExists(atPath: new))
            }
            let part = folder.appending(path: "part.json").path()
            #expect(try Binary.run(Self.replay + ["--partial", part]).status == 0)
            #expect(try Binary.run("merge", part, "--report", part).status == 2)
            let input = try Binary.shell(
                "$BURSAR replay --policies \(set.path()) --decisions \(log.path()) - < \(log.path())")
            #expect(input.status == 2)
            #expect(input.errors.contains("standard input"))
        }
    }

    @Test func `a dash writes lines to standard output and the summary to standard error`() throws {
        try Binary.inFolder { folder in
            let file = folder.appending(path: "d").path()
            let summary = try Binary.run(Self.replay + ["--decisions", file])
            let decisions = try String(contentsOfFile: file, encoding: .utf8)
            for name in ["-", "/dev/stdout"] {
                let result = try Binary.run(Self.replay + ["--decisions", name])
                #expect(result.status == 0)
                #expect(result.output == decisions)
                #expect(result.errors == summary.output)
            }
            #expect(!FileManager.default.fileExists(atPath: Binary.root + "-"))
        }
    }
}

extension String {
    fileprivate func trimmingSuffix(_ suffix: String) -> String {
        hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
    }
}
