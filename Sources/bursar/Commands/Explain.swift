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
            Of a file with several requests, one a line, the last is explained and those before it are decided first. \
            With --log the request is looked up in a log by its id, and explained as it stood when its turn came.
            """)

    @Option(help: "The policy set.")
    var policies: String

    @Argument(help: "A file with the request; - or nothing: standard input.")
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

    @Option(help: "text or json.")
    var format = OutputFormat.text

    func validate() throws {
        guard (log == nil) == (requestId == nil && decision == nil) else {
            throw ValidationError("--log goes together with --request-id or --decision")
        }
    }

    func run() throws {
        if let decision { return try explainRecorded(decision) }
        let engine = Engine(try Policies.load(policies))
        let explained = try log.map { try inLog($0, engine) } ?? single(engine)
        switch format {
        case .text: Console.print(ExplanationText(engine: engine).render(explained))
        case .json: Console.print(exact: ExplanationText(engine: engine).json(explained))
        }
    }

    /// Explains a recorded decision by the version that it names, and says whether it would come out otherwise now.
    private func explainRecorded(_ place: String) throws {
        let recorded = try RecordedDecision(at: place)
        let set = try Policies.load(policies)
        let versions = Set(set.editions.filter { $0.policy.version.text == recorded.version }.map(\.policy.digest))
        let engine = Engine(set)
        let explained = try inLog(log ?? "", engine, id: recorded.requestID)
        var notes: [String] = []
        if versions.isEmpty {
            notes.append("version \(recorded.version), by which it was decided, is not in \(policies)")
        } else if !versions.contains(recorded.digest) {
            notes.append("version \(recorded.version) was changed since: it has another digest now")
        }
        let now = explained.decision.outcome.name
        let code = explained.decision.reasons.first?.code ?? ""
        if now == recorded.outcome, code == recorded.code {
            notes.append("it comes out the same now: \(now)\(code.isEmpty ? "" : ", \(code)")")
        } else {
            notes.append(
                "it comes out otherwise now: \(now)\(code.isEmpty ? "" : ", \(code)"), and it was \(recorded.outcome)\(recorded.code.isEmpty ? "" : ", \(recorded.code)")"
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

    private func inLog(_ log: String, _ engine: Engine, id: String? = nil) throws -> ExplainedRequest {
        var options = ReplayOptions()
        options.explainedID = id ?? requestId
        let inputs = try InputLogs(format: input, map: map)
        options.map = inputs.map
        let converted = try inputs.prepare([log])
        defer { converted.remove() }
        options.logNames = converted.names
        let paths = converted.paths
        do {
            let summary: ReplaySummary
            do {
                summary = try BursarReplay.Replay(engine: engine, options: options).run(paths).summary
            } catch is BursarReplay.Replay.ReplayNeedsOrder {
                let fresh = Engine(engine.policySet)
                summary = try BursarReplay.Replay(engine: fresh, options: options).runOrdered(paths).summary
            }
            guard let found = summary.explained else {
                throw ExitStatus(1, "\(log) has no usable record with the id `\(requestId ?? "")`")
            }
            return found
        } catch let error as FileError {
            throw ExitStatus(ExitStatus.usage, error.description)
        }
    }

    private func single(_ engine: Engine) throws -> ExplainedRequest {
        var lines: [[UInt8]] = []
        do throws(FileError) {
            try RequestLines.forEach(in: request) { lines.append($0) }
        } catch {
            throw ExitStatus(ExitStatus.usage, error.description)
        }
        guard let last = lines.last else { throw ExitStatus(ExitStatus.usage, "there is no request to explain") }
        var session = EvalSession(engine: engine)
        for line in lines.dropLast() { _ = session.decide(line) }
        let (request, label, problem) = session.read(last)
        guard let request else {
            let decision = engine.badRequest(problem ?? "")
            return ExplainedRequest(explanation: Explanation(), decision: decision, label: label)
        }
        let explanation = engine.explain(request)
        return ExplainedRequest(explanation: explanation, decision: engine.decide(request, detail: .full), label: label)
    }
}

/// What a line of a decisions file says.
private struct RecordedDecision {
    var requestID: String
    var outcome: String
    /// Of the first reason; empty where there is none.
    var code: String
    var version: String
    var digest: String

    /// - Parameter place: `decisions.jsonl:12`.
    init(at place: String) throws {
        guard let colon = place.lastIndex(of: ":"), let line = Int(place[place.index(after: colon)...]), line > 0 else {
            throw ExitStatus(ExitStatus.usage, "--decision: `\(place)` is not FILE:LINE")
        }
        let path = String(place[..<colon])
        do {
            let lines = try FileReading.read(path).split(separator: 0x0A, omittingEmptySubsequences: false)
            guard line <= lines.count, let tree = try? JSONTree.parse(Array(lines[line - 1])),
                let id = tree["request_id"]?.text, let outcome = tree["outcome"]?.text
            else { throw ExitStatus(ExitStatus.usage, "\(place) is no decision") }
            requestID = id
            self.outcome = outcome
            var first: JSONTree?
            if case .list(let reasons)? = tree["reasons"] { first = reasons.first }
            code = first?["code"]?.text ?? ""
            version = tree["policy"]?["version"]?.text ?? ""
            digest = tree["policy"]?["digest"]?.text ?? ""
        } catch let error as FileError {
            throw ExitStatus(ExitStatus.usage, error.description)
        }
    }
}

/// An explanation as a table that one can read to a customer, and as JSON.
struct ExplanationText {
    let engine: Engine

    func render(_ explained: ExplainedRequest) -> String {
        let decision = explained.decision
        let label = explained.label
        var text = "request \(shown(label.requestID)) of \(shown(label.tenant))"
        if let time = label.time { text += " at \(instantText(time))" }
        text += " for \(shown(label.model))\n\(decision.outcome.name)"
        if decision.model.isPresent, decision.outcome == .downgrade {
            text += " to \(shown(engine.symbols.text(decision.model)))"
        }
        text += decision.reasons.isEmpty ? "\n" : ": " + decision.reasons.map(\.code).joined(separator: ", ") + "\n"
        if let message = decision.reasons.first?.message { text += "  \(shown(message))\n" }
        text += "\n"
        for step in explained.explanation.steps { text += "  \(shown(step.text))\(place(step.source))\n" }
        var candidate = ""
        for limit in explained.explanation.limits {
            if limit.candidate != candidate {
                candidate = limit.candidate
                text += "\nlimits for \(shown(candidate))\n"
            }
            text += line(limit)
        }
        if let shadow = decision.shadow {
            text += "\nin shadow: \(shadow.outcome.name)"
            text += shadow.reasons.isEmpty ? "\n" : ": " + shadow.reasons.map(\.code).joined(separator: ", ") + "\n"
        }
        return text
    }

    private func place(_ source: SourceRange?) -> String {
        source.map { "  [\(shown(engine.policySet.sources.reference($0)))]" } ?? ""
    }

    private func line(_ limit: Explanation.LimitStep) -> String {
        func amount(_ value: Int64) -> String { limit.unit == .spend ? moneyText(value) : String(value) }
        let window = limit.window.isEmpty ? "" : " per \(limit.window)"
        var text = "  \(shown(limit.limit))\(limit.isShadow ? " (shadow)" : ""): "
        text += "\(amount(limit.used)) used + \(limit.estimate.map(amount) ?? "unknown") of \(amount(limit.amount))"
        if limit.carried > 0 { text += " + \(amount(limit.carried)) carried over" }
        text += " \(limit.unit.rawValue)\(window), \(shown(limit.scope))\(place(limit.source))\n"
        for threshold in limit.thresholds {
            text += "    \(threshold.isCrossed ? "x" : " ") \(shown(threshold.text)) (\(amount(threshold.bound))): "
            text += shown(threshold.actions.joined(separator: ", ")) + "\n"
        }
        return text
    }

    func json(_ explained: ExplainedRequest) -> String {
        var json = JSONWriter()
        let sources = engine.policySet.sources
        json.object { json in
            json.array("steps") { json in
                for step in explained.explanation.steps {
                    json.object { json in
                        json.field("kind", step.kind)
                        json.field("text", step.text)
                        if let source = step.source { json.field("source", sources.reference(source)) }
                    }
                }
            }
            json.array("limits") { json in
                for limit in explained.explanation.limits {
                    json.object { json in write(limit, &json) }
                }
            }
            var decision = JSONWriter()
            DecisionWriter(engine: engine).write(explained.decision, explained.label, to: &decision)
            json.raw("decision", decision.bytes)
        }
        return json.text
    }

    private func write(_ limit: Explanation.LimitStep, _ json: inout JSONWriter) {
        func amount(_ key: StaticString, _ value: Int64, _ json: inout JSONWriter) {
            if limit.unit == .spend { json.field(key, moneyText(value)) } else { json.field(key, Int(value)) }
        }
        json.field("model", limit.candidate)
        json.field("limit", limit.limit)
        json.field("scope", limit.scope)
        json.field("unit", limit.unit.rawValue)
        if !limit.window.isEmpty { json.field("window", limit.window) }
        amount("used", limit.used, &json)
        if let estimate = limit.estimate { amount("estimate", estimate, &json) } else { json.null("estimate") }
        amount("amount", limit.amount, &json)
        amount("carried", limit.carried, &json)
        if limit.isShadow { json.field("shadow", true) }
        json.array("thresholds") { json in
            for threshold in limit.thresholds {
                json.object { json in
                    json.field("at", threshold.text)
                    amount("bound", threshold.bound, &json)
                    json.field("crossed", threshold.isCrossed)
                    json.array("actions") { json in for action in threshold.actions { json.value(action) } }
                }
            }
        }
        json.field("source", engine.policySet.sources.reference(limit.source))
    }
}
