/// Renders a diagnostic as text: `file:line:column: severity: message [code]`, the underlined source line, notes and
/// help. It escapes all quoted text, so that only its own colors act on a terminal.
package struct DiagnosticTextRenderer: Sendable {
    package let sources: SourceMap
    package let color: Bool

    package init(sources: SourceMap, color: Bool = false) {
        self.sources = sources
        self.color = color
    }

    package func render(_ diagnostic: Diagnostic) -> String {
        var text = paint(place(diagnostic.range, path: diagnostic.path), "1")
        let tint =
            switch diagnostic.severity {
            case .error: "1;31"
            case .warning: "1;35"
            case .note: "1;36"
            }
        text += paint("\(diagnostic.severity.rawValue): ", tint)
        text += paint(shown(diagnostic.message), "1") + " [\(shown(diagnostic.code))]\n"
        if let range = diagnostic.range { text += excerpt(range, tint) }
        for note in diagnostic.notes {
            text += place(note.range, path: nil) + paint("note: ", "1;36") + shown(note.message) + "\n"
            if let range = note.range { text += excerpt(range, "1;36") }
        }
        if let witness = diagnostic.witness { text += "  witness: \(shown(witness))\n" }
        if let help = diagnostic.help { text += "  help: \(shown(help))\n" }
        if let fix = diagnostic.fix {
            text +=
                fix.message == Diagnostic.Fix.didYouMean
                ? "  help: did you mean `\(shownLines(fix.replacement))`?\n"
                : "  help: \(shown(fix.message)): \(shownLines(fix.replacement))\n"
        }
        return text
    }

    private func place(_ range: SourceRange?, path: String?) -> String {
        guard let range, let file = sources[range] else { return path.map { "\(shown($0)): " } ?? "" }
        let position = file.position(at: Int(range.start))
        return "\(shown(file.path)):\(position.line):\(position.column): "
    }

    private func excerpt(_ range: SourceRange, _ tint: String) -> String {
        guard let file = sources[range] else { return "" }
        let from = file.position(at: Int(range.start))
        guard file.lineLength(from.line - 1) <= Bounds.excerptBytes else { return "" }
        let to = file.position(at: Int(range.end))
        // Replaces each character that acts on the terminal by one character, so that columns stay the same.
        let scalars = file.line(from.line).unicodeScalars.map { acts($0) && $0 != "\t" ? "\u{FFFD}" : $0 }
        let line = String(String.UnicodeScalarView(scalars))
        guard scalars.count <= 400 else { return "" }
        let end = to.line == from.line ? to.column : scalars.count + 1
        let marked = String(
            String.UnicodeScalarView(scalars.dropFirst(from.column - 1).prefix(max(0, end - from.column))))
        let width = max(1, displayWidth(marked))
        // The pad copies tabs from the line, so that the mark is below its text.
        let pad = String(String.UnicodeScalarView(scalars.prefix(from.column - 1)))
            .map { $0 == "\t" ? "\t" : String(repeating: " ", count: displayWidth(String($0))) }.joined()
        let number = String(from.line)
        let margin = String(repeating: " ", count: number.count)
        return " \(number) | \(line)\n \(margin) | \(pad)"
            + paint(String(repeating: "^", count: width), tint) + "\n"
    }

    private func paint(_ text: String, _ code: String) -> String {
        color ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}

/// Renders a diagnostic as one line of JSON.
package struct DiagnosticJSONRenderer: Sendable {
    package let sources: SourceMap

    package init(sources: SourceMap) { self.sources = sources }

    package func render(_ diagnostic: Diagnostic) -> String {
        var json = JSONWriter()
        json.object { json in
            json.field("code", diagnostic.code)
            json.field("severity", diagnostic.severity.rawValue)
            json.field("message", diagnostic.message)
            place(diagnostic.range, path: diagnostic.path, &json)
            if let help = diagnostic.help { json.field("help", help) }
            json.array("notes") { json in
                for note in diagnostic.notes {
                    json.object { json in
                        json.field("message", note.message)
                        place(note.range, path: nil, &json)
                    }
                }
            }
            if let fix = diagnostic.fix {
                json.object("fix") { json in
                    json.field("message", fix.message)
                    place(fix.range, path: nil, &json)
                    json.field("replacement", fix.replacement)
                }
            }
            if let witness = diagnostic.witness { json.raw("witness", witness.utf8) }
        }
        return json.text
    }

    private func place(_ range: SourceRange?, path: String?, _ json: inout JSONWriter) {
        guard let range, let file = sources[range] else {
            if let path { json.field("file", path) }
            return
        }
        let from = file.position(at: Int(range.start))
        let to = file.position(at: Int(range.end))
        json.field("file", file.path)
        json.field("line", from.line)
        json.field("column", from.column)
        json.field("end_line", to.line)
        json.field("end_column", to.column)
        json.field("byte", Int(range.start))
        json.field("end_byte", Int(range.end))
    }
}
