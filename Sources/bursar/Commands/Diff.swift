import ArgumentParser
import BursarAnalysis
import BursarEngine
import BursarPolicy
import BursarReplay
import BursarSyntax

struct Diff: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Show what a change of policy does: to its terms, to decisions, and to recorded traffic.",
        discussion: """
            Compares the newest versions of two sets. Changes of the text are shown in the language's terms. Requests that get \
            a different decision without any history are described exactly, by a condition and a request that shows it. The \
            exit status is 0 if the sets are the same, and 1 if they differ.

            Examples:
              bursar diff main/policies policies
              bursar diff main/policies policies --traffic week.jsonl
            """)

    @Argument(help: "The old policy set.")
    var old: String

    @Argument(help: "The new policy set.")
    var new: String

    @Option(parsing: .upToNextOption, help: ArgumentHelp("Logs on which both are replayed.", valueName: "log"))
    var traffic: [String] = []

    @Option(help: "text or json.")
    var format = OutputFormat.text

    @Flag(help: "No progress.")
    var quiet = false

    func run() throws {
        let before = try Policies.load(old)
        let after = try Policies.load(new)
        let diff = PolicyDiff.between(before, after)
        var replayed: ReplaySummary?
        if !traffic.isEmpty {
            let logs = try TrafficLogs(traffic)
            defer { logs.remove() }
            replayed = try logs.replay(after, against: before)
        }
        switch format {
        case .text: Console.print(text(diff, replayed))
        case .json: Console.print(exact: json(diff, replayed))
        }
        if !diff.isSame || replayed?.comparison.map({ !$0.changes.isEmpty }) == true { throw ExitStatus(1) }
    }

    private func text(_ diff: PolicyDiff, _ replayed: ReplaySummary?) -> String {
        var text = "\(shown(diff.verdict))\n"
        if !diff.changes.isEmpty {
            text += "\nchanges:\n"
            for change in diff.changes {
                let what =
                    change.old == nil ? "added \(change.new ?? "")" : change.new.map { "\(change.old ?? "") -> \($0)" }
                text += "  \(shown(change.path)): \(shown(what ?? "removed (was \(change.old ?? ""))"))"
                if change.direction != .other { text += "  [\(change.direction.rawValue)]" }
                text += "  \(shown(change.source))\n"
            }
        }
        for direction in [DiffDirection.looser, .stricter] {
            let regions = diff.regions.filter { $0.direction == direction }
            if regions.isEmpty { continue }
            text += "\n\(direction.rawValue), for requests without history:\n"
            for region in regions {
                text += "  \(region.old.rawValue) -> \(region.new.rawValue) where \(shown(region.condition))\n"
                if let witness = region.witness { text += "    witness: \(shown(witness))\n" }
            }
        }
        for question in diff.undecided { text += "\nnot decided: \(shown(question))\n" }
        if diff.tiers.count > 1, !diff.isSame {
            text += "\ntiers: " + diff.tiers.map { shown("\($0.name) \($0.verdict)") }.joined(separator: "; ") + "\n"
        }
        if let replayed { text += "\n" + SummaryTextRenderer(replayed).render() }
        return text
    }

    private func json(_ diff: PolicyDiff, _ replayed: ReplaySummary?) -> String {
        var json = JSONWriter()
        json.object { json in
            json.field("same", diff.isSame)
            json.field("verdict", diff.verdict)
            json.objects("changes", diff.changes) { change, json in
                json.field("path", change.path)
                json.field("old", change.old)
                json.field("new", change.new)
                json.field("direction", change.direction.rawValue)
                json.field("source", change.source)
            }
            json.objects("regions", diff.regions) { region, json in
                json.field("old", region.old.rawValue)
                json.field("new", region.new.rawValue)
                json.field("direction", region.direction.rawValue)
                json.field("condition", region.condition)
                if region.omitted > 0 { json.field("omitted", region.omitted) }
                json.array("tiers") { json in for tier in region.tiers { json.value(tier) } }
                if let witness = region.witness { json.raw("witness", witness.utf8) }
            }
            json.array("undecided") { json in for question in diff.undecided { json.value(question) } }
            json.objects("tiers", diff.tiers) { tier, json in
                json.field("tier", tier.name)
                json.field("verdict", tier.verdict)
            }
            if let replayed { json.raw("traffic", SummaryJSONRenderer(replayed).render().utf8) }
        }
        return json.text
    }
}
