import ArgumentParser
import BursarSyntax

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

struct Format: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fmt",
        abstract: "Write policy files in one canonical layout; comments, order and meaning stay.",
        discussion: """
            With -, the text is read from standard input and written to standard output.

            Examples:
              bursar fmt policies
              bursar fmt --check policies
              bursar fmt --diff policies | git apply
            """)

    @Argument(help: "Files, or folders of *.yaml and *.yml files.")
    var paths: [String]

    @Flag(help: "Write nothing; the exit status is 1 if a file would change.")
    var check = false

    @Flag(help: "Write nothing; print a unified diff of what would change.")
    var diff = false

    @Option(help: "text or json (one file a line).")
    var format = OutputFormat.text

    @Flag(help: "Print only errors.")
    var quiet = false

    func run() throws {
        if paths == ["-"] { return try formatInput() }
        var files: [String] = []
        for path in paths { try collect(path, into: &files) }
        var changed = 0
        var failed = 0
        for file in files {
            do {
                if try formatFile(file) { changed += 1 }
            } catch let failure as PolicyFormatter.Failure {
                failed += 1
                report(failure, file)
            } catch let error as FileError {
                throw ExitStatus(ExitStatus.usage, error.description)
            }
        }
        if !quiet, format == .text {
            Console.error(
                "\(files.count) file\(files.count == 1 ? "" : "s"), \(changed) \(check || diff ? "would change" : "changed")"
            )
        }
        if failed > 0 || (check && changed > 0) { throw ExitStatus(1) }
    }

    private func collect(_ path: String, into files: inout [String]) throws {
        try Policies.requireReadable(path)
        switch FileReading.kind(of: path) {
        case .missing: break
        case .file: files.append(path)
        case .folder:
            do throws(FileError) {
                files += try DocumentLoader.files(in: path)
            } catch {
                throw ExitStatus(ExitStatus.usage, error.description)
            }
        }
    }

    /// Formats a file and returns whether it changes.
    private func formatFile(_ path: String) throws -> Bool {
        let bytes = try FileReading.readRegular(path, limit: Bounds.fileBytes)
        let formatted = try PolicyFormatter.format(SourceFile(path: path, name: path, bytes: bytes))
        let changes = formatted != bytes
        if changes, !check, !diff { try OutputFile.write(formatted, to: path) }
        if format == .json {
            var json = JSONWriter()
            json.object { json in
                json.field("file", path)
                json.field("changed", changes)
            }
            Console.print(exact: json.text)
        } else if changes, diff {
            show(LineDiff.render(path, bytes, formatted))
        } else if changes, !quiet {
            Console.print(shown(path))
        }
        return changes
    }

    private func formatInput() throws {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count <= Bounds.fileBytes {
            let count = read(0, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            if count < 0 { throw FileError(path: "standard input", code: errno) }
            if count == 0 { break }
            bytes += buffer[..<count]
        }
        let formatted: [UInt8]
        do throws(PolicyFormatter.Failure) {
            formatted = try PolicyFormatter.format(SourceFile(path: "<stdin>", name: "<stdin>", bytes: bytes))
        } catch {
            report(error, "<stdin>", bytes)
            throw ExitStatus(1)
        }
        if check {
            if formatted != bytes { throw ExitStatus(1) }
        } else if diff {
            show(LineDiff.render("<stdin>", bytes, formatted))
        } else {
            Console.print(bytes: formatted)
        }
    }

    /// Prints a difference with colors on a terminal, and without changes to other programs.
    private func show(_ diff: String) {
        guard Console.outputIsTerminal else { return Console.print(exact: diff) }
        let isColored = Console.usesColor(onTerminal: true)
        for line in diff.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            let color = !isColored ? nil : line.hasPrefix("+") ? "32" : line.hasPrefix("-") ? "31" : nil
            Console.print(exact: color.map { "\u{1B}[\($0)m\(shown(String(line)))\u{1B}[0m" } ?? shown(String(line)))
        }
    }

    private func report(_ failure: PolicyFormatter.Failure, _ path: String, _ bytes: [UInt8]? = nil) {
        switch failure {
        case .unreadable(let findings):
            var sources = SourceMap()
            let text = bytes ?? (try? FileReading.readRegular(path, limit: Bounds.fileBytes)) ?? []
            _ = sources.add(SourceFile(path: path, name: path, bytes: text))
            let renderer = DiagnosticTextRenderer(sources: sources)
            for finding in findings { Console.error(exact: renderer.render(finding)) }
        case .wouldChange:
            Console.error(
                "\(shown(path)): not formatted, because formatting would change its meaning")
        }
    }
}
