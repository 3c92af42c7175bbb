import Foundation
import Testing

/// Inputs that once crashed or hung the program, or broke a promise.
///
/// A folder in `Tests/Fixtures/crashes` is one case: its files, and `command.json` with the commands to run in a copy of it.
/// No command may end by a signal or take longer than `seconds`; its status must be one of those allowed.
@Suite struct CrashFixtureTests {
    private struct Command: Decodable {
        /// Without the program's name; files are relative to the folder.
        var arguments: [String]
        /// A file that is standard input.
        var input: String?
        /// Allowed; by default what is documented.
        var statuses: [Int32]?
        /// What standard error must contain.
        var errors: String?
    }

    private static let folder = URL(filePath: Binary.root + "Tests/Fixtures/crashes")
    /// A command takes milliseconds; other tests run beside it.
    private static let seconds = 30.0

    static let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path())) ?? []).sorted()

    @Test func `there are cases`() { #expect(!Self.names.isEmpty) }

    @Test(arguments: names) func `an input that once failed is taken or refused`(name: String) throws {
        try Binary.inFolder { scratch in
            let copy = scratch.appending(path: "case")
            try FileManager.default.copyItem(at: Self.folder.appending(path: name), to: copy)
            let description = try Data(contentsOf: copy.appending(path: "command.json"))
            let commands = try JSONDecoder().decode([Command].self, from: description)
            #expect(!commands.isEmpty)
            for command in commands { try check(command, in: copy) }
        }
    }

    private func check(_ command: Command, in folder: URL) throws {
        let input = try command.input.map { try Data(contentsOf: folder.appending(path: $0)) } ?? Data()
        let result = try Binary.run(command.arguments, input: input, folder: folder, seconds: Self.seconds)
        let allowed = command.statuses ?? [0, 1, 2, 3]
        #expect(
            allowed.contains(result.status),
            "\(command.arguments): status \(result.status)\n\(result.errors.suffix(2_000))")
        if let errors = command.errors {
            #expect(result.errors.contains(errors), "\(command.arguments): \(result.errors)")
        }
    }
}
