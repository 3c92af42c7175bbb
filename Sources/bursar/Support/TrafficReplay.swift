import BursarEngine
import BursarPolicy
import BursarReplay
import BursarSyntax

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Replays logs for commands that need only the summary.
enum TrafficReplay {
    static func run(
        _ set: PolicySet, against other: PolicySet? = nil, _ logs: [String], collectsDetails: Bool = false
    ) throws -> ReplaySummary {
        var options = ReplayOptions()
        options.collectsDetails = collectsDetails
        options.threads = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        func make() -> BursarReplay.Replay {
            // A policy in shadow mode is replayed as it will be after it is enforced.
            BursarReplay.Replay(set.enforced, against: other?.enforced, gathersAlerts: false, options: options)
        }
        let result: (summary: ReplaySummary, failures: [String])
        do {
            result = try BursarReplay.Replay.run(logs, make: make)
        } catch let error as FileError {
            throw ExitStatus(ExitStatus.usage, error.description)
        }
        if let failure = result.failures.first { throw ExitStatus(ExitStatus.usage, failure) }
        return result.summary
    }
}
