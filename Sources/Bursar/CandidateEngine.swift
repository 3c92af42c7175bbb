import BursarEngine

/// Tries a candidate policy set on live traffic. The active engine decides, and the candidate shows what it would have
/// decided.
///
/// Each request costs two decisions. Each engine keeps its own counters.
public final class CandidateEngine: Sendable {
    /// How the candidate's counters follow the traffic.
    public enum Counting: Sendable {
        /// The candidate counts what it would have admitted.
        case simulated
        /// The candidate counts the actual usage of the requests that the active engine admitted.
        case observed
    }

    /// A request that gets a different decision from the candidate.
    public struct Difference: Sendable {
        public let request: Engine.Request
        public let active: Decision
        public let candidate: Decision
    }

    public let active: Engine
    public let candidate: Engine
    private let counting: Counting
    private let onDifference: @Sendable (Difference) -> Void

    /// - Parameters:
    ///   - active: the engine whose decisions apply.
    ///   - candidate: the policies to try.
    ///   - counting: how the candidate's counters follow the traffic.
    ///   - onDifference: called on the deciding thread without a lock. Hand the difference to another thread and return.
    public init(
        active: Engine, candidate: PolicySet, counting: Counting = .simulated,
        onDifference: @escaping @Sendable (Difference) -> Void
    ) {
        self.active = active
        self.candidate = Engine(candidate)
        self.counting = counting
        self.onDifference = onDifference
    }

    /// The active decision, which settles or releases the request in both engines.
    public struct Pair: Sendable {
        public let decision: Decision
        let trial: Decision

        /// Counts the actual usage of the request in both engines. `Decision.settle` describes the parameters.
        ///
        /// - Throws: the error of the active engine; the candidate counts the usage in any case.
        @discardableResult
        public func settle(
            inputTokens: Int, cachedTokens: Int = 0, outputTokens: Int, cost: Money? = nil, hasFailed: Bool = false,
            at time: Timestamp? = nil
        ) throws(SettlementError) -> Settlement {
            if let reservation = trial.reservation {
                _ = try? trial.engine.settle(
                    reservation, inputTokens: inputTokens, cachedTokens: cachedTokens, outputTokens: outputTokens,
                    cost: cost, hasFailed: hasFailed, at: time)
            }
            return try decision.settle(
                inputTokens: inputTokens, cachedTokens: cachedTokens, outputTokens: outputTokens, cost: cost,
                hasFailed: hasFailed, at: time)
        }

        /// Cancels the reservation in both engines, because the request was never made.
        ///
        /// - Throws: the error of the active engine; the candidate releases its reservation in any case.
        public func release(at time: Timestamp? = nil) throws(SettlementError) {
            if let reservation = trial.reservation { try? trial.engine.release(reservation, at: time) }
            try decision.release(at: time)
        }
    }

    /// Decides a request with the active engine and with the candidate.
    public func decide(_ request: Engine.Request, detail: DetailLevel = .reasons) -> Pair {
        var request = request
        let clock = request.time
        request.time = clock ?? .now
        let decision = active.decide(request, detail: detail, clock: clock)
        let trial = candidate.decide(
            request, detail: detail, counting: counting == .observed ? .observed : .decided, clock: clock)
        if differ(decision, trial) {
            onDifference(Difference(request: request, active: decision, candidate: trial))
        }
        return Pair(decision: decision, trial: trial)
    }

    private func differ(_ decision: Decision, _ trial: Decision) -> Bool {
        if decision.outcome != trial.outcome || decision.caps != trial.caps { return true }
        return decision.isAdmitted && decision.model != trial.model
    }
}
