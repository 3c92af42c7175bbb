import ArgumentParser
import RandomPolicies

/// A kind of input. Each makes inputs from a corpus and a generator, and nothing else.
enum Surface: String, CaseIterable, ExpressibleByArgument {
    case policy, catalog, tests, prices, log, foreign, compressed, sqlite, shards, lock, requests, lsp, options, program

    /// The input of a number: the same for the same seed and corpus, on every machine.
    func input(seed: UInt64, number: Int, _ corpus: Corpus) -> FuzzInput {
        var mixer = SeededGenerator(seed: seed &+ UInt64(truncatingIfNeeded: number) &* 0x9E37_79B9_97F4_A7C1)
        var random = SeededGenerator(seed: mixer.next() ^ UInt64(Surface.allCases.firstIndex(of: self) ?? 0))
        if let failed = corpus.failed[rawValue], !failed.isEmpty, random.chance(5) {
            return Self.changed(random.pick(failed), &random, corpus)
        }
        return switch self {
        case .policy: PolicySurface.policy(&random, corpus)
        case .catalog: PolicySurface.catalog(&random, corpus)
        case .tests: PolicySurface.tests(&random, corpus)
        case .lock: PolicySurface.lock(&random, corpus)
        case .prices: PriceSurface.input(&random, corpus)
        case .log: LogSurface.own(&random, corpus)
        case .foreign: LogSurface.foreign(&random, corpus)
        case .compressed: LogSurface.compressed(&random, corpus)
        case .sqlite: LogSurface.sqlite(&random, corpus)
        case .shards: ShardSurface.input(&random, corpus)
        case .requests: RequestSurface.input(&random, corpus)
        case .lsp: LanguageServerSurface.input(&random, corpus)
        case .options: OptionSurface.input(&random, corpus)
        case .program: ProgramSurface.input(&random, corpus)
        }
    }

    /// An input that failed once, with a file of it changed.
    private static func changed(_ input: FuzzInput, _ random: inout SeededGenerator, _ corpus: Corpus) -> FuzzInput {
        var input = input
        let changeable = input.changeable
        guard !changeable.isEmpty else { return input }
        var mutator = Mutator(random: random, others: corpus.documents.map(\.bytes))
        let index = mutator.random.pick(changeable)
        input.files[index].bytes = mutator.mutated(input.files[index].bytes)
        random = mutator.random
        return input
    }
}
