import BursarEngine

/// The result of a decision, from the most severe outcome to `allow`.
public typealias Outcome = BursarEngine.Outcome

/// The level of detail of a decision: reasons only, or also the remainder of each limit.
public typealias DetailLevel = BursarEngine.DetailLevel
