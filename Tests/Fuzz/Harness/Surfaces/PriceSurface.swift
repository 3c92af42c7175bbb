import RandomPolicies

/// Public price lists. A catalog that `import prices` writes compiles.
enum PriceSurface {
    static func input(_ random: inout SeededGenerator, _ corpus: Corpus) -> FuzzInput {
        var mutator = Mutator(random: random, others: corpus.prices.map(\.bytes))
        var input = FuzzInput()
        input.add("prices.json", mutator.mutated(mutator.random.pick(corpus.prices).bytes))
        var options: [String] = []
        if mutator.random.chance(20) {
            options += ["--id", option(mutator.random.pick(["c", "providers"]), &mutator)]
        }
        if mutator.random.chance(20) {
            options += ["--version", option(mutator.random.pick(["1", "2026-01-01"]), &mutator)]
        }
        if mutator.random.chance(20) { options += ["--effective", option("2026-01-01", &mutator)] }
        if mutator.random.chance(10) { options += ["--provider", option("openai", &mutator)] }
        input.add(
            "set/policy.yaml", "policy: p\nversion: 1\ntiers:\n  t: {models: any, limits: {daily: 5 requests/day}}\n")
        input.steps.append([">", "set/c.yaml", "import", "prices"] + options + ["prices.json"])
        // A catalog that holds from some day on may come after the policy.
        if !options.contains("--effective") { input.steps.append(["then", "check", "--quiet", "set"]) }
        return input
    }

    private static func option(_ text: String, _ mutator: inout Mutator) -> String {
        let changed = mutator.random.chance(40) ? mutator.mutated(text) : text
        return String(changed.filter { $0 != "\0" }.prefix(2_000))
    }
}
