import ArgumentParser
import BursarReplay

struct Merge: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge",
        abstract: "Put the shards of a replay together.",
        discussion: """
            `bursar replay --shard K/N --partial FILE` replays a part of the tenants; the parts of all N shards give exactly \
            what one replay of the whole gives.
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
