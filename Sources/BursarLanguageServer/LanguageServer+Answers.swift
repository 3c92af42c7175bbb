import BursarAnalysis
import BursarSyntax

/// Answers requests about a position or a document.
extension LanguageServer {
    func hover(_ id: JSONTree?, _ params: JSONTree) {
        guard let (path, file, offset) = place(params) else { return answer(id) { $0.null("result") } }
        let explainer = Explainer(
            path: path, file: file, names: workspace.occurrences(around: path),
            set: runner?.outcome(of: workspace.root(of: path))?.set)
        guard let found = explainer.explain(at: offset) else { return answer(id) { $0.null("result") } }
        answer(id) { json in
            json.object("result") { json in
                json.object("contents") { json in
                    json.field("kind", "markdown")
                    json.field("value", found.text)
                }
                json.range("range", found.range, in: file.source, encoding)
            }
        }
    }

    func complete(_ id: JSONTree?, _ params: JSONTree) {
        var items: [CompletionItem] = []
        var word = 0..<0
        let found = place(params)
        if let (path, file, offset) = found {
            let context = CursorContext(file.source, at: offset)
            items = Completer(names: workspace.occurrences(around: path)).items(context)
            let typed = context.isKey ? context.text.utf8.count : context.word.utf8.count
            word = max(0, offset - typed)..<offset
        }
        answer(id) { json in
            json.array("result") { json in
                guard let file = found?.file.source else { return }
                for item in items {
                    json.object { json in
                        json.field("label", item.label)
                        json.field("kind", item.kind.rawValue)
                        if !item.detail.isEmpty { json.field("detail", item.detail) }
                        json.object("textEdit") { json in
                            json.range("range", word, in: file, encoding)
                            json.field("newText", item.insert)
                        }
                    }
                }
            }
        }
    }

    private func locations(_ id: JSONTree?, _ found: [Workspace.Found]) {
        answer(id) { json in
            json.array("result") { json in
                for found in found {
                    json.object { json in
                        json.field("uri", FileURI.of(found.path))
                        json.range("range", found.occurrence.range.bytes, in: found.file.source, encoding)
                    }
                }
            }
        }
    }

    func definition(_ id: JSONTree?, _ params: JSONTree) {
        guard let (path, _, offset) = place(params) else { return locations(id, []) }
        locations(id, workspace.same(as: path, offset: offset).filter(\.occurrence.isDefinition))
    }

    func references(_ id: JSONTree?, _ params: JSONTree) {
        guard let (path, _, offset) = place(params) else { return locations(id, []) }
        var withDefinition = true
        if case .boolean(let value)? = params["context"]?["includeDeclaration"] { withDefinition = value }
        locations(
            id, workspace.same(as: path, offset: offset).filter { withDefinition || !$0.occurrence.isDefinition })
    }

    func prepareRename(_ id: JSONTree?, _ params: JSONTree) {
        guard let (_, file, offset) = place(params), let here = file.occurrence(at: offset) else {
            return answer(id) { $0.null("result") }
        }
        answer(id) { json in
            json.object("result") { json in
                json.range("range", here.range.bytes, in: file.source, encoding)
                json.field("placeholder", here.name)
            }
        }
    }

    func rename(_ id: JSONTree?, _ params: JSONTree) {
        guard let (path, file, offset) = place(params), let name = params["newName"]?.text,
            let here = file.occurrence(at: offset)
        else { return answerError(id, RPCError.invalidParams, "there is no name here") }
        guard Self.isName(name, like: here.kind) else {
            return answerError(id, RPCError.invalidParams, "`\(name)` cannot be the name of a \(here.kind.rawValue)")
        }
        let found = workspace.same(as: path, offset: offset)
        if workspace.occurrences(around: path).contains(where: {
            $0.occurrence.isDefinition && $0.occurrence.kind == here.kind && $0.occurrence.name == name
        }) {
            return answerError(id, RPCError.invalidParams, "there is a \(here.kind.rawValue) `\(name)` already")
        }
        answer(id) { json in
            json.object("result") { json in
                json.object("changes") { json in
                    for (path, found) in Dictionary(grouping: found, by: \.path).sorted(by: { $0.key < $1.key }) {
                        json.key(text: FileURI.of(path))
                        json.array { json in
                            for found in found {
                                edit(found.occurrence.range.bytes, name, in: found.file.source, &json)
                            }
                        }
                    }
                }
            }
        }
    }

