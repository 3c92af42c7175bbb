/// What the reader accepts at most, so that no input exhausts memory or time.
public enum Bounds {
    /// A policy of 10,000 tenants with overrides is about 2 MiB; 64 MiB leaves room for thirty times that.
    public static let fileBytes = 64 << 20
    /// Every construct of the language fits into 12 levels; scopes may nest further.
    public static let yamlDepth = 64
    /// Nodes of one set; each takes about 100 bytes in memory.
    public static let yamlNodes = 1_000_000
    /// Levels of parentheses and negations in a condition; the parser recurses once a level.
    public static let conditionDepth = 64
    /// Comparisons in one condition.
    public static let conditionTerms = 1_000
    /// Thresholds of one limit: an event mask of 64 bits has one bit each.
    public static let thresholds = 64
    /// Folders below a policy set's root.
    public static let folderDepth = 16
    /// Diagnostics printed of one run; beyond that a file is not a policy.
    public static let diagnostics = 1_000
    /// Times that a test repeats one request.
    public static let testRepeats: Int64 = 100_000
    /// Levels of `a else b` in an action.
    public static let actionAlternatives = 8
    /// Comparisons of one alert.
    public static let alertTerms = 8
    /// Things besides the tenant that an alert is told apart by.
    public static let alertScopes = 4
    /// Windows that a baseline is made of; each keeps its sums.
    public static let baselineWindows: Int64 = 60
}
