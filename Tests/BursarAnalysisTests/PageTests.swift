import BursarAnalysis
import BursarSyntax
import Foundation
import Testing

/// The reference pages are generated from the rules. `make record` writes them.
@Suite struct PageTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path()
    private static let folder = "\(root)Docs/diagnostics"

    private static func check(_ name: String, _ text: String) throws {
        let path = "\(folder)/\(name)"
        if ProcessInfo.processInfo.environment["BURSAR_RECORD"] != nil {
            try OutputFile.write(Array(text.utf8), to: path)
        }
        #expect(String(decoding: try FileReading.read(path), as: UTF8.self) == text)
    }

    @Test(arguments: DiagnosticRule.all.map(\.code)) func `a rule has its page`(code: String) throws {
        let rule = try #require(DiagnosticRule.of(code))
        try Self.check(rule.fileName, rule.markdown)
    }

    @Test func `the index lists every rule`() throws { try Self.check("README.md", DiagnosticRule.index) }

    @Test func `every page belongs to a rule`() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder)
        #expect(Set(names) == Set(DiagnosticRule.all.map(\.fileName) + ["README.md"]))
    }

    @Test func `a code belongs to one rule`() {
        #expect(Set(DiagnosticRule.all.map(\.code)).count == DiagnosticRule.all.count)
    }

    /// A title is one line of the index, and every part of a page says something.
    @Test(arguments: DiagnosticRule.all.map(\.code)) func `a rule is complete`(code: String) throws {
        let rule = try #require(DiagnosticRule.of(code))
        #expect(rule.title.count < 100 && !rule.title.hasSuffix(".") && !rule.title.contains("\n"))
        for text in [rule.checks, rule.why, rule.fix] {
            #expect(text.hasSuffix(".") && text.first?.isLowercase != true, "\(code): \(text)")
        }
        #expect(!rule.example.isEmpty && rule.lesser != rule.severity)
    }

    /// Rules of findings that take a log, a large policy or an exhausted solver to show; other suites show these.
    private static let shownElsewhere: Set = [
        "margin/observed", "rule/not-decided", "syntax/bound", "traffic/refused-model", "traffic/unknown-feature",
        "traffic/unknown-tenant", "traffic/unpriced",
    ]

    @Test func `every rule has a fixture`() {
        let folders = Set(DiagnosticFixtureTests.cases.compactMap { $0.split(separator: "/").first.map(String.init) })
        for rule in DiagnosticRule.all where !Self.shownElsewhere.contains(rule.code) {
            #expect(folders.contains(rule.code.replacing("/", with: "-")), "no fixture for \(rule.code)")
        }
    }
}
