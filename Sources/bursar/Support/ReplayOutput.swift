import ArgumentParser
import BursarReplay
import BursarSyntax

/// How the result of a replay is shown, and when it counts as failed.
struct ReplayOutput: ParsableArguments {
    @Option(help: ArgumentHelp("Write a report: .html, .md or .json. Repeat for several.", valueName: "file"))
    var report: [String] = []

    @Option(help: ArgumentHelp("End with 3 where this holds: \(FailExpression.help).", valueName: "expression"))
    var failOn: String?

    @Option(help: "text or json.")
    var format = OutputFormat.text

    /// Ends with 2 where an option makes no sense, before any work is done.
    func check() throws {
        for path in report where ![".html", ".md", ".json"].contains(where: path.hasSuffix) {
            throw ExitStatus(ExitStatus.usage, "--report: `\(path)` ends with none of .html, .md and .json")
        }
        _ = try failExpression()
    }

    private func failExpression() throws -> FailExpression? {
        guard let failOn else { return nil }
        guard let expression = FailExpression(failOn) else {
            throw ExitStatus(ExitStatus.usage, "--fail-on: `\(failOn)` is not \(FailExpression.help)")
        }
        return expression
    }

    /// - Parameter failures: logs that could not be read to their end.
    func show(_ summary: ReplaySummary, failures: [String] = []) throws {
        switch format {
        case .text: Console.print(SummaryTextRenderer(summary).render())
        case .json: Console.print(SummaryJSONRenderer(summary).render())
        }
        if let failure = failures.first {
            throw ExitStatus(ExitStatus.usage, "\(failure); what was read before it is in the summary")
        }
        try writeReports(summary)
        if summary.wasStopped { throw ExitStatus(130) }
        if let failing = try failExpression(), failing.holds(summary) {
            throw ExitStatus(3, "failed: \(failing.text)")
        }
    }

    private func writeReports(_ summary: ReplaySummary) throws {
        if report.isEmpty { return }
        let figures = ReportFigures(summary)
        for path in report {
            let text =
                path.hasSuffix(".html")
                ? HTMLReport(figures).render()
                : path.hasSuffix(".md") ? MarkdownReport(figures).render() : JSONReport(figures).render() + "\n"
            do throws(FileError) {
                try FileReading.write(Array(text.utf8), to: path)
            } catch {
                throw ExitStatus(ExitStatus.usage, error.description)
            }
        }
    }
}
