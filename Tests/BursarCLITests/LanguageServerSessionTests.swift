import Foundation
import Testing

/// Whole sessions of the language server as bytes: every request is answered once, whatever came before it.
@Suite struct LanguageServerSessionTests {
    private static let policy = "policy: p\nversion: 1\ntiers:\n  t: {models: any, limits: {daily: 5 requests/day}}\n"

    private static func framed(_ messages: [String]) -> Data {
        Data(messages.map { "Content-Length: \($0.utf8.count)\r\n\r\n\($0)" }.joined().utf8)
    }

    private static func request(_ id: Int, _ method: String, _ parameters: String = "null") -> String {
        #"{"jsonrpc":"2.0","id":\#(id),"method":"\#(method)","params":\#(parameters)}"#
    }

    private static func notification(_ method: String, _ parameters: String) -> String {
        #"{"jsonrpc":"2.0","method":"\#(method)","params":\#(parameters)}"#
    }

    private static func opened(_ uri: String, _ text: String) throws -> String {
        let quoted = String(decoding: try JSONEncoder().encode(text), as: UTF8.self)
        return notification(
            "textDocument/didOpen",
            #"{"textDocument":{"uri":"\#(uri)","languageId":"yaml","version":1,"text":\#(quoted)}}"#)
    }

    /// The messages of the server, in their order.
    private func answers(_ messages: [String], raw: Data = Data()) throws -> [[String: Any]] {
        let session =
            Self.framed([Self.request(0, "initialize", #"{"capabilities":{}}"#)]) + raw
            + Self.framed(messages + [Self.request(99, "shutdown"), Self.notification("exit", "null")])
        let result = try Binary.run(["lsp"], input: session, seconds: 60)
        #expect(result.status == 0, "\(result.errors)")
        var rest = Data(result.output.utf8)[...]
        var found: [[String: Any]] = []
        while let end = rest.firstRange(of: Data("\r\n\r\n".utf8)) {
            let head = String(decoding: rest[..<end.lowerBound], as: UTF8.self)
            let length = try #require(head.split(separator: " ").last.flatMap { Int($0) })
            let body = rest[end.upperBound...].prefix(length)
            found.append(try #require(try JSONSerialization.jsonObject(with: Data(body)) as? [String: Any]))
            rest = rest[(end.upperBound + length)...]
        }
        return found
    }

    private func ids(_ messages: [[String: Any]]) -> [Int] {
        messages.filter { $0["method"] == nil }.compactMap { $0["id"] as? Int }.sorted()
    }

    @Test(arguments: ["a: [", "\t", "- - -\n  x: {", "a: &a [*a]", "\u{0}", String(repeating: "[", count: 50_000), ""])
    func `requests after a document that is no YAML are answered`(text: String) throws {
        let uri = "file:///no/such/folder/p.yaml"
        let place = #"{"textDocument":{"uri":"\#(uri)"},"position":{"line":0,"character":0}}"#
        let methods = ["hover", "completion", "definition", "references", "formatting", "documentSymbol"]
        let found = try answers(
            [try Self.opened(uri, text)]
                + methods.enumerated().map { Self.request($0 + 1, "textDocument/\($1)", place) })
        #expect(ids(found) == [0] + Array(1...methods.count) + [99])
    }

    @Test func `unknown methods, wrong parameters and positions far outside are answered`() throws {
        let uri = "file:///no/such/folder/p.yaml"
        let far = #"{"textDocument":{"uri":"\#(uri)"},"position":{"line":9223372036854775807,"character":-1}}"#
        let found = try answers([
            try Self.opened(uri, Self.policy), Self.request(1, "no/such/method"), Self.request(2, "textDocument/hover"),
            Self.request(3, "textDocument/hover", "[1]"), Self.request(4, "textDocument/hover", far),
            Self.request(5, "textDocument/rename", far),
            Self.request(6, "textDocument/hover", #"{"textDocument":{"uri":"file:///other"}}"#),
            Self.request(7, "textDocument/formatting", #"{"textDocument":{"uri":"file:///dev/zero"}}"#),
        ])
        #expect(ids(found) == [0, 1, 2, 3, 4, 5, 6, 7, 99])
        #expect(found.contains { ($0["error"] as? [String: Any])?["code"] as? Int == -32601 })
    }

    @Test func `changes outside of the document end no session`() throws {
        let uri = "file:///no/such/folder/p.yaml"
        let ranges = [(0, 0, 99, 99), (3, 5, 1, 0), (-1, -1, 0, 0), (0, 9_999, 0, 9_999)]
        let changes = ranges.map { range in
            Self.notification(
                "textDocument/didChange",
                #"{"textDocument":{"uri":"\#(uri)","version":2},"contentChanges":[{"range":{"start":{"line":\#(range.0),"character":\#(range.1)},"end":{"line":\#(range.2),"character":\#(range.3)}},"text":"é"}]}"#
            )
        }
        let place = #"{"textDocument":{"uri":"\#(uri)"},"position":{"line":3,"character":4}}"#
        let found = try answers(
            [try Self.opened(uri, Self.policy)] + changes + [Self.request(1, "textDocument/hover", place)])
        #expect(ids(found) == [0, 1, 99])
    }

    @Test func `pipes in the folder of a document do not block`() throws {
        try Binary.inFolder { folder in
            for name in ["q.yaml", "bursar.lock"] {
                #expect(mkfifo(folder.appending(path: name).path(), 0o600) == 0)
            }
            let uri = folder.appending(path: "p.yaml").absoluteString
            let found = try answers([
                try Self.opened(uri, Self.policy),
                Self.request(1, "textDocument/documentSymbol", #"{"textDocument":{"uri":"\#(uri)"}}"#),
            ])
            #expect(ids(found) == [0, 1, 99])
        }
    }
}
