import BursarSyntax

/// Whether a language server answered every request of a session exactly once.
enum LanguageServerAnswers {
    static func check(_ session: String, _ output: String) -> String? {
        guard let sent = Files.read(session), let received = Files.read(output) else { return nil }
        var asked: [String: Int] = [:]
        for message in messages(sent) {
            guard let method = message["method"]?.text else { continue }
            if method == "exit" { break }
            if let id = id(message) { asked[id, default: 0] += 1 }
        }
        var answered: [String: Int] = [:]
        for message in messages(received) where message["method"] == nil {
            if let id = id(message) { answered[id, default: 0] += 1 }
        }
        for (id, count) in asked.sorted(by: { $0.key < $1.key }) where answered[id, default: 0] != count {
            return "request \(id) was sent \(count) times and answered \(answered[id, default: 0]) times"
        }
        return nil
    }

    private static func id(_ message: JSONTree) -> String? {
        switch message["id"] {
        case .number(let text)? where Int(text) != nil: text
        case .string(let text)?: "\"\(text)\""
        default: nil
        }
    }

    /// The messages up to the first that is not framed as the protocol asks.
    private static func messages(_ bytes: [UInt8]) -> [JSONTree] {
        var found: [JSONTree] = []
        var rest = bytes[...]
        let frame = Array("Content-Length: ".utf8)
        while rest.starts(with: frame) {
            rest = rest.dropFirst(frame.count)
            let digits = rest.prefix { $0 >= 0x30 && $0 <= 0x39 }
            guard let length = Int(String(decoding: digits, as: UTF8.self)), length <= rest.count else { break }
            rest = rest.dropFirst(digits.count)
            guard rest.starts(with: "\r\n\r\n".utf8), rest.count >= length + 4 else { break }
            rest = rest.dropFirst(4)
            if let tree = try? JSONTree.parse(Array(rest.prefix(length))) { found.append(tree) }
            rest = rest.dropFirst(length)
        }
        return found
    }
}
