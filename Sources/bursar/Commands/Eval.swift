import ArgumentParser
import BursarEngine
import BursarPolicy
import BursarSyntax
import BursarLogs

struct Eval: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eval",
        abstract: "Decide requests, in order, with shared counters.",
        discussion: """
            Reads one request, or one request per line, and prints one decision per line. A request that cannot be read is \
            denied with the code bad_request, with the id and the tenant that it names. A field that no request has is \
            ignored with a warning.

            Examples:
              bursar eval --policies policies request.json
              bursar eval --policies policies < requests.jsonl
            """)

    @Option(help: "The policy set: a file or a folder.")
    var policies: String

    @Argument(help: "A file with one request, or one per line; default, or -: standard input.")
    var request: String = "-"

    @Flag(help: "Do not warn about fields that no request has.")
    var quiet = false

    func run() throws {
        let engine = Engine(try Policies.load(policies))
        var session = EvalSession(engine: engine)
        var unknown = UnknownFields()
        let isInteractive = LogFile.isStandardInput(request)
        do {
            try RequestLines.forEach(in: request) { entry in
                if !quiet, case .request(let line) = entry { unknown.warn(about: line) }
                Console.print(bytes: session.decide(entry))
                if isInteractive { Console.flush() }
            }
        } catch let error as FileError {
            throw ExitStatus(ExitStatus.usage, error.description)
        }
    }
}

/// Decides requests given as JSON.
struct EvalSession {
    let engine: Engine
    private let builder: RequestBuilder
    private let writer: DecisionWriter
    private var json = JSONWriter()

    init(engine: Engine) {
        self.engine = engine
        builder = RequestBuilder(engine: engine, usesRecordedOutput: false)
        writer = DecisionWriter(engine: engine)
    }

    /// The request of a line, or the reason why it is invalid.
    private mutating func read(_ line: [UInt8]) -> (request: Request?, label: RequestLabel, problem: String?) {
        let (block, problem) = LogFormat.readSingle(line)
        var request: Request?
        var reason = problem
        if problem == nil {
            do throws(RequestBuilder.EvalError) {
                request = try builder.evalRequest(block, now: Console.now)
            } catch {
                reason = error.reason
            }
        }
        var label = builder.label(block, 0, path: "", line: 1)
        if reason != nil { label.complete(from: TopLevelFields(line)) }
        return (request, label, reason)
    }

    mutating func read(_ entry: RequestLines.Entry) -> (request: Request?, label: RequestLabel, problem: String?) {
        switch entry {
        case .request(let line): read(line)
        case .unusable(let reason): (nil, RequestLabel(requestID: "", tenant: "", time: nil, model: ""), reason)
        }
    }

    /// The decision as JSON with a line break.
    mutating func decide(_ entry: RequestLines.Entry) -> [UInt8] {
        let (request, label, problem) = read(entry)
        let decision = request.map { engine.decide($0, detail: .full) } ?? engine.badRequest(problem ?? "")
        json.removeAll()
        writer.write(decision, label, to: &json)
        json.endLine()
        return json.bytes
    }
}
