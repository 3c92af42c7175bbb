#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Runs the built `bursar` beside this program. Standard input is `l.jsonl`.
///
/// Arguments: signals to send (`none`, or names with commas), after how many microseconds, standard output (`null`,
/// `full`: a full disk, `closed`: a pipe without a reader, `head`: a pipe whose reader leaves early), the command line.
enum ProgramRun {
    private static let signals: [String: Int32] = ["int": SIGINT, "term": SIGTERM, "hup": SIGHUP]

    static func run(_ arguments: [String]) -> String? {
        guard arguments.count > 3 else { return nil }
        let command = Array(arguments.dropFirst(3))
        var ends: [Int32] = [-1, -1]
        var output = "/dev/null"
        if arguments[2] == "full" { output = "/dev/full" }
        if arguments[2] == "closed" || arguments[2] == "head" {
            guard pipe(&ends) == 0 else { return nil }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            output = "/proc/self/fd/\(ends[1])"
        }
        guard
            let child = Child(
                [Child.folder + "/bursar"] + command, input: "l.jsonl", output: output, pipe: ends[1],
                errors: "/dev/null")
        else { return nil }
        if ends[1] >= 0 { close(ends[1]) }
        if arguments[2] == "closed" { close(ends[0]) }
        if arguments[2] == "head" {
            var buffer = [UInt8](repeating: 0, count: 100)
            _ = read(ends[0], &buffer, buffer.count)
            close(ends[0])
        }
        if arguments[0] != "none" {
            usleep(UInt32(arguments[1]) ?? 0)
            for name in arguments[0].split(separator: ",") { kill(child.id, signals[String(name)] ?? SIGINT) }
        }
        let status = child.wait()
        // A signal may come before the program takes it, and a closed pipe ends it as it ends others.
        let early: Set<Int32> = [256 + SIGINT, 256 + SIGTERM, 256 + SIGHUP]
        let allowed = early.union([0, 1, 2, 3, 129, 130, 141, 143])
        if allowed.contains(status) { return leftOver() }
        return "status \(status) of the program `\(command.joined(separator: " "))`"
    }

    private static func leftOver() -> String? {
        let left = Files.names(in: ".").first { $0.hasPrefix(".bursar-") }
        return left.map { "a temporary file was left: \($0)" }
    }
}
