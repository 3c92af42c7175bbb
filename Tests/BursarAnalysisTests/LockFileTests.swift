import BursarAnalysis
import BursarSyntax
import Testing

/// Digests of versions, and the findings about them.
@Suite struct LockFileTests {
    private static func policies(_ count: Int) -> Documents {
        let text = (1...count).map {
            "policy: p\nversion: \($0)\neffective: \(1000 + $0)-01-01\ntiers: {t: {models: any}}\n"
        }
        var diagnostics = Diagnostics()
        let source = SourceFile(path: "p.yaml", name: "p.yaml", bytes: Array(text.joined(separator: "---\n").utf8))
        return DocumentLoader.read([source], diagnostics: &diagnostics)
    }

    private static func codes(_ lock: String, _ documents: Documents) -> [String] {
        var diagnostics = Diagnostics()
        LockFile(SourceFile(path: "bursar.lock", name: "bursar.lock", bytes: Array(lock.utf8)), file: 1)
            .verify(documents, &diagnostics)
        return diagnostics.items.map(\.code)
    }

    @Test func `versions that are locked as they are have no finding`() throws {
        let documents = Self.policies(3)
        let lock = try LockFile.renewed(for: "/no/such/folder", documents, keepsLocked: true)
        #expect(lock.changed.isEmpty)
        #expect(Self.codes(lock.text, documents).isEmpty)
        #expect(Self.codes(lock.text.replacing("\n", with: "\r\n"), documents).isEmpty)
    }

    @Test func `a changed, a missing and an additional version are found, and a line that is no entry`() throws {
        let documents = Self.policies(2)
        let lines = try LockFile.renewed(for: "/no/such/folder", documents, keepsLocked: true).text.split(
            separator: "\n")
        let changed = "policy p 1 sha256:0"
        #expect(Self.codes([changed, String(lines[2])].joined(separator: "\n"), documents) == ["version/changed"])
        #expect(Self.codes(String(lines[1]), documents) == ["version/unlocked"])
        #expect(Self.codes(lines.joined(separator: "\n") + "\npolicy q 1 sha256:0\n", documents) == ["version/changed"])
        #expect(Self.codes(lines.joined(separator: "\n") + "\npolicy p\n", documents) == ["syntax/shape"])
    }

    @Test func `the first of two entries of a version holds`() throws {
        let documents = Self.policies(1)
        let line = try LockFile.renewed(for: "/no/such/folder", documents, keepsLocked: true).text.split(
            separator: "\n")[1]
        #expect(Self.codes("\(line)\npolicy p 1 sha256:0\n", documents).isEmpty)
        #expect(Self.codes("policy p 1 sha256:0\n\(line)\n", documents) == ["version/changed"])
    }

    @Test(.timeLimit(.minutes(1))) func `many entries and many versions take no quadratic work`() {
        let lock = (0..<60_000).map { "policy q\($0) 1 sha256:0\n" }.joined()
        #expect(Self.codes(lock, Self.policies(500)).count == 60_500)
    }
}
