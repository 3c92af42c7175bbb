import BursarPolicy
import BursarSyntax

/// Runs every check on a compiled set.
public enum Analysis {
    public static func run(_ set: PolicySet) -> Diagnostics { Diagnostics() }
}
