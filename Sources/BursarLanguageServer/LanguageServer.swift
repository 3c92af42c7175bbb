import BursarAnalysis
import BursarSyntax

/// The language server: one session over a pair of file descriptors, with the Language Server Protocol 3.17.
package final class LanguageServer {
    let stream: MessageStream
    private let version: String
    let workspace = Workspace()
    var runner: CheckRunner?
    var encoding = PositionEncoding.utf16
    private var isShuttingDown = false

    package init(input: Int32 = 0, output: Int32 = 1, version: String) {
        stream = MessageStream(input: input, output: output)
        self.version = version
    }

    /// Handles messages until the client ends the session. Returns the exit status that the protocol requires.
    package func run() -> Int32 {
        while stream.outputFailure == 0 {
            switch stream.next() {
            case .end: return isShuttingDown ? 0 : 1
            case .broken(let reason):
                answerError(nil, RPCError.parse, reason)
                return 1
            case .message(let bytes): if let status = receive(bytes) { return status }
            }
        }
        return 1
    }

    /// Handles one message: answers each request once, and no notification. Returns the exit status at the end of the
    /// session.
    private func receive(_ bytes: [UInt8]) -> Int32? {
        switch IncomingMessage(bytes) {
        case .unreadable(let id, let code, let reason): answerError(id, code, reason)
        case .response: break
        case .notification("exit", _): return isShuttingDown ? 0 : 1
        case .notification(let method, let params): if isReady { notify(method, params) }
        case .request(let id, "initialize", let params):
            if runner == nil, !isShuttingDown {
                initialize(id, params)
            } else {
                answerError(id, RPCError.invalidRequest, "the server is initialized already")
            }
        case .request(let id, _, _) where isShuttingDown:
            answerError(id, RPCError.invalidRequest, "the server is shut down")
        case .request(let id, _, _) where runner == nil:
            answerError(id, RPCError.notInitialized, "`initialize` must come first")
        case .request(let id, let method, let params): request(id, method, params)
        }
        return nil
    }

    /// The `errno` of a failed write; 0 if none failed.
    package var outputFailure: Int32 { stream.outputFailure }

    private var isReady: Bool { runner != nil && !isShuttingDown }

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

    private func notify(_ method: String, _ params: JSONTree) {
        switch method {
        case "textDocument/didOpen": didOpen(params)
        case "textDocument/didChange": didChange(params)
        case "textDocument/didClose": didClose(params)
        case "textDocument/didSave", "workspace/didChangeWatchedFiles":
            workspace.forgetDisk()
            if let path = path(params) { check(path) }
        default: break
        }
    }

    private func request(_ id: JSONTree, _ method: String, _ params: JSONTree) {
        if method == "shutdown" {
            isShuttingDown = true
            runner?.stop()
            return answer(id) { $0.null("result") }
        }
        guard let handler = Self.handlers[method] else {
            return answerError(id, RPCError.methodNotFound, "`\(method)` is not supported")
        }
        guard params["textDocument"]?["uri"]?.text != nil else {
            return answerError(id, RPCError.invalidParams, "`textDocument.uri` is missing")
        }
        if handler.needsPosition, !Self.isPosition(params["position"]) {
            return answerError(id, RPCError.invalidParams, "`position` needs a line and a character from 0 on")
        }
        handler.answer(self)(id, params)
    }

    private struct Handler: Sendable {
        var needsPosition: Bool
        var answer: @Sendable (LanguageServer) -> (JSONTree?, JSONTree) -> Void
    }

    private static let handlers: [String: Handler] = [
        "textDocument/hover": Handler(needsPosition: true, answer: { $0.hover }),
        "textDocument/completion": Handler(needsPosition: true, answer: { $0.complete }),
        "textDocument/definition": Handler(needsPosition: true, answer: { $0.definition }),
        "textDocument/references": Handler(needsPosition: true, answer: { $0.references }),
        "textDocument/prepareRename": Handler(needsPosition: true, answer: { $0.prepareRename }),
        "textDocument/rename": Handler(needsPosition: true, answer: { $0.rename }),
        "textDocument/formatting": Handler(needsPosition: false, answer: { $0.format }),
        "textDocument/codeAction": Handler(needsPosition: false, answer: { $0.codeActions }),
        "textDocument/documentSymbol": Handler(needsPosition: false, answer: { $0.outline }),
    ]

    private static func isPosition(_ position: JSONTree?) -> Bool {
        [position?["line"], position?["character"]].allSatisfy { part in
            part?.number.flatMap { Int($0) }.map { $0 >= 0 } ?? false
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
        guard text.utf8.count <= Bounds.fileBytes else { return forget(path) }
        workspace.put(Array(text.utf8), at: path)
        check(path)
    }

    private func didChange(_ params: JSONTree) {
        guard let path = path(params), case .list(let changes)? = params["contentChanges"],
            var source = workspace.file(path)?.source
        else { return }
        // Each change refers to the text after the change before it.
        guard changes.count.multipliedReportingOverflow(by: max(1, source.bytes.count)).partialValue <= Self.mostEdited
        else { return forget(path) }
        for change in changes {
            guard let text = change["text"]?.text else { return forget(path) }
            var bytes = source.bytes
            switch change["range"] {
            case nil, .null?: bytes = Array(text.utf8)
            case let range?:
                guard let start = offset(range["start"], in: source), let end = offset(range["end"], in: source) else {
                    return forget(path)
                }
                bytes.replaceSubrange(start..<max(start, end), with: text.utf8)
            }
            guard bytes.count <= Bounds.fileBytes else { return forget(path) }
            source = SourceFile(path: path, name: path, bytes: bytes)
        }
        workspace.put(source.bytes, at: path)
        check(path)
    }

    /// The maximum of changes in one message times bytes of the document.
    private static let mostEdited = 4 << 30

    /// Handles an invalid change: uses the text on disk until the client opens the document again.
    private func forget(_ path: String) {
        workspace.close(path)
        stream.send { json in
            json.field("method", "window/showMessage")
            json.object("params") { json in
                json.field("type", 1)
                json.field(
                    "message", "bursar: a change of \(path) could not be followed; close and open the file again")
            }
        }
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

    /// The position that a request refers to.
    func place(_ params: JSONTree) -> (path: String, file: PolicyFile, offset: Int)? {
        guard let path = path(params), let file = workspace.file(path),
            let offset = offset(params["position"], in: file.source)
        else { return nil }
        return (path, file, offset)
    }
}
