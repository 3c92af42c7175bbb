import Foundation
import Testing

/// `test`, `fmt` and `schema` as people use them.
@Suite struct PolicyTestCommandTests {
    static let sets = ExamplePolicyTests.sets

    @Test(arguments: sets) func `an example's tests pass and leave nothing out`(name: String) throws {
        let result = try Binary.run(
            "test", "--quiet", "--coverage", "--coverage-format", "json", "Policies/\(name)")
        #expect(result.status == 0, "\(result.output)")
        let found = try #require(
            try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
        let items = try #require(found["items"] as? [[String: Any]])
        let left = items.filter { $0["count"] as? Int == 0 }
        #expect(left.isEmpty && !items.isEmpty, "\(left)")
    }

    private static let policy = """
        policy: p
        version: 1
        catalog: models
        tiers:
          free: {models: any, limits: {daily: $1/day}}
        ---
        catalog: models
        version: 1
        models:
          small: {price: {input: $1/1M, output: $1/1M}}
        ---
        tests:
          good: {request: {tier: free, model: small, input_tokens: 10}, expect: allow}
          wrong:
            request: {tier: free, model: small, input_tokens: 10}
            given: {daily: $1}
            expect: {outcome: allow, limit: none}
          misspelt: {request: {tier: free, model: small, input_token: 10}, expect: allow}

        """

    private func inSet(_ body: (URL) throws -> Void) throws {
        try Binary.inFolder { folder in
            try Self.policy.write(to: folder.appending(path: "p.yaml"), atomically: true, encoding: .utf8)
            try body(folder)
        }
    }

    @Test func `a failure shows expected, got and why`() throws {
        try inSet { folder in
            let result = try Binary.run("test", folder.path())
            #expect(result.status == 1)
            #expect(result.output.contains("ok    good"))
            #expect(result.output.contains("p.yaml:17:23: step 1: outcome: expected allow, got deny"))
            #expect(result.output.contains("| deny: tenant_budget_exceeded"))
            #expect(result.output.contains("no request has a field `input_token`"))
            #expect(result.output.contains("did you mean `input_tokens`?"))
            #expect(result.errors.contains("3 tests, 2 failed"))
            #expect(try Binary.run("test", "--filter", "good", folder.path()).status == 0)
        }
    }

    @Test func `junit and lcov are well-formed`() throws {
        try inSet { folder in
            let result = try Binary.run("test", "--format", "junit", folder.path())
            let document = try XMLDocumentProbe.names(Data(result.output.utf8))
            #expect(document["testcase"] == 3 && document["failure"] == 2)
            let lcov = try Binary.run(
                "test", "--quiet", "--format", "junit", "--coverage", "--coverage-format", "lcov", "--filter", "good",
                folder.path())
            #expect(lcov.output.contains("DA:5,0\nLF:1\nLH:0\nend_of_record"))
        }
    }

    @Test func `fmt checks, shows and writes`() throws {
        try inSet { folder in
            let file = folder.appending(path: "p.yaml").path()
            #expect(try Binary.run("fmt", "--check", file).status == 0)
            try Self.policy.replacing("version: 1\ncatalog", with: "version:   1 # one\ncatalog").write(
                toFile: file, atomically: true, encoding: .utf8)
            #expect(try Binary.run("fmt", "--check", file).status == 1)
            #expect(try Binary.run("fmt", "--diff", file).output.contains("\n+version: 1  # one\n"))
            #expect(try Binary.run("fmt", file).status == 0)
            #expect(try Binary.run("fmt", "--check", file).status == 0)
            let piped = try Binary.run("fmt", "-", input: Data("tenants:   {a: {tier:  b}}".utf8))
            #expect(piped.output == "tenants: {a: {tier: b}}\n")
            #expect(try Binary.run("fmt", "-", input: Data("a: [".utf8)).status == 1)
        }
    }

    @Test func `schema is the one in the grammar`() throws {
        let file = try String(contentsOfFile: Binary.root + "Grammar/bursar.schema.json", encoding: .utf8)
        #expect(try Binary.run("schema").output == file)
    }
}

#if canImport(FoundationXML)
    import FoundationXML
#endif

/// Counts the elements of a document by name, and fails where it is not well-formed.
private final class XMLDocumentProbe: NSObject, XMLParserDelegate {
    private var counts: [String: Int] = [:]

    static func names(_ data: Data) throws -> [String: Int] {
        let probe = XMLDocumentProbe()
        let parser = XMLParser(data: data)
        parser.delegate = probe
        if !parser.parse() { throw parser.parserError ?? CocoaError(.fileReadCorruptFile) }
        return probe.counts
    }

    func parser(
        _ parser: XMLParser, didStartElement elementName: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
    ) { counts[elementName, default: 0] += 1 }
}