    private static func isName(_ text: String, like kind: NameKind) -> Bool {
        if kind == .model || kind == .tenant || kind == .feature {
            return !text.isEmpty && !text.contains { $0.isWhitespace || ":#{}[],\"'*&!%@`".contains($0) }
        }
        guard let first = text.first, first.isASCII, first.isLetter else { return false }
        return text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "_-.".contains($0)) }
    }

    private func edit(_ range: Range<Int>, _ text: String, in file: SourceFile, _ json: inout JSONWriter) {
        json.object { json in
            json.range("range", range, in: file, encoding)
            json.field("newText", text)
        }
    }

    func format(_ id: JSONTree?, _ params: JSONTree) {
        guard let path = path(params), let source = workspace.file(path)?.source,
            let formatted = try? PolicyFormatter.format(source)
        else { return answer(id) { $0.null("result") } }
        answer(id) { json in
            json.array("result") { json in
                guard formatted != source.bytes else { return }
                edit(0..<source.bytes.count, String(decoding: formatted, as: UTF8.self), in: source, &json)
            }
        }
    }

    func codeActions(_ id: JSONTree?, _ params: JSONTree) {
        guard let path = path(params), let file = workspace.file(path),
            let start = offset(params["range"]?["start"], in: file.source),
            let end = offset(params["range"]?["end"], in: file.source),
            let outcome = runner?.outcome(of: workspace.root(of: path))
        else { return answer(id) { $0.array("result") { _ in } } }
        let fixes = outcome.diagnostics.compactMap { diagnostic -> (Diagnostic.Fix, SourceFile)? in
            guard let fix = diagnostic.fix, let range = diagnostic.range, outcome.sources[range]?.path == path,
                Int(range.start) <= end, start <= Int(range.end), let target = outcome.sources[fix.range],
                // The text has not changed since the check.
                workspace.file(target.path)?.source.bytes == target.bytes || target.name == LockFile.name
            else { return nil }
            return (fix, target)
        }
        answer(id) { json in
            json.array("result") { json in
                for (fix, target) in fixes {
                    json.object { json in
                        json.field("title", "\(fix.message): \(fix.replacement)")
                        json.field("kind", "quickfix")
                        json.object("edit") { json in
                            json.object("changes") { json in
                                json.key(text: FileURI.of(target.path))
                                json.array { edit(fix.range.bytes, fix.replacement, in: target, &$0) }
                            }
                        }
                    }
                }
            }
        }
    }

    func outline(_ id: JSONTree?, _ params: JSONTree) {
        guard let path = path(params), let file = workspace.file(path), file.isWhole else {
            return answer(id) { $0.array("result") { _ in } }
        }
        answer(id) { json in
            json.array("result") { json in
                for item in OutlineItem.all(file.nodes) { write(item, file.source, &json) }
            }
        }
    }

    private func write(_ item: OutlineItem, _ file: SourceFile, _ json: inout JSONWriter) {
        json.object { json in
            json.field("name", item.name)
            if !item.detail.isEmpty { json.field("detail", item.detail) }
            json.field("kind", item.kind.rawValue)
            json.range("range", item.whole.bytes, in: file, encoding)
            json.range("selectionRange", item.key.bytes, in: file, encoding)
            if !item.children.isEmpty {
                json.array("children") { json in
                    for child in item.children { write(child, file, &json) }
                }
            }
        }
    }
}
