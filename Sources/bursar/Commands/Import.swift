import ArgumentParser
import BursarSyntax
import BursarLogs

struct Import: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Make policy documents from published data.", subcommands: [Prices.self])

    struct Prices: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "prices",
            abstract: "Make a catalog from a public price list (LiteLLM's model_prices_and_context_window.json).",
            discussion: """
                The catalog is written to standard output, and a list of what it cannot hold to standard error. Prices are \
                exact: 1.5e-07 per token becomes $0.15/1M.

                Examples:
                  bursar import prices prices.json > catalog.yaml
                  bursar import prices --provider openai prices.json > catalog.yaml
                """)

        @Argument(help: "The price list.")
        var file: String

        @Option(help: "The catalog's id.")
        var id = "providers"

        @Option(help: "Its version.")
        var version = "1"

        @Option(help: "The first instant at which its prices hold.")
        var effective: String?

        @Option(help: "Only models of this provider; repeat for several.")
        var provider: [String] = []

        @Flag(help: "Do not list what is left out.")
        var quiet = false

        func run() throws {
            let bytes: [UInt8]
            do throws(FileError) {
                bytes = try FileReading.read(file, limit: 1 << 28)
            } catch {
                throw ExitStatus(ExitStatus.usage, error.description)
            }
            let result: PriceListImport
            do throws(PriceListImport.ImportError) {
                result = try PriceListImport(
                    bytes, id: id, version: version, effective: effective, providers: Set(provider))
            } catch {
                throw ExitStatus(ExitStatus.usage, "\(file): \(error.description)")
            }
            Console.print(exact: result.catalog)
            guard !quiet else { return }
            for line in result.leftOut { Console.error(shown(line)) }
            let (models, notes) = (result.modelCount, result.leftOut.count)
            Console.error(
                "\(models) model\(models == 1 ? "" : "s"), \(notes) note\(notes == 1 ? "" : "s") on what was left out")
        }
    }
}
