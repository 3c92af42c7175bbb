import ArgumentParser
import BursarLanguageServer

struct LSP: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lsp",
        abstract: "Run the language server for editors, on standard input and output.",
        discussion: """
            It gives diagnostics as you type, hover, completion, definitions and references, rename, layout, quick fixes and \
            an outline, with LSP 3.17. The editor starts the command.

            Examples:
              bursar lsp
            """)

    // Editors may pass this flag although it has no effect.
    @Flag(help: "Speak over standard input and output; there is no other way.")
    var stdio = false

    func run() throws {
        let server = LanguageServer(version: Bursar.configuration.version)
        let status = server.run()
        if server.outputFailure != 0 { Shutdown.outputFailed(server.outputFailure) }
        if status != 0 { throw ExitStatus(status) }
    }
}
