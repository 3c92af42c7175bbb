import ArgumentParser
import BursarAnalysis
import BursarPolicy
import BursarSyntax

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Read, compile and analyse policies.",
        discussion:
            "Every finding has a code, a place and, where one is known, the fix. Ends with 1 if any is an error.")

    @Argument(help: "Files or folders; each is a policy set.")
    var paths: [String]

    @Flag(help: "Warnings count as errors for the exit status.")
    var strict = false

    @Option(help: "text or json (one finding a line).")
    var format = OutputFormat.text

    @Flag(help: "No summary.")
    var quiet = false

    func run() throws {
        var errors = 0
        var warnings = 0
        var notes = 0
        for path in paths {
            guard FileReading.kind(of: path) != .missing else {
                throw ExitStatus(ExitStatus.usage, "\(path): there is no such file or folder")
            }
            for set in Policies.sets(at: path) {
                let result = Compiler.compile(set)
                var diagnostics = result.diagnostics
                if let policies = result.set { diagnostics.add(contentsOf: Analysis.run(policies)) }
                let items = diagnostics.sorted()
                for item in items.prefix(Bounds.diagnostics) {
                    switch format {
                    case .text:
                        let color = Console.usesColor(onTerminal: Console.outputIsTerminal)
                        Console.print(DiagnosticTextRenderer(sources: result.sources, color: color).render(item))
                    case .json: Console.print(DiagnosticJSONRenderer(sources: result.sources).render(item))
                    }
                }
                if items.count > Bounds.diagnostics { Console.error("… and \(items.count - Bounds.diagnostics) more") }
                errors += items.count { $0.severity == .error }
                warnings += items.count { $0.severity == .warning }
                notes += items.count { $0.severity == .note }
            }
        }
        if !quiet, format == .text {
            let parts = [(errors, "error"), (warnings, "warning"), (notes, "note")].filter { $0.0 > 0 }
                .map { "\($0.0) \($0.1)\($0.0 == 1 ? "" : "s")" }
            Console.error(parts.isEmpty ? "no findings" : parts.joined(separator: ", "))
        }
        if errors > 0 || (strict && warnings > 0) { throw ExitStatus(1) }
    }
}
