import BursarSyntax

/// The digest of a document's content: keys and values in order, without layout, comments or quotes.
package enum Digest {
    package static func of(_ node: YAMLNode) -> String {
        var json = JSONWriter()
        append(node, to: &json)
        return sha256(json.bytes)
    }

    /// `sha256:` and the hash in hexadecimal digits.
    package static func sha256(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef")
        return "sha256:" + String(SHA256.hash(bytes).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }

    /// The recursion is bounded by `Bounds.yamlDepth`.
    private static func append(_ node: YAMLNode, to json: inout JSONWriter) {
        switch node.content {
        case .scalar(let text, _): json.value(text)
        case .list(let nodes): json.array { json in for node in nodes { append(node, to: &json) } }
        case .map(let entries):
            json.object { json in
                for entry in entries {
                    json.key(text: entry.name)
                    append(entry.value, to: &json)
                }
            }
        }
    }
}
