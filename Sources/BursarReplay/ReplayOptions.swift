import BursarEngine
import BursarLogs

/// Options of a replay.
package struct ReplayOptions: Sendable {
    package enum State: String, Sendable, CaseIterable, Codable {
        /// Counters follow the decisions of the policy.
        case simulate
        /// Counters follow the recorded outcomes.
        case observe
    }

    package enum EstimateBasis: String, Sendable, CaseIterable {
        /// The estimate uses the recorded output.
        case recorded
        /// The estimate uses what was known before the request.
        case policy
    }

    package enum CostBasis: String, Sendable, CaseIterable {
        /// The recorded cost; the catalog's price if the log has none.
        case recorded
        /// The catalog's price of the requested model, even if the log has a cost.
        case catalog
    }

    package var map = FieldMap()
    package var state = State.simulate
    package var estimate = EstimateBasis.recorded
    package var cost = CostBasis.recorded
    /// The time range in microseconds since 1970, half open.
    package var from = Int64.min
    package var to = Int64.max
    package var tenant: String?
    package var threads = 1
    /// The index of this replay among several replays of the same logs. Each decides for different tenants.
    package struct Shard: Sendable, Hashable {
        /// From 0.
        package var index: Int
        package var count: Int

        package init(index: Int, count: Int) {
            self.index = index
            self.count = count
        }

        package static let whole = Shard(index: 0, count: 1)

        /// False if a tenant with this name certainly does not belong to the shard. A missing name, or a name with bytes
        /// that are not valid text, may belong to any shard.
        package func canHold(_ tenant: String) -> Bool {
            if tenant == "(none)" || tenant.unicodeScalars.contains("\u{FFFD}") { return true }
            var tenant = tenant
            return tenant.withUTF8 { RecordBlock.tenantHash($0) } % UInt64(count) == UInt64(index)
        }
    }

    package var shard = Shard.whole
    /// Waits for more records at the end of the log until `stop` is set. Late records are decided late.
    package var follows = false
    /// Ends a replay early; the summary then covers the records so far.
    package var stop = StopSignal()
    /// The names of logs in messages, by path; other logs are called by their path.
    package var logNames: [String: String] = [:]
    /// Renders decisions for `onDecisions`.
    package var writesDecisions = false
    /// Collects the data of reports.
    package var collectsDetails = false
    /// Explains the request with this id when it is decided.
    package var explainedID: String?

    package init() {}
}

/// A line that a replay could not use.
package struct ReplayReject: Sendable {
    package var path: String
    package var line: Int
    package var reason: String

    package init(path: String, line: Int, reason: String) {
        self.path = path
        self.line = line
        self.reason = reason
    }
}
