import BursarAnalysis
import BursarSyntax

/// The language server: one conversation over a pair of file descriptors, after the Language Server Protocol 3.17.
public final class LanguageServer {
    private let stream: MessageStream
    private let version: String
    private let workspace = Workspace()
    private var runner: CheckRunner?
    private var encoding = PositionEncoding.utf16
    private var isShuttingDown = false

    public init(input: Int32 = 0, output: Int32 = 1, version: String) {
        stream = MessageStream(input: input, output: output)
        self.version = version
    }

    /// Answers until the client ends the conversation. Returns the exit status that the protocol asks for.
    public func run() -> Int32 {
        while true {
            switch stream.next() {
            case .end: return isShuttingDown ? 0 : 1
            case .broken(let reason):
                answerError(nil, -32_700, reason)
                return 1
            case .message(let bytes):
                guard let message = try? JSONTree.parse(bytes) else {
                    answerError(nil, -32_700, "this is not JSON")
                    continue
                }
                guard let method = message["method"]?.text else { continue }
                if method == "exit" { return isShuttingDown ? 0 : 1 }
                handle(method, message["id"], message["params"] ?? .null)
            }
        }
    }

    // MARK: - Messages

    private func answer(_ id: JSONTree?, _ result: (inout JSONWriter) -> Void) {
        stream.send { json in
            json.raw("id", Self.idText(id).utf8)
            result(&json)
        }
    }

    private func answerError(_ id: JSONTree?, _ code: Int, _ message: String) {
        answer(id) { json in
            json.object("error") { json in
                json.field("code", code)
                json.field("message", message)
            }
        }
    }

    private static func idText(_ id: JSONTree?) -> String {
        switch id {
        case .number(let text)?: return text
        case .string(let text)?:
            var json = JSONWriter()
            json.value(text)
            return json.text
        default: return "null"
        }
    }

    private func handle(_ method: String, _ id: JSONTree?, _ params: JSONTree) {
        switch method {
        case "initialize": initialize(id, params)
        case "shutdown":
            isShuttingDown = true
            runner?.finish()
            answer(id) { $0.null("result") }
        case "textDocument/didOpen": didOpen(params)
        case "textDocument/didChange": didChange(params)
        case "textDocument/didClose": didClose(params)
        case "textDocument/didSave", "workspace/didChangeWatchedFiles":
            workspace.forgetDisk()
            if let path = path(params) { check(path) }
        case "textDocument/hover": hover(id, params)
        case "textDocument/completion": complete(id, params)
        case "textDocument/definition": definition(id, params)
        case "textDocument/references": references(id, params)
        case "textDocument/prepareRename": prepareRename(id, params)
        case "textDocument/rename": rename(id, params)
        case "textDocument/formatting": format(id, params)
        case "textDocument/codeAction": codeActions(id, params)
        case "textDocument/documentSymbol": outline(id, params)
        default:
            // Notifications that are not known may be passed over, requests may not.
            if id != nil { answerError(id, -32_601, "`\(method)` is not supported") }
        }
    }

    private func initialize(_ id: JSONTree?, _ params: JSONTree) {
        if case .list(let offered)? = params["capabilities"]?["general"]?["positionEncodings"],
            offered.contains(where: { $0.text == "utf-8" })
        {
            encoding = .utf8
        }
        let stream = stream
        let encoding = encoding
        runner = CheckRunner { job, outcome in Self.publish(job, outcome, stream, encoding) }
        answer(id) { json in
            json.object("result") { json in
                json.object("capabilities") { json in
                    json.field("positionEncoding", encoding.rawValue)
                    json.object("textDocumentSync") { json in
                        json.field("openClose", true)
                        json.field("change", 2)
                        json.field("save", true)
                    }
                    json.field("hoverProvider", true)
                    json.object("completionProvider") { json in
                        json.array("triggerCharacters") { json in
                            for character in [":", " ", "\"", "{", "[", ","] { json.value(character) }
                        }
                    }
                    json.field("definitionProvider", true)
                    json.field("referencesProvider", true)
                    json.object("renameProvider") { $0.field("prepareProvider", true) }
                    json.field("documentFormattingProvider", true)
                    json.object("codeActionProvider") { json in
                        json.array("codeActionKinds") { $0.value("quickfix") }
                    }
                    json.field("documentSymbolProvider", true)
                }
                json.object("serverInfo") { json in
                    json.field("name", "bursar")
                    json.field("version", version)
                }
            }
        }
    }

    // MARK: - Documents

    private func path(_ params: JSONTree) -> String? { params["textDocument"]?["uri"]?.text.flatMap(FileURI.path) }

    private func didOpen(_ params: JSONTree) {
        guard let path = path(params), let text = params["textDocument"]?["text"]?.text else { return }
        let version = params["textDocument"]?["version"]?.number.flatMap { Int($0) } ?? 0
        workspace.open(path, version: version, Array(text.utf8))
        check(path)
    }

