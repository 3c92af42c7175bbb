import BursarSyntax

/// The outline of a file.
struct OutlineItem {
    /// The symbol kinds of the protocol that are used.
    enum Kind: Int { case package = 4, classKind = 5, property = 7, event = 24, constant = 14 }

    var name: String
    var detail: String
    var kind: Kind
    var whole: SourceRange
    var key: SourceRange
    var children: [OutlineItem] = []

    static func all(_ nodes: [YAMLNode]) -> [OutlineItem] {
        nodes.compactMap { node in
            guard let first = node.entries?.first else { return nil }
            var item = OutlineItem(
                name: first.value.scalar.map { "\(first.name) \($0)" } ?? first.name,
                detail: node.entries?.first { $0.name == "version" }?.value.scalar ?? "", kind: .package,
                whole: node.range, key: first.key.range)
            item.whole = SourceRange(
                file: node.range.file, start: min(node.range.start, first.key.range.start),
                end: max(node.range.end, first.range.end))
            let isMapOfNames = first.value.entries != nil
            for entry in isMapOfNames ? [first] : node.entries ?? [] {
                switch entry.name {
                case "tiers", "tenants": item.children += entries(entry.value, .classKind, limits: true)
                case "limits": item.children += entries(entry.value, .property)
                case "rules", "alerts", "tests": item.children += entries(entry.value, .event)
                case "models": item.children += entries(entry.value, .constant)
                default: break
                }
            }
            return item
        }
    }

    private static func entries(_ node: YAMLNode, _ kind: Kind, limits: Bool = false) -> [OutlineItem] {
        (node.entries ?? []).map { entry in
            var item = OutlineItem(
                name: entry.name, detail: detail(entry.value), kind: kind, whole: entry.range, key: entry.key.range)
            if limits, let own = entry.value.entries?.first(where: { $0.name == "limits" }) {
                item.children = entries(own.value, .property)
            }
            return item
        }
    }

    private static func detail(_ node: YAMLNode) -> String {
        node.scalar ?? node.entries?.first { ["amount", "price", "tier", "class"].contains($0.name) }?.value.scalar
            ?? ""
    }
}
