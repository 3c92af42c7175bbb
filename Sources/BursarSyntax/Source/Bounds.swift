/// What the reader accepts at most, so that no input exhausts memory or time.
package enum Bounds {
    /// A policy of 10,000 tenants with overrides is about 2 MiB; 64 MiB leaves room for thirty times that.
    package static let fileBytes = 64 << 20
    /// Every construct of the language fits into 12 levels; scopes may nest further.
    package static let yamlDepth = 64
    /// Nodes of one set; each takes about 100 bytes in memory.
    package static let yamlNodes = 1_000_000
    /// Bytes of all files of a set.
    package static let setBytes = 64 << 20
    /// Files of a set.
    package static let files = 10_000
    /// Documents of a file that are not YAML; the reader starts again after each.
    package static let unreadableDocuments = 100
    /// Bytes of a name, a pattern or a version: longer ones make messages and tables unreadable, and matching slow.
    package static let nameBytes = 1_024
    /// Policy versions, or catalog versions, of a set; each is compiled and checked by itself.
    package static let versions = 1_000
    /// Rules of a policy; checks compare them in pairs.
    package static let rules = 2_000
    /// Tiers of a policy.
    package static let tiers = 2_000
    /// Tiers that extend each other in a row.
    package static let extendsDepth = 64
    /// Limits in one map; checks compare them in pairs.
    package static let limits = 1_000
    /// Limits of a plan with its inherited ones, weights and scopes.
    package static let planLimits = 2_000
    /// Limits of all tiers of all versions together; each takes about 500 bytes in memory.
    package static let tierLimits = 200_000
    /// Features with a share of their own.
    package static let weights = 1_000
    /// Features, audiences, alerts and severities under `checks` of a policy.
    package static let features = 10_000
    package static let audiences = 1_000
    package static let alerts = 1_000
    package static let checks = 1_000
    /// Models of a catalog; a list of all known models has about 3,000.
    package static let models = 10_000
    package static let classes = 1_000
    /// Aliases of a model.
    package static let aliases = 1_000
    /// Models and patterns that a plan lists, tools of a list, features that a plan blocks.
    package static let listItems = 10_000
    /// Patterns of all plans times models of the catalog.
    package static let patternMatches = 50_000_000
    /// Chains of a plan, and models of a chain.
    package static let chains = 1_000
    package static let chainModels = 100
    /// Actions of a threshold, and audiences or tools that an action names.
    package static let actions = 64
    /// Grants and exceptions of a tenant.
    package static let grants = 1_000
    package static let exceptions = 1_000
    /// Requests that the tests of a set make together.
    package static let testRequests: Int64 = 500_000
    /// Microseconds that the steps of a test span.
    package static let testSpan: Int64 = 1_000 * 365 * 86_400_000_000
    /// Steps or cases of a test.
    package static let testSteps = 10_000
    /// Fields of a request or an expectation.
    package static let testFields = 1_000
    /// Levels of parentheses and negations in a condition; the parser recurses once a level.
    package static let conditionDepth = 64
    /// Comparisons in one condition.
    package static let conditionTerms = 1_000
    /// Values in the lists of one condition.
    package static let conditionValues = 10_000
    /// Thresholds of one limit: an event mask of 64 bits has one bit each.
    package static let thresholds = 64
    /// Folders below a policy set's root.
    package static let folderDepth = 16
    /// Diagnostics printed of one run; beyond that a file is not a policy.
    package static let diagnostics = 1_000
    /// Diagnostics kept of one run; the rest are counted.
    package static let diagnosticsKept = 100_000
    /// Diagnostics of one part of a run for which the nearest known name is looked up, and the names looked at.
    package static let suggestions = 200
    package static let suggestionCandidates = 10_000
    /// Bytes of a message, so that a long value does not fill the screen.
    package static let messageBytes = 2_000
    /// Bytes of a line that is shown below a message.
    package static let excerptBytes = 1_600
    /// Times that a test repeats one request.
    package static let testRepeats: Int64 = 100_000
    /// Levels of `a else b` in an action.
    package static let actionAlternatives = 8
    /// Comparisons of one alert.
    package static let alertTerms = 8
    /// Things besides the tenant that an alert is told apart by.
    package static let alertScopes = 4
    /// Windows that a baseline is made of; each keeps its sums.
    package static let baselineWindows: Int64 = 60
}
