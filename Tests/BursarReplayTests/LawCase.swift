import BursarEngine
import BursarPolicy
import BursarReplay
import BursarSyntax
import Foundation
import RandomPolicies

/// A random policy set, another to compare it with, and a log; all from one seed.
struct LawCase {
    let seed: UInt64
    let texts: [String]
    let sets: [PolicySet]
    let log: String
    let path: String
    let options: ReplayOptions

    /// The time of the first record, 2026-06-01.
    private static let start = RandomLogs.start * Micros.second

    struct Invalid: Error, CustomStringConvertible { let description: String }

    /// - Parameter folder: the log is written there.
    init(seed: UInt64, records: Int, folder: URL) throws {
        self.seed = seed
        var random = SeededGenerator(seed: seed &* 0x9E37_79B9 &+ 5)
        var policies = RandomPolicies(random: SeededGenerator(seed: seed))
        policies.isExtreme = random.chance(70)
        texts = (0..<(random.chance(40) ? 2 : 1)).map { _ in policies.policySet() }
        let asWritten = seed % 3 == 0
        sets = try texts.map { text in
            let set = try Self.compile(text, seed)
            return asWritten ? set : set.enforced
        }
        var logs = RandomLogs(random: SeededGenerator(seed: seed &* 31 &+ 7))
        logs.isUnordered = random.chance(25)
        log = logs.log(records: records)
        path = folder.appending(path: "log.jsonl").path()
        try Data(log.utf8).write(to: URL(filePath: path))
        var options = ReplayOptions()
        options.writesDecisions = true
        options.collectsDetails = true
        options.state = random.chance(20) ? .observe : .simulate
        options.estimate = random.chance(30) ? .policy : .recorded
        options.cost = random.chance(20) ? .catalog : .recorded
        if random.chance(10) { options.tenant = random.pick(["acme", "core", "nobody"]) }
        if random.chance(10) { options.from = Self.start + Int64(random.below(200)) * Micros.hour }
        if random.chance(10) { options.to = Self.start + Int64(random.below(400)) * Micros.hour }
        self.options = options
    }

    private static func compile(_ text: String, _ seed: UInt64) throws -> PolicySet {
        var diagnostics = Diagnostics()
        let file = SourceFile(path: "random.yaml", name: "random.yaml", bytes: Array(text.utf8))
        let documents = DocumentLoader.read([file], diagnostics: &diagnostics)
        let result = Compiler.compile(documents, diagnostics)
        guard let set = result.set else {
            let renderer = DiagnosticTextRenderer(sources: result.sources)
            let found = result.diagnostics.sorted().filter { $0.severity == .error }.map(renderer.render).joined()
            throw Invalid(description: "seed \(seed):\n\(found)\n\(text)")
        }
        return set
    }

    /// Everything that a replay prints and writes.
    struct Shown: Equatable {
        var reports: [String: String]
        var decisions: [UInt8] = []
        var rejects: [String] = []

        /// The name of the first output that differs, with the text around the difference.
        func difference(from other: Shown) -> String? {
            if let difference = difference(inReportsFrom: other.reports) { return difference }
            if decisions != other.decisions {
                let texts = [decisions, other.decisions].map { String(decoding: $0, as: UTF8.self) }
                return "decisions: \(Self.firstDifference(texts[0], texts[1]))"
            }
            return rejects == other.rejects ? nil : "rejects: \(rejects) and \(other.rejects)"
        }

        func difference(inReportsFrom others: [String: String]) -> String? {
            for (name, text) in reports.sorted(by: { $0.key < $1.key }) where text != others[name] {
                return "\(name): \(Self.firstDifference(text, others[name] ?? ""))"
            }
            return nil
        }

        private static func firstDifference(_ left: String, _ right: String) -> String {
            let (left, right) = (Array(left.utf8), Array(right.utf8))
            let place = zip(left, right).enumerated().first { $1.0 != $1.1 }?.offset ?? min(left.count, right.count)
            func around(_ text: [UInt8]) -> String {
                String(decoding: text[max(0, place - 150)..<min(text.count, place + 150)], as: UTF8.self)
            }
            return "\n  \(around(left))\nand\n  \(around(right))"
        }
    }

    /// - Parameter text: replaces the case's log.
    func replay(
        threads: Int, shard: ReplayOptions.Shard = .whole, of text: String? = nil, writesDecisions: Bool = true
    ) throws -> (summary: ReplaySummary, decisions: [UInt8], rejects: [String]) {
        let path = text == nil ? path : path + ".other.jsonl"
        if let text { try Data(text.utf8).write(to: URL(filePath: path)) }
        var options = options
        options.threads = threads
        options.shard = shard
        options.writesDecisions = writesDecisions && shard == .whole
        var decisions: [UInt8] = []
        var rejects: [String] = []
        func make() -> Replay {
            let replay = Replay(sets[0], against: sets.count > 1 ? sets[1] : nil, gathersAlerts: true, options: options)
            decisions = []
            rejects = []
            replay.onDecisions = { decisions += $0 }
            replay.onReject = { rejects.append("\($0.line): \($0.reason)") }
            return replay
        }
        let summary = try Replay.run([path], make: make).summary
        return (summary, decisions, rejects)
    }

    /// Every format of the summary and of the report, and the findings of `check --traffic`.
    func reports(_ summary: ReplaySummary) -> [String: String] {
        let figures = ReportFigures(summary)
        let findings = DiagnosticTextRenderer(sources: sets[0].sources)
        return [
            "text": SummaryTextRenderer(summary).render(), "JSON": SummaryJSONRenderer(summary).render(),
            "HTML report": HTMLReport(figures).render(), "JSON report": JSONReport(figures).render(),
            "Markdown report": MarkdownReport(figures).render(),
            "findings": TrafficChecks.run(sets[0], summary).sorted().map(findings.render).joined(),
        ]
    }

    /// Writes the inputs into a folder, for the command line.
    func keep(in folder: URL) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for (index, text) in texts.enumerated() {
            try Data(text.utf8).write(to: folder.appending(path: "policy-\(index).yaml"))
        }
        try Data(log.utf8).write(to: folder.appending(path: "log.jsonl"))
        let said =
            "--state \(options.state.rawValue) --estimate \(options.estimate.rawValue) --cost \(options.cost.rawValue)\n"
        try Data(said.utf8).write(to: folder.appending(path: "options.txt"))
    }

    var canBeCut: Bool {
        Replay(sets[0], against: sets.count > 1 ? sets[1] : nil, gathersAlerts: true, options: options).canBeCut
    }
}
