/// The declaration of a code: its severity and its reference page.
///
/// Every finding is made from a rule, so that it cannot disagree with its page. The pages and the index in `Docs/diagnostics/`,
/// the rules in SARIF and `bursar check --explain` are generated from rules. A rule is declared beside the check that
/// emits it; the rules of a reader or compiler are declared in one file per group.
package final class DiagnosticRule: Sendable {
    /// Stable, such as `syntax/unknown-key`: a group and a name.
    package let code: String
    /// The severity of a finding, unless the policy chooses another one.
    package let severity: Severity
    /// The severity of findings that matter less than most findings of the rule.
    package let lesser: Severity?
    /// The problem as a short sentence without a period.
    package let title: String
    package let checks: String
    package let why: String
    /// A part of a policy that gets the finding.
    package let example: String
    package let fix: String

    package init(
        _ code: String, _ severity: Severity, or lesser: Severity? = nil, title: String, checks: String, why: String,
        example: String, fix: String
    ) {
        self.code = code
        self.severity = severity
        self.lesser = lesser
        self.title = title
        self.checks = checks
        self.why = why
        self.example = example
        self.fix = fix
    }
}

extension DiagnosticRule {
    /// The part of the code before `/`.
    package var group: Substring { code.prefix { $0 != "/" } }

    /// The name of its file in `Docs/diagnostics/`.
    package var fileName: String { code.replacing("/", with: "-") + ".md" }

    /// The severities that its findings can have: `warning, or note`.
    package var severities: String { severity.rawValue + (lesser.map { ", or \($0.rawValue)" } ?? "") }

    /// The reference page.
    package var markdown: String {
        """
        # \(code)

        \(title).

        Severity: \(severities)

        ## What it checks

        \(checks)

        ## Why

        \(why)

        ## Example

        ```yaml
        \(example)
        ```

        ## How to fix

        \(fix)

        """
    }
}
