import RandomPolicies

/// Logs in Bursar's own format, in those of other systems, compressed, and as SQLite tables.
enum LogSurface {
    static func own(_ random: inout SeededGenerator, _ corpus: Corpus) -> FuzzInput {
        let set = random.pick(corpus.sets)
        var input = policies(set, &random)
        var log = text(set, &random, corpus)
        let options = log.options + replayOptions(&random)
        if random.chance(3) { log.bytes = Array(repeating: log.bytes, count: 30).joined().prefix(400_000) + [] }
        input.add("l.jsonl", log.bytes)
        switch random.below(10) {
        case 0, 1: PolicySurface.replays(&input, "set", options)
        case 2:
            input.steps.append(["check", "--quiet", "set", "--traffic", "l.jsonl"])
        case 3:
            let other = random.pick(corpus.sets)
            for file in other.files where file.name != "tests.yaml" { input.add("q/\(file.name)", file.bytes) }
            input.steps.append(["diff", "set", "q", "--traffic", "l.jsonl"])
            input.steps.append(["replay", "--quiet", "--policies", "set", "--against", "q"] + options + ["l.jsonl"])
        case 4:
            let id = Mutator.word(set.traffic, after: "\"request_id\":\"", &random)
            input.steps.append(
                ["explain", "--policies", "set", "--log", "l.jsonl", "--request-id", id]
                    + options.filterMaps())
        default:
            let report = random.pick(["html", "md", "json"])
            input.steps.append(
                ["replay", "--quiet", "--policies", "set", "--threads", random.pick(["1", "1", "2"])] + options
                    + ["--report", "r.\(report)", "--decisions", "d", "--rejects", "j", "l.jsonl"])
            input.run("json", "d", "j")
        }
        return input
    }

    static func foreign(_ random: inout SeededGenerator, _ corpus: Corpus) -> FuzzInput {
        var input = policies(random.pick(corpus.sets), &random)
        let log = random.pick(corpus.foreignLogs)
        var mutator = Mutator(random: random, others: corpus.foreignLogs.map(\.bytes))
        input.add(log.name, mutator.mutated(log.bytes))
        random = mutator.random
        var options = replayOptions(&random)
        if random.chance(60) { options += ["--input", random.pick(formats)] }
        if random.chance(20) { options += ["--map", "external_request_id=\(random.pick(["id", "a.b", "call_id"]))"] }
        input.steps.append(
            ["replay", "--quiet", "--policies", "set", "--decisions", "d", "--rejects", "j"] + options + [log.name])
        input.run("json", "d", "j")
        return input
    }

    static func compressed(_ random: inout SeededGenerator, _ corpus: Corpus) -> FuzzInput {
        let set = random.pick(corpus.sets)
        var input = policies(set, &random)
        let isForeign = random.chance(30)
        let plain = isForeign ? random.pick(corpus.foreignLogs).bytes : text(set, &random, corpus).bytes
        var packed =
            random.chance(50)
            ? Containers.gzip(plain, level: random.below(10)) : Containers.zstd(plain, level: 1 + random.below(4))
        if random.chance(15) { packed += Containers.gzip(plain, level: 1) }
        if random.chance(15) { packed += Containers.zstd(plain, level: 1) }
        if random.chance(60) {
            var mutator = Mutator(random: random, others: [packed, plain])
            packed = mutator.mutatedBytes(packed)
            random = mutator.random
        }
        let name = random.pick(["l.jsonl.gz", "l.jsonl.zst", "l", "l.csv.gz"])
        input.add(name, packed)
        input.steps.append(
            ["replay", "--quiet", "--policies", "set", "--rejects", "j"] + replayOptions(&random) + [name])
        return input
    }

    static func sqlite(_ random: inout SeededGenerator, _ corpus: Corpus) -> FuzzInput {
        let set = random.pick(corpus.sets)
        var input = policies(set, &random)
        var database = Containers.database(&random, set.traffic)
        if random.chance(60) {
            var mutator = Mutator(random: random, others: [database])
            database = mutator.mutatedBytes(database)
            random = mutator.random
        }
        input.add("l.db", database)
        input.steps.append(
            ["replay", "--quiet", "--policies", "set", "--rejects", "j"] + replayOptions(&random) + ["l.db"])
        if random.chance(20) {
            input.steps.append(["explain", "--policies", "set", "--log", "l.db", "--request-id", "1"])
        }
        return input
    }

    // MARK: - Parts

