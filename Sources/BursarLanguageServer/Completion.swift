import BursarAnalysis
import BursarSyntax

/// A completion at the cursor.
struct CompletionItem: Hashable {
    /// The item kinds of the protocol that are used.
    enum Kind: Int { case property = 10, value = 12, keyword = 14, reference = 18, variable = 6 }

    var label: String
    var kind: Kind
    var detail: String
    var insert: String
}

/// Computes the completions at a position.
struct Completer {
    let names: [Workspace.Found]

    func items(_ context: CursorContext) -> [CompletionItem] {
        context.isKey ? keys(context) : values(context)
    }

    // MARK: - Keys

    private func keys(_ context: CursorContext) -> [CompletionItem] {
        // The items of a list are values of its key.
        if let choice = ValueChoice(kind: context.kind, path: context.path),
            case .names = choice, Place(kind: context.kind, path: context.path) == nil
        {
            return values(context)
        }
        guard let place = Place(kind: context.kind, path: context.path) else { return [] }
        var items = (place.keys?.keys ?? []).map {
            CompletionItem(label: $0.name, kind: .property, detail: $0.summary, insert: "\($0.name): ")
        }
        if let kind = place.keyNames {
            items += defined([kind]).map {
                CompletionItem(label: $0.name, kind: .reference, detail: $0.detail, insert: "\($0.name): ")
            }
        }
        return items
    }

    private func defined(_ kinds: [NameKind]) -> [(name: String, detail: String)] {
        var seen: Set<String> = []
        return kinds.flatMap { kind in
            names.filter { $0.occurrence.kind == kind && $0.occurrence.isDefinition }
                .map { ($0.occurrence.name, kind.rawValue) }
        }
        .filter { seen.insert($0.0).inserted }
    }

    // MARK: - Values

    private func values(_ context: CursorContext) -> [CompletionItem] {
        switch ValueChoice(kind: context.kind, path: context.path) {
        case .words(let words)?:
            return words.map { CompletionItem(label: $0, kind: .value, detail: "", insert: $0) }
        case .names(let kinds, let also)?:
            return nameItems(kinds)
                + also.map { CompletionItem(label: $0, kind: .keyword, detail: "", insert: $0) }
        case .action?: return actions(context)
        case .condition?: return condition(context.text)
        case nil: return []
        }
    }

    private func nameItems(_ kinds: [NameKind]) -> [CompletionItem] {
        defined(kinds).map { CompletionItem(label: $0.name, kind: .reference, detail: $0.detail, insert: $0.name) }
    }

    private func actions(_ context: CursorContext) -> [CompletionItem] {
        let words = context.text.filter { $0 != "\"" && $0 != "'" }.split(
            separator: " ", omittingEmptySubsequences: false)
        if words.first == "notify" { return nameItems([.audience]) }
        if words.count > 2, words[words.count - 2] == "to", words[words.count - 3] == "downgrade" {
            return nameItems([.model])
        }
        return ActionWords.all.map {
            CompletionItem(label: $0.text, kind: .keyword, detail: $0.summary, insert: $0.text)
        }
    }

    /// Attributes; inside quotation marks the names that the preceding attribute can have.
    private func condition(_ text: String) -> [CompletionItem] {
        let inner = text.hasPrefix("'") ? String(text.dropFirst()) : text
        let quotes = inner.filter { $0 == "\"" }.count
        if quotes % 2 == 1, let open = inner.lastIndex(of: "\"") {
            let words = inner[..<open].split { !($0.isLetter || $0.isNumber || "_.".contains($0)) }
            switch words.last(where: { $0 != "in" && Attribute.named[String($0)] != nil }) {
            case "tier"?: return nameItems([.tier])
            case "model"?: return nameItems([.model])
            case "model.class"?: return nameItems([.modelClass])
            case "feature"?: return nameItems([.feature])
            case "tenant"?: return nameItems([.tenant])
            default: return []
            }
        }
        return Attribute.named.sorted { $0.key < $1.key }.map {
            CompletionItem(label: $0.key, kind: .variable, detail: $0.value.kind.rawValue, insert: $0.key)
        }
    }
}
