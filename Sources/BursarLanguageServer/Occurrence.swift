import BursarSyntax

/// The kind of thing that a name refers to.
enum NameKind: String, Sendable {
    case tier, model, modelClass = "class", limit, audience, feature, catalog, tenant, rule, alert
}

/// A name in the text, at its definition or at a use.
struct Occurrence: Sendable {
    var kind: NameKind
    var name: String
    /// The range of the name without quotation marks.
    var range: SourceRange
    var isDefinition: Bool
    /// For a limit: the tier or tenant that declares it; nil if the policy does.
    var owner: String?
}

/// Finds the names in a document's nodes.
struct OccurrenceFinder {
    private(set) var found: [Occurrence] = []

    mutating func document(_ node: YAMLNode) {
        guard let first = node.entries?.first else { return }
        switch first.name {
        case "policy": policy(node)
        case "catalog": catalog(node)
        case "tenants": each(first.value) { $0.tenant($1) }
        case "tests": each(first.value) { $0.test($1) }
        default: break
        }
    }

    private mutating func each(_ node: YAMLNode, _ body: (inout OccurrenceFinder, YAMLEntry) -> Void) {
        for entry in node.entries ?? [] { body(&self, entry) }
    }

    private func items(_ node: YAMLNode) -> [YAMLNode] {
        if case .list(let nodes) = node.content { return nodes }
        return [node]
    }

    // MARK: - Names

    private mutating func define(_ kind: NameKind, _ entry: YAMLEntry, owner: String? = nil) {
        guard let range = textRange(entry.key) else { return }
        found.append(
            Occurrence(
                kind: kind, name: entry.name, range: range, isDefinition: true, owner: owner))
    }

    private mutating func use(_ kind: NameKind, _ node: YAMLNode?, owner: String? = nil) {
        guard let node, let text = node.scalar, !text.isEmpty, let range = textRange(node) else { return }
        found.append(Occurrence(kind: kind, name: text, range: range, isDefinition: false, owner: owner))
    }

    private mutating func use(_ kind: NameKind, _ text: Substring, of node: YAMLNode, in whole: String) {
        guard let range = textRange(node), Int(range.end - range.start) == whole.utf8.count else { return }
        let lower = whole.utf8.distance(from: whole.startIndex, to: text.startIndex)
        found.append(
            Occurrence(
                kind: kind, name: String(text), range: range.slice(lower, lower + text.utf8.count),
                isDefinition: false))
    }

    /// The range of the text without quotation marks; nil if the value is not a slice of the file.
    private func textRange(_ node: YAMLNode) -> SourceRange? {
        guard case .scalar(let text, let style) = node.content else { return nil }
        let length = Int(node.range.end - node.range.start)
        switch style {
        case .plain: return length == text.utf8.count ? node.range : nil
        case .singleQuoted, .doubleQuoted:
            return length == text.utf8.count + 2 ? node.range.slice(1, length - 1) : nil
        case .literal, .folded: return nil
        }
    }

    // MARK: - Documents

    private mutating func policy(_ node: YAMLNode) {
        each(node) { finder, entry in
            switch entry.name {
            case "catalog": finder.use(.catalog, entry.value)
            case "default tier": finder.use(.tier, entry.value)
            case "audiences": finder.each(entry.value) { $0.define(.audience, $1) }
            case "features": finder.each(entry.value) { $0.define(.feature, $1) }
            case "limits": finder.limits(entry.value, owner: nil)
            case "rules":
                finder.each(entry.value) { finder, rule in
                    finder.define(.rule, rule)
                    finder.each(rule.value) { if $1.name == "when" { $0.condition($1.value) } }
                }
            case "alerts": finder.each(entry.value) { $0.alert($1) }
            case "tiers":
                finder.each(entry.value) { finder, tier in
                    finder.define(.tier, tier)
                    finder.plan(tier.value, owner: tier.name)
                }
            default: break
            }
        }
    }

    private mutating func alert(_ entry: YAMLEntry) {
        define(.alert, entry)
        each(entry.value) { finder, part in
            switch part.name {
            case "budget": finder.use(.limit, part.value)
            case "notify": for item in finder.items(part.value) { finder.use(.audience, item) }
            case "when": finder.condition(part.value)
            case "if":
                guard let text = part.value.scalar else { return }
                // The limit follows `use of`, `burn rate of` or `time left of`; `share of spend` and `of baseline` do
                // not name a limit.
                let words = text.split(separator: " ")
                for (index, word) in words.enumerated()
                where index > 1 && words[index - 1] == "of" && ["use", "rate", "left"].contains(words[index - 2]) {
                    let name = word.prefix { $0.isLetter || $0.isNumber || "_-.".contains($0) }
                    finder.use(.limit, name, of: part.value, in: text)
                }
            default: break
            }
        }
    }

    /// Finds the names in the keys that tiers and tenants share.
    private mutating func plan(_ node: YAMLNode, owner: String) {
        each(node) { finder, entry in
            switch entry.name {
            case "extends", "tier": finder.use(.tier, entry.value)
            case "models": for item in finder.items(entry.value) { finder.use(.model, item) }
            case "downgrade": finder.downgrade(entry.value)
            case "block": for item in finder.items(entry.value) { finder.use(.feature, item) }
            case "limits": finder.limits(entry.value, owner: owner)
            case "weights":
                finder.each(entry.value) { finder, share in
                    switch share.name {
                    case "of": finder.use(.limit, share.value, owner: owner)
                    case "share", "other": break
                    default: finder.use(.feature, share.key)
                    }
                }
            case "upgrade": finder.each(entry.value) { if $1.name == "to" { $0.use(.tier, $1.value) } }
            case "scopes": finder.scopes(entry.value, owner: owner)
            case "exceptions":
                for item in finder.items(entry.value) {
                    finder.each(item) { if $1.name == "limit" { $0.use(.limit, $1.value, owner: owner) } }
                }
            default: break
            }
        }
    }

