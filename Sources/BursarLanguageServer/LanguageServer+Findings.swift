import BursarAnalysis
import BursarSyntax

/// Publishes the findings of checks as diagnostics.
extension LanguageServer {
    func check(_ path: String) {
        let root = workspace.root(of: path)
        let lockPath = LockFile.path(for: root)
        let lock = Workspace.bytes(of: lockPath).map {
            SourceFile(path: lockPath, name: LockFile.name, bytes: $0)
        }
        runner?.check(CheckRunner.Job(root: root, sources: workspace.sources(below: root), lock: lock))
    }

    static func publish(
        _ job: CheckRunner.Job, _ outcome: CheckRunner.Outcome, _ stream: MessageStream, _ encoding: PositionEncoding
    ) {
        let byPath = Dictionary(grouping: outcome.diagnostics) { diagnostic in
            diagnostic.range.flatMap { outcome.sources[$0]?.path }
        }
        for source in job.sources {
            let own = byPath[source.path] ?? []
            stream.send { json in
                json.field("method", "textDocument/publishDiagnostics")
                json.object("params") { json in
                    json.field("uri", FileURI.of(source.path))
                    json.array("diagnostics") { json in
                        for diagnostic in own.prefix(Bounds.diagnostics) {
                            write(diagnostic, source, outcome.sources, encoding, &json)
                        }
                    }
                }
            }
        }
    }

    private static func write(
        _ diagnostic: Diagnostic, _ source: SourceFile, _ sources: SourceMap, _ encoding: PositionEncoding,
        _ json: inout JSONWriter
    ) {
        json.object { json in
            json.range("range", diagnostic.range?.bytes ?? 0..<0, in: source, encoding)
            let severities: [Severity: Int] = [.error: 1, .warning: 2, .note: 3]
            json.field("severity", severities[diagnostic.severity] ?? 3)
            json.field("code", diagnostic.code)
            json.field("source", "bursar")
            var text = diagnostic.message
            if let fix = diagnostic.fix { text += "\n\(fix.message): \(fix.replacement)" }
            if let help = diagnostic.help { text += "\n\(help)" }
            if let witness = diagnostic.witness { text += "\nfor example: \(witness)" }
            json.field("message", text)
            let notes = diagnostic.notes.filter { $0.range != nil }
            guard !notes.isEmpty else { return }
            json.array("relatedInformation") { json in
                for note in notes {
                    guard let range = note.range, let file = sources[range] else { continue }
                    json.object { json in
                        json.object("location") { json in
                            json.field("uri", FileURI.of(file.path))
                            json.range("range", range.bytes, in: file, encoding)
                        }
                        json.field("message", note.message)
                    }
                }
            }
        }
    }
}
