import BursarPolicy
import BursarSyntax

/// A check of an edition: a version of the policy with its catalog.
///
/// A check is one file in `Checks/`. The file declares the rules of its findings and contains the logic. `make checks` adds
/// it to the list.
protocol Check: Sendable {
    static var rules: [DiagnosticRule] { get }

    /// The question that stays open if the policy is too large, such as `which limits never bind`.
    static var subject: String { get }

    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics)
}

extension Check {
    static var subject: String { "every finding of " + rules.map { "`\($0.code)`" }.joined(separator: " and ") }
}

/// A check of a whole policy set, such as a comparison of versions.
protocol SetCheck: Sendable {
    static var rules: [DiagnosticRule] { get }

    static func run(_ set: PolicySet, _ diagnostics: inout Diagnostics)
}
