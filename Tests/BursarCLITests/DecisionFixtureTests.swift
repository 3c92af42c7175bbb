import Foundation
import Testing

/// Each folder in `Tests/Fixtures/decisions` is a policy set with requests or logs, and beside each of these is a file with
/// the decisions on them. `BURSAR_RECORD=1` writes these files anew.
@Suite struct DecisionFixtureTests {
    static let folder = "Tests/Fixtures/decisions"

    static let cases: [String] = {
        let root = Binary.root + folder
        let files = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
        return files.filter { $0.hasSuffix(".jsonl") }.sorted()
    }()

    @Test func `there are fixtures`() { #expect(Self.cases.count > 15) }

    @Test(arguments: cases) func `requests and logs get the decisions of the contract`(name: String) throws {
        let got = try decisions(name)
        let expected = "\(Binary.root)\(Self.folder)/\(name.dropLast(6)).expected"
        if ProcessInfo.processInfo.environment["BURSAR_RECORD"] != nil {
            try got.write(toFile: expected, atomically: true, encoding: .utf8)
        }
        #expect(got == (try? String(contentsOfFile: expected, encoding: .utf8)))
    }

    /// A log, whose name begins with `log`, is replayed with the policy's estimates. Requests are evaluated.
    private func decisions(_ name: String) throws -> String {
        let path = "\(Self.folder)/\(name)"
        let set = Binary.root + (path as NSString).deletingLastPathComponent
        var lines: [Substring] = []
        try Binary.inFolder { folder in
            let policies = folder.appending(path: "set")
            try FileManager.default.copyItem(at: URL(filePath: set), to: policies)
            try FileManager.default.copyItem(
                at: URL(filePath: "\(Binary.root)\(Self.folder)/catalog.yaml"),
                to: policies.appending(path: "catalog.yaml"))
            var arguments = ["eval", "--policies", policies.path(), path]
            if (name as NSString).lastPathComponent.hasPrefix("log") {
                arguments = ["replay", "--policies", policies.path(), "--estimate", "policy", "--quiet", "--decisions"]
                arguments += [folder.appending(path: "decisions").path(), path]
            }
            let result = try Binary.run(arguments)
            #expect(result.errors.isEmpty, "\(result.errors)")
            let written = folder.appending(path: "decisions").path()
            let output = arguments[0] == "eval" ? result.output : try String(contentsOfFile: written, encoding: .utf8)
            lines = output.split(separator: "\n")
        }
        return try lines.map { try summary(of: $0) + "\n" }.joined()
    }

    private func summary(of line: Substring) throws -> String {
        let decision = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] ?? [:]
        func text(_ value: Any?) -> String { value.map { $0 is NSNull ? "-" : "\($0)" } ?? "-" }
        func list(_ key: String, _ fields: [String]) -> String {
            let entries = decision[key] as? [[String: Any]] ?? []
            let texts = entries.map { entry in fields.compactMap { entry[$0].map(text) }.joined(separator: " ") }
            return texts.isEmpty ? "" : " \(key)=[\(texts.joined(separator: ", "))]"
        }
        let caps = (decision["caps"] as? [String: Any] ?? [:]).sorted { $0.key < $1.key }
        let spend = (decision["estimate"] as? [String: Any])?["spend"]
        var result = ["ts", "tenant", "outcome", "model"].map { text(decision[$0]) }.joined(separator: " ")
        result += list("reasons", ["code", "limit", "threshold", "used", "overage", "billed"])
        result += caps.isEmpty ? "" : " caps=[\(caps.map { "\($0.key) \(text($0.value))" }.joined(separator: ", "))]"
        result += " estimate=\(text(spend))" + list("remaining", ["limit", "remaining"])
        if let wait = decision["retry_after_ms"], !(wait is NSNull) { result += " retry_after_ms=\(text(wait))" }
        if decision["retryable"] as? Bool == true { result += " retryable" }
        if decision["repeat"] as? Bool == true { result += " repeat" }
        return result
    }
}
