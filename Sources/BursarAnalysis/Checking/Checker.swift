import BursarPolicy
import BursarSyntax

/// The work of `bursar check` on a policy set, without output.
package struct Checker {
    package struct Result: Sendable {
        /// nil if an error makes the set unusable.
        package var set: PolicySet?
        package var sources: SourceMap
        package var diagnostics: Diagnostics
        private var chosen: [String: Severity?] = [:]

        fileprivate init(set: PolicySet?, sources: SourceMap, diagnostics: Diagnostics) {
            self.set = set
            self.sources = sources
            self.diagnostics = diagnostics
        }

        /// Adds findings of other checks, with the severity from the policy.
        package mutating func add(_ others: Diagnostics) {
            var others = others
            others.setSeverities { item in chosen[item.code] ?? item.severity }
            diagnostics.add(contentsOf: others)
        }

        fileprivate mutating func choose(_ severities: [String: Severity?]) {
            chosen = severities
            diagnostics.setSeverities { item in severities[item.code] ?? item.severity }
        }
    }

    /// Reads, compiles and analyses the set at a path, compares it with its lock file, and applies the severities from
    /// the policy.
    package static func check(_ path: String) -> Result {
        var diagnostics = Diagnostics()
        let documents = DocumentLoader.load(path, diagnostics: &diagnostics)
        do throws(FileError) {
            return check(documents, diagnostics, lock: try LockFile.load(for: path))
        } catch {
            var result = check(documents, diagnostics)
            result.diagnostics.add(Diagnostic(.syntaxShape, error.reason, at: nil, path: error.path))
            return result
        }
    }

    /// The same for documents that were already read.
    package static func check(_ documents: Documents, _ earlier: Diagnostics, lock: SourceFile? = nil) -> Result {
        let compiled = Compiler.compile(documents, earlier)
        var result = Result(set: compiled.set, sources: compiled.sources, diagnostics: compiled.diagnostics)
        if let set = compiled.set {
            result.diagnostics.add(contentsOf: Analysis.run(set))
            result.diagnostics.add(contentsOf: TestChecker.check(documents, set))
        }
        if let lock {
            let file = result.sources.add(lock)
            LockFile(lock, file: file).verify(documents, &result.diagnostics)
        }
        result.choose(severities(documents, &result.diagnostics))
        return result
    }

    /// The entries of `checks` in the newest version of the policy.
    private static func severities(_ documents: Documents, _ diagnostics: inout Diagnostics) -> [String: Severity?] {
        guard let newest = documents.policies.max(by: { $0.version.value < $1.version.value }) else { return [:] }
        var chosen: [String: Severity?] = [:]
        for check in newest.checks {
            guard let rule = DiagnosticRule.of(check.code.value) else {
                let known = DiagnosticRule.all.map(\.code)
                let near = nearestName(to: check.code.value, among: known)
                diagnostics.add(
                    Diagnostic(
                        .nameUnknown, "no check has the code `\(check.code.value)`", at: check.code.range,
                        help: near == nil ? "codes are listed in Docs/diagnostics" : nil,
                        fix: near.map { .init("did you mean", replace: check.code.range, with: $0) }))
                continue
            }
            if rule.severity == .error {
                if check.severity.value != .error {
                    diagnostics.add(
                        Diagnostic(
                            .syntaxScalar,
                            "`\(rule.code)` makes a policy unusable, so it stays an error", at: check.severity.range))
                }
                continue
            }
            chosen[rule.code] = .some(check.severity.value)
        }
        return chosen
    }
}
