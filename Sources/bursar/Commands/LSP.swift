import ArgumentParser
import BursarLanguageServer

struct LSP: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lsp", abstract: "A language server for editors, on standard input and output.",
        discussion: """
            Findings as one types, hover, completion, definitions and references, rename, layout, quick fixes and an \
            outline. The protocol is LSP 3.17; the editor starts the command.
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
