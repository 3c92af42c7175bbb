import Foundation
import Testing

/// `Docs/commands.md` is the help of every command. `make record` writes it anew.
@Suite struct CommandPageTests {
    @Test func `the page of commands is what the help prints`() throws {
        let path = Binary.root + "Docs/commands.md"
        let page = try Self.page()
        if ProcessInfo.processInfo.environment["BURSAR_RECORD"] != nil {
            try page.write(toFile: path, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == page, "run `make record`")
    }

    private static func page() throws -> String {
        var text = """
            # Commands

            This page is generated from `bursar help` by `make record`; do not edit it. Results go to standard output,
            diagnostics and progress to standard error. Every command has `--help`.

            | exit status | meaning |
            |---|---|
            | 0 | success, and nothing was found |
            | 1 | something was found: an error in a policy, a difference, a failed test, a file that `fmt --check` would change |
            | 2 | wrong usage, or a file cannot be read or written |
            | 3 | the expression of `--fail-on` holds |
            | 129, 130, 143 | ended by SIGHUP, SIGINT (Ctrl-C) or SIGTERM |
            | 141 | the reader of standard output has closed it, as `head` does |

            Colours are used only on a terminal, and never if `NO_COLOR` is set.

            """
        for path in try commands(of: []) {
            let help = try Binary.run(["help"] + path)
            #expect(help.status == 0)
            text += "\n## bursar \(path.joined(separator: " "))\n\n```text\n"
            text += help.output.split(separator: "\n", omittingEmptySubsequences: false)
                .map { $0.replacing(#/ +$/#, with: "") }.joined(separator: "\n")
                .trimmingCharacters(in: .newlines)
            text += "\n```\n"
        }
        return text
    }

    /// Every command below one, by the list of subcommands in its help.
    private static func commands(of path: [String]) throws -> [[String]] {
        let help = try Binary.run(["help"] + path).output
        guard let list = help.components(separatedBy: "SUBCOMMANDS:\n").dropFirst().first else { return [path] }
        let names = list.components(separatedBy: "\n\n")[0].matches(of: #/(?m)^  ([a-z]+) /#).map { String($0.1) }
        #expect(!names.isEmpty)
        return try names.flatMap { try commands(of: path + [$0]) }
    }
}
