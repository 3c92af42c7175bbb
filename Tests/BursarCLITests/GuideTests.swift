import Foundation
import Testing

/// The guide is true: each command in it is run, in one folder, and prints what stands below it. `BURSAR_RECORD=1` writes
/// that anew.
@Suite struct GuideTests {
    @Test func everyCommandOfTheGuidePrintsWhatItSays() throws {
        let guide = URL(filePath: Binary.root + "Docs/guide.md")
        let text = try String(contentsOf: guide, encoding: .utf8)
        var written: [String] = []
        var isConsole = false
        var count = 0
        try Binary.inFolder { folder in
            for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
                if line.hasPrefix("```") {
                    isConsole = line == "```console"
                    written.append(line)
                } else if isConsole, line.hasPrefix("$ ") {
                    count += 1
                    written.append(line)
                    written += try Self.run(String(line.dropFirst(2)), in: folder)
                } else if !isConsole {
                    written.append(line)
                }
            }
        }
        let result = written.joined(separator: "\n")
        if ProcessInfo.processInfo.environment["BURSAR_RECORD"] != nil {
            try result.write(to: guide, atomically: true, encoding: .utf8)
            return
        }
        #expect(count > 15, "the guide has lost its commands")
        for (now, then) in zip(written, text.components(separatedBy: "\n")) where now != then {
            Issue.record("the guide says\n  \(then)\nand the command prints\n  \(now)")
            return
        }
        #expect(result == text)
    }

    /// The lines that a command prints: its results, then what it says beside them, as a terminal shows them.
    private static func run(_ command: String, in folder: URL) throws -> [String] {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", command]
        process.currentDirectoryURL = folder
        var environment = ProcessInfo.processInfo.environment
        let tools = folder.appending(path: ".tools")
        if !FileManager.default.fileExists(atPath: tools.path()) {
            try FileManager.default.createDirectory(at: tools, withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(
                at: tools.appending(path: "bursar"), withDestinationURL: URL(filePath: Binary.path))
        }
        environment["PATH"] = tools.path() + ":" + (environment["PATH"] ?? "")
        process.environment = environment
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        // Little is printed beside the results: it fits the pipe until it is read.
        let text = output.fileHandleForReading.readDataToEndOfFile() + errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        return lines.map(String.init).dropLast(lines.last == "" ? 1 : 0).map { $0 }
    }
}

/// Policies in the documentation are policies: each block ```` ```yaml bursar ```` compiles beside an example's catalog,
/// and the tests in it pass.
@Suite struct DocumentedPolicyTests {
    private static var blocks: [(page: String, text: String)] {
        get throws {
            let folder = Binary.root + "Docs"
            return try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".md") }.sorted()
                .flatMap { page -> [(String, String)] in
                    let text = try String(contentsOfFile: "\(folder)/\(page)", encoding: .utf8)
                    return text.components(separatedBy: "```yaml bursar\n").dropFirst()
                        .map { (page, $0.components(separatedBy: "\n```")[0] + "\n") }
                }
        }
    }

    @Test func everyPolicyInTheDocumentationCompiles() throws {
        let blocks = try Self.blocks
        #expect(blocks.count >= 4)
        for block in blocks {
            try Binary.inFolder { folder in
                // In force always, as the policies are.
                let catalog = try String(
                    contentsOfFile: Binary.root + "Policies/saas-tiers/catalog.yaml", encoding: .utf8
                )
                .split(separator: "\n").filter { !$0.hasPrefix("effective:") }.joined(separator: "\n")
                try Data(catalog.utf8).write(to: folder.appending(path: "catalog.yaml"))
                try Data(block.text.utf8).write(to: folder.appending(path: "policy.yaml"))
                let check = try Binary.run("check", "--strict", "--quiet", folder.path())
                #expect(check.status == 0, "\(block.page): \(check.output)\n\(block.text)")
                guard block.text.contains("\ntests:") else { return }
                let test = try Binary.run("test", folder.path())
                #expect(test.status == 0, "\(block.page): \(test.output)\n\(block.text)")
            }
        }
    }
}
