import Foundation
import Testing

/// Every folder in `Tests/Fixtures/commands` holds inputs, a `command` that runs in it, and beside them what it printed and its
/// status, as `expected`. `BURSAR_RECORD=1` writes that anew.
@Suite struct CommandFixtureTests {
    static let folder = URL(filePath: Binary.root).appending(path: "Tests/Fixtures/commands")

    static let cases = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path())) ?? [])
        .filter { !$0.hasPrefix(".") }.sorted()

    @Test func `there are cases`() { #expect(Self.cases.count > 5) }

    @Test(arguments: cases) func `a command prints what is expected`(name: String) throws {
        let inputs = Self.folder.appending(path: name)
        let command = try String(contentsOf: inputs.appending(path: "command"), encoding: .utf8)
        let output = try Binary.inFolder { folder in
            // A command may write files.
            let copy = folder.appending(path: "copy")
            try FileManager.default.copyItem(at: inputs, to: copy)
            for file in ["command", "expected"] {
                try? FileManager.default.removeItem(at: copy.appending(path: file))
            }
            let result = try Binary.shell("cd '\(copy.path())'; bursar() { \"$BURSAR\" \"$@\"; }\n\(command)")
            return "\(result.output)--- standard error\n\(result.errors)--- status \(result.status)\n"
        }
        let file = inputs.appending(path: "expected")
        if ProcessInfo.processInfo.environment["BURSAR_RECORD"] != nil {
            try output.write(to: file, atomically: true, encoding: .utf8)
        }
        #expect(output == (try? String(contentsOf: file, encoding: .utf8)))
    }
}
