import ArgumentParser
import BursarSyntax

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Every command declares its name, because the parser would otherwise derive it by reflection at every start.
package struct Bursar: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "bursar",
        abstract: "Policy as code for what each tenant of an AI product may spend and use.",
        version: "0.1.0",
        subcommands: [
            Check.self, Eval.self, Replay.self, Merge.self, Diff.self, Test.self, Format.self, Schema.self,
            Explain.self, Lock.self,
            Import.self, Init.self, LSP.self,
        ])

    package init() {}

    /// Runs the command line of this process and ends the process.
    package static func runProcess() -> Never {
        Shutdown.prepare()
        var status = status(of: nil)
        TemporaryFiles.removeAll()
        if status == 0, Console.hasLostMessages { status = ExitStatus.usage }
        endProcess(status)
    }

    /// Runs a command, writes all of its output, and returns its exit status.
    ///
    /// Wrong usage and unreadable files give status 2.
    ///
    /// - Parameter arguments: without the program's name; nil: the arguments of this process.
    package static func status(of arguments: [String]?) -> Int32 {
        defer { Console.flush() }
        if let problem = unknownCommand(arguments ?? Array(CommandLine.arguments.dropFirst())) {
            Console.error(problem)
            return ExitStatus.usage
        }
        do {
            var command = try parseAsRoot(arguments)
            try command.run()
            return 0
        } catch let status as ExitStatus {
            if let message = status.message { Console.error(shown(message)) }
            return status.code
        } catch let error as FileError {
            Console.error(error.description)
            return ExitStatus.usage
        } catch {
            let code = exitCode(for: error)
            let message = fullMessage(for: error)
            if code == .success {
                if !message.isEmpty { Console.print(message) }
                return 0
            }
            if !message.isEmpty { Console.error(message) }
            return ExitStatus.usage
        }
    }

    /// The reason why the words before the first option are not a command; nil if they are one. The parser would report a
    /// misspelt command as an unexpected argument.
    private static func unknownCommand(_ arguments: [String]) -> String? {
        var command: ParsableCommand.Type = Bursar.self
        var path = configuration.commandName ?? "bursar"
        for word in arguments {
            let commands = command.configuration.subcommands
            let names = commands.map { $0.configuration.commandName ?? "" } + (command == Bursar.self ? ["help"] : [])
            if commands.isEmpty || word.hasPrefix("-") || word == "help" { return nil }
            guard let next = commands.first(where: { $0.configuration.commandName == word }) else {
                let near = nearestName(to: word, among: names)
                return "error: `\(path)` has no command `\(shown(word))`; "
                    + (near.map { "did you mean `\(path) \($0)`?" } ?? "commands: \(names.joined(separator: ", "))")
            }
            command = next
            path += " \(word)"
        }
        return nil
    }
}

/// The C library's `exit`, because a method of commands has the same name.
private func endProcess(_ status: Int32) -> Never { exit(status) }

/// Ends a command with a status other than 0.
struct ExitStatus: Error {
    static let usage: Int32 = 2

    var code: Int32
    var message: String?

    init(_ code: Int32, _ message: String? = nil) {
        self.code = code
        self.message = message
    }
}
