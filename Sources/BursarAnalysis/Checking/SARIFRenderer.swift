import BursarSyntax

/// Findings as SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format"), which code hosts display next to the
/// source lines.
package struct SARIFRenderer: Sendable {
    private let version: String
    private var results: [(diagnostic: Diagnostic, sources: SourceMap)] = []

    package init(toolVersion: String) { version = toolVersion }

    package mutating func add(_ diagnostics: [Diagnostic], _ sources: SourceMap) {
        results += diagnostics.map { ($0, sources) }
    }

    package func render() -> String {
        var json = JSONWriter()
        json.object { json in
            json.field("$schema", "https://json.schemastore.org/sarif-2.1.0.json")
            json.field("version", "2.1.0")
            json.array("runs") { json in
                json.object { json in
                    json.object("tool") { json in json.object("driver") { json in driver(&json) } }
                    json.field("columnKind", "unicodeCodePoints")
                    json.array("results") { json in
                        for (diagnostic, sources) in results { result(diagnostic, sources, &json) }
                    }
                }
            }
        }
        return json.text
    }

    private func driver(_ json: inout JSONWriter) {
        json.field("name", "bursar")
        json.field("version", version)
        json.array("rules") { json in
            for rule in DiagnosticRule.all {
                json.object { json in
                    json.field("id", rule.code)
                    json.object("shortDescription") { $0.field("text", rule.title + ".") }
                    json.object("fullDescription") { $0.field("text", rule.checks + " " + rule.why) }
                    json.object("help") { json in
                        json.field("text", rule.fix)
                        json.field("markdown", rule.markdown)
                    }
                    json.object("defaultConfiguration") { $0.field("level", rule.severity.rawValue) }
                }
            }
        }
    }

    private func result(_ diagnostic: Diagnostic, _ sources: SourceMap, _ json: inout JSONWriter) {
        json.object { json in
            json.field("ruleId", diagnostic.code)
            if let index = DiagnosticRule.all.firstIndex(where: { $0 === diagnostic.rule }) {
                json.field("ruleIndex", index)
            }
            json.field("level", diagnostic.severity.rawValue)
            let help = diagnostic.help.map { "\n\($0)" } ?? ""
            json.object("message") { $0.field("text", diagnostic.message + help) }
            json.array("locations") { json in
                location(diagnostic.range, path: diagnostic.path, message: nil, sources, &json)
            }
            let notes = diagnostic.notes.filter { $0.range != nil }
            if !notes.isEmpty {
                json.array("relatedLocations") { json in
                    for note in notes { location(note.range, path: nil, message: note.message, sources, &json) }
                }
            }
            if let fix = diagnostic.fix, let file = sources[fix.range] { self.fix(fix, file, &json) }
            if let witness = diagnostic.witness {
                json.object("properties") { $0.raw("witness", witness.utf8) }
            }
        }
    }

    private func location(
        _ range: SourceRange?, path: String?, message: String?, _ sources: SourceMap, _ json: inout JSONWriter
    ) {
        guard let path = range.flatMap({ sources[$0]?.path }) ?? path else { return }
        json.object { json in
            json.object("physicalLocation") { json in
                json.object("artifactLocation") { $0.field("uri", uriReference(path)) }
                if let range, let file = sources[range] {
                    json.object("region") { json in region(range, file, &json) }
                }
            }
            if let message { json.object("message") { $0.field("text", message) } }
        }
    }

    private func region(_ range: SourceRange, _ file: SourceFile, _ json: inout JSONWriter) {
        let from = file.position(at: Int(range.start))
        let to = file.position(at: Int(range.end))
        json.field("startLine", from.line)
        json.field("startColumn", from.column)
        json.field("endLine", to.line)
        json.field("endColumn", to.column)
    }

    private func fix(_ fix: Diagnostic.Fix, _ file: SourceFile, _ json: inout JSONWriter) {
        json.array("fixes") { json in
            json.object { json in
                json.object("description") { $0.field("text", "\(fix.message): \(fix.replacement)") }
                json.array("artifactChanges") { json in
                    json.object { json in
                        json.object("artifactLocation") { $0.field("uri", uriReference(file.path)) }
                        json.array("replacements") { json in
                            json.object { json in
                                json.object("deletedRegion") { region(fix.range, file, &$0) }
                                json.object("insertedContent") { $0.field("text", fix.replacement) }
                            }
                        }
                    }
                }
            }
        }
    }
}
