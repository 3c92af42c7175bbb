import BursarSyntax

/// A model as an index into its catalog.
package struct ModelID: Sendable, Hashable, RawRepresentable {
    package let rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }
}

/// The exact price of a model.
package struct Price: Sendable, Hashable {
    /// 10^-12 of the currency per token.
    package var input: Int64
    package var cached: Int64
    package var output: Int64
    /// 10^-12 of the currency per request.
    package var request: Int128

    /// A known price of zero.
    package static let free = Price(input: 0, cached: 0, output: 0, request: 0)

    /// `(input − cached) × input price + cached × cached price + request fee` in 10^-12 of the currency.
    ///
    /// Negative counts are treated as zero. The sum saturates at 128 bits.
    package func picosBeforeOutput(input: Int64, cached: Int64) -> Int128 {
        let (input, cached) = (Int128(max(0, input)), Int128(max(0, cached)))
        let fresh = max(0, input.subtractingSaturated(cached)).multipliedSaturated(by: Int128(self.input))
        return fresh.addingSaturated(cached.multipliedSaturated(by: Int128(self.cached))).addingSaturated(request)
    }

    /// The exact sum over token kinds and fee in nano-units, rounded up once; nil if it exceeds 64 bits.
    ///
    /// Negative counts are treated as zero.
    @inlinable @inline(__always)
    package func cost(input: Int64, cached: Int64, output: Int64) -> Int64? {
        // The result nearly always fits 64 bits, and a 64-bit division is much faster.
        let (uncached, isFar) = input.subtractingReportingOverflow(cached)
        let (fresh, a) = uncached.multipliedReportingOverflow(by: self.input)
        let (known, b) = cached.multipliedReportingOverflow(by: self.cached)
        let (made, c) = output.multipliedReportingOverflow(by: self.output)
        // No part is negative, and each is small enough that the sum cannot overflow.
        if !(isFar || a || b || c), UInt64(bitPattern: fresh | known | made) < 1 << 60, request < 1 << 60 {
            return (fresh &+ known &+ made &+ Int64(truncatingIfNeeded: request) &+ 999) / 1_000
        }
        return exactCost(input: input, cached: cached, output: output)
    }

    @usableFromInline func exactCost(input: Int64, cached: Int64, output: Int64) -> Int64? {
        let made = Int128(max(0, output)).multipliedSaturated(by: Int128(self.output))
        let picos = picosBeforeOutput(input: input, cached: cached).addingSaturated(made)
        return Int64(exactly: picos.addingSaturated(999) / 1_000)
    }

    @usableFromInline init(input: Int64, cached: Int64, output: Int64, request: Int128) {
        self.input = input
        self.cached = cached
        self.output = output
        self.request = request
    }
}

package struct Model: Sendable {
    package var name: String
    package var modelClass: String?
    package var provider: String?
    /// nil: the catalog lists the model without a price. An unknown price is never zero.
    package var price: Price?
    package var context: Int64?
    package var source: SourceRange
}

/// One version of a catalog: models by name and alias, with their prices.
package final class Catalog: Sendable {
    package let id: String
    package let version: Version
    package let digest: String
    package let effective: Int64
    package let currency: String
    package let classes: [String]
    package let models: [Model]
    /// Every alias as written, with its model.
    package let aliases: [(pattern: Located<Pattern>, model: ModelID)]
    /// The declarations of the classes.
    package let classNames: [Name]
    private let names: [String: Int]
    private let exactAliases: [String: Int]
    private let classMembers: [String: [Int]]
    /// Patterns, longest first.
    private let patterns: [(pattern: Pattern, model: Int)]

    init(
        id: String, version: Version, digest: String, effective: Int64, currency: String, classes: [Name],
        models: [Model], aliases: [(Located<Pattern>, Int)]
    ) {
        self.id = id
        self.version = version
        self.digest = digest
        self.effective = effective
        self.currency = currency
        classNames = classes
        self.classes = classes.map(\.value)
        self.aliases = aliases.map { ($0.0, ModelID(rawValue: $0.1)) }
        let aliases = aliases.map { ($0.0.value, $0.1) }
        self.models = models
        var members = Dictionary(classes.map { ($0.value, [Int]()) }, uniquingKeysWith: { first, _ in first })
        for (index, model) in models.enumerated() {
            if let name = model.modelClass { members[name]?.append(index) }
        }
        classMembers = members
        names = Dictionary(models.indices.map { (models[$0].name, $0) }, uniquingKeysWith: { first, _ in first })
        exactAliases = Dictionary(
            aliases.filter { $0.0.isExact }.map { ($0.0.text, $0.1) }, uniquingKeysWith: { first, _ in first })
        patterns = aliases.filter { !$0.0.isExact }.enumerated()
            .sorted { ($1.element.0.text.utf8.count, $0.offset) < ($0.element.0.text.utf8.count, $1.offset) }
            .map { ($0.element.0, $0.element.1) }
    }

    package subscript(_ id: ModelID) -> Model { models[id.rawValue] }

    /// Looks up an exact name, then an exact alias, then the longest matching pattern.
    package func model(_ name: String) -> ModelID? {
        if let index = names[name] ?? exactAliases[name] { return ModelID(rawValue: index) }
        return patterns.first { $0.pattern.matches(name) }.map { ModelID(rawValue: $0.model) }
    }

    /// The model with exactly this name.
    package func model(named name: String) -> ModelID? { names[name].map { ModelID(rawValue: $0) } }

    /// Names and exact aliases, for precomputed tables.
    package var knownNames: [String] { models.map(\.name) + exactAliases.keys.sorted() }

    /// The models of a class; nil if the class does not exist.
    func models(ofClass name: String) -> [Int]? { classMembers[name] }
}
