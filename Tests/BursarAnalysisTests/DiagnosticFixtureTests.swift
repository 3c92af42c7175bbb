import BursarAnalysis
import BursarPolicy
import BursarSyntax
import Foundation
import Testing

/// Every file in `Tests/Fixtures/diagnostics` is a policy set with something wrong, and beside it stands what is said.
/// `BURSAR_RECORD=1` writes that anew.
@Suite struct DiagnosticFixtureTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/diagnostics").path()

    static let cases: [String] = {
        let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        return names.filter { $0.hasSuffix(".yaml") }.sorted()
    }()

    @Test func `there are fixtures`() { #expect(Self.cases.count > 80) }

    @Test(arguments: cases) func `a faulty policy set gets the message that helps`(name: String) throws {
        let bytes = try FileReading.read("\(Self.folder)/\(name)")
        let file = SourceFile(path: name, name: name, bytes: bytes)
        var diagnostics = Diagnostics()
        let documents = DocumentLoader.read([file], diagnostics: &diagnostics)
        let lockPath = "\(Self.folder)/\(name.dropLast(5)).lock"
        let lock = (try? FileReading.read(lockPath)).map {
            SourceFile(path: LockFile.name, name: LockFile.name, bytes: $0)
        }
        let result = Checker.check(documents, diagnostics, lock: lock)
        let renderer = DiagnosticTextRenderer(sources: result.sources)
        let items = result.diagnostics.sorted()
        let text = items.map(renderer.render).joined()
        let expectedPath = "\(Self.folder)/\(name.dropLast(5)).expected"
        if ProcessInfo.processInfo.environment["BURSAR_RECORD"] != nil {
            try OutputFile.write(Array(text.utf8), to: expectedPath)
        }
        let expected = String(decoding: try FileReading.read(expectedPath), as: UTF8.self)
        #expect(text == expected)
        // The folder names the code that must be among them.
        let code = name.split(separator: "/").first.map { $0.replacing("-", with: "/", maxReplacements: 1) } ?? ""
        #expect(code == "several" || items.contains { $0.code == code })
        // The text at a range is the text that the excerpt shows: within its file, and never inverted.
        for range in items.compactMap(\.range) {
            #expect(range.start <= range.end && Int(range.end) <= result.sources[range]?.bytes.count ?? 0)
        }
        // Every code has its page.
        for item in items { #expect(DiagnosticRule.of(item.code) != nil, "\(item.code)") }
        if let set = result.set { #expect(try WitnessCheck(set).firstFailure(items) == nil) }
    }
}

/// Every file in `Tests/Fixtures/clean` comes near to what a check looks for, and is right: nothing may be said of it.
@Suite struct CleanFixtureTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/clean").path()

    static let cases =
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter { $0.hasSuffix(".yaml") }.sorted()

    @Test func `there are clean fixtures`() { #expect(Self.cases.count > 20) }

    @Test(arguments: cases) func `a policy set that is right gets no finding`(name: String) throws {
        let result = Checker.check("\(Self.folder)/\(name)")
        let renderer = DiagnosticTextRenderer(sources: result.sources)
        let text = result.diagnostics.sorted().map(renderer.render).joined()
        #expect(text.isEmpty, "\(text)")
    }
}
