import Foundation
import Testing

/// The first things that a newcomer types.
@Suite struct HelpTests {
    /// The commands in the examples of a help, by their words.
    private static func examples(of help: String) -> [[String]] {
        help.split(separator: "\n").filter { $0.hasPrefix("  bursar ") }.map { line in
            let command = line.split(separator: ">")[0].split(separator: "<")[0].split(separator: "|")[0]
            return command.split(separator: " ").dropFirst().map(String.init)
        }
    }

    @Test(arguments: [
        "check", "eval", "replay", "merge", "diff", "test", "fmt", "schema", "explain", "lock", "import prices", "init",
        "lsp",
    ])
    func `every help has examples of its own command, with options that exist`(command: String) throws {
        let words = command.split(separator: " ").map(String.init)
        let help = try Binary.run(["help"] + words)
        #expect(help.status == 0)
        let examples = Self.examples(of: help.output)
        #expect(!examples.isEmpty)
        for example in examples {
            #expect(Array(example.prefix(words.count)) == words)
            for option in example where option.hasPrefix("--") {
                #expect(help.output.contains("\n  \(option) "), "\(command): \(option) is not in its help")
            }
        }
    }

    @Test func `check and test take the current folder`() throws {
        let folder = URL(filePath: Binary.root + "Policies/trial")
        let checked = try Binary.run(["check"], folder: folder)
        let named = try Binary.run(["check", "."], folder: folder)
        #expect(checked.status == 0 && checked.output == named.output && checked.errors == named.errors)
        let tested = try Binary.run(["test"], folder: folder)
        #expect(tested.status == 0 && tested.output.hasPrefix("ok    "), "\(tested.errors)")
    }

    /// The text, and how it looks without its canonical layout.
    @Test(arguments: [
        ("policy:   a\nversion: 1\n", "at both ends"),
        (
            "policy: a\n# 1\n# 2\n# 3\n# 4\nversion:  1\n# 5\n# 6\n# 7\n# 8\n# 9\n# 10\n# 11\n# 12\neffective:   2026-01-01",
            "far apart"
        ),
        ("policy: a\n\n\n\n\nversion: 1\n\n\n\nmode:    shadow\n", "with empty lines"),
    ])
    func `a difference can be applied`(text: String, _: String) throws {
        try Binary.inFolder { folder in
            let file = folder.appending(path: "p.yaml")
            try Data(text.utf8).write(to: file)
            let diff = try Binary.run(["fmt", "--diff", "p.yaml"], folder: folder)
            #expect(diff.output.hasPrefix("--- a/p.yaml\n+++ b/p.yaml\n@@ -"))
            try Data(diff.output.utf8).write(to: folder.appending(path: "change.diff"))
            let applied = try Binary.shell("cd '\(folder.path())' && git init -q . && git apply change.diff")
            #expect(applied.status == 0, "\(applied.errors)\n\(diff.output)")
            #expect(try Binary.run(["fmt", "--check", "p.yaml"], folder: folder).status == 0)
            #expect(try Binary.run(["fmt", "--diff", "p.yaml"], folder: folder).output.isEmpty)
        }
    }
}
