/// Explains libyaml's errors in terms of the policy.
enum YAMLTrap {
    static func explain(_ problem: String, in bytes: [UInt8], at offset: Int) -> (message: String, help: String?) {
        let line = lineText(bytes, offset)
        let byte = offset < bytes.count ? bytes[offset] : 0
        let hasFlow = line.contains("{") || line.contains("[")
        if problem.contains("cannot start any token") {
            if byte == UInt8(ascii: "\t") { return tab }
            let character = String(UnicodeScalar(byte))
            return (
                "`\(character)` cannot begin a value: YAML keeps it for itself",
                "quote the value: \"\(character)…\""
            )
        }
        if problem.contains("expected alphabetic or numeric character") {
            return (
                "`*` and `&` begin an alias or an anchor in YAML, and neither is part of the language",
                "write `any` for everything, or quote a pattern: \"*-mini\""
            )
        }
        if line.drop(while: { $0 == " " }).hasPrefix("\t") { return tab }
        if problem.contains("mapping values are not allowed") {
            return (
                "a second `: ` in this line: YAML reads a key there",
                "quote the value, or write the map over several lines"
            )
        }
        if problem.contains("comment or line break") {
            return (
                "a leading `>` or `|` begins a text block in YAML, not a comparison",
                "thresholds are keys (`80%: notify owner`); quote a condition that begins with an operator"
            )
        }
        if hasFlow, problem.contains("did not find expected ',' or"), line.contains(" in [") || line.contains(" in[") {
            return (
                "`[` and `,` inside `{…}` cut the condition in two",
                "use block style: put `when: …` on a line of its own, or quote the whole condition"
            )
        }
        if problem.contains("did not find expected key"), line.contains("\"") || line.contains("'") {
            return (
                "a value that begins with a quotation mark ends at the next one: \(problem)",
                "write the attribute first (tier == \"free\"), or quote the whole condition: '\"free\" == tier'"
            )
        }
        if hasFlow, problem.contains("did not find expected ',' or") {
            return (
                "`{…}` or `[…]` is not closed, or a value in it holds `,`, `[`, `{` or `: `",
                "quote the value, close the bracket, or use block style"
            )
        }
        return ("this is not YAML: \(problem)", nil)
    }

    private static let tab = ("a tab cannot indent in YAML", Optional("indent with spaces"))

    private static func lineText(_ bytes: [UInt8], _ offset: Int) -> String {
        var start = min(offset, bytes.count)
        while start > 0, bytes[start - 1] != UInt8(ascii: "\n") { start -= 1 }
        var end = min(offset, bytes.count)
        while end < bytes.count, bytes[end] != UInt8(ascii: "\n"), end - start < 1_000 { end += 1 }
        return String(decoding: bytes[start..<end], as: UTF8.self)
    }
}
