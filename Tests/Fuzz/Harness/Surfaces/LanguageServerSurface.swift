import BursarSyntax
import RandomPolicies

/// Conversations with the language server.
enum LanguageServerSurface {
    private static let positionMethods = [
        "textDocument/hover", "textDocument/completion", "textDocument/definition", "textDocument/references",
        "textDocument/prepareRename", "textDocument/rename",
    ]
    private static let documentMethods = [
        "textDocument/formatting", "textDocument/codeAction", "textDocument/documentSymbol", "textDocument/unknown",
    ]
    private static let uris = [
        "file:///proc/self/cwd/p.yaml", "file:///proc/self/cwd/q.yaml", "file:///proc/self/cwd/set/p%20.yaml",
        "untitled:one", "file:///", "file:///none/p.yaml",
    ]

    static func input(_ random: inout SeededGenerator, _ corpus: Corpus) -> FuzzInput {
        var mutator = Mutator(random: random, others: corpus.documents.map(\.bytes))
        let text = mutator.random.pick(corpus.documents).bytes
        var input = FuzzInput()
        if mutator.random.chance(50) { input.add("p.yaml", text) }
        var messages = [
            message(
                1, "initialize",
                #"{"capabilities":{"general":{"positionEncodings":["\#(mutator.random.pick(["utf-8", "utf-16"]))"]}}}"#)
        ]
        let uri = mutator.random.pick(uris)
        let opened = mutator.random.chance(70) ? mutator.mutated(text) : text
        messages.append(
            message(
                nil, "textDocument/didOpen",
                #"{"textDocument":{"uri":"\#(uri)","version":1,"text":\#(quoted(opened))}}"#))
        let lines = max(1, opened.count { $0 == 0x0A })
        for number in 0..<(1 + mutator.random.below(10)) { messages.append(step(number + 2, uri, lines, &mutator)) }
        if mutator.random.chance(30) {
            messages = messages.map { mutator.random.chance(15) ? mutator.mutated($0) : $0 }
        }
        messages.append(message(900, "shutdown", "null"))
        messages.append(message(nil, "exit", "null"))
        var session = messages.flatMap { Array("Content-Length: \($0.count)\r\n\r\n".utf8) + $0 }
        if mutator.random.chance(10) { session = mutator.mutated(session) }
        input.add("session", session)
        input.steps.append([">", "out", "<", "session", "lsp"])
        input.run("answers", "session", "out")
        random = mutator.random
        return input
    }

    private static func step(_ id: Int, _ uri: String, _ lines: Int, _ mutator: inout Mutator) -> [UInt8] {
        let document = #""textDocument":{"uri":"\#(mutator.random.chance(90) ? uri : mutator.random.pick(uris))"}"#
        switch mutator.random.below(10) {
        case 0...4:
            let method = mutator.random.pick(positionMethods)
            let name = quoted(mutator.random.pick(Tokens.all))
            return message(id, method, #"{\#(document),"position":\#(position(lines, &mutator)),"newName":\#(name)}"#)
        case 5, 6:
            return message(
                id, mutator.random.pick(documentMethods),
                #"{\#(document),"range":\#(range(lines, &mutator)),"context":{"diagnostics":[]}}"#)
        case 7:
            return message(
                nil,
                mutator.random.pick([
                    "textDocument/didSave", "textDocument/didClose", "workspace/didChangeWatchedFiles",
                ]), "{\(document)}")
        default:
            let text =
                mutator.random.chance(50)
                ? mutator.random.pick(Tokens.all) : Array(mutator.random.pick(mutator.others).prefix(200))
            let place = mutator.random.chance(85) ? #""range":\#(range(lines, &mutator)),"# : ""
            return message(
                nil, "textDocument/didChange", #"{\#(document),"contentChanges":[{\#(place)"text":\#(quoted(text))}]}"#)
        }
    }

    private static func position(_ lines: Int, _ mutator: inout Mutator) -> String {
        if mutator.random.chance(5) {
            let number = String(decoding: mutator.random.pick(Tokens.numbers), as: UTF8.self)
            return #"{"line":\#(number),"character":\#(number)}"#
        }
        return #"{"line":\#(mutator.random.below(lines + 2)),"character":\#(mutator.random.below(60))}"#
    }

    private static func range(_ lines: Int, _ mutator: inout Mutator) -> String {
        #"{"start":\#(position(lines, &mutator)),"end":\#(position(lines, &mutator))}"#
    }

    private static func message(_ id: Int?, _ method: String, _ parameters: String) -> [UInt8] {
        let id = id.map { "\"id\":\($0)," } ?? ""
        return Array(#"{"jsonrpc":"2.0",\#(id)"method":"\#(method)","params":\#(parameters)}"#.utf8)
    }

    private static func quoted(_ bytes: [UInt8]) -> String {
        var json = JSONWriter()
        json.value(String(decoding: bytes, as: UTF8.self))
        return json.text
    }
}
