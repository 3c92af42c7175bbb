import RandomPolicies

/// Command lines: options that are missing, twice, of other verbs, with values of other kinds.
enum OptionSurface {
    private static let commands: [[String]] = [
        ["check", "set"], ["check", "--strict", "--format", "sarif", "set"], ["check", "--explain", "limit-zero"],
        ["check", "--fix", "set"], ["check", "set", "--traffic", "l.jsonl"],
        ["test", "--coverage", "--filter", "a", "set"],
        ["replay", "--policies", "set", "--decisions", "d", "--rejects", "j", "--report", "r.html", "l.jsonl"],
        ["replay", "--policies", "set", "--shard", "1/2", "--partial", "part", "l.jsonl"],
        [
            "replay", "--policies", "set", "--map", "user=request_id", "--where",
            "input_tokens > 5 && feature in [\"chat\"]", "l.jsonl",
        ],
        [
            "replay", "--policies", "set", "--from", "2026-06-01", "--to", "2026-06-02T00:00:00Z", "--tenant", "t",
            "l.jsonl",
        ],
        ["replay", "--policies", "set", "--fail-on", "refused > 5%", "--format", "json", "--threads", "2", "l.jsonl"],
        ["replay", "--describe-input", "otel"], ["merge", "--report", "m.json", "part", "part"],
        ["diff", "set", "set", "--traffic", "l.jsonl", "--format", "json"], ["eval", "--policies", "set", "l.jsonl"],
        ["explain", "--policies", "set", "--log", "l.jsonl", "--request-id", "r-1"],
        ["explain", "--policies", "set", "--log", "l.jsonl", "--decision", "d:1"], ["fmt", "--check", "set"],
        ["fmt", "--diff", "set"],
        ["lock", "set"], ["import", "prices", "--provider", "openai", "l.jsonl"], ["init", "new"], ["lsp", "--stdio"],
        ["schema"],
        ["--version"], ["help", "replay"], ["--generate-completion-script", "zsh"],
    ]

    static func input(_ random: inout SeededGenerator, _ corpus: Corpus) -> FuzzInput {
        let set = random.pick(corpus.sets)
        var input = LogSurface.policies(set, &random)
        input.add("l.jsonl", [UInt8](lines: Array(Corpus.traffic(set, &random).prefix(12))))
        for _ in 0...random.below(3) { input.steps.append(arguments(&random)) }
        return input
    }

    static func arguments(_ random: inout SeededGenerator) -> [String] {
        var arguments = random.pick(commands)
        var mutator = Mutator(random: random, others: commands.map { Array($0.joined(separator: " ").utf8) })
        defer { random = mutator.random }
        for _ in 0...mutator.random.below(3) {
            let index = mutator.random.below(arguments.count)
            switch mutator.random.below(7) {
            case 0: arguments.remove(at: index)
            case 1: arguments.insert(arguments[index], at: mutator.random.below(arguments.count))
            case 2: arguments.swapAt(index, mutator.random.below(arguments.count))
            case 3: arguments.insert(mutator.random.pick(mutator.random.pick(commands)), at: index)
            case 4: arguments[index] = String(decoding: mutator.random.pick(Tokens.all), as: UTF8.self)
            default: arguments[index] = mutator.mutated(arguments[index])
            }
            if arguments.isEmpty { break }
        }
        return arguments.map(harmless)
    }

    /// Arguments that neither name files outside of the input's folder nor wait for ever.
    private static func harmless(_ argument: String) -> String {
        var text = String(argument.filter { $0 != "\0" }.prefix(20_000))
        while let slash = text.firstRange(of: "../") { text.removeSubrange(slash) }
        if text.hasPrefix("/") { text = "." + text }
        if let equals = text.firstRange(of: "=/") { text.replaceSubrange(equals, with: "=./") }
        if let at = text.firstRange(of: "@/") { text.replaceSubrange(at, with: "@./") }
        return text == ".." || text.contains("follow") ? "." : text
    }
}
