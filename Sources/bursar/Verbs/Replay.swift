import ArgumentParser
import BursarEngine
import BursarPolicy
import BursarReplay
import BursarSyntax
import BursarTraffic

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
            Logs are JSON lines in Bursar's own format, or JSON lines and CSV of any other whose columns --map names; \
            gzip and zstd are recognised, a folder stands for the logs in it, a SQLite file for its table, and - is \
            standard input. Nothing is refused: the summary says what would have been. Ctrl-C ends with what was done.
            """)

    @Option(help: "The policy set to try.")
    var policies: String?

    @Option(help: "A second set, replayed beside it; the differences are reported.")
    var against: String?

    @Argument(help: "Logs.")
    var logs: [String] = []

    @Option(
        help: ArgumentHelp(
            "The log's format: bursar, \(ForeignFormat.allCases.map(\.rawValue).joined(separator: ", ")); guessed where unsaid.",
            valueName: "format"))
    var input: String?

    @Option(help: ArgumentHelp("Print how a format is read, and do nothing else.", valueName: "format"))
    var describeInput: String?

    @Flag(help: "At the end of the log wait for more, until Ctrl-C: a shadow of live traffic.")
    var follow = false

    @Option(help: "simulate: counters follow the decisions. observe: they follow what really happened.")
    var state = ReplayOptions.State.simulate

    @Option(help: "Expected output: recorded (what the log says), or policy (as in live use).")
    var estimate = ReplayOptions.EstimateBasis.recorded

    @Option(help: "What a record cost: recorded (what the log says, where it says so), or catalog.")
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

    @Option(help: "Write every decision, in the order of the log, as JSON lines.")
    var decisions: String?

    @Option(help: "Write the lines that could not be used, with their numbers and reasons, as JSON lines.")
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
        if let describeInput { return Console.print(try InputLogs.format(describeInput)?.description ?? InputLogs.own) }
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
        let set = try Policies.load(policies ?? "")
        let other = try against.map { try Policies.load($0) }
        if follow, logs.count != 1 || logs == ["-"] {
            throw ExitStatus(ExitStatus.usage, "--follow reads one file")
        }
        let spooled = try logs.contains("-") ? InputLogs.spool() : nil
        defer { if let spooled { unlink(spooled) } }
        let converted = try inputs.prepare(
            InputLogs.expanded(logs).map { $0 == "-" ? spooled ?? $0 : $0 }, follows: follow)
        defer { converted.remove() }
        let paths = converted.paths
        Interrupt.asks(options.stop)
        var sinks = try Sinks(decisions: decisions, rejects: rejects)
        func make() throws -> BursarReplay.Replay {
            let replay = BursarReplay.Replay(
                set, against: other, filters: filter.map { [$0] } ?? [], gathersAlerts: true, options: options)
            if options.shard.count > 1, !replay.canBeCut {
                throw ExitStatus(
                    ExitStatus.usage, "--shard: a limit is counted per group, so tenants cannot be decided apart")
            }
            let decisions = sinks.decisions
            let rejects = sinks.rejects
            let follows = follow
            replay.onDecisions = { bytes in
                decisions?.write(bytes)
                if follows { Console.flush() }
            }
            replay.onReject = { rejects?.write($0) }
            if !quiet, Console.errorIsTerminal { replay.onProgress = ProgressLine().show }
            return replay
        }
        var result: (summary: ReplaySummary, failures: [String])
        do {
            do {
                result = try make().run(paths)
            } catch is BursarReplay.Replay.ReplayNeedsOrder {
                // What was written so far was in the wrong order: begin anew.
                sinks = try Sinks(decisions: decisions, rejects: rejects)
                result = try make().runOrdered(paths)
            }
        } catch let error as FileError {
            throw ExitStatus(ExitStatus.usage, error.description)
        }
        // What was found while a log was said again belongs to no tenant: the first shard tells of it.
        if options.shard.index == 0 {
            for reject in converted.rejects { sinks.rejects?.write(reject) }
            result.summary.add(rejects: converted.rejects.count)
            result.summary.servedOnly = converted.servedOnly
            result.summary.joined = converted.joined
        }
        try sinks.close()
        if !quiet, Console.errorIsTerminal { Console.status("") }
        if let partial {
            let basis =
                [
                    "\(logs)", "\(result.summary.policies)", "\(state)", "\(estimate)", "\(cost)", "\(from ?? "")",
                    "\(to ?? "")",
                ]
                + ["\(tenant ?? "")", "\(condition ?? "")", "\(map)", "\(against ?? "")"]
            try PartialReplay(result.summary, shard: options.shard, basis: basis.joined(separator: "|")).write(
                to: partial)
        }
        try output.show(result.summary, failures: result.failures)
    }

    private func parsedShard() throws -> ReplayOptions.Shard {
        guard let shard else { return .whole }
        let parts = shard.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 2, let index = parts[0], let count = parts[1], (1...1_000).contains(count),
            (1...count).contains(index)
        else { throw ExitStatus(ExitStatus.usage, "--shard: `\(shard)` is not K/N, such as 1/4") }
        guard decisions == nil, !follow else {
            throw ExitStatus(ExitStatus.usage, "--shard goes with neither --decisions nor --follow")
        }
        return ReplayOptions.Shard(index: index - 1, count: count)
    }

    private func options() throws -> ReplayOptions {
        var options = ReplayOptions()
        options.shard = try parsedShard()
        // A merge may be asked for a report.
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

    /// A date is its midnight in UTC.
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

/// Ctrl-C once: end with what was done. Twice: end.
private enum Interrupt {
    nonisolated(unsafe) private static var stop: StopSignal?

    static func asks(_ stop: StopSignal) {
        self.stop = stop
        signal(SIGINT) { _ in
            Interrupt.stop?.ask()
            signal(SIGINT, SIG_DFL)
        }
        // Whoever started this may have held signals back.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGINT)
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    }
}

/// The files that a replay writes as it goes.
private struct Sinks {
    var decisions: FileSink?
    var rejects: RejectSink?

    init(decisions: String?, rejects: String?) throws {
        self.decisions = try decisions.map { try FileSink($0) }
        self.rejects = try rejects.map { RejectSink(try FileSink($0)) }
    }

    func close() throws {
        try decisions?.close()
        try rejects?.file.close()
    }
}

/// A file that is written from its beginning.
final class FileSink {
    private let path: String
    private var stream: UnsafeMutablePointer<FILE>?
    private var hasFailed = false

    init(_ path: String) throws {
        self.path = path
        stream = fopen(path, "wb")
        guard stream != nil else { throw ExitStatus(ExitStatus.usage, "\(path): \(String(cString: strerror(errno)))") }
    }

    deinit { if let stream { fclose(stream) } }

    func write(_ bytes: [UInt8]) {
        guard let stream else { return }
        if fwrite(bytes, 1, bytes.count, stream) != bytes.count { hasFailed = true }
    }

    func close() throws {
        guard let open = stream else { return }
        stream = nil
        if fclose(open) != 0 || hasFailed { throw ExitStatus(ExitStatus.usage, "\(path): could not be written whole") }
    }
}

private final class RejectSink {
    let file: FileSink

    init(_ file: FileSink) { self.file = file }

    func write(_ reject: ReplayReject) {
        var json = JSONWriter()
        json.object { json in
            json.field("file", reject.path)
            json.field("line", reject.line)
            json.field("reason", reject.reason)
        }
        json.endLine()
        file.write(json.bytes)
    }
}

/// A line on the terminal for work that takes more than a second.
private final class ProgressLine {
    private let start = Console.seconds
    private var last = 0.0

    func show(_ progress: BursarReplay.Replay.Progress) {
        let now = Console.seconds
        guard now - start > 1, now - last > 0.2 else { return }
        last = now
        let rate = Int(Double(progress.records) / (now - start))
        var text = "\(progress.records) records, \(progress.bytes >> 20) MiB, \(rate) records/s"
        if let total = progress.total, progress.bytes > 0 {
            let left = (now - start) * Double(max(0, total - progress.bytes)) / Double(progress.bytes)
            text += ", \(Self.duration(left)) left"
        }
        Console.status(text)
    }

    private static func duration(_ seconds: Double) -> String {
        let whole = Int(seconds.rounded(.up))
        return whole < 120 ? "\(whole) s" : whole < 7_200 ? "\(whole / 60) min" : "\(whole / 3_600) h"
    }
}
