import RandomPolicies

/// Policies, catalogs, tests of policies and lock files.
enum PolicySurface {
    static func policy(_ random: inout SeededGenerator, _ corpus: Corpus) -> FuzzInput {
        var mutator = Mutator(random: random, others: corpus.documents.map(\.bytes))
        let text: [UInt8]
        if mutator.random.chance(30) {
            var policies = RandomPolicies(random: SeededGenerator(seed: mutator.random.next()))
            text = Array(policies.policySet().utf8)
        } else if mutator.random.chance(50) {
            text = whole(mutator.random.pick(corpus.sets))
        } else {
            text = mutator.random.pick(corpus.documents).bytes
        }
        var input = FuzzInput()
        input.add("p.yaml", mutator.mutated(text))
        steps(&input, "p.yaml", &mutator.random, corpus)
        return input
    }

    static func catalog(_ random: inout SeededGenerator, _ corpus: Corpus) -> FuzzInput {
        var mutator = Mutator(random: random, others: corpus.catalogs.map(\.bytes))
        var input = FuzzInput()
        let set = mutator.random.pick(corpus.sets)
        for file in set.files where !file.name.contains("catalog") { input.add("set/\(file.name)", file.bytes) }
        input.add("set/catalog.yaml", mutator.mutated(mutator.random.pick(corpus.catalogs).bytes))
        steps(&input, "set", &mutator.random, corpus)
        return input
    }

    static func tests(_ random: inout SeededGenerator, _ corpus: Corpus) -> FuzzInput {
        let set = random.pick(corpus.sets)
        let tests = corpus.sets.compactMap { $0.files.first { $0.name == "tests.yaml" }?.bytes }
        var mutator = Mutator(random: random, others: tests)
        var input = FuzzInput()
        for file in set.files {
            input.add("set/\(file.name)", file.name == "tests.yaml" ? mutator.mutated(file.bytes) : file.bytes)
        }
        let format = mutator.random.pick(["text", "json", "junit"])
        input.run("test", "--format", format, "--coverage", "set")
        if mutator.random.chance(20) { input.run("check", "set") }
        if mutator.random.chance(20) { formats(&input, "set/tests.yaml") }
        return input
    }

    static func lock(_ random: inout SeededGenerator, _ corpus: Corpus) -> FuzzInput {
        var mutator = Mutator(random: random, others: corpus.locks.map(\.bytes))
        let set = mutator.random.pick(corpus.sets)
        var input = FuzzInput()
        for file in set.files where file.name != "tests.yaml" {
            input.add("set/\(file.name)", mutator.random.chance(10) ? mutator.mutated(file.bytes) : file.bytes)
        }
        var lock = mutator.random.pick(corpus.locks).bytes
        if mutator.random.chance(70) {
            let id = mutator.random.pick(["models", set.name, "saas", "c", "p", "providers"])
            lock += Array("policy \(id) 1 sha256:\(String(repeating: "0", count: mutator.random.below(80)))\n".utf8)
        }
        input.add("set/bursar.lock", mutator.mutated(lock))
        input.run("check", "set")
        input.run("lock", "set")
        if mutator.random.chance(50) {
            input.run("lock", "--renew", "--format", "json", "set")
            input.steps.append(["then", "lock", "set"])
        }
        return input
    }

    private static func whole(_ set: Corpus.PolicyFolder) -> [UInt8] {
        Array(set.files.map(\.bytes).joined(separator: "\n---\n".utf8))
    }

    /// What a text may be asked for: every verb reads policies, and few inputs need all of them.
    private static func steps(
        _ input: inout FuzzInput, _ path: String, _ random: inout SeededGenerator, _ corpus: Corpus
    ) {
        input.steps.append([">", "found", "check", "--format", random.pick(["text", "json", "sarif"]), path])
        if input.steps.last?.contains("text") == false { input.run("json", "found") }
        switch random.below(8) {
        case 0, 1: formats(&input, path)
        case 2:
            input.add("r.jsonl", [UInt8](lines: Corpus.traffic(random.pick(corpus.sets), &random)))
            input.run("eval", "--policies", path, "r.jsonl")
            input.run("explain", "--policies", path, "--format", random.pick(["text", "json"]), "r.jsonl")
        case 3:
            input.add("l.jsonl", [UInt8](lines: Corpus.traffic(random.pick(corpus.sets), &random)))
            input.run("check", "--traffic", "l.jsonl", "--format", "json", path)
            replays(&input, path)
        case 4:
            input.run("lock", path)
            input.steps.append(["then", "lock", path])
            input.run("check", "--fix", path)
        case 5:
            input.add("q.yaml", whole(random.pick(corpus.sets)))
            input.steps.append([">", "diff", "diff", "--format", random.pick(["text", "json"]), path, "q.yaml"])
            if input.steps.last?.contains("json") == true { input.run("json", "diff") }
        case 6: input.run("test", "--coverage", "--coverage-format", random.pick(["text", "json", "lcov"]), path)
        default: break
        }
    }

    /// Formatting twice gives what formatting once gives.
    private static func formats(_ input: inout FuzzInput, _ path: String) {
        input.run("fmt", path)
        input.steps.append(["then", "fmt", "--check", path])
        input.run("check", path)
    }

    /// One thread and three give the same bytes.
    static func replays(_ input: inout FuzzInput, _ path: String, _ options: [String] = [], log: String = "l.jsonl") {
        let reports = ["html", "md", "json"]
        for threads in ["1", "3"] {
            let outputs = reports.flatMap { ["--report", "r\(threads).\($0)"] }
            input.steps.append(
                [">", "s\(threads)", "replay", "--quiet", "--threads", threads, "--policies", path]
                    + ["--decisions", "d\(threads)", "--rejects", "j\(threads)"] + outputs + options + [log])
        }
        for name in ["s", "d", "j"] { input.run("same", "\(name)1", "\(name)3") }
        for report in reports { input.run("same", "r1.\(report)", "r3.\(report)") }
        input.run("json", "d1", "j1", "r1.json")
    }
}
