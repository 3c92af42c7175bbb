import BursarPolicy
import BursarSyntax
import BursarLogs
import Foundation
import Testing

/// The reference pages name what the program knows: nothing is missing, and nothing is invented.
@Suite struct ReferencePageTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path()

    private static func page(_ name: String) throws -> String {
        try String(contentsOfFile: "\(root)Docs/\(name)", encoding: .utf8)
    }

    /// The texts in backticks.
    private static func spans(_ page: String) -> [Substring] {
        page.split(separator: "`", omittingEmptySubsequences: false).enumerated()
            .filter { $0.offset % 2 == 1 }.map(\.element)
    }

    /// The first cells of a page's tables that are one name in backticks.
    private static func firstCells(_ page: String) -> [String] {
        page.matches(of: /\n\| `([a-z_]+)` \|/).map { String($0.1) }
    }

    @Test func `the language page names every key`() throws {
        let groups: [KeyGroup] = [
            Keys.kinds, Keys.policy, Keys.estimate, Keys.feature, Keys.rule, Keys.alert, Keys.tools, Keys.tier,
            Keys.upgrade, Keys.limit, Keys.rollover, Keys.action, Keys.weights, Keys.downgrade, Keys.catalog,
            Keys.model, Keys.price, Keys.tenants, Keys.tenant, Keys.grant, Keys.exception, Keys.tests, Keys.step,
            Keys.test, Keys.testCase,
        ]
        let names = Set(groups.flatMap(\.names))
        #expect(names.count > 70)
        let spans = Self.spans(try Self.page("language.md")).map { " \($0) " }
        for name in names.sorted() {
            let isNamed = spans.contains { span in
                span.ranges(of: name).contains { range in
                    let (before, after) = (span[span.index(before: range.lowerBound)], span[range.upperBound])
                    return !before.isLetter && before != "_" && !after.isLetter && after != "_"
                }
            }
            #expect(isNamed, "Docs/language.md does not name the key `\(name)`")
        }
    }

    @Test func `the language page names every attribute, unit and metric`() throws {
        let language = try Self.page("language.md")
        for attribute in Attribute.named.keys.sorted() {
            #expect(language.contains("`\(attribute)`"), "Docs/language.md does not name the attribute `\(attribute)`")
        }
        for unit in Unit.allCases where unit != .spend {
            #expect(language.contains("| `\(unit.rawValue)` |"), "Docs/language.md does not list `\(unit.rawValue)`")
        }
        let alerts = try Self.page("alerts.md")
        for metric in AlertMetric.all {
            #expect(alerts.contains("`\(metric.text)"), "Docs/alerts.md does not name `\(metric.text)`")
        }
    }

    @Test func `the requests page lists every field and no other`() throws {
        let listed = Self.firstCells(try Self.page("requests.md"))
        #expect(listed.count == Set(listed).count, "a field is listed twice")
        #expect(Set(listed) == Set(Field.allCases.map(\.name)))
    }

    @Test func `the page of reason codes lists every code and no other`() throws {
        let listed = Set(Self.firstCells(try Self.page("reason-codes.md")))
        let known = try Self.codesInSources()
        #expect(known.count >= 20, "the sources no longer give codes as this test expects")
        #expect(listed.subtracting(known) == [], "codes that no source gives")
        #expect(known.subtracting(listed) == [], "codes that the page does not list")
    }

    @Test func `tests know the codes, the fields of a request and the fields of a decision`() throws {
        #expect(Set(ReasonCodes.builtIn) == (try Self.codesInSources()))
        let request = TestFields.request.map(\.name) + TestFields.recordOnly.keys
        #expect(request.count == Set(request).count)
        #expect(Set(request) == Set(Field.allCases.map(\.name)))
        let writer = try String(
            contentsOfFile: "\(Self.root)Sources/BursarEngine/Deciding/DecisionWriter.swift", encoding: .utf8)
        let written = writer.matches(of: /(?:field|array|object|null|amount)\("([a-z_]+)"/).map { String($0.1) }
        #expect(written.count > 40, "the writer no longer writes fields as this test expects")
        #expect(Set(written) == Self.names(TestFields.decision))
    }

    /// The names of fields and of those inside them.
    private static func names(_ fields: [TestField]) -> Set<String> {
        fields.reduce(into: []) { names, field in
            names.insert(field.name)
            switch field.form {
            case .map(let inner), .list(let inner): names.formUnion(Self.names(inner))
            default: break
            }
        }
    }

    @Test func `the schema has the fields that tests may name`() throws {
        let file = URL(filePath: "\(Self.root)Grammar/bursar.schema.json")
        let schema = try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any]
        let definitions = try #require(schema?["$defs"] as? [String: [String: Any]])
        func properties(_ name: String) -> Set<String> {
            Set((definitions[name]?["properties"] as? [String: Any] ?? [:]).keys)
        }
        #expect(properties("requestFields") == Set(TestFields.request.map(\.name)))
        #expect(properties("decisionFields") == Set(TestFields.decision.map(\.name)))
        let expectation = (definitions["expectation"]?["anyOf"] as? [[String: Any]])?.last?["properties"]
        #expect(Set((expectation as? [String: Any] ?? [:]).keys) == Set(TestFields.expectation.map(\.name)))
    }

    /// The codes that the engine gives, by how its sources write them.
    private static func codesInSources() throws -> Set<String> {
        let folder = "\(root)Sources"
        var codes = Set<String>()
        let files = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        for file in files where file.hasSuffix(".swift") {
            let text = try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
            for match in text.matches(of: /(?:\b[rR]e(?:ason|fusal)\(\s*|\bcode: )"([a-z]+(?:_[a-z]+)+)"/) {
                codes.insert(String(match.1))
            }
            // The codes of limits: every name in the body of `defaultCode`.
            guard let start = text.range(of: "var defaultCode: String {"),
                let end = text[start.upperBound...].range(of: "\n    }")
            else { continue }
            for match in text[start.upperBound..<end.lowerBound].matches(of: /"([a-z]+(?:_[a-z]+)+)"/) {
                codes.insert(String(match.1))
            }
        }
        return codes
    }
}
