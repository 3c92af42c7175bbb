import ArgumentParser
import BursarSyntax

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// It and every verb say what they are called: the parser would find that out by reflection, at every start.
struct Bursar: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bursar",
        abstract: "Policy as code for what each tenant of an AI product may spend and use.",
        version: "0.1.0",
        subcommands: [
            Check.self, Eval.self, Replay.self, Merge.self, Diff.self, Test.self, Format.self, Schema.self,
            Explain.self, Lock.self,
            Import.self, Init.self, LSP.self,
        ])
}

@main
enum Entry {
    /// Wrong usage and unreadable files end with 2, which argument parsers of other languages use too.
    static func main() {
        Shutdown.prepare()
        var status = run()
        Console.flush()
        TemporaryFiles.removeAll()
        if status == 0, Console.hasLostMessages { status = ExitStatus.usage }
        exit(status)
    }

    private static func run() -> Int32 {
        do {
            var command = try Bursar.parseAsRoot()
            try command.run()
            return 0
        } catch let status as ExitStatus {
            if let message = status.message { Console.error(shown(message)) }
            return status.code
        } catch let error as FileError {
            Console.error(error.description)
            return ExitStatus.usage
        } catch {
            let code = Bursar.exitCode(for: error)
            let message = Bursar.fullMessage(for: error)
            if code == .success {
                if !message.isEmpty { Console.print(message) }
                return 0
            }
            if !message.isEmpty { Console.error(message) }
            return ExitStatus.usage
        }
    }
}

/// How a verb ends when not with 0.
struct ExitStatus: Error {
    static let usage: Int32 = 2

    var code: Int32
    var message: String?

    init(_ code: Int32, _ message: String? = nil) {
        self.code = code
        self.message = message
    }
}
