import BursarPolicy
import BursarSyntax

/// The policies of a product: every version of a policy with its catalogs and tenants, compiled.
public struct PolicySet: Sendable {
    let compiled: BursarPolicy.PolicySet
    /// Findings that do not prevent the use of the policies.
    public let warnings: [Finding]

    /// Reads and compiles a file, or every policy file in a folder.
    ///
    /// - Throws: `PolicyError` if a file cannot be read or contains an error. Its description is the output of `bursar
    ///   check`.
    public init(contentsOf path: String) throws(PolicyError) {
        let (set, sources, diagnostics) = Compiler.compile(path)
        let findings = diagnostics.sorted().map { Finding($0, sources) }
        guard let set else { throw PolicyError(findings: findings) }
        compiled = set
        warnings = findings
    }

    /// The versions in the order in which they take effect.
    public var versions: [Version] {
        compiled.editions.map {
            Version(
                policy: $0.policy.id, version: $0.policy.version.text, digest: $0.policy.digest,
                effective: Timestamp(microsecondsSince1970: $0.interval.start),
                until: $0.interval.end == .max ? nil : Timestamp(microsecondsSince1970: $0.interval.end))
        }
    }

    /// One version of a policy with its time in force.
    public struct Version: Sendable, Hashable {
        /// The id of the policy.
        public let policy: String
        public let version: String
        /// `sha256:` and the hash of the version's content, without layout and comments.
        public let digest: String
        public let effective: Timestamp
        /// nil if the version has no end.
        public let until: Timestamp?
    }
}

/// The reason why a policy set cannot be used.
public struct PolicyError: Error, CustomStringConvertible {
    /// All errors and warnings, by file and line.
    public let findings: [Finding]

    /// The errors as printed by `bursar check`: position, message, source line and fix.
    public var description: String {
        findings.filter { $0.severity == .error }.map(\.description).joined(separator: "\n")
    }
}

/// An error or a warning in a policy file.
public struct Finding: Sendable, CustomStringConvertible {
    public enum Severity: Sendable, Hashable { case error, warning, note }

    /// A stable code such as `syntax/unknown-key`; `bursar check --explain CODE` describes it.
    public let code: String
    public let severity: Severity
    public let message: String
    /// nil if the finding is not about a file.
    public let file: String?
    /// From 1; nil if the finding is about a file as a whole.
    public let line: Int?
    /// From 1, in characters.
    public let column: Int?
    /// The fix, if one is known.
    public let help: String?
    /// The finding as printed by `bursar check`.
    public let description: String

    init(_ diagnostic: Diagnostic, _ sources: SourceMap) {
        code = diagnostic.code
        severity =
            switch diagnostic.severity {
            case .error: .error
            case .warning: .warning
            case .note: .note
            }
        message = diagnostic.message
        let source = diagnostic.range.flatMap { sources[$0] }
        let position = diagnostic.range.flatMap { source?.position(at: Int($0.start)) }
        file = source?.path ?? diagnostic.path
        line = position?.line
        column = position?.column
        help = diagnostic.help ?? diagnostic.fix.map { "\($0.message): \($0.replacement)" }
        description = DiagnosticTextRenderer(sources: sources).render(diagnostic)
    }
}
