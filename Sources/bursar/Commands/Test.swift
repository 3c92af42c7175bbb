import ArgumentParser
import BursarAnalysis
import BursarEngine
import BursarPolicy
import BursarReplay
import BursarSyntax
import BursarTesting

struct Test: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Run the `tests` documents of policy sets.",
        discussion: """
            A test is a sequence of requests with the expected decisions. A test that fails shows the expected and the actual \
            decision, and every step that led to it. Without paths, the sets in the current folder are tested. The exit status \
            is 1 if a test fails.

            Examples:
              bursar test
              bursar test --coverage policies
              bursar test --format junit policies > results.xml
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable { case text, json, junit }
    enum CoverageFormat: String, ExpressibleByArgument, CaseIterable { case text, json, lcov }

    @Argument(help: "Files or folders; each is a policy set. Default: the current folder.")
    var paths: [String] = []

    @Option(help: ArgumentHelp("Only tests whose name contains this.", valueName: "text"))
    var filter: String?

    @Flag(help: "Show which tiers, rules, limits, thresholds and actions were exercised.")
    var coverage = false

    @Option(help: "text, json or lcov.")
    var coverageFormat = CoverageFormat.text

    @Option(help: "text, json (one test a line) or junit.")
    var format = Format.text

    @Flag(help: "Print only failures.")
    var quiet = false

    /// The tests of one set and their results.
    private struct SetResult {
        var path: String
        var set: PolicySet
        var count = 0
        var failed = 0
        var cases: [JUnit.Case] = []
        var coverage: Coverage
    }

    /// Tests that run before their results are shown and forgotten: the explanation of a failure may be long.
    private static let atOnce = 64

    func run() throws {
        var sets: [SetResult] = []
        for path in paths.isEmpty ? ["."] : paths {
            for set in try Policies.sets(at: path) { sets.append(try run(set)) }
        }
        if format == .junit { Console.print(exact: JUnit.render(sets.map { ($0.path, $0.cases) })) }
        if coverage { showCoverage(sets) }
        let (count, failed) = (sets.reduce(0) { $0 + $1.count }, sets.reduce(0) { $0 + $1.failed })
        if format == .text {
            if count == 0 {
                Console.error("no tests")
            } else if !quiet || failed > 0 {
                Console.error("\(count) test\(count == 1 ? "" : "s"), \(failed) failed")
            }
        }
        if failed > 0 { throw ExitStatus(1) }
    }

    /// Runs the tests of a set, and shows their results in the order of the tests.
    private func run(_ path: String) throws -> SetResult {
        let (set, documents) = try Policies.loadWithDocuments(path)
        let tests = PolicyTest.all(in: documents, set).filter { test in filter.map { test.name.contains($0) } ?? true }
        if let problem = PolicyTest.beyondBounds(tests, set, documents) {
            let color = Console.usesColor(onTerminal: Console.errorIsTerminal)
            Console.error(exact: DiagnosticTextRenderer(sources: set.sources, color: color).render(problem))
            throw ExitStatus(1)
        }
        let engine = PolicyTest.engine(set)
        var outcome = SetResult(path: path, set: set, coverage: coverage ? Coverage(set) : Coverage())
        for start in stride(from: 0, to: tests.count, by: Self.atOnce) {
            let results = concurrentMap(Array(tests[start..<min(tests.count, start + Self.atOnce)])) { test in
                let result = test.run(like: engine, detail: coverage ? .coverage : .none)
                // A run is the same every time, and most need no explanation.
                guard format == .text, !result.failures.isEmpty else { return result }
                var explained = test.run(like: engine, detail: .explanation)
                explained.coverage = result.coverage
                return explained
            }
            for result in results {
                outcome.count += 1
                if !result.passed { outcome.failed += 1 }
                if coverage { outcome.coverage.merge(result.coverage) }
                switch format {
                case .text: show(result, set)
                case .json: showJSON(result, path, set)
                case .junit: outcome.cases.append(JUnit.Case(result, set.sources))
                }
            }
        }
        return outcome
    }

    // MARK: - Results

    private func show(_ result: PolicyTest.Result, _ set: PolicySet) {
        if result.passed {
            if !quiet { Console.print("ok    \(shown(result.trial.name))") }
            return
        }
        let renderer = DiagnosticTextRenderer(
            sources: set.sources, color: Console.usesColor(onTerminal: Console.outputIsTerminal))
        Console.print("FAIL  \(shown(result.trial.name))")
        for diagnostic in result.diagnostics { Console.print(exact: renderer.render(diagnostic)) }
        for failure in result.failures {
            let place = set.sources.reference(failure.range)
            Console.print("      \(shown(place)): step \(failure.step): \(shown(failure.message))")
        }
        if let explained = result.failures.first?.explanation {
            let text = ExplanationText(engine: explained.engine).render(
                ExplainedRequest(
                    explanation: explained.explanation, decision: explained.decision, label: explained.label))
            Console.print(text.split(separator: "\n").map { "      | \($0)\n" }.joined())
        }
    }

    private func showJSON(_ result: PolicyTest.Result, _ path: String, _ set: PolicySet) {
        var json = JSONWriter()
        json.object { json in
            json.field("set", path)
            json.field("test", result.trial.name)
            json.field("source", set.sources.reference(result.trial.range))
            json.field("passed", result.passed)
            json.field("decisions", result.decisions)
            json.array("problems") { json in for item in result.diagnostics { json.value(item.message) } }
            json.array("failures") { json in
                for failure in result.failures {
                    json.object { json in
                        json.field("step", failure.step)
                        json.field("message", failure.message)
                        json.field("source", set.sources.reference(failure.range))
                        if !failure.decision.isEmpty { json.raw("decision", failure.decision.utf8) }
                    }
                }
            }
        }
        Console.print(exact: json.text)
    }

    // MARK: - Coverage

    private func showCoverage(_ sets: [SetResult]) {
        switch coverageFormat {
        case .text: for set in sets { Console.print(coverageText(set)) }
        case .json: for set in sets { Console.print(exact: coverageJSON(set)) }
        case .lcov: Console.print(exact: sets.map(lcov).joined())
        }
    }

    private func coverageText(_ set: SetResult) -> String {
        let total = set.coverage.total()
        var text = "\(shown(set.path)): \(total.met) of \(total.all) exercised"
        let kinds = Coverage.Kind.allCases.map { kind in
            let part = set.coverage.total(kind)
            return "\(kind.rawValue)s \(part.met)/\(part.all)"
        }
        text += " (\(kinds.joined(separator: ", ")))\n"
        for item in set.coverage.items where set.coverage.count(of: item) == 0 {
            text +=
                "  \(shown(set.set.sources.reference(item.source))): \(item.kind.rawValue) \(shown(item.name)) was never exercised\n"
        }
        return text
    }

    private func coverageJSON(_ set: SetResult) -> String {
        var json = JSONWriter()
        json.object { json in
            json.field("set", set.path)
            json.field("exercised", set.coverage.total().met)
            json.field("total", set.coverage.total().all)
            json.array("items") { json in
                for item in set.coverage.items {
                    json.object { json in
                        json.field("kind", item.kind.rawValue)
                        json.field("name", item.name)
                        json.field("source", set.set.sources.reference(item.source))
                        json.field("count", set.coverage.count(of: item))
                    }
                }
            }
        }
        return json.text
    }

    /// The format of lcov's `geninfo`. The count of a line is the lowest count of its items.
    private func lcov(_ set: SetResult) -> String {
        var lines: [String: [Int: Int]] = [:]
        for item in set.coverage.items {
            guard let file = set.set.sources[item.source] else { continue }
            let line = file.position(at: Int(item.source.start)).line
            let count = set.coverage.count(of: item)
            lines[file.path, default: [:]][line] = min(count, lines[file.path]?[line] ?? count)
        }
        return lines.sorted { $0.key < $1.key }.map { path, counts in
            var text = "TN:\nSF:\(shown(path))\n"
            for (line, count) in counts.sorted(by: { $0.key < $1.key }) { text += "DA:\(line),\(count)\n" }
            return text + "LF:\(counts.count)\nLH:\(counts.values.count { $0 > 0 })\nend_of_record\n"
        }.joined()
    }
}
