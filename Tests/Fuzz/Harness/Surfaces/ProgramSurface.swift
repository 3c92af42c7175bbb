import RandomPolicies

/// The built program: signals, pipes and full disks, which no test within a process can show.
enum ProgramSurface {
    static func input(_ random: inout SeededGenerator, _ corpus: Corpus) -> FuzzInput {
        let set = random.pick(corpus.sets)
        var input = LogSurface.policies(set, &random)
        let count = random.pick([1, 20, 400, 2_000])
        let traffic = set.traffic.isEmpty ? [] : (0..<count).map { set.traffic[$0 % set.traffic.count] }
        var mutator = Mutator(random: random, others: corpus.sets.map { [UInt8](lines: Array($0.traffic.prefix(8))) })
        let log = [UInt8](lines: traffic)
        input.add("l.jsonl", mutator.random.chance(50) ? mutator.mutated(log) : log)
        random = mutator.random
        let command = random.pick([
            ["replay", "--policies", "set", "-"], ["replay", "--policies", "set", "--decisions", "-", "l.jsonl"],
            ["replay", "--policies", "set", "--decisions", "d", "--rejects", "j", "--report", "r.html", "l.jsonl"],
            ["eval", "--policies", "set"], ["eval", "--policies", "set", "-"], ["explain", "--policies", "set", "-"],
            ["check", "set"], ["test", "set"], ["fmt", "-"], ["lsp"], ["import", "prices", "l.jsonl"],
            OptionSurface.arguments(&random).filter { $0 != "lsp" },
        ])
        let ending = random.pick(["none", "none", "int", "term", "hup", "int,int"])
        let output = random.pick(["null", "null", "full", "closed", "head"])
        input.steps.append(["program", ending, "\(random.below(20_000))", output] + command)
        input.run("json", "d", "j")
        return input
    }
}
