import Foundation
import Testing

/// Inputs of the fuzzer (Tests/Fuzz). `make fuzz` looks for more of them.
@Suite struct FuzzTests {
    private static let program = URL(filePath: Binary.path).deletingLastPathComponent().appending(path: "bursar-fuzz")

    private func fuzz(_ arguments: String...) throws -> (status: Int32, output: String) {
        var result = (status: Int32(-1), output: "")
        try Binary.inFolder { folder in
            let output = folder.appending(path: "out")
            try Data().write(to: output)
            let process = Process()
            process.executableURL = Self.program
            process.arguments = arguments
            process.currentDirectoryURL = URL(filePath: Binary.root)
            process.standardOutput = try FileHandle(forWritingTo: output)
            try process.run()
            process.waitUntilExit()
            result = (process.terminationStatus, try String(contentsOf: output, encoding: .utf8))
        }
        return result
    }

    @Test func `inputs that failed once fail no more`() throws {
        let result = try fuzz("replay", "Tests/Fixtures/fuzz")
        #expect(result.status == 0, "\(result.output)")
    }

    @Test func `an input that fails is found`() throws {
        let result = try fuzz("replay", "Tests/Fuzz/Failing")
        #expect(result.status == 1)
        #expect(result.output.contains("differ: a b"), "\(result.output)")
    }
}