    private func didChange(_ params: JSONTree) {
        guard let path = path(params), case .list(let changes)? = params["contentChanges"],
            var source = workspace.file(path)?.source
        else { return }
        for change in changes {
            guard let text = change["text"]?.text else { continue }
            var bytes = source.bytes
            if let range = change["range"], let start = offset(range["start"], in: source),
                let end = offset(range["end"], in: source)
            {
                bytes.replaceSubrange(start..<max(start, end), with: text.utf8)
            } else {
                bytes = Array(text.utf8)
            }
            source = SourceFile(path: path, name: path, bytes: bytes)
        }
        let version = params["textDocument"]?["version"]?.number.flatMap { Int($0) } ?? 0
        workspace.change(path, version: version, source.bytes)
        check(path)
    }

    private func didClose(_ params: JSONTree) {
        guard let path = path(params) else { return }
        workspace.close(path)
        check(path)
    }

    private func offset(_ position: JSONTree?, in file: SourceFile) -> Int? {
        guard let line = position?["line"]?.number.flatMap({ Int($0) }),
            let character = position?["character"]?.number.flatMap({ Int($0) }), line >= 0, character >= 0
        else { return nil }
        return encoding.offset(of: TextPosition(line: line, character: character), in: file)
    }

    /// The place that a request asks about.
    private func place(_ params: JSONTree) -> (path: String, file: PolicyFile, offset: Int)? {
        guard let path = path(params), let file = workspace.file(path),
            let offset = offset(params["position"], in: file.source)
        else { return nil }
        return (path, file, offset)
    }

    // MARK: - Diagnostics

    private func check(_ path: String) {
        let root = workspace.root(of: path)
        let lockPath = LockFile.path(for: root)
        let lock = (try? FileReading.read(lockPath, limit: Bounds.fileBytes)).map {
            SourceFile(path: lockPath, name: LockFile.name, bytes: $0)
        }
        runner?.check(CheckRunner.Job(root: root, sources: workspace.sources(below: root), lock: lock))
    }

    private static func publish(
        _ job: CheckRunner.Job, _ outcome: CheckRunner.Outcome, _ stream: MessageStream, _ encoding: PositionEncoding
    ) {
        for source in job.sources {
            let own = outcome.diagnostics.filter { diagnostic in
                diagnostic.range.flatMap { outcome.sources[$0]?.path } == source.path
            }
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

    // MARK: - Answers

    private func hover(_ id: JSONTree?, _ params: JSONTree) {
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

    private func complete(_ id: JSONTree?, _ params: JSONTree) {
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

    private func definition(_ id: JSONTree?, _ params: JSONTree) {
        guard let (path, _, offset) = place(params) else { return locations(id, []) }
        locations(id, workspace.same(as: path, offset: offset).filter(\.occurrence.isDefinition))
    }

    private func references(_ id: JSONTree?, _ params: JSONTree) {
        guard let (path, _, offset) = place(params) else { return locations(id, []) }
        var withDefinition = true
        if case .boolean(let value)? = params["context"]?["includeDeclaration"] { withDefinition = value }
        locations(
            id, workspace.same(as: path, offset: offset).filter { withDefinition || !$0.occurrence.isDefinition })
    }

    private func prepareRename(_ id: JSONTree?, _ params: JSONTree) {
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

    private func rename(_ id: JSONTree?, _ params: JSONTree) {
        guard let (path, file, offset) = place(params), let name = params["newName"]?.text,
            let here = file.occurrence(at: offset)
        else { return answerError(id, -32_602, "there is no name here") }
        guard Self.isName(name, like: here.kind) else {
            return answerError(id, -32_602, "`\(name)` cannot be the name of a \(here.kind.rawValue)")
        }
        let found = workspace.same(as: path, offset: offset)
        if workspace.occurrences(around: path).contains(where: {
            $0.occurrence.isDefinition && $0.occurrence.kind == here.kind && $0.occurrence.name == name
        }) {
            return answerError(id, -32_602, "there is a \(here.kind.rawValue) `\(name)` already")
        }
        answer(id) { json in
            json.object("result") { json in
                json.object("changes") { json in
                    for path in Set(found.map(\.path)).sorted() {
                        json.key(text: FileURI.of(path))
                        json.array { json in
                            for found in found where found.path == path {
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

    private func format(_ id: JSONTree?, _ params: JSONTree) {
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

    private func codeActions(_ id: JSONTree?, _ params: JSONTree) {
        guard let path = path(params), let file = workspace.file(path),
            let start = offset(params["range"]?["start"], in: file.source),
            let end = offset(params["range"]?["end"], in: file.source),
            let outcome = runner?.outcome(of: workspace.root(of: path))
        else { return answer(id) { $0.array("result") { _ in } } }
        let fixes = outcome.diagnostics.compactMap { diagnostic -> (Diagnostic.Fix, SourceFile)? in
            guard let fix = diagnostic.fix, let range = diagnostic.range, outcome.sources[range]?.path == path,
                Int(range.start) <= end, start <= Int(range.end), let target = outcome.sources[fix.range],
                // The text has not changed since it was checked.
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

    private func outline(_ id: JSONTree?, _ params: JSONTree) {
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
