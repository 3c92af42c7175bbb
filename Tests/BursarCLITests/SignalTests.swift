import Foundation
import Testing

/// A signal ends the process with 128 + its number; no temporary file stays and no line is cut.
@Suite struct SignalTests {
    static let signals: [(Int32, Int32)] = [(SIGINT, 130), (SIGTERM, 143), (SIGHUP, 129)]

    /// Starts the binary, sends it a signal once something holds, and waits for its end. Returns its status.
    private static func status(
        _ arguments: [String], in folder: URL, sending signal: Int32, when isReady: () throws -> Bool
    ) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(filePath: Binary.path)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(["TMPDIR": temporary(folder)]) { $1 }
        process.currentDirectoryURL = URL(filePath: Binary.root)
        // It stays open, and nothing comes.
        let input = Pipe()
        process.standardInput = input
        let output = folder.appending(path: "output")
        try Data().write(to: output)
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: URL(filePath: "/dev/null"))
        try process.run()
        let end = Date(timeIntervalSinceNow: 60)
        while try !isReady(), process.isRunning, Date() < end { usleep(1_000) }
        kill(process.processIdentifier, signal)
        process.waitUntilExit()
        withExtendedLifetime(input) {}
        return process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
    }

    private static func temporary(_ folder: URL) -> String { folder.appending(path: "temporary").path() }

    private static func inFolder(_ body: (URL) throws -> Void) throws {
        try Binary.inFolder { folder in
            try FileManager.default.createDirectory(atPath: temporary(folder), withIntermediateDirectories: true)
            try body(folder)
        }
    }

    private static func hasTemporaryFile(_ folder: URL) throws -> Bool {
        try !FileManager.default.contentsOfDirectory(atPath: temporary(folder)).isEmpty
    }

    @Test(arguments: signals) func `while a foreign log is converted`(signal: Int32, expected: Int32) throws {
        try Self.inFolder { folder in
            let log = folder.appending(path: "log.jsonl")
            let line =
                #"{"request_id":"q","startTime":"2026-06-01T00:00:00Z","model":"gpt-4o","prompt_tokens":4,"completion_tokens":4,"team_id":"t","call_type":"acompletion","spend":0.1}"#
            try Data(String(repeating: line + "\n", count: 200_000).utf8).write(to: log)
            let decisions = folder.appending(path: "d").path()
            let status = try Self.status(
                [
                    "replay", "--input", "litellm", "--policies", "Policies/saas-tiers", "--decisions", decisions,
                    log.path(),
                ], in: folder, sending: signal, when: { try Self.hasTemporaryFile(folder) })
            #expect(status == expected)
            #expect(try !Self.hasTemporaryFile(folder))
            #expect(!FileManager.default.fileExists(atPath: decisions))
        }
    }

    @Test(arguments: signals) func `while standard input is read`(signal: Int32, expected: Int32) throws {
        try Self.inFolder { folder in
            let status = try Self.status(
                ["replay", "--policies", "Policies/saas-tiers", "-"], in: folder, sending: signal,
                when: { try Self.hasTemporaryFile(folder) })
            #expect(status == expected)
            #expect(try !Self.hasTemporaryFile(folder))
        }
    }

    @Test(arguments: signals) func `while a replay writes decisions`(signal: Int32, expected: Int32) throws {
        try Self.inFolder { folder in
            let log = folder.appending(path: "log.jsonl")
            let traffic = try String(contentsOfFile: Binary.root + "Policies/saas-tiers/traffic.jsonl", encoding: .utf8)
            // Times that never go back, however often the records come.
            let line = String(traffic.prefix { $0 != "\n" })
            try Data(String(repeating: line + "\n", count: 400_000).utf8).write(to: log)
            let results = folder.appending(path: "results")
            try FileManager.default.createDirectory(at: results, withIntermediateDirectories: true)
            let decisions = results.appending(path: "d").path()
            try Data("old\n".utf8).write(to: URL(filePath: decisions))
            let status = try Self.status(
                ["replay", "--policies", "Policies/saas-tiers", "--decisions", decisions, log.path()], in: folder,
                sending: signal,
                when: {
                    // Some decisions are written beside the file.
                    try FileManager.default.contentsOfDirectory(atPath: results.path()).contains { name in
                        let size = try? FileManager.default.attributesOfItem(atPath: results.path() + "/" + name)[.size]
                        return name != "d" && (size as? Int ?? 0) > 0
                    }
                })
            #expect(status == expected)
            #expect(try FileManager.default.contentsOfDirectory(atPath: results.path()) == ["d"])
            let text = try String(contentsOfFile: decisions, encoding: .utf8)
            #expect(text.hasSuffix("}\n"))
            let lines = text.split(separator: "\n")
            #expect((1..<400_000).contains(lines.count))
            #expect(lines.allSatisfy { $0.hasPrefix(#"{"request_id":"#) && $0.hasSuffix("}") })
            let output = try String(contentsOf: folder.appending(path: "output"), encoding: .utf8)
            #expect(output.contains("stopped: before the end of the log"))
        }
    }

    @Test(arguments: signals) func `while a pipe brings nothing more`(signal: Int32, expected: Int32) throws {
        try Self.inFolder { folder in
            let pipe = folder.appending(path: "pipe").path()
            #expect(mkfifo(pipe, 0o600) == 0)
            // Open for both, so that neither side waits for the other, and the pipe never ends.
            let descriptor = open(pipe, O_RDWR)
            defer { close(descriptor) }
            let start = Date()
            let status = try Self.status(
                ["replay", "--input", "bursar", "--policies", "Policies/saas-tiers", pipe], in: folder, sending: signal,
                when: { Date() > start.addingTimeInterval(0.5) })
            #expect(status == expected)
            #expect(Date() < start.addingTimeInterval(30))
        }
    }

    @Test(arguments: signals) func `while a language server waits`(signal: Int32, expected: Int32) throws {
        try Self.inFolder { folder in
            let start = Date()
            let status = try Self.status(
                ["lsp"], in: folder, sending: signal, when: { Date() > start.addingTimeInterval(0.5) })
            #expect(status == expected)
        }
    }
}
