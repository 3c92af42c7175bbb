import BursarAnalysis
import BursarSyntax
import Testing

/// A finding has the severity of its rule, unless the policy chooses another one.
@Suite struct SeverityTests {
    @Test(arguments: DiagnosticFixtureTests.cases) func `a finding has the severity of its rule`(name: String) throws {
        let bytes = try FileReading.read("\(DiagnosticFixtureTests.folder)/\(name)")
        if String(decoding: bytes, as: UTF8.self).contains("checks:") { return }
        var diagnostics = Diagnostics()
        let documents = DocumentLoader.read(
            [SourceFile(path: name, name: name, bytes: bytes)], diagnostics: &diagnostics)
        for item in Checker.check(documents, diagnostics).diagnostics.items {
            let allowed = [item.rule.severity, item.rule.lesser]
            #expect(allowed.contains(item.severity), "\(item.code) is \(item.severity)")
            #expect(DiagnosticRule.of(item.code) === item.rule)
        }
    }

    /// A policy can turn off what does not make it unusable, and nothing else.
    @Test(arguments: DiagnosticRule.all.map(\.code)) func `a policy can turn off warnings and notes only`(code: String)
        throws
    {
        let text = """
            catalog: c
            version: 1
            currency: USD
            models: {m: {price: {input: $1/1M, output: $1/1M}}}
            ---
            policy: p
            version: 1
            catalog: c
            checks: {\(code): off}
            tiers: {t: {models: [m]}}
            """
        var diagnostics = Diagnostics()
        let documents = DocumentLoader.read(
            [SourceFile(path: "p.yaml", name: "p.yaml", bytes: Array(text.utf8))], diagnostics: &diagnostics)
        let items = Checker.check(documents, diagnostics).diagnostics.items
        let isError = DiagnosticRule.of(code)?.severity == .error
        #expect(items.contains { $0.code == "syntax/scalar" } == isError, "\(items.map(\.message))")
    }
}