    private mutating func scopes(_ node: YAMLNode, owner: String) {
        each(node) { finder, scope in
            finder.each(scope.value) { finder, entry in
                if entry.name == "limits" { finder.limits(entry.value, owner: owner) }
            }
            finder.scopes(scope.value, owner: owner)
        }
    }

    private mutating func downgrade(_ node: YAMLNode) {
        if node.entries != nil {
            each(node) { if $1.name == "chains" { $0.downgrade($1.value) } }
            return
        }
        for item in items(node) {
            guard let text = item.scalar, text != "none" else { continue }
            for part in text.split(separator: "->") {
                let name = part.drop { $0 == " " }
                let end = name.lastIndex { $0 != " " }.map { name.index(after: $0) } ?? name.endIndex
                if name.startIndex < end { use(.model, name[..<end], of: item, in: text) }
            }
        }
    }

    private mutating func limits(_ node: YAMLNode, owner: String?) {
        each(node) { finder, limit in
            finder.define(.limit, limit, owner: owner)
            finder.each(limit.value) { finder, entry in
                switch entry.name {
                case "when": finder.condition(entry.value)
                case "at":
                    finder.each(entry.value) { finder, threshold in
                        for action in finder.items(threshold.value) { finder.action(action) }
                    }
                default: break
                }
            }
        }
    }

    private mutating func action(_ node: YAMLNode) {
        if node.entries != nil {
            each(node) { finder, entry in
                if entry.name == "do" { finder.action(entry.value) }
                if entry.name == "when" { finder.condition(entry.value) }
            }
            return
        }
        guard let text = node.scalar else { return }
        if text.hasPrefix("notify ") {
            for name in text.dropFirst("notify ".count).split(whereSeparator: { $0 == "," || $0 == " " }) {
                use(.audience, name, of: node, in: text)
            }
        }
        var words = text.split(separator: " ")[...]
        while words.count >= 3 {
            if words.first == "downgrade", words.dropFirst().first == "to", let model = words.dropFirst(2).first {
                use(.model, model, of: node, in: text)
            }
            words = words.dropFirst()
        }
    }

    private mutating func catalog(_ node: YAMLNode) {
        each(node) { finder, entry in
            switch entry.name {
            case "catalog":
                if let range = finder.textRange(entry.value) {
                    finder.found.append(
                        Occurrence(
                            kind: .catalog, name: entry.value.scalar ?? "", range: range, isDefinition: true))
                }
            case "classes":
                for item in finder.items(entry.value) {
                    guard let range = finder.textRange(item) else { continue }
                    finder.found.append(
                        Occurrence(
                            kind: .modelClass, name: item.scalar ?? "", range: range, isDefinition: true))
                }
            case "models":
                finder.each(entry.value) { finder, model in
                    finder.define(.model, model)
                    finder.each(model.value) { if $1.name == "class" { $0.use(.modelClass, $1.value) } }
                }
            default: break
            }
        }
    }

    private mutating func tenant(_ entry: YAMLEntry) {
        define(.tenant, entry)
        plan(entry.value, owner: entry.name)
    }

    private mutating func test(_ entry: YAMLEntry) {
        each(entry.value) { finder, part in
            switch part.name {
            case "request": finder.request(part.value)
            case "given": finder.each(part.value) { if !$1.name.contains("/") { $0.use(.limit, $1.key) } }
            case "expect": finder.request(part.value)
            case "alerts": for item in finder.items(part.value) { finder.use(.alert, item) }
            case "steps", "each": for item in finder.items(part.value) { finder.testPart(item) }
            default: break
            }
        }
    }

    private mutating func testPart(_ node: YAMLNode) {
        each(node) { finder, part in
            if part.name == "request" || part.name == "expect" { finder.request(part.value) }
            if part.name == "alerts" { for item in finder.items(part.value) { finder.use(.alert, item) } }
        }
    }

    private mutating func request(_ node: YAMLNode) {
        each(node) { finder, field in
            switch field.name {
            case "tier": finder.use(.tier, field.value)
            case "model": finder.use(.model, field.value)
            case "feature": finder.use(.feature, field.value)
            case "tenant": finder.use(.tenant, field.value)
            case "limit": finder.use(.limit, field.value)
            case "rule": finder.use(.rule, field.value)
            case "upgrade": finder.each(field.value) { if $1.name == "to" { $0.use(.tier, $1.value) } }
            case "reasons", "events", "shadow":
                for item in finder.items(field.value) { finder.request(item) }
            default: break
            }
        }
    }

    /// Finds tiers, models and features that a condition compares with.
    private mutating func condition(_ node: YAMLNode) {
        guard let text = node.scalar else { return }
        let kinds: [String: NameKind] = [
            "tier": .tier, "model": .model, "model.class": .modelClass, "feature": .feature, "tenant": .tenant,
        ]
        var attribute: NameKind?
        var index = text.startIndex
        while index < text.endIndex {
            let character = text[index]
            if character == "\"" {
                let start = text.index(after: index)
                guard let end = text[start...].firstIndex(of: "\"") else { return }
                if let attribute { use(attribute, text[start..<end], of: node, in: text) }
                index = text.index(after: end)
            } else if character.isLetter {
                let end =
                    text[index...].firstIndex { !$0.isLetter && !$0.isNumber && $0 != "_" && $0 != "." }
                    ?? text.endIndex
                let word = String(text[index..<end])
                if word != "in" { attribute = kinds[word] }
                index = end
            } else {
                if character == "&" || character == "|" { attribute = nil }
                index = text.index(after: index)
            }
        }
    }
}
