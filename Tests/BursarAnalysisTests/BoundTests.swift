import BursarAnalysis
import BursarSyntax
import Foundation
import Testing

/// Policies at a bound of the language are checked, and beyond it they are refused with the bound in the message.
@Suite struct BoundTests {
    struct Growth: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// The largest size that is accepted.
        var most: Int
        var text: @Sendable (Int) -> String

        init(_ name: String, _ most: Int, _ text: @escaping @Sendable (Int) -> String) {
            testDescription = name
            self.most = most
            self.text = text
        }
    }

    private static let head = "policy: p\nversion: 1\n"
    private static let free = "tiers:\n  free: {limits: {daily: $5/day}}\n"
    private static let prices = "price: {input: $1/1M, output: $2/1M}"
    private static let catalog = "---\ncatalog: c\nversion: 1\nmodels:\n  big: {\(prices)}\n"

    private static func lines(_ count: Int, _ line: (Int) -> String) -> String {
        (0..<count).map { line($0) + "\n" }.joined()
    }

    static let growths: [Growth] = [
        Growth("rules", Bounds.rules) { count in
            head + "rules:\n" + lines(count) { "  r\($0): {when: user == \"u\($0)\", deny: refused}" } + free + catalog
        },
        Growth("tiers", Bounds.tiers) { count in
            head + "tiers:\n" + lines(count) { "  t\($0): {limits: {daily: $\($0 + 1)/day}}" } + catalog
        },
        Growth("a row of tiers that extend each other", Bounds.extendsDepth) { count in
            head + "tiers:\n  t0: {limits: {daily: $5/day}}\n"
                + lines(count - 1) { "  t\($0 + 1): {extends: t\($0)}" } + catalog
        },
        Growth("limits of a tier", Bounds.limits) { count in
            head + "tiers:\n  free:\n    limits:\n" + lines(count) { "      l\($0): $\($0 + 1)/day" } + catalog
        },
        Growth("limits of a plan", Bounds.planLimits / 2) { count in
            head + "limits:\n" + lines(Bounds.planLimits / 2) { "  p\($0): $\($0 + 1)/day" }
                + "tiers:\n  a:\n    limits:\n" + lines(count / 2) { "      a\($0): $1/day" }
                + "  free:\n    extends: a\n    limits:\n" + lines(count - count / 2) { "      l\($0): $1/day" }
                + catalog
        },
        Growth("weights", Bounds.weights) { count in
            head + "tiers:\n  free:\n    limits: {daily: $5/day}\n    weights:\n      of: daily\n      other: 1%\n"
                + lines(count) { "      f\($0): 0.001%" } + catalog
        },
        Growth("thresholds", Bounds.thresholds) { count in
            head
                + "audiences: {o: x}\ntiers:\n  free:\n    limits:\n      daily:\n        amount: $5/day\n        at:\n"
                + lines(count) { "          \($0 + 1)%: notify o" } + catalog
        },
        Growth("audiences", Bounds.audiences) { count in
            head + "audiences:\n" + lines(count) { "  a\($0): x" } + free + catalog
        },
        Growth("features", Bounds.features) { count in
            head + "features:\n" + lines(count) { "  f\($0): {critical: true}" } + free + catalog
        },
        Growth("alerts", Bounds.alerts) { count in
            head + "audiences: {o: x}\nalerts:\n"
                + lines(count) { "  a\($0): {if: \"spend > $\($0 + 1)\", notify: o}" } + free + catalog
        },
        Growth("models", Bounds.models) { count in
            head + free + "---\ncatalog: c\nversion: 1\nmodels:\n" + lines(count) { "  m\($0): {\(prices)}" }
        },
        Growth("aliases", Bounds.aliases) { count in
            head + free + "---\ncatalog: c\nversion: 1\nmodels:\n  m:\n    \(prices)\n    aliases:\n"
                + lines(count) { "      - a\($0)-*" }
        },
        Growth("models of a chain", Bounds.chainModels) { count in
            head + "tiers:\n  free:\n    limits: {daily: $5/day}\n    downgrade: "
                + (0..<count).map { "m\($0)" }.joined(separator: " -> ")
                + "\n---\ncatalog: c\nversion: 1\nmodels:\n" + lines(count) { "  m\($0): {\(prices)}" }
        },
        Growth("values of a condition", Bounds.conditionValues) { count in
            head + "rules:\n  r:\n    deny: refused\n    when: 'user in ["
                + (0..<count).map { "\"u\($0)\"" }.joined(separator: ", ") + "]'\n" + free + catalog
        },
        Growth("comparisons of a condition", Bounds.conditionTerms) { count in
            head + "rules:\n  r:\n    deny: refused\n    when: '"
                + (0..<count).map { "user == \"u\($0)\"" }.joined(separator: " || ") + "'\n" + free + catalog
        },
        Growth("versions", Bounds.versions) { count in
            (0..<count).map { number in
                let date = "\(2000 + number / 336)-\(Self.two(number / 28 % 12 + 1))-\(Self.two(number % 28 + 1))"
                return "policy: p\nversion: 1.\(number)\neffective: \(date)\n" + free
            }.joined(separator: "---\n") + catalog
        },
        Growth("exceptions", Bounds.exceptions) { count in
            head + free + catalog + "---\ntenants:\n  a:\n    tier: free\n    exceptions:\n"
                + lines(count) {
                    "      - {limit: daily, amount: $\($0 + 1)/day, until: 2100-01-\(Self.two($0 % 28 + 1)), reason: r}"
                }
        },
        Growth("requests of tests", Int(Bounds.testRequests)) { count in
            head + free + catalog + "---\ntests:\n"
                + lines(5) { number in
                    "  t\(number): {request: {model: big, tier: free}, expect: allow, repeat: "
                        + "\(number < 4 ? 40_000 : count - 160_000)}"
                }
        },
        Growth("bytes of a name", Bounds.nameBytes) { count in
            "policy: \(String(repeating: "x", count: count))\nversion: 1\n" + free + catalog
        },
    ]

    private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

    private func check(_ text: String) -> Checker.Result {
        var diagnostics = Diagnostics()
        let source = SourceFile(path: "p.yaml", name: "p.yaml", bytes: Array(text.utf8))
        let documents = DocumentLoader.read([source], diagnostics: &diagnostics)
        return Checker.check(documents, diagnostics)
    }

    @Test(arguments: growths) func whatIsWithinABoundIsChecked(growth: Growth) {
        let result = check(growth.text(growth.most))
        let errors = result.diagnostics.items.filter { $0.severity == .error }
        #expect(errors.isEmpty, "\(errors.first.map { "\($0.code): \($0.message)" } ?? "")")
        #expect(result.set != nil)
    }

    @Test(arguments: growths) func whatIsBeyondItIsRefusedWithTheBound(growth: Growth) throws {
        let result = check(growth.text(growth.most + 1))
        #expect(result.set == nil)
        let error = try #require(result.diagnostics.items.first { $0.severity == .error })
        let number = error.message.filter(\.isNumber)
        #expect(!number.isEmpty, "\(error.message)")
        #expect(error.range != nil)
    }

    /// Diagnostics beyond what anyone reads are counted, and the set stays refused.
    @Test func aFileFullOfErrorsIsBounded() {
        let count = 2 * Bounds.diagnosticsKept
        let result = check(Self.head + Self.lines(count) { "k\($0): 1" } + Self.free)
        #expect(result.diagnostics.items.count == Bounds.diagnosticsKept)
        #expect(result.diagnostics.count >= count)
        #expect(result.set == nil)
    }

    @Test func aLongValueIsShortenedInMessages() {
        let result = check(Self.head + "tiers:\n  free: {limits: {daily: \(String(repeating: "x", count: 100_000))}}\n")
        #expect(result.diagnostics.items.allSatisfy { $0.message.utf8.count <= Bounds.messageBytes })
        #expect(!result.diagnostics.items.isEmpty)
    }

    @Test func documentsThatAreNoYAMLAreBounded() {
        let result = check(String(repeating: "---\na: [\n", count: 5_000))
        #expect(result.diagnostics.items.count <= Bounds.unreadableDocuments + 1)
        #expect(result.set == nil)
    }
}
