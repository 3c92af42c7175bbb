import ArgumentParser
import BursarAnalysis
import BursarPolicy
import BursarReplay
import BursarSyntax

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Read, compile and analyse policies.",
        discussion: """
            Every finding has a code, a place and, if one is known, a fix. Findings about meaning come with a request that \
            shows them. Without paths, the current folder is checked. The exit status is 1 if a finding is an error.

            Examples:
              bursar check
              bursar check --strict policies
              bursar check --fix policies
              bursar check policies --traffic week.jsonl.gz
              bursar check --explain limit/never-binds
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable { case text, json, sarif }

    @Argument(help: "Files or folders; each is a policy set. Default: the current folder.")
    var paths: [String] = []

    @Flag(help: "Warnings count as errors for the exit status.")
    var strict = false

    @Flag(help: "Apply the fixes that findings carry, and report what is left.")
    var fix = false

    @Option(help: ArgumentHelp("Explain a diagnostic code.", valueName: "code"))
    var explain: String?

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Logs: also report what they contain and the policies do not cover.", valueName: "log"))
    var traffic: [String] = []

    @Option(help: "text, json (one finding a line) or sarif.")
    var format = Format.text

    @Flag(help: "No summary.")
    var quiet = false

    /// The policy sets. Sets may follow the logs on the command line: unlike them, they are YAML, or folders of it.
    private var sets: [String] {
        let named = paths + traffic.filter(Self.isSet)
        return named.isEmpty ? ["."] : named
    }
    private var logs: [String] { traffic.filter { !Self.isSet($0) } }

    private static func isSet(_ path: String) -> Bool {
        if path.hasSuffix(".yaml") || path.hasSuffix(".yml") { return true }
        guard FileReading.kind(of: path) == .folder else { return false }
        return ((try? DocumentLoader.files(in: path)) ?? []).isEmpty == false
    }

    func run() throws {
        if let explain { return try explainCode(explain) }
        var counts: [Severity: Int] = [:]
        var sarif = SARIFRenderer(toolVersion: Bursar.configuration.version)
        // Prepared once: a stream can be read only once.
        let traffic = logs.isEmpty ? nil : try TrafficLogs(logs)
        defer { traffic?.remove() }
        for path in sets {
            for set in try Policies.sets(at: path) {
                if fix { try applyFixes(to: set) }
                var result = Checker.check(set)
                if let policies = result.set, let traffic {
                    let summary = try traffic.replay(policies, collectsDetails: true)
                    result.add(TrafficChecks.run(policies, summary))
                }
                let items = result.diagnostics.sorted()
                for item in items { counts[item.severity, default: 0] += 1 }
                if format == .sarif { sarif.add(items, result.sources) } else { show(items, result.sources) }
            }
        }
        if format == .sarif { Console.print(exact: sarif.render()) }
        if !quiet, format == .text {
            let parts = Severity.allCases.compactMap { severity in
                counts[severity].map { "\($0) \(severity.rawValue)\($0 == 1 ? "" : "s")" }
            }
            Console.error(parts.isEmpty ? "no findings" : parts.joined(separator: ", "))
        }
        if counts[.error] != nil || (strict && counts[.warning] != nil) { throw ExitStatus(1) }
    }

    private func explainCode(_ code: String) throws {
        guard let rule = DiagnosticRule.of(code) else {
            let near = nearestName(to: code, among: DiagnosticRule.all.map(\.code))
            throw ExitStatus(
                ExitStatus.usage, "there is no code `\(code)`" + (near.map { "; did you mean `\($0)`?" } ?? ""))
        }
        Console.print(rule.markdown)
    }

    private func show(_ items: [Diagnostic], _ sources: SourceMap) {
        for item in items.prefix(Bounds.diagnostics) {
            if format == .json {
                Console.print(exact: DiagnosticJSONRenderer(sources: sources).render(item))
            } else {
                let color = Console.usesColor(onTerminal: Console.outputIsTerminal)
                Console.print(exact: DiagnosticTextRenderer(sources: sources, color: color).render(item))
            }
        }
        if items.count > Bounds.diagnostics { Console.error("… and \(items.count - Bounds.diagnostics) more") }
    }

    /// A fix can lead to another finding with a fix, so this is repeated a few times.
    private func applyFixes(to set: String) throws {
        var fixed = 0
        for _ in 0..<8 {
            let result = Checker.check(set)
            let changes = Fixes.apply(result.diagnostics.sorted(), result.sources)
            if changes.files.isEmpty { break }
            // Writes all files before replacing the first.
            let outputs = try changes.files.map { change in
                let output = try OutputFile(change.path)
                try output.write(change.bytes)
                try output.flush()
                return output
            }
            for output in outputs { try output.commit(isDurable: true) }
            fixed += changes.count
        }
        if fixed > 0, !quiet { Console.error("\(shown(set)): \(fixed) fixed") }
    }
}
