import ArgumentParser
import BursarReplay

struct Merge: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge",
        abstract: "Combine the shards of a replay.",
        discussion: """
            `bursar replay --shard K/N --partial FILE` replays a part of the tenants. The parts of all N shards give exactly \
            the result of one replay of the whole log.

            Examples:
              bursar merge part-1 part-2
              bursar merge --report week.html part-1 part-2
            """)

    @Argument(help: "The partial results of all shards, in any order.")
    var partials: [String]

    @OptionGroup var output: ReplayOutput

    func run() throws {
        try output.check()
        var names = OutputNames()
        for path in partials { names.add(input: path) }
        for path in output.report { try names.add("--report", path) }
        try output.show(try PartialReplay.merged(partials))
    }
}
