import BursarAnalysis
import BursarSyntax
import Foundation
import Testing

/// The documentation of every code is what the program prints. `make record` writes it anew.
@Suite struct PageTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path()

    @Test(arguments: DiagnosticPage.all.map(\.code)) func `a code has its page`(code: String) throws {
        let page = try #require(DiagnosticPage.of(code))
        let path = "\(Self.root)Docs/diagnostics/\(page.fileName)"
        if ProcessInfo.processInfo.environment["BURSAR_RECORD"] != nil {
            try OutputFile.write(Array(page.markdown.utf8), to: path)
        }
        #expect(String(decoding: try FileReading.read(path), as: UTF8.self) == page.markdown)
    }

    @Test func `codes are told once`() {
        #expect(Set(DiagnosticPage.all.map(\.code)).count == DiagnosticPage.all.count)
    }
}
