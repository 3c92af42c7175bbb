/// What the reader accepts at most, so that no input exhausts memory or time.
public enum Bounds {
    /// A policy of 10,000 tenants with overrides is about 2 MiB; 64 MiB leaves room for thirty times that.
    public static let fileBytes = 64 << 20
    /// Every construct of the language fits into 12 levels; scopes may nest further.
    public static let yamlDepth = 64
    /// Nodes of one set; each takes about 100 bytes in memory.
    public static let yamlNodes = 1_000_000
    /// Bytes of all files of a set.
    public static let setBytes = 64 << 20
    /// Files of a set.
    public static let files = 10_000
    /// Documents of a file that are not YAML; the reader starts again after each.
    public static let unreadableDocuments = 100
    /// Bytes of a name, a pattern or a version: longer ones make messages and tables unreadable, and matching slow.
    public static let nameBytes = 1_024
    /// Policy versions, or catalog versions, of a set; each is compiled and checked by itself.
    public static let versions = 1_000
    /// Rules of a policy; checks compare them in pairs.
    public static let rules = 2_000
    /// Tiers of a policy.
    public static let tiers = 2_000
    /// Tiers that extend each other in a row.
    public static let extendsDepth = 64
    /// Limits in one map; checks compare them in pairs.
    public static let limits = 1_000
    /// Limits of a plan with its inherited ones, weights and scopes.
    public static let planLimits = 2_000
    /// Limits of all tiers of all versions together; each takes about 500 bytes in memory.
    public static let tierLimits = 200_000
    /// Features with a share of their own.
    public static let weights = 1_000
    /// Features, audiences, alerts and severities under `checks` of a policy.
    public static let features = 10_000
    public static let audiences = 1_000
    public static let alerts = 1_000
    public static let checks = 1_000
    /// Models of a catalog; a list of all known models has about 3,000.
    public static let models = 10_000
    public static let classes = 1_000
    /// Aliases of a model.
    public static let aliases = 1_000
    /// Models and patterns that a plan lists, tools of a list, features that a plan blocks.
    public static let listItems = 10_000
    /// Patterns of all plans times models of the catalog.
    public static let patternMatches = 50_000_000
    /// Chains of a plan, and models of a chain.
    public static let chains = 1_000
    public static let chainModels = 100
    /// Actions of a threshold, and audiences or tools that an action names.
    public static let actions = 64
    /// Grants and exceptions of a tenant.
    public static let grants = 1_000
    public static let exceptions = 1_000
    /// Requests that the tests of a set make together.
    public static let testRequests: Int64 = 500_000
    /// Microseconds that the steps of a test span.
    public static let testSpan: Int64 = 1_000 * 365 * 86_400_000_000
    /// Steps or cases of a test.
    public static let testSteps = 10_000
    /// Fields of a request or an expectation.
    public static let testFields = 1_000
    /// Levels of parentheses and negations in a condition; the parser recurses once a level.
    public static let conditionDepth = 64
    /// Comparisons in one condition.
    public static let conditionTerms = 1_000
    /// Values in the lists of one condition.
    public static let conditionValues = 10_000
    /// Thresholds of one limit: an event mask of 64 bits has one bit each.
    public static let thresholds = 64
    /// Folders below a policy set's root.
    public static let folderDepth = 16
    /// Diagnostics printed of one run; beyond that a file is not a policy.
    public static let diagnostics = 1_000
    /// Diagnostics kept of one run; the rest are counted.
    public static let diagnosticsKept = 100_000
    /// Diagnostics of one part of a run for which the nearest known name is looked up, and the names looked at.
    public static let suggestions = 200
    public static let suggestionCandidates = 10_000
    /// Bytes of a message, so that a long value does not fill the screen.
    public static let messageBytes = 2_000
    /// Bytes of a line that is shown below a message.
    public static let excerptBytes = 1_600
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
