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

/// Replays logs for commands that need only the summary. The logs may have any format that `replay` knows.
struct TrafficLogs {
    private let inputs: InputLogs
    private let prepared: InputLogs.Prepared

    init(_ logs: [String]) throws {
        inputs = try InputLogs(format: nil, map: [])
        prepared = try inputs.prepare(try InputLogs.expanded(logs))
    }

    func remove() { prepared.remove() }

    func replay(
        _ set: PolicySet, against other: PolicySet? = nil, collectsDetails: Bool = false
    ) throws -> ReplaySummary {
        var options = ReplayOptions()
        options.collectsDetails = collectsDetails
        options.threads = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        options.map = inputs.map
        options.logNames = prepared.names
        func make() -> BursarReplay.Replay {
            // A policy in shadow mode is replayed as it will be after it is enforced.
            BursarReplay.Replay(set.enforced, against: other?.enforced, gathersAlerts: false, options: options)
        }
        var result: (summary: ReplaySummary, failures: [String])
        do {
            result = try BursarReplay.Replay.run(prepared.paths, make: make)
        } catch let error as FileError {
            throw ExitStatus(ExitStatus.usage, error.description)
        }
        if let failure = (prepared.failures + result.failures).first { throw ExitStatus(ExitStatus.usage, failure) }
        result.summary.add(rejects: prepared.rejects.count)
        result.summary.servedOnly = prepared.servedOnly
        result.summary.joined = prepared.joined
        return result.summary
    }
}
