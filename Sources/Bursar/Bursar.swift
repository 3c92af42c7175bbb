import BursarEngine

/// What happens to a request, from the gravest outcome to plain permission.
public typealias Outcome = BursarEngine.Outcome

/// How much a decision tells: reasons only, or also what remains of each limit.
public typealias DetailLevel = BursarEngine.DetailLevel
