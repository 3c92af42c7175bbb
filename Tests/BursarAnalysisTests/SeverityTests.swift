import BursarAnalysis
import BursarSyntax
import Foundation
import Testing

/// What a finding is called when it is printed is what its page says.
@Suite struct SeverityTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path()

    private static func allowed(_ code: String) -> Set<Severity> {
        guard let page = DiagnosticPage.of(code) else { return [] }
        return Set([page.severity, page.lesser].compactMap { $0 })
    }

    @Test(arguments: DiagnosticFixtureTests.cases) func findingsHaveTheSeverityOfTheirPage(name: String) throws {
        let bytes = try FileReading.read("\(DiagnosticFixtureTests.folder)/\(name)")
        // A team may choose another severity.
        if String(decoding: bytes, as: UTF8.self).contains("checks:") { return }
        var diagnostics = Diagnostics()
        let documents = DocumentLoader.read(
            [SourceFile(path: name, name: name, bytes: bytes)], diagnostics: &diagnostics)
        for item in Checker.check(documents, diagnostics).diagnostics.items {
            #expect(Self.allowed(item.code).contains(item.severity), "\(item.code) is \(item.severity)")
        }
    }

    /// Findings that no fixture reaches: every place in the sources that makes one is looked at.
    @Test func sourcesNameTheSeverityOfTheirPage() throws {
        let folder = "\(Self.root)Sources"
        let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        let start = /Diagnostic\(\s*"(?<code>[a-z]+\/[a-z-]+)",/
        var found = 0
        for name in names where name.hasSuffix(".swift") && !name.contains("/Pages/") {
            let text = String(decoding: try FileReading.read("\(folder)/\(name)"), as: UTF8.self)
            for match in text.matches(of: start) {
                found += 1
                let code = String(match.output.code)
                let severities = Self.severities(in: Self.call(in: text, from: match.range.lowerBound))
                #expect(severities.isSubset(of: Self.allowed(code)), "\(name): \(code) is \(severities)")
            }
        }
        #expect(found > 60)
    }

    /// The text up to the parenthesis that closes the first one.
    private static func call(in text: String, from start: String.Index) -> Substring {
        var depth = 0
        for index in text[start...].indices {
            if text[index] == "(" { depth += 1 }
            if text[index] == ")" { depth -= 1 }
            if text[index] == ")", depth == 0 { return text[start...index] }
        }
        return text[start...]
    }

    private static func severities(in call: Substring) -> Set<Severity> {
        guard let range = call.range(of: "severity: ") else { return [.error] }
        let value = call[range.upperBound...].prefix { $0 != "," && $0 != ")" }
        return Set(Severity.allCases.filter { value.contains(".\($0.rawValue)") })
    }
}
