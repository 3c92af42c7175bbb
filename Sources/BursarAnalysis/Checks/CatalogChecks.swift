import BursarPolicy
import BursarSyntax

/// `model/alias-overlap`, `model/price-jump`: what is odd within a catalog, and from one version of it to the next.
enum CatalogChecks {
    static func run(_ set: PolicySet, _ diagnostics: inout Diagnostics) {
        var seen: Set<String> = []
        var versions: [(catalog: Catalog, edition: Edition)] = []
        for edition in set.editions {
            if let catalog = edition.catalog, seen.insert("\(catalog.id) \(catalog.version)").inserted {
                versions.append((catalog, edition))
            }
        }
        for version in versions { checkAliases(version.catalog, version.edition, &diagnostics) }
        for (older, newer) in zip(versions, versions.dropFirst()) where older.catalog.id == newer.catalog.id {
            checkPrices(older.catalog, newer.catalog, &diagnostics)
        }
    }

    /// Which of two patterns names a model is settled by their length, which is easily overlooked.
    private static func checkAliases(_ catalog: Catalog, _ edition: Edition, _ diagnostics: inout Diagnostics) {
        let patterns = catalog.aliases.filter { !$0.pattern.value.isExact }
        for (index, alias) in patterns.enumerated() {
            for earlier in patterns[..<index] where earlier.model != alias.model {
                guard let name = alias.pattern.value.commonName(with: earlier.pattern.value) else { continue }
                let winner = catalog.model(name).map { catalog[$0].name } ?? ""
                var witness = WitnessRequest(edition)
                witness[.model] = .text(name)
                diagnostics.add(
                    Diagnostic(
                        "model/alias-overlap",
                        "`\(name)` is named by `\(alias.pattern.value.text)` and by `\(earlier.pattern.value.text)`: it is judged as `\(winner)`",
                        severity: .warning, at: alias.pattern.range,
                        notes: [
                            .init("the other alias, of `\(catalog[earlier.model].name)`", at: earlier.pattern.range)
                        ],
                        help: "make one of them narrower, or list the names", witness: witness.json))
            }
        }
    }

    private static func checkPrices(_ older: Catalog, _ newer: Catalog, _ diagnostics: inout Diagnostics) {
        for model in newer.models {
            guard let price = model.price, let id = older.model(named: model.name), let before = older[id].price else {
                continue
            }
            let kinds = [
                ("input", Int128(before.input), Int128(price.input)),
                ("cached input", Int128(before.cached), Int128(price.cached)),
                ("output", Int128(before.output), Int128(price.output)), ("request", before.request, price.request),
            ]
            guard let jump = kinds.first(where: { isJump($0.1, $0.2) }) else { continue }
            let factor = jump.1 == 0 || jump.2 == 0 ? "from or to nothing" : "more than tenfold"
            diagnostics.add(
                Diagnostic(
                    "model/price-jump",
                    "the \(jump.0) price of `\(model.name)` changes \(factor) from catalog version \(older.version) to \(newer.version)",
                    severity: .warning, at: model.source, notes: [.init("the earlier price", at: older[id].source)],
                    help: "prices are per tokens: `$2.50/1M` is not `$2.50/1k`"))
        }
    }

    private static func isJump(_ before: Int128, _ after: Int128) -> Bool {
        before != after && max(before, after) > min(before, after).multipliedSaturated(by: 10)
    }
}

extension Pattern {
    /// A name that both patterns match; nil where there is none.
    func commonName(with other: Pattern) -> String? {
        let left = Array(text.utf8)
        let right = Array(other.text.utf8)
        let star = UInt8(ascii: "*")
        // No model has a longer name, and the walk goes as deep as both are long.
        guard left.count <= 512, right.count <= 512 else { return nil }
        // The name is built from the ways of both through their patterns; a pair of places is tried once.
        var failed: Set<Int> = []
        var name: [UInt8] = []
        func walk(_ i: Int, _ j: Int) -> Bool {
            if i == left.count, j == right.count { return true }
            guard failed.insert(i * (right.count + 1) + j).inserted else { return false }
            if i < left.count, left[i] == star {
                if walk(i + 1, j) { return true }
                if j < right.count, right[j] != star { return step(right[j], i, j + 1) }
            }
            if j < right.count, right[j] == star {
                if walk(i, j + 1) { return true }
                if i < left.count, left[i] != star { return step(left[i], i + 1, j) }
            }
            guard i < left.count, j < right.count, left[i] == right[j], left[i] != star else { return false }
            return step(left[i], i + 1, j + 1)
        }
        func step(_ byte: UInt8, _ i: Int, _ j: Int) -> Bool {
            name.append(byte)
            if walk(i, j) { return true }
            name.removeLast()
            return false
        }
        return walk(0, 0) ? String(decoding: name, as: UTF8.self) : nil
    }
}
