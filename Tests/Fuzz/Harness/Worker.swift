import BursarSyntax

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Runs inputs one after the other in this process, until one of them ends it.
struct Worker {
    /// Seconds after which an input counts as one that hangs.
    static let longest: UInt32 = 10
    /// Bytes of memory that no input may need more of.
    static let mostMemory = 1 << 30

    enum Status {
        static let memory: Int32 = 90
        static let problem: Int32 = 91
    }

    let folder: String
    let boundsMemory: Bool

    /// Goes into a folder of its own, and bounds what a runaway can take.
    init(folder: String, boundsMemory: Bool) {
        self.folder = folder
        self.boundsMemory = boundsMemory
        mkdir(folder, 0o777)
        chdir(folder)
        signal(SIGPIPE, SIG_IGN)
        setenv("TMPDIR", folder, 1)
        guard boundsMemory else { return }
        var limit = rlimit(rlim_cur: 8 << 30, rlim_max: 8 << 30)
        setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
    }

    /// Runs inputs by their numbers. Writes the number of each into a file before it is run.
    func run(_ surface: Surface, seed: UInt64, from first: Int, count: Int, until deadline: Double, _ corpus: Corpus)
        -> Never
    {
        let progress = open("\(folder)/../progress", O_WRONLY | O_CREAT, 0o666)
        for number in first..<first + count {
            var position = Int64(number)
            pwrite(progress, &position, 8, 0)
            runOne(surface.input(seed: seed, number: number, corpus))
            if Clock.seconds > deadline { break }
        }
        var done: Int64 = -1
        pwrite(progress, &done, 8, 8)
        exit(0)
    }

    /// Runs one input and ends this process where it fails.
    func runOne(_ input: FuzzInput) {
        let scratch = "\(folder)/x"
        Files.remove(scratch)
        mkdir(scratch, 0o777)
        chdir(scratch)
        input.writeFiles(to: scratch)
        alarm(Self.longest)
        let problem = StepRunner.run(input)
        alarm(0)
        chdir(folder)
        if let problem {
            writeMessage(problem)
            exit(Status.problem)
        }
        let memory = Clock.peakMemory
        if boundsMemory, memory > Self.mostMemory {
            writeMessage("\(memory >> 20) MiB of memory")
            exit(Status.memory)
        }
    }

    private func writeMessage(_ text: String) { _ = writeAll(Array("FOUND \(shown(text))\n".utf8), to: 2) }
}

enum Clock {
    static var seconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Bytes that this process had at its peak.
    static var peakMemory: Int {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss << 10
    }
}
