/// The maximum sizes that the reader accepts, so that no input exhausts memory or time.
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
    /// Documents of a file that are not valid YAML; the reader starts again after each.
    package static let unreadableDocuments = 100
    /// Bytes of a name, a pattern or a version: longer ones make messages and tables unreadable, and matching slow.
    package static let nameBytes = 1_024
    /// Versions of the policy, or of a catalog, in a set; each is compiled and checked separately.
    package static let versions = 1_000
    /// Rules of a policy; checks compare them in pairs.
    package static let rules = 2_000
    /// Tiers of a policy.
    package static let tiers = 2_000
    /// Length of a chain of tiers that extend each other.
    package static let extendsDepth = 64
    /// Limits in one map; checks compare them in pairs.
    package static let limits = 1_000
    /// Limits of a plan, including inherited limits, weights and scopes.
    package static let planLimits = 2_000
    /// Limits of all tiers of all versions; each takes about 500 bytes in memory.
    package static let tierLimits = 200_000
    /// Limits of the plans of all tenants with their own keys, including the limits of their tiers; each takes about 400 ns.
    package static let tenantLimits = 2_000_000
    /// Features with their own share.
    package static let weights = 1_000
    /// Features, audiences, alerts and entries of `checks` in a policy.
    package static let features = 10_000
    package static let audiences = 1_000
    package static let alerts = 1_000
    package static let checks = 1_000
    /// Models of a catalog; a list of all known models has about 3,000.
    package static let models = 10_000
    package static let classes = 1_000
    /// Aliases of a model.
    package static let aliases = 1_000
    /// Models and patterns in a plan's lists, tools in a list, features that a plan blocks.
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
    /// Bytes of a shard file of a replay. A tenant takes about 1 KiB; more tenants need more shards.
    package static let partialBytes = 512 << 20
    /// Requests in all tests of a set.
    package static let testRequests: Int64 = 200_000
    /// Steps of all tests of a set, see `PolicyTest.steps`; each takes about 2 µs.
    package static let testSteps: Int64 = 2_000_000
    /// Differences between one decision and its expectation that are reported.
    package static let mismatches = 20
    /// Microseconds between the first and the last step of a test.
    package static let testSpan: Int64 = 1_000 * 365 * 86_400_000_000
    /// Steps of a test, and its cases.
    package static let testEntries = 10_000
    /// Fields of a request or an expectation.
    package static let testFields = 1_000
    /// Nesting of parentheses and negations in a condition; the parser recurses for each level.
    package static let conditionDepth = 64
    /// Comparisons in one condition.
    package static let conditionTerms = 1_000
    /// Values in the lists of one condition.
    package static let conditionValues = 10_000
    /// Thresholds of one limit.
    package static let thresholds = 64
    /// Folders below a policy set's root.
    package static let folderDepth = 16
    /// Diagnostics that one run prints; a file with more is not a policy.
    package static let diagnostics = 1_000
    /// Diagnostics that one run stores; the rest are counted.
    package static let diagnosticsKept = 100_000
    /// Diagnostics in one part of a run that search for the nearest known name, and names that each search visits.
    package static let suggestions = 200
    package static let suggestionCandidates = 10_000
    /// Bytes of a message, so that a long value does not fill the screen.
    package static let messageBytes = 2_000
    /// Bytes of a source line below a message.
    package static let excerptBytes = 1_600
    /// Tokens or characters of a request; beyond it, costs could pass 128 bits.
    package static let requestCount: Int64 = 1_000_000_000_000_000
    /// Fields of a request that are looked at for its name or for misspelt ones.
    package static let requestFields = 1_000
    /// Repetitions of one request in a test.
    package static let testRepeats: Int64 = 100_000
    /// Microseconds of a retry window: each admitted request of that time takes memory. Seven days.
    package static let retryWindow: Int64 = 604_800_000_000
    /// Nesting of `a else b` in an action.
    package static let actionAlternatives = 8
    /// Comparisons in one alert.
    package static let alertTerms = 8
    /// Dimensions that split an alert, besides the tenant.
    package static let alertScopes = 4
    /// Windows in a baseline; each stores its own sums.
    package static let baselineWindows: Int64 = 60

    // MARK: - Logs

    /// Bytes of a line, of a row with its quoted line breaks, of a row of a database, or of one JSON value over several
    /// lines. A prompt with images is a few MiB.
    package static let lineBytes = 64 << 20
    /// Bytes of a name, such as a tenant or a model; names are kept in memory.
    package static let logNameBytes = 64 << 10
    /// Texts in a list of a record, such as its tools.
    package static let listEntries = 1_024
    /// Columns of a table.
    package static let columns = 4_096
    /// Requests that one row of an aggregate may stand for, and all rows of a log; each becomes a record.
    package static let requestsInRow: Int64 = 1_000_000
    package static let requestsInAggregates: Int64 = 4_000_000
    /// A compressed log may grow to this size in any case, and beyond it by this factor. Logs grow 5 to 100 times.
    package static let decompressedBytes = 1 << 28
    package static let decompressionFactor = 1_000
}
