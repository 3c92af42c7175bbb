import BursarAnalysis
import BursarPolicy
import BursarSyntax

/// Produces the hover text of a position.
struct Explainer {
    let path: String
    let file: PolicyFile
    let names: [Workspace.Found]
    let set: PolicySet?

    func explain(at offset: Int) -> (text: String, range: Range<Int>)? {
        if let here = file.occurrence(at: offset) {
            let kind =
                names.first { $0.path == path && $0.occurrence.range == here.range }?.occurrence.kind ?? here.kind
            let same = names.filter {
                $0.occurrence.kind == kind && $0.occurrence.name == here.name && $0.occurrence.isDefinition
            }
            return (text(kind, here, same), here.range.bytes)
        }
        return word(at: offset)
    }

    // MARK: - Names

    private func text(_ kind: NameKind, _ here: Occurrence, _ same: [Workspace.Found]) -> String {
        var lines = ["**\(kind.rawValue) `\(here.name)`**"]
        switch kind {
        case .limit: lines += limit(here, same)
        case .tier: lines += plan(here.name)
        case .model: lines += model(here.name)
        case .modelClass: lines += [models(of: here.name)]
        case .tenant: lines += tenant(here.name)
        case .alert:
            let alerts = edition?.policy.alerts.filter { $0.name == here.name } ?? []
            lines += alerts.map { $0.fullText(currency: edition?.policy.currency ?? "USD") }
        case .feature, .audience, .catalog, .rule: break
        }
        if same.isEmpty, kind != .feature, kind != .tenant { lines.append("This policy set does not define it.") }
        let others = same.filter { $0.path != path || $0.occurrence.range != here.range }
        if !others.isEmpty {
            let title = kind == .limit ? "Also declared" : "Defined"
            lines.append(
                title + ": "
                    + others.prefix(12).map { found in
                        let owner = found.occurrence.owner.map { "`\($0)` at " } ?? ""
                        return owner + reference(found)
                    }.joined(separator: ", ") + (others.count > 12 ? ", …" : ""))
        }
        return lines.joined(separator: "\n\n")
    }

    private func reference(_ found: Workspace.Found) -> String {
        let line = found.file.source.position(at: Int(found.occurrence.range.start)).line
        return "\(found.path.split(separator: "/").last ?? ""):\(line)"
    }

    private var edition: Edition? { self.set?.editions.last }

    /// The limits of this name in the plans that contain it.
    private func limit(_ here: Occurrence, _ same: [Workspace.Found]) -> [String] {
        guard let edition else { return [] }
        let tiers = here.owner.map { owner in edition.tierNames.contains(owner) ? [owner] : edition.tierNames }
        for tier in tiers ?? edition.tierNames {
            guard let plan = edition.plan(tier: tier),
                let limit = plan.limits.first(where: { $0.name == here.name })
            else { continue }
            return [LimitWords(edition).sentence(limit)] + (here.owner == nil ? [] : ["From the tier `\(tier)`."])
        }
        return []
    }

    private func plan(_ tier: String) -> [String] {
        guard let edition, let plan = edition.plan(tier: tier) else { return [] }
        let words = LimitWords(edition)
        var lines: [String] = []
        if let price = plan.price { lines.append("Costs \(words.money(price)) per month.") }
        let allowed = edition.catalog?.models.indices.filter { plan.models.allows(ModelID(rawValue: $0)) } ?? []
        if let catalog = edition.catalog {
            lines.append(
                "Models: "
                    + (plan.models.allowsAny
                        ? "any" : allowed.map { "`\(catalog.models[$0].name)`" }.joined(separator: ", ")))
        }
        lines.append(plan.limits.map { "- `\($0.name)`: \(words.sentence($0))" }.joined(separator: "\n"))
        return lines
    }

    private func model(_ name: String) -> [String] {
        guard let edition, let catalog = edition.catalog, let id = catalog.model(name) else { return [] }
        let model = catalog[id]
        var parts = ["Priced at \(LimitWords(edition).price(model.price))."]
        if let name = model.modelClass { parts.append("Class `\(name)`.") }
        if let name = model.provider { parts.append("Provider \(name).") }
        if let context = model.context { parts.append("Context of \(context) tokens.") }
        let tiers = edition.tierNames.filter { edition.plan(tier: $0)?.models.allows(id) == true }
        return [
            parts.joined(separator: " "),
            tiers.isEmpty
                ? "No tier allows it." : "Allowed in " + tiers.map { "`\($0)`" }.joined(separator: ", ") + ".",
        ]
    }

    private func models(of name: String) -> String {
        let models = edition?.catalog?.models.filter { $0.modelClass == name }.map { "`\($0.name)`" } ?? []
        return models.isEmpty ? "No model has this class." : "Models: " + models.joined(separator: ", ")
    }

    private func tenant(_ name: String) -> [String] {
        guard let set, let index = set.tenantIndex(of: name) else { return [] }
        let record = set.tenants[index]
        return record.tier.map { ["Tier `\($0)`."] } ?? []
    }

    // MARK: - Keys, actions, attributes

    private func word(at offset: Int) -> (text: String, range: Range<Int>)? {
        let bytes = file.source.bytes
        func isWord(_ byte: UInt8) -> Bool {
            byte >= 0x80 || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-")
                || (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z"))
                || (byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9"))
        }
        var start = min(offset, bytes.count)
        var end = start
        while start > 0, isWord(bytes[start - 1]) { start -= 1 }
        while end < bytes.count, isWord(bytes[end]) { end += 1 }
        guard start < end else { return nil }
        let context = CursorContext(file.source, at: end)
        let word = String(decoding: bytes[start..<end], as: UTF8.self)
        if context.isKey, let key = key(around: start..<end, context) { return key }
        switch ValueChoice(kind: context.kind, path: context.path) {
        case .action?:
            return ActionWords.summary(of: word).map { ("**\(word)**\n\n\($0)", start..<end) }
        case .condition?:
            return Attribute.named[word].map { ("**\(word)**: \($0.kind.rawValue)", start..<end) }
        default: return nil
        }
    }

    /// The key at a word; a key may have several words.
    private func key(around range: Range<Int>, _ context: CursorContext) -> (text: String, range: Range<Int>)? {
        guard let keys = Place(kind: context.kind, path: context.path)?.keys else { return nil }
        let bytes = file.source.bytes
        for key in keys.keys {
            let length = key.name.utf8.count
            // The word may be any word of the key.
            let first = max(0, range.upperBound - length)
            guard first <= range.lowerBound else { continue }
            for start in first...range.lowerBound {
                let end = start + length
                guard end < bytes.count, bytes[end] == UInt8(ascii: ":"),
                    bytes[start..<end].elementsEqual(key.name.utf8)
                else { continue }
                return ("**\(key.name)**\n\n\(key.summary)", start..<end)
            }
        }
        return nil
    }
}
