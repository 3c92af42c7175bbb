import RandomPolicies

/// Requests for `eval` and `explain`, one a line or one over several lines.
enum RequestSurface {
    static func input(_ random: inout SeededGenerator, _ corpus: Corpus) -> FuzzInput {
        let set = random.pick(corpus.sets)
        var input = LogSurface.policies(set, &random)
        var mutator = Mutator(
            random: random, others: corpus.sets.prefix(4).map { [UInt8](lines: Array($0.traffic.prefix(8))) })
        let lines = Corpus.traffic(set, &mutator.random).prefix(mutator.random.chance(70) ? 8 : 60)
        var text = [UInt8](lines: Array(lines))
        if mutator.random.chance(20) {
            text = text.flatMap { $0 == UInt8(ascii: ",") ? [$0, 0x0A] : [$0] }
        }
        input.add("r.jsonl", mutator.mutated(text))
        input.steps.append([">", "out", "eval", "--policies", "set", "r.jsonl"])
        input.run("json", "out")
        if mutator.random.chance(30) {
            input.steps.append([">", "why", "explain", "--policies", "set", "--format", "json", "r.jsonl"])
            input.run("json", "why")
        }
        if mutator.random.chance(10) { input.run("explain", "--policies", "set", "r.jsonl") }
        random = mutator.random
        return input
    }
}
