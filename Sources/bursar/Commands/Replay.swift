import ArgumentParser
import BursarEngine
import BursarPolicy
import BursarReplay
import BursarSyntax
import BursarLogs

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension ReplayOptions.State: ExpressibleByArgument {}
extension ReplayOptions.EstimateBasis: ExpressibleByArgument {}
extension ReplayOptions.CostBasis: ExpressibleByArgument {}

struct Replay: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Dry-run policies against recorded traffic.",
        discussion: """
            Logs are JSON lines in Bursar's own format, exports of other systems, or JSON lines and CSV whose columns --map \
            names. gzip and zstd are recognised; a folder means the logs in it, a SQLite file its table, and - standard input. \
            Nothing is refused: the summary says what the policy would do. Ctrl-C ends with the results so far.

            Examples:
              bursar replay --policies policies week.jsonl.gz
              bursar replay --policies policies --report week.html week.jsonl
              bursar replay --policies new --against old week.jsonl
              bursar replay --policies policies --fail-on 'refused > 0.1%' week.jsonl
            """)

    @Option(help: "The policy set to try.")
    var policies: String?

    @Option(help: "A second set, replayed beside it; the differences are reported.")
    var against: String?

    @Argument(help: "Logs.")
    var logs: [String] = []

    @Option(
        help: ArgumentHelp(
            "The log's format: bursar, \(ForeignFormat.allCases.map(\.rawValue).joined(separator: ", ")); detected by default.",
            valueName: "format"))
    var input: String?

    @Option(help: ArgumentHelp("Print how a format is read, and exit.", valueName: "format"))
    var describeInput: String?

    @Flag(help: "At the end of the log, wait for more until Ctrl-C, to follow live traffic.")
    var follow = false

    @Option(help: "simulate: counters follow the decisions. observe: counters follow the recorded traffic.")
    var state = ReplayOptions.State.simulate

    @Flag(
        help: """
            Decide a policy in shadow mode as it is written: nothing is refused. By default it is decided as if it \
            were enforced.
            """)
    var asWritten = false

    @Option(help: "Expected output: recorded (what the log says), or policy (as in live use).")
    var estimate = ReplayOptions.EstimateBasis.recorded

    @Option(help: "The cost of a record: recorded (what the log says, if it says so), or catalog.")
    var cost = ReplayOptions.CostBasis.recorded

    @Option(help: "Only requests at or after this instant.")
    var from: String?

    @Option(help: "Only requests before this instant.")
    var to: String?

    @Option(help: "Only this tenant.")
    var tenant: String?

    @Option(name: .customLong("where"), help: "Only requests for which a condition holds.")
    var condition: String?

    @Option(
        help: ArgumentHelp("FIELD=COLUMN, or FIELD==VALUE for every record; repeat as needed.", valueName: "mapping"))
    var map: [String] = []

    @Option(
        help: ArgumentHelp(
            "Write every decision, in the order of the log, as JSON lines; - is standard output.", valueName: "file"))
    var decisions: String?

    @Option(
        help: ArgumentHelp(
            "Write the lines that could not be used, with their numbers and reasons, as JSON lines.", valueName: "file")
    )
    var rejects: String?

    @Option(help: "Threads; default: all cores. The result never depends on it.")
    var threads: Int?

    @Option(help: ArgumentHelp("Decide for a part of the tenants only: shard K of N.", valueName: "K/N"))
    var shard: String?

    @Option(help: ArgumentHelp("Write what the shard found, for `bursar merge`.", valueName: "file"))
    var partial: String?

    @OptionGroup var output: ReplayOutput

    @Flag(help: "No progress.")
    var quiet = false

    func validate() throws {
        guard describeInput != nil || (policies != nil && !logs.isEmpty) else {
            throw ValidationError("Missing expected --policies and logs")
        }
    }

    func run() throws {
        if let describeInput {
            return Console.print(exact: try InputLogs.format(describeInput)?.description ?? InputLogs.own)
        }
        let inputs = try InputLogs(format: input, map: map)
        var options = try options()
        options.map = inputs.map
        let filter = try condition.map { text in
            do throws(ConditionError) {
                return try ConditionParser.parse(text)
            } catch {
                throw ExitStatus(ExitStatus.usage, "--where: \(error.error.message)")
            }
        }
        let set = try loaded(policies ?? "")
        let other = try against.map(loaded)
        if follow, logs.count != 1 || LogFile.isStandardInput(logs[0]) {
            throw ExitStatus(ExitStatus.usage, "--follow reads one file")
        }
        let expanded = try InputLogs.expanded(logs)
        let names = try names(reading: [set, other].compactMap(\.self), expanded)
        let converted = try inputs.prepare(expanded, follows: follow)
        defer { converted.remove() }
        options.logNames = converted.names
        // Findings during conversion belong to no tenant, so the first shard reports them.
        let isFirst = options.shard.index == 0
        let sinks = try ReplaySinks(
            decisions: decisions, rejects: rejects, isLive: follow, early: isFirst ? converted.rejects : [],
            logs: expanded)
        Shutdown.asks(options.stop)
        var result = try replay(set, against: other, filter, converted.paths, options, sinks)
        Shutdown.asks(nil)
        if isFirst {
            result.summary.add(rejects: converted.rejects.count)
            result.summary.servedOnly = converted.servedOnly
            result.summary.joined = converted.joined
        }
        try sinks.commit()
        if !quiet, Console.errorIsTerminal { Console.status("") }
        try writePartial(result.summary, options.shard, [set, other].compactMap(\.self))
        try output.show(
            result.summary, failures: converted.failures + result.failures, besideLines: names.standardOutput != nil)
        // Ctrl-C is the usual way to stop following a log.
        if follow, let signal = Shutdown.receivedSignal, signal != SIGINT {
            throw ExitStatus(Shutdown.status(ofSignal: signal))
        }
    }

    private func loaded(_ path: String) throws -> PolicySet {
        let set = try Policies.load(path)
        return asWritten ? set : set.enforced
    }

    /// Rejects outputs that are inputs or duplicates of another output.
    private func names(reading sets: [PolicySet], _ logs: [String]) throws -> OutputNames {
        var names = OutputNames()
        for path in sets.flatMap(\.sources.files).map(\.path) + logs { names.add(input: path) }
        try names.add("--decisions", decisions)
        try names.add("--rejects", rejects)
        try names.add("--partial", partial)
        for path in output.report { try names.add("--report", path) }
        return names
    }

    private func replay(
        _ set: PolicySet, against other: PolicySet?, _ filter: Condition?, _ paths: [String], _ options: ReplayOptions,
        _ sinks: ReplaySinks
    ) throws -> (summary: ReplaySummary, failures: [String]) {
        func make() throws -> BursarReplay.Replay {
            let replay = BursarReplay.Replay(
                set, against: other, filters: filter.map { [$0] } ?? [], gathersAlerts: true, options: options)
            if options.shard.count > 1, !replay.canBeCut {
                throw ExitStatus(
                    ExitStatus.usage, "--shard: a limit counts per group, so tenants cannot be split among shards")
            }
            replay.onDecisions = { try sinks.write(decisions: $0) }
            replay.onReject = { try sinks.write($0) }
            if !quiet, Console.errorIsTerminal { replay.onProgress = ProgressLine().show }
            return replay
        }
        return try BursarReplay.Replay.run(paths, restart: sinks.restart, make: make)
    }

    /// The digest of a policy set's files, so that shards of different sets are not merged.
    private static func digest(_ set: PolicySet) -> String {
        Digest.sha256(
            set.sources.files.sorted { $0.name < $1.name }.flatMap { file in
                Array("\(file.name)\0\(file.bytes.count)\0".utf8) + file.bytes
            })
    }

    private func writePartial(_ summary: ReplaySummary, _ shard: ReplayOptions.Shard, _ sets: [PolicySet]) throws {
        guard let partial else { return }
        let basis =
            [
                "\(logs)", "\(summary.policies)", "\(state)", "\(estimate)", "\(cost)", "\(from ?? "")",
                "\(to ?? "")",
            ]
            + ["\(tenant ?? "")", "\(condition ?? "")", "\(map)", "\(input ?? "")", "\(against ?? "")", "\(asWritten)"]
            + sets.map(Self.digest)
        try PartialReplay(summary, shard: shard, basis: basis.joined(separator: "|")).write(to: partial)
    }

    private func parsedShard() throws -> ReplayOptions.Shard {
        guard let shard else { return .whole }
        let parts = shard.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 2, let index = parts[0], let count = parts[1],
            (1...PartialReplay.mostShards).contains(count),
            (1...count).contains(index)
        else { throw ExitStatus(ExitStatus.usage, "--shard: `\(shard)` is not K/N, such as 1/4") }
        guard decisions == nil, !follow else {
            throw ExitStatus(ExitStatus.usage, "--shard cannot be combined with --decisions or --follow")
        }
        return ReplayOptions.Shard(index: index - 1, count: count)
    }

    private func options() throws -> ReplayOptions {
        var options = ReplayOptions()
        options.shard = try parsedShard()
        // The result of a merge may be used for a report.
        options.collectsDetails = !output.report.isEmpty || partial != nil
        try output.check()
        options.state = state
        options.estimate = estimate
        options.follows = follow
        options.cost = cost
        options.tenant = tenant
        options.writesDecisions = decisions != nil
        options.threads = threads ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        guard (1...256).contains(options.threads) else {
            throw ExitStatus(ExitStatus.usage, "--threads must be 1 to 256")
        }
        options.from = try instant(from, "--from") ?? .min
        options.to = try instant(to, "--to") ?? .max
        return options
    }

    /// An instant; a date means its midnight in UTC.
    private func instant(_ text: String?, _ option: String) throws -> Int64? {
        guard let text else { return nil }
        var scanner = TextScanner(text)
        do throws(ScalarError) {
            let instant = try scanner.instant()
            try scanner.expectEnd()
            switch instant {
            case .exact(let micros): return micros
            case .date(let date): return date.daysSince1970 * Micros.day
            }
        } catch {
            throw ExitStatus(ExitStatus.usage, "\(option): \(error.message)")
        }
    }
}

/// A progress line on the terminal for work that takes more than a second.
private final class ProgressLine {
    private let start = Console.seconds
    private var last = 0.0

    func show(_ progress: BursarReplay.Replay.Progress) {
        let now = Console.seconds
        guard now - start > 1, now - last > 0.2 else { return }
        last = now
        let rate = Int64(saturating: Double(progress.records) / (now - start))
        var text = "\(progress.records) records, \(progress.bytes >> 20) MiB, \(rate) records/s"
        if let total = progress.total, progress.bytes > 0 {
            let left = (now - start) * Double(max(0, total - progress.bytes)) / Double(progress.bytes)
            text += ", \(Self.duration(left)) left"
        }
        Console.status(text)
    }

    private static func duration(_ seconds: Double) -> String {
        let whole = Int64(saturating: seconds.rounded(.up))
        return whole < 120 ? "\(whole) s" : whole < 7_200 ? "\(whole / 60) min" : "\(whole / 3_600) h"
    }
}