    private static let small = ["", ", per: user", ", per: session, rollover: 50%"].map { keys in
        """
        policy: p
        version: 1
        default tier: free
        tiers:
          free: {models: any, limits: {daily: {amount: $0.05/day\(keys), at: {80%: notify owner, 100%: deny}}}}
        audiences: {owner: someone}
        ---
        catalog: c
        version: 1
        models:
          gpt-4o: {price: {input: $2.50/1M, cached: $1.25/1M, output: $10/1M}, aliases: [gpt-4o-*]}
          claude-sonnet-4: {price: {input: $3/1M, output: $15/1M}}
        """
    }

    static let formats = [
        "bursar", "litellm", "otel", "helicone", "langfuse", "portkey", "usage-log", "openai-usage",
    ]

    /// A set, or often a small one instead, which takes less time to compile than a log takes to read.
    static func policies(_ set: Corpus.PolicyFolder, _ random: inout SeededGenerator) -> FuzzInput {
        var input = FuzzInput()
        if random.chance(65) {
            input.add("set/policy.yaml", random.pick(small))
            return input
        }
        for file in set.files where file.name != "tests.yaml" { input.add("set/\(file.name)", file.bytes) }
        return input
    }

    /// A changed log with the options that read it.
    private static func text(
        _ set: Corpus.PolicyFolder, _ random: inout SeededGenerator, _ corpus: Corpus
    ) -> (bytes: [UInt8], options: [String]) {
        var lines = Corpus.traffic(set, &random)
        if random.chance(10) { lines.shuffle(using: &random) }
        var mutator = Mutator(
            random: random, others: [[UInt8](lines: lines)] + corpus.foreignLogs.prefix(4).map(\.bytes))
        defer { random = mutator.random }
        if mutator.random.chance(25) {
            let rows = csv(lines)
            return (mutator.mutated(rows), ["--map", "ts=ts", "--map", "tenant=tenant", "--map", "model=model"])
        }
        return (mutator.mutated([UInt8](lines: lines)), [])
    }

    /// A table of the fields that most records have.
    private static func csv(_ lines: [[UInt8]]) -> [UInt8] {
        let columns = ["ts", "request_id", "tenant", "user", "model", "input_tokens", "output_tokens"]
        var text = columns.joined(separator: ",") + "\n"
        for line in lines {
            let record = String(decoding: line, as: UTF8.self)
            let cells = columns.map { column -> String in
                guard let range = record.firstRange(of: "\"\(column)\":") else { return "" }
                return String(record[range.upperBound...].prefix { $0 != "," && $0 != "}" }.filter { $0 != "\"" })
            }
            text += cells.joined(separator: ",") + "\n"
        }
        return Array(text.utf8)
    }

    static func replayOptions(_ random: inout SeededGenerator) -> [String] {
        var options: [String] = []
        if random.chance(15) { options += ["--state", "observe"] }
        if random.chance(15) { options += ["--estimate", "policy"] }
        if random.chance(15) { options += ["--cost", "catalog"] }
        if random.chance(10) {
            options += ["--from", random.pick(["2026-06-01", "0001-01-01", "9999-12-31T23:59:59Z"])]
        }
        if random.chance(10) { options += ["--to", random.pick(["2026-06-02", "0001-01-01", "9999-12-31"])] }
        if random.chance(10) {
            options += [
                "--map",
                random.pick([
                    "user=request_id", "run=request_id", "tenant==t", "cost=ts", "group=tenant", "session=user",
                ]),
            ]
        }
        if random.chance(10) {
            options += ["--where", random.pick(["input_tokens > 5", "feature == \"chat\"", "attempt > 1"])]
        }
        if random.chance(10) {
            options += ["--fail-on", random.pick(["deny", "refused > 1%", "spend > 0", "alerts > 0"])]
        }
        if random.chance(20) { options += ["--format", "json"] }
        return options
    }
}

extension Mutator {
    /// The text after a key in one of some lines.
    static func word(_ lines: [[UInt8]], after key: String, _ random: inout SeededGenerator) -> String {
        guard !lines.isEmpty else { return "x" }
        let line = String(decoding: random.pick(lines), as: UTF8.self)
        guard let range = line.firstRange(of: key) else { return "x" }
        return String(line[range.upperBound...].prefix { $0 != "\"" })
    }
}

extension [String] {
    /// Options with their values, of which only `--map` is kept.
    func filterMaps() -> [String] {
        indices.dropLast().filter { self[$0] == "--map" }.flatMap { [self[$0], self[$0 + 1]] }
    }
}
