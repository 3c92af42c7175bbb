import BursarSyntax
import BursarTesting

/// Results as JUnit XML, which build servers read.
enum JUnit {
    /// One test as it is written.
    struct Case {
        var name: String
        var file: String
        var line: Int
        /// Why it failed; empty: it passed.
        var messages: [String]

        init(_ result: PolicyTest.Result, _ sources: SourceMap) {
            let source = sources[result.trial.range]
            name = result.trial.name
            file = source?.path ?? ""
            line = source?.position(at: Int(result.trial.range.start)).line ?? 0
            messages = result.diagnostics.map(\.message) + result.failures.map { "step \($0.step): \($0.message)" }
        }
    }

    static func render(_ sets: [(path: String, cases: [Case])]) -> String {
        let all = sets.flatMap(\.cases)
        var text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        text += "<testsuites tests=\"\(all.count)\" failures=\"\(all.count { !$0.messages.isEmpty })\">\n"
        for set in sets {
            let failures = set.cases.count { !$0.messages.isEmpty }
            text +=
                "  <testsuite name=\"\(escaped(set.path))\" tests=\"\(set.cases.count)\" failures=\"\(failures)\">\n"
            for test in set.cases { text += render(test, set.path) }
            text += "  </testsuite>\n"
        }
        return text + "</testsuites>\n"
    }

    private static func render(_ test: Case, _ path: String) -> String {
        var text = "    <testcase classname=\"\(escaped(path))\" name=\"\(escaped(test.name))\""
        text += " file=\"\(escaped(test.file))\" line=\"\(test.line)\""
        if test.messages.isEmpty { return text + "/>\n" }
        text += ">\n"
        text += "      <failure message=\"\(escaped(test.messages.first ?? ""))\">"
        text += escaped(test.messages.joined(separator: "\n")) + "</failure>\n    </testcase>\n"
        return text
    }
}
