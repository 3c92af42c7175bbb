import ArgumentParser
import BursarReplay
import BursarSyntax

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Options for the output of a replay and for its exit status.
struct ReplayOutput: ParsableArguments {
    @Option(help: ArgumentHelp("Write a report: .html, .md or .json. Repeat for several.", valueName: "file"))
    var report: [String] = []

    @Option(help: ArgumentHelp("End with 3 where this holds: \(FailExpression.help).", valueName: "expression"))
    var failOn: String?

    @Option(help: "text or json.")
    var format = OutputFormat.text

    /// Ends with 2 for invalid options, before any work.
    func check() throws {
        for path in report where ![".html", ".md", ".json"].contains(where: path.hasSuffix) {
            throw ExitStatus(ExitStatus.usage, "--report: `\(path)` does not end in .html, .md or .json")
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

    /// - Parameters:
    ///   - failures: logs that could not be read to their end.
    ///   - besideLines: standard output is used for lines, so the summary goes to standard error.
    func show(_ summary: ReplaySummary, failures: [String] = [], besideLines: Bool = false) throws {
        let text =
            switch format {
            case .text: SummaryTextRenderer(summary).render()
            case .json: SummaryJSONRenderer(summary).render()
            }
        let exact = format == .json ? text : shownLines(text)
        if besideLines { Console.error(exact: exact) } else { Console.print(exact: exact) }
        if let failure = failures.first {
            throw ExitStatus(ExitStatus.usage, "\(failure); the summary covers the records before it")
        }
        try writeReports(summary)
        if summary.wasStopped { throw ExitStatus(Shutdown.status(ofSignal: Shutdown.receivedSignal ?? SIGINT)) }
        if let failing = try failExpression(), failing.holds(for: summary) {
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
            try OutputFile.write(Array(text.utf8), to: path)
        }
    }
}
