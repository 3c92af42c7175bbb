import BursarPolicy
import BursarSyntax

/// Patterns of two models that match one name.
enum AliasOverlapCheck: SetCheck {
    static let rule = DiagnosticRule(
        "model/alias-overlap", .warning,
        title: "Aliases of two models match the same name",
        checks: "No name matches the alias patterns of two models. The witness asks for such a name.",
        why: "The longer pattern wins, so one more character in a pattern gives requests another price.",
        example: """
            big: {aliases: [big-*]}
            small: {aliases: ["*-small"]}   # big-small
            """,
        fix: "Make one of the patterns narrower, or list the names.")

    static let rules = [rule]

    static func run(_ set: PolicySet, _ diagnostics: inout Diagnostics) {
        for version in set.catalogVersions { check(version.catalog, version.edition, &diagnostics) }
    }

    /// Which of two patterns names a model is settled by their length, which is easily overlooked.
    private static func check(_ catalog: Catalog, _ edition: Edition, _ diagnostics: inout Diagnostics) {
        let patterns = catalog.aliases.filter { !$0.pattern.value.isExact }
        var effort = Effort(Effort.check)
        for pair in overlaps(patterns.map(\.pattern.value), &effort) {
            let (alias, earlier) = (patterns[pair.later], patterns[pair.earlier])
            if alias.model != earlier.model {
                guard let name = alias.pattern.value.commonName(with: earlier.pattern.value, &effort) else { continue }
                let winner = catalog.model(name).map { catalog[$0].name } ?? ""
                var witness = WitnessRequest(edition)
                witness[.model] = .text(name)
                diagnostics.add(
                    Diagnostic(
                        rule,
                        "`\(name)` is named by `\(alias.pattern.value.text)` and by `\(earlier.pattern.value.text)`: it is judged as `\(winner)`",
                        at: alias.pattern.range,
                        notes: [
                            .init("the other alias, of `\(catalog[earlier.model].name)`", at: earlier.pattern.range)
                        ],
                        help: "make one of them narrower, or list the names", witness: witness.json))
            }
        }
        if effort.isSpent {
            diagnostics.add(.notDecided("which aliases overlap", at: patterns.first?.pattern.range))
        }
    }

    /// Pairs of patterns whose beginnings, up to the first `*`, do not part them, in the order of the catalog.
    private static func overlaps(
        _ patterns: [Pattern], _ effort: inout Effort
    ) -> [(later: Int, earlier: Int)] {
        let beginnings = patterns.map { Array($0.text.utf8.prefix { $0 != UInt8(ascii: "*") }) }
        let ends = patterns.map { Array($0.text.utf8.reversed().prefix { $0 != UInt8(ascii: "*") }) }
        // In this order every beginning stands directly before those that begin with it.
        let order = patterns.indices.sorted {
            beginnings[$0].lexicographicallyPrecedes(beginnings[$1]) || (beginnings[$0] == beginnings[$1] && $0 < $1)
        }
        var pairs: [(later: Int, earlier: Int)] = []
        for (place, first) in order.enumerated() {
            for second in order[(place + 1)...] {
                guard beginnings[second].starts(with: beginnings[first]) else { break }
                guard effort.spend(1) else { return pairs.sorted { ($0.later, $0.earlier) < ($1.later, $1.earlier) } }
                if ends[first].starts(with: ends[second]) || ends[second].starts(with: ends[first]) {
                    pairs.append((max(first, second), min(first, second)))
                }
            }
        }
        return pairs.sorted { ($0.later, $0.earlier) < ($1.later, $1.earlier) }
    }
}

extension Pattern {
    /// A name that both patterns match; nil where there is none, or where it is not found with what is left of the effort.
    package func commonName(with other: Pattern, _ effort: inout Effort) -> String? {
        let left = Array(text.utf8)
        let right = Array(other.text.utf8)
        let star = UInt8(ascii: "*")
        /// A pair of places in both, with the name so far.
        struct Step {
            var i: Int
            var j: Int
            var length: Int
            var byte: UInt8?
        }
        // The name is built from the ways of both through their patterns; a pair of places is tried once.
        var tried: Set<Int> = []
        var name: [UInt8] = []
        var open = [Step(i: 0, j: 0, length: 0, byte: nil)]
        while let step = open.popLast() {
            let (i, j) = (step.i, step.j)
            name.removeSubrange(step.length...)
            if let byte = step.byte { name.append(byte) }
            if i == left.count, j == right.count { return String(decoding: name, as: UTF8.self) }
            guard effort.spend(2) else { return nil }
            guard tried.insert(i * (right.count + 1) + j).inserted else { continue }
            let a = i < left.count ? left[i] : nil
            let b = j < right.count ? right[j] : nil
            func next(_ i: Int, _ j: Int, _ byte: UInt8? = nil) {
                open.append(Step(i: i, j: j, length: name.count, byte: byte))
            }
            // The last one pushed is tried first.
            switch (a, b) {
            case (star?, star?):
                next(i, j + 1)
                next(i + 1, j)
            case (star?, let b?):
                next(i, j + 1, b)
                next(i + 1, j)
            case (star?, nil): next(i + 1, j)
            case (let a?, star?):
                next(i + 1, j, a)
                next(i, j + 1)
            case (nil, star?): next(i, j + 1)
            case (let a?, let b?): if a == b { next(i + 1, j + 1, a) }
            default: break
            }
        }
        return nil
    }
}
