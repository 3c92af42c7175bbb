import BursarSyntax
import BursarLogs

/// Converts a test's request fields to the JSON format of `bursar eval`, so that tests and programs use the same
/// fields.
struct RequestFields {
    private var values: [(name: String, node: YAMLNode)] = []
    /// Adds fields; later fields replace earlier ones.
    mutating func add(_ entries: [YAMLEntry]) {
        for entry in entries {
            values.removeAll { $0.name == entry.name }
            values.append((entry.name, entry.value))
        }
    }

    func has(_ name: String) -> Bool { values.contains { $0.name == name } }

    func text(_ name: String) -> String? { values.first { $0.name == name }?.node.scalar }

    func json(time: Int64, id: String) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            if !has("ts") { json.field("ts", instantText(time)) }
            if !has("request_id") { json.field("request_id", id) }
            if !has("tenant") { json.field("tenant", "test-tenant") }
            for (name, node) in values {
                json.key(text: name)
                write(node, Field.named[name], &json)
            }
        }
        return json.bytes
    }

    private func write(_ node: YAMLNode, _ field: Field?, _ json: inout JSONWriter) {
        switch node.content {
        case .scalar(let text, _):
            switch field?.form {
            case .number:
                var scanner = TextScanner(text)
                if let count = try? scanner.count(), scanner.isAtEnd {
                    json.value(Int(count))
                } else {
                    json.value(text)
                }
            case .truth where text == "true" || text == "false": json.raw(text.utf8)
            case .list: json.array { $0.value(text) }
            default: json.value(text)
            }
        case .list(let nodes): json.array { json in for node in nodes { write(node, nil, &json) } }
        case .map(let entries):
            json.object { json in
                for entry in entries {
                    json.key(text: entry.name)
                    write(entry.value, nil, &json)
                }
            }
        }
    }
}
