import BursarAnalysis
import BursarSyntax

/// The language server: one conversation over a pair of file descriptors, after the Language Server Protocol 3.17.
public final class LanguageServer {
    let stream: MessageStream
    private let version: String
    let workspace = Workspace()
    var runner: CheckRunner?
    var encoding = PositionEncoding.utf16
    private var isShuttingDown = false

    public init(input: Int32 = 0, output: Int32 = 1, version: String) {
        stream = MessageStream(input: input, output: output)
        self.version = version
    }

    /// Answers until the client ends the conversation. Returns the exit status that the protocol asks for.
    public func run() -> Int32 {
        while stream.outputFailure == 0 {
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
        return 1
    }

    /// The number of the error by which answers could not be written; 0 where they could.
    package var outputFailure: Int32 { stream.outputFailure }

    // MARK: - Messages

    func answer(_ id: JSONTree?, _ result: (inout JSONWriter) -> Void) {
        stream.send { json in
            json.raw("id", Self.idText(id).utf8)
            result(&json)
        }
    }

    func answerError(_ id: JSONTree?, _ code: Int, _ message: String) {
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

    func path(_ params: JSONTree) -> String? { params["textDocument"]?["uri"]?.text.flatMap(FileURI.path) }

    private func didOpen(_ params: JSONTree) {
        guard let path = path(params), let text = params["textDocument"]?["text"]?.text else { return }
        workspace.put(Array(text.utf8), at: path)
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
        workspace.put(source.bytes, at: path)
        check(path)
    }

    private func didClose(_ params: JSONTree) {
        guard let path = path(params) else { return }
        workspace.close(path)
        check(path)
    }

    func offset(_ position: JSONTree?, in file: SourceFile) -> Int? {
        guard let line = position?["line"]?.number.flatMap({ Int($0) }),
            let character = position?["character"]?.number.flatMap({ Int($0) }), line >= 0, character >= 0
        else { return nil }
        return encoding.offset(of: TextPosition(line: line, character: character), in: file)
    }

    /// The place that a request asks about.
    func place(_ params: JSONTree) -> (path: String, file: PolicyFile, offset: Int)? {
        guard let path = path(params), let file = workspace.file(path),
            let offset = offset(params["position"], in: file.source)
        else { return nil }
        return (path, file, offset)
    }
}
