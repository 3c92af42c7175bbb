import BursarEngine
import BursarLogs

/// What a replay does with recorded traffic.
package struct ReplayOptions: Sendable {
    package enum State: String, Sendable, CaseIterable, Codable {
        /// Counters follow the decisions.
        case simulate
        /// Counters follow what really happened.
        case observe
    }

    package enum EstimateBasis: String, Sendable, CaseIterable {
        /// The expected output is what was recorded.
        case recorded
        /// The expected output is what live use would have known.
        case policy
    }

    package enum CostBasis: String, Sendable, CaseIterable {
        /// What the log says that a record cost; by the catalog where it says nothing.
        case recorded
        /// The catalog's price of the model that was asked for, whatever the log says.
        case catalog
    }

    package var map = FieldMap()
    package var state = State.simulate
    package var estimate = EstimateBasis.recorded
    package var cost = CostBasis.recorded
    /// Microseconds since 1970, half open.
    package var from = Int64.min
    package var to = Int64.max
    package var tenant: String?
    package var threads = 1
    /// Which of several replays of the same logs this is; each decides for other tenants.
    package struct Shard: Sendable, Hashable {
        /// From 0.
        package var index: Int
        package var count: Int

        package init(index: Int, count: Int) {
            self.index = index
            self.count = count
        }

        package static let whole = Shard(index: 0, count: 1)
    }

    package var shard = Shard.whole
    /// At the end of the log more is waited for, until `stop` is asked; what comes late is decided late.
    package var follows = false
    /// Ends a replay early; what was done so far is in its summary.
    package var stop = StopSignal()
    /// What logs are called where they are told of, by path; others are called by their path.
    package var logNames: [String: String] = [:]
    /// Of logs that were converted, by name: the line in the log for each line that is read.
    package var logLines: [String: [UInt32]] = [:]
    /// Decisions are rendered for `onDecisions`.
    package var writesDecisions = false
    /// What a report needs is gathered.
    package var collectsDetails = false
    /// The request of this id is explained as it stands when its turn comes.
    package var explainedID: String?

    package init() {}

    /// The line of a log, as the user knows it, that became a line that was read. Both count from 1.
    func line(of log: String, _ line: Int) -> Int {
        guard let lines = logLines[log], lines.indices.contains(line - 1) else { return line }
        return Int(lines[line - 1])
    }
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
