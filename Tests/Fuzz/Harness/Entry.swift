import ArgumentParser

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

@main
struct Fuzz: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bursar-fuzz", abstract: "Runs commands on inputs that were changed at random.",
        discussion: """
            An input that crashes, hangs for 10 s, needs more than 1 GiB of memory or gives a wrong result is saved as a \
            folder, with the command that runs it again. The same seed gives the same inputs.
            """,
        subcommands: [Run.self, Replay.self, One.self, Make.self, Work.self], defaultSubcommand: Run.self)
}

struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Fuzz.")

    @Option(help: "The seed of all inputs.")
    var seed: UInt64 = 1
    @Option(help: "Seconds to run.")
    var seconds: Double?
    @Option(help: "Inputs of each surface.")
    var inputs: Int?
    @Option(help: "The number of the first input.")
    var first = 0
    @Option(parsing: .upToNextOption, help: "Surfaces; all where none is named.")
    var surface: [Surface] = Surface.allCases
    @Option(help: "Where failing inputs are saved.")
    var findings = ".build/fuzz"
    @Option(help: "The repository.")
    var root = "."
    @Flag(inversion: .prefixedNo, help: "An input that needs more than 1 GiB fails.")
    var memoryBound = true

    func run() throws {
        var plan = Supervisor.Plan(
            surfaces: surface, seed: seed, first: first, findings: absolute(findings), root: absolute(root))
        plan.seconds = seconds ?? (inputs == nil ? 60 : nil)
        plan.inputs = inputs
        plan.boundsMemory = memoryBound
        var supervisor = Supervisor(plan)
        if supervisor.run() > 0 { throw ExitCode(1) }
    }
}

/// Paths are used in other folders than the one that they were written in.
private func absolute(_ path: String) -> String {
    guard !path.hasPrefix("/"), let folder = getcwd(nil, 0) else { return path }
    defer { free(folder) }
    return "\(String(cString: folder))/\(path)"
}

struct Replay: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Runs every saved input of some folders again.")

    @Argument(help: "Folders of inputs, or of folders of them.")
    var folders: [String]
    @Flag(inversion: .prefixedNo, help: "An input that needs more than 1 GiB fails.")
    var memoryBound = true

    func run() throws {
        let scratch = "\(getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp")/bursar-fuzz-\(getpid())"
        mkdir(scratch, 0o777)
        defer { Files.remove(scratch) }
        let steps = "/" + FuzzInput.stepsFile
        let inputs = folders.map(absolute).flatMap { folder in
            Files.tree(folder).map { "/\($0)" }.filter { $0.hasSuffix(steps) }.map { folder + $0.dropLast(steps.count) }
        }
        var failed = 0
        for input in inputs {
            guard let finding = Finding.of(input, scratch: scratch, boundsMemory: memoryBound) else { continue }
            failed += 1
            print("\(input): \(finding.kind): \(finding.message)")
        }
        print("\(inputs.count) inputs, \(failed) failed")
        if failed > 0 || inputs.isEmpty { throw ExitCode(1) }
    }
}

struct One: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Runs one saved input in this process.")

    @Argument(help: "The input's folder.")
    var folder: String
    @Option(help: "A folder to work in.")
    var scratch = "/tmp"
    @Flag(inversion: .prefixedNo, help: "An input that needs more than 1 GiB fails.")
    var memoryBound = true

    func run() throws {
        guard let input = FuzzInput(folder: folder) else { throw ValidationError("\(folder) holds no input") }
        Worker(folder: "\(scratch)/one", boundsMemory: memoryBound).runOne(input)
    }
}

struct Make: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Saves the input of a number, without running it.")

    @Argument(help: "The surface.")
    var surface: Surface
    @Argument(help: "The folder of the input.")
    var folder: String
    @Option(help: "The seed of all inputs.")
    var seed: UInt64 = 1
    @Option(help: "The number of the input.")
    var number: Int
    @Option(help: "The repository.")
    var root = "."
    @Option(help: "A folder to work in.")
    var scratch = "/tmp"

    func run() throws {
        let (folder, root) = (absolute(folder), absolute(root))
        // Making some inputs takes files.
        _ = Worker(folder: "\(scratch)/made", boundsMemory: false)
        surface.input(seed: seed, number: number, Corpus(root: root)).save(to: folder)
    }
}

struct Work: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "worker", shouldDisplay: false)

    @Argument var surface: Surface
    @Option var seed: UInt64
    @Option var from: Int
    @Option var count: Int
    @Option(name: .customLong("for")) var seconds: Double
    @Option var scratch: String
    @Option var root: String
    @Flag(inversion: .prefixedNo) var memoryBound = true

    func run() throws {
        let end = Clock.seconds + seconds
        let worker = Worker(folder: "\(scratch)/worker", boundsMemory: memoryBound)
        worker.run(surface, seed: seed, from: from, count: count, until: end, Corpus(root: root))
    }
}
