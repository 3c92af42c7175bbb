import BursarPolicy
import BursarSyntax

/// Prices that change more than tenfold from one version of a catalog to the next.
enum PriceJumpCheck: SetCheck {
    static let rule = DiagnosticRule(
        "model/price-jump", .warning,
        title: "A price changes more than tenfold",
        checks: "A price changes at most tenfold from one version of a catalog to the next.",
        why: "Usually the unit is wrong, and budgets then end in an hour or never.",
        example: "output: $0.60/1M   # then $0.60/1k",
        fix: "Check the unit. If the price is right, add `checks: {model/price-jump: off}` to the policy.")

    static let rules = [rule]

    static func run(_ set: PolicySet, _ diagnostics: inout Diagnostics) {
        let versions = set.catalogVersions
        for (older, newer) in zip(versions, versions.dropFirst()) where older.catalog.id == newer.catalog.id {
            check(older.catalog, newer.catalog, &diagnostics)
        }
    }

    private static func check(_ older: Catalog, _ newer: Catalog, _ diagnostics: inout Diagnostics) {
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
                    rule,
                    "the \(jump.0) price of `\(model.name)` changes \(factor) from catalog version \(older.version) to \(newer.version)",
                    at: model.source, notes: [.init("the earlier price", at: older[id].source)],
                    help: "prices are per tokens: `$2.50/1M` is not `$2.50/1k`"))
        }
    }

    private static func isJump(_ before: Int128, _ after: Int128) -> Bool {
        before != after && max(before, after) > min(before, after).multipliedSaturated(by: 10)
    }
}

extension PolicySet {
    /// Each version of each catalog once, with the first edition that uses it.
    var catalogVersions: [(catalog: Catalog, edition: Edition)] {
        var seen: Set<String> = []
        return editions.compactMap { edition in
            guard let catalog = edition.catalog, seen.insert("\(catalog.id) \(catalog.version)").inserted else {
                return nil
            }
            return (catalog, edition)
        }
    }
}
