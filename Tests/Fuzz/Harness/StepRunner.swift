import BursarCommands
import BursarSyntax

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Runs the steps of an input in this process, in the current folder.
///
/// A step is a command line of `bursar`. Before it may stand:
/// - `> FILE`, `< FILE`: standard output or input;
/// - `then`: only where the step before ended with 0, and must end with 0 too.
///
/// Other steps are checks: `same A B` (two files that exist are equal), `json FILE...` (each line, or the whole, is JSON),
/// `answers SESSION OUTPUT` (the language server answered every request), and `program` (see `ProgramRun`).
struct StepRunner {
    /// What is wrong with the result of an input; nil where nothing is.
    static func run(_ input: FuzzInput) -> String? {
        // No step came before.
        var last: Int32 = -1
        for step in input.steps {
            guard let name = step.first else { continue }
            let rest = Array(step.dropFirst())
            let problem: String?
            switch name {
            case "same": problem = compare(rest)
            case "json": problem = rest.lazy.compactMap(checkJSON).first
            case "answers": problem = rest.count == 2 ? LanguageServerAnswers.check(rest[0], rest[1]) : nil
            case "program": problem = ProgramRun.run(rest)
            default: problem = runCommand(step, &last)
            }
            if let problem { return problem }
        }
        return nil
    }

    private static func runCommand(_ step: [String], _ last: inout Int32) -> String? {
        var arguments = step
        var mustSucceed = false
        var output = "/dev/null"
        var input = "/dev/null"
        while let first = arguments.first {
            if first == "then" {
                guard last == 0 else { return nil }
                mustSucceed = true
                arguments.removeFirst()
            } else if first == ">" || first == "<", arguments.count > 1 {
                if first == ">" { output = arguments[1] } else { input = arguments[1] }
                arguments.removeFirst(2)
            } else {
                break
            }
        }
        redirect(0, input, O_RDONLY)
        redirect(1, output, O_WRONLY | O_CREAT | O_TRUNC)
        last = Bursar.status(of: arguments)
        redirect(1, "/dev/null", O_WRONLY)
        if mustSucceed, last != 0 {
            return "status \(last) of `\(arguments.joined(separator: " "))`, which must end with 0"
        }
        if !(0...3).contains(last) { return "status \(last) of `\(arguments.joined(separator: " "))`" }
        return nil
    }

    private static func redirect(_ number: Int32, _ path: String, _ flags: Int32) {
        let descriptor = open(path, flags, 0o666)
        guard descriptor >= 0 else { return }
        dup2(descriptor, number)
        close(descriptor)
    }

    private static func compare(_ files: [String]) -> String? {
        let contents = files.map { Files.read($0) }
        guard let first = contents.first, contents.allSatisfy({ $0 != nil }) else { return nil }
        return contents.allSatisfy { $0 == first } ? nil : "differ: \(files.joined(separator: " "))"
    }

    private static func checkJSON(_ file: String) -> String? {
        guard let bytes = Files.read(file), !bytes.isEmpty else { return nil }
        if (try? JSONTree.parse(bytes)) != nil { return nil }
        for line in bytes.split(separator: 0x0A) where (try? JSONTree.parse(Array(line))) == nil {
            return "no JSON: \(file)"
        }
        return nil
    }
}
