import BursarEngine
import BursarTraffic

/// What a replay does with recorded traffic.
public struct ReplayOptions: Sendable {
    public enum State: String, Sendable, CaseIterable, Codable {
        /// Counters follow the decisions.
        case simulate
        /// Counters follow what really happened.
        case observe
    }

    public enum EstimateBasis: String, Sendable, CaseIterable {
        /// The expected output is what was recorded.
        case recorded
        /// The expected output is what live use would have known.
        case policy
    }

    public enum CostBasis: String, Sendable, CaseIterable {
        /// What the log says that a record cost; by the catalog where it says nothing.
        case recorded
        /// The catalog's price of the model that was asked for, whatever the log says.
        case catalog
    }

    public var map = FieldMap()
    public var state = State.simulate
    public var estimate = EstimateBasis.recorded
    public var cost = CostBasis.recorded
    /// Microseconds since 1970, half open.
    public var from = Int64.min
    public var to = Int64.max
    public var tenant: String?
    public var threads = 1
    /// Which of several replays of the same logs this is; each decides for other tenants.
    public struct Shard: Sendable, Hashable {
        /// From 0.
        public var index: Int
        public var count: Int

        public init(index: Int, count: Int) {
            self.index = index
            self.count = count
        }

        public static let whole = Shard(index: 0, count: 1)
    }

    public var shard = Shard.whole
    /// At the end of the log more is waited for, until `stop` is asked; what comes late is decided late.
    public var follows = false
    /// Ends a replay early; what was done so far is in its summary.
    public var stop = StopSignal()
    /// What logs are called where they are told of, by path; others are called by their path.
    public var logNames: [String: String] = [:]
    /// Of logs that were converted, by name: the line in the log for each line that is read.
    public var logLines: [String: [UInt32]] = [:]
    /// Decisions are rendered for `onDecisions`.
    public var writesDecisions = false
    /// What a report needs is gathered.
    public var collectsDetails = false
    /// The request of this id is explained as it stands when its turn comes.
    public var explainedID: String?

    public init() {}

    /// The line of a log, as the user knows it, that became a line that was read. Both count from 1.
    func line(of log: String, _ line: Int) -> Int {
        guard let lines = logLines[log], lines.indices.contains(line - 1) else { return line }
        return Int(lines[line - 1])
    }
}

/// A line that a replay could not use.
public struct ReplayReject: Sendable {
    public var path: String
    public var line: Int
    public var reason: String

    public init(path: String, line: Int, reason: String) {
        self.path = path
        self.line = line
        self.reason = reason
    }
}
