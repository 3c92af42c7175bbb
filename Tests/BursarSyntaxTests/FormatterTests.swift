import BursarSyntax
import Foundation
import RandomPolicies
import Testing

/// P7 of the laws: formatting keeps meaning and comments, and what is formatted stays as it is.
@Suite struct FormatterTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path()

    private static func files(_ folder: String, _ ending: String) -> [String] {
        let names = FileManager.default.enumerator(atPath: root + folder)?.compactMap { $0 as? String } ?? []
        return names.filter { $0.hasSuffix(ending) }.sorted().map { "\(folder)/\($0)" }
    }

    private func format(_ bytes: [UInt8]) throws -> [UInt8] {
        try PolicyFormatter.format(SourceFile(path: "p.yaml", name: "p.yaml", bytes: bytes))
    }

    @Test func `a file is laid out as its golden one`() throws {
        let folder = "\(Self.root)Tests/Fixtures/format/everything"
        let formatted = try format(try FileReading.read(folder + ".yaml"))
        let expected = try FileReading.read(folder + ".expected")
        #expect(String(decoding: formatted, as: UTF8.self) == String(decoding: expected, as: UTF8.self))
    }

    @Test(arguments: files("Policies", ".yaml")) func `an example is laid out already`(name: String) throws {
        let bytes = try FileReading.read(Self.root + name)
        #expect(String(decoding: try format(bytes), as: UTF8.self) == String(decoding: bytes, as: UTF8.self))
    }

    /// The formatter itself refuses to lose a value or a comment; here it must find a way for every file that can be read.
    @Test(arguments: files("Tests/Fixtures/diagnostics", ".yaml")) func `a fixture is laid out once and for all`(
        name: String
    ) throws {
        let bytes = try FileReading.read(Self.root + name)
        do {
            let formatted = try format(bytes)
            #expect(try format(formatted) == formatted)
        } catch let failure as PolicyFormatter.Failure {
            if case .wouldChange = failure { Issue.record("\(name) cannot be laid out") }
        }
    }

    @Test func `random policies with random layout come out the same`() throws {
        for seed in UInt64(1)...300 {
            var generator = RandomPolicies(random: SeededGenerator(seed: seed))
            let text = generator.policySet()
            let formatted = try format(Array(text.utf8))
            #expect(try format(formatted) == formatted, "seed \(seed)")
            // Spaces, blank lines and comments at the ends of lines change no value.
            var random = SeededGenerator(seed: seed)
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
                guard !line.isEmpty, line != "---" else { return String(line) }
                return line + random.pick(["", "", "  ", "   # why", " # a: b, {c}"])
                    + random.pick(["", "", "", "\n", "\n\n\n", "\n# alone"])
            }
            let shaken = try format(Array(lines.joined(separator: "\n").utf8))
            #expect(try format(shaken) == shaken, "seed \(seed)")
        }
    }
}
