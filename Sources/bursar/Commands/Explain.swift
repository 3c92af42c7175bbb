import ArgumentParser
import BursarEngine
import BursarPolicy
import BursarReplay
import BursarSyntax
import BursarLogs

struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Show every step that leads to a decision, with file:line of each limit and rule.",
        discussion: """
            If the file has several requests, one per line, the last one is explained after the others are decided. With \
            --log, the request is found in a log by its id, and explained with the counters of that moment.

            Examples:
              bursar explain --policies policies request.json
              bursar explain --policies policies --log week.jsonl --request-id r-17
              bursar explain --policies policies --log week.jsonl --decision decisions.jsonl:12
            """)

    @Option(help: "The policy set.")
    var policies: String

    @Argument(help: "A file with the request; default, or -: standard input.")
    var request: String = "-"

    @Option(help: "A log that holds the request.")
    var log: String?

    @Option(help: "The id of the request in the log.")
    var requestId: String?

    @Option(help: ArgumentHelp("As in replay.", valueName: "mapping"))
    var map: [String] = []

    @Option(help: ArgumentHelp("As in replay.", valueName: "format"))
    var input: String?

    @Option(
        help: ArgumentHelp(
            "A decision that `replay --decisions` wrote, by its line: its request is looked up in --log and decided again.",
            valueName: "file:line"))
    var decision: String?

    @Flag(help: "With --log: as in replay.")
    var asWritten = false

    @Option(help: "text or json.")
    var format = OutputFormat.text

    func validate() throws {
        guard (log == nil) == (requestId == nil && decision == nil) else {
            throw ValidationError("--log requires --request-id or --decision, and they require --log")
        }
    }

    func run() throws {
        if let decision { return try explainRecorded(decision) }
        let engine = Engine(try loaded())
        let explained = try log.map { try inLog($0, engine) } ?? single(engine)
        switch format {
        case .text: Console.print(ExplanationText(engine: engine).render(explained))
        case .json: Console.print(exact: ExplanationText(engine: engine).json(explained))
        }
    }

    /// The policy set; with a log it is in the same mode as in `replay`.
    private func loaded() throws -> PolicySet {
        let set = try Policies.load(policies)
        return log == nil || asWritten ? set : set.enforced
    }

    /// Explains a recorded decision with the policy version that it names, and reports whether it has changed.
    private func explainRecorded(_ place: String) throws {
        let recorded = try recordedDecision(at: place)
        let set = try loaded()
        let versions = Set(set.editions.filter { $0.policy.version.text == recorded.version }.map(\.policy.digest))
        let engine = Engine(set)
        let explained = try inLog(log ?? "", engine, id: recorded.requestID)
        var notes: [String] = []
        if versions.isEmpty {
            notes.append("version \(recorded.version), which made the decision, is not in \(policies)")
        } else if !versions.contains(recorded.digest) {
            notes.append("version \(recorded.version) has changed since: its digest is different")
        }
        let now = explained.decision.outcome.name
        let code = explained.decision.reasons.first?.code ?? ""
        if now == recorded.outcome, code == recorded.code {
            notes.append("the decision has not changed: \(now)\(code.isEmpty ? "" : ", \(code)")")
        } else {
            notes.append(
                "the decision has changed: it was \(recorded.outcome)\(recorded.code.isEmpty ? "" : ", \(recorded.code)"), and is now \(now)\(code.isEmpty ? "" : ", \(code)")"
            )
        }
        switch format {
        case .text:
            for note in notes { Console.print(shown(note)) }
            Console.print("\n" + ExplanationText(engine: engine).render(explained))
        case .json:
            var json = JSONWriter()
            json.object { json in
                json.array("notes") { json in for note in notes { json.value(note) } }
                json.field("same", now == recorded.outcome && code == recorded.code)
                json.raw("explanation", ExplanationText(engine: engine).json(explained).utf8)
            }
            Console.print(exact: json.text)
        }
    }

    private func recordedDecision(at place: String) throws -> RecordedDecision {
        do {
            return try RecordedDecision(at: place)
        } catch RecordedDecision.ReadingError.notAPlace {
            throw ExitStatus(ExitStatus.usage, "--decision: `\(place)` is not FILE:LINE")
        } catch RecordedDecision.ReadingError.notADecision {
            throw ExitStatus(ExitStatus.usage, "\(place) is not a decision")
        } catch let error as FileError {
            throw ExitStatus(ExitStatus.usage, error.description)
        }
    }

    private func inLog(_ log: String, _ engine: Engine, id: String? = nil) throws -> ExplainedRequest {
        var options = ReplayOptions()
        options.explainedID = id ?? requestId
        let inputs = try InputLogs(format: input, map: map)
        options.map = inputs.map
        let converted = try inputs.prepare(try InputLogs.expanded([log]))
        defer { converted.remove() }
        options.logNames = converted.names
        let paths = converted.paths
        do {
            var isFirst = true
            let result = try BursarReplay.Replay.run(paths) {
                defer { isFirst = false }
                return BursarReplay.Replay(engine: isFirst ? engine : Engine(engine.policySet), options: options)
            }
            guard let found = result.summary.explained else {
                if let failure = (converted.failures + result.failures).first {
                    throw ExitStatus(ExitStatus.usage, "\(failure); there is no such request before it")
                }
                throw ExitStatus(1, "\(log) has no usable record with the id `\(options.explainedID ?? "")`")
            }
            return found
        } catch let error as FileError {
            throw ExitStatus(ExitStatus.usage, error.description)
        }
    }

    private func single(_ engine: Engine) throws -> ExplainedRequest {
        var last: RequestLines.Entry?
        var unknown = UnknownFields()
        var session = EvalSession(engine: engine)
        do {
            try RequestLines.forEach(in: request) { entry in
                if case .request(let line) = entry { unknown.warn(about: line) }
                if let last { _ = session.decide(last) }
                last = entry
            }
        } catch let error as FileError {
            throw ExitStatus(ExitStatus.usage, error.description)
        }
        guard let last else { throw ExitStatus(ExitStatus.usage, "there is no request to explain") }
        let (request, label, problem) = session.read(last)
        guard let request else {
            let decision = engine.badRequest(problem ?? "")
            return ExplainedRequest(explanation: Explanation(), decision: decision, label: label)
        }
        let explanation = engine.explain(request)
        return ExplainedRequest(explanation: explanation, decision: engine.decide(request, detail: .full), label: label)
    }
}
