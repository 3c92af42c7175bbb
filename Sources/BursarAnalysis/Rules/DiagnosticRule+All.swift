import BursarSyntax

extension DiagnosticRule {
    /// Every rule, ordered by code.
    package static let all: [DiagnosticRule] = {
        let declared = syntax + names + versions + plans + tenantRecords + lockFile + [ruleNotDecided] + traffic
        let ofChecks = CheckList.checks.flatMap { $0.rules } + CheckList.setChecks.flatMap { $0.rules }
        return (declared + ofChecks).sorted { $0.code < $1.code }
    }()

    private static let byCode = Dictionary(all.map { ($0.code, $0) }, uniquingKeysWith: { first, _ in first })

    package static func of(_ code: String) -> DiagnosticRule? { byCode[code] }

    /// The page `Docs/diagnostics/README.md`: every code with its severity and title.
    package static var index: String {
        var text = """
            # Diagnostics

            `bursar check` reports findings. Each finding has a code, and each code has a page. `bursar check --explain CODE`
            prints the page. A policy chooses another severity for a warning or note under `checks`
            ([checking.md](../checking.md)). An error makes a policy unusable, so it stays an error.

            """
        var group: Substring = ""
        for rule in all {
            if rule.group != group {
                group = rule.group
                text += "\n## \(group)\n\n| code | severity | problem |\n|---|---|---|\n"
            }
            text += "| [\(rule.code)](\(rule.fileName)) | \(rule.severities) | \(rule.title) |\n"
        }
        return text
    }
}
