import BursarSyntax

/// What there is to say about a code: `bursar check --explain CODE` prints it, `Docs/diagnostics/` holds it, SARIF names it.
package struct DiagnosticPage: Sendable {
    package let code: String
    /// Of a finding, where neither the policy nor the finding says otherwise.
    package let severity: Severity
    /// Of a finding that is less grave than most of its code.
    package let lesser: Severity?
    package let finds: String
    package let why: String
    package let example: String
    package let wayOut: String

    init(
        _ code: String, _ severity: Severity, or lesser: Severity? = nil, finds: String, why: String, example: String,
        wayOut: String
    ) {
        self.code = code
        self.severity = severity
        self.lesser = lesser
        self.finds = finds
        self.why = why
        self.example = example
        self.wayOut = wayOut
    }

    /// Every code, in the order of the documentation.
    package static let all: [DiagnosticPage] = syntax + names + versions + models + limits + rules + alerts + traffic

    package static func of(_ code: String) -> DiagnosticPage? { all.first { $0.code == code } }

    /// The name of its file in `Docs/diagnostics/`.
    package var fileName: String { code.replacing("/", with: "-") + ".md" }

    package var markdown: String {
        """
        # \(code)

        Severity: \(severity.rawValue)\(lesser.map { ", or \($0.rawValue)" } ?? "")

        **Finds** \(finds)

        **Why it matters** \(why)

        ```yaml
        \(example)
        ```

        **Way out** \(wayOut)

        """
    }
}
