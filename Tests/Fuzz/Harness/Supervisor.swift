#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Starts workers, sees how they end, and keeps the inputs that ended them.
struct Supervisor {
    struct Plan {
        var surfaces: [Surface]
        var seed: UInt64
        var first = 0
        /// Inputs of each surface; nil: as many as the time allows.
        var inputs: Int?
        var seconds: Double?
        /// Where failing inputs are saved.
        var findings: String
        var root: String
        var boundsMemory = true
        var mostFindings = 20
    }

    private struct Count {
        var next: Int
        var inputs = 0
        var seconds = 0.0
        var findings = 0
    }

    let plan: Plan
    private let scratch: String
    private var counts: [Surface: Count] = [:]
    private var seen: [Finding] = []

    init(_ plan: Plan) {
        self.plan = plan
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        // Paths that climb a few folders stay within.
        scratch = "\(base)/bursar-fuzz-\(getpid())"
    }

    /// The number of inputs that failed.
    mutating func run() -> Int {
        mkdir(scratch, 0o777)
        defer { Files.remove(scratch) }
        say("seed \(plan.seed)")
        let start = Clock.seconds
        let end = plan.seconds.map { start + $0 } ?? .infinity
        for surface in plan.surfaces { counts[surface] = Count(next: plan.first) }
        var left = plan.surfaces
        while !left.isEmpty, Clock.seconds < end {
            for surface in left where Clock.seconds < end {
                runSlice(surface, until: min(end, Clock.seconds + max(2, (plan.seconds ?? 600) / 60)))
                if let inputs = plan.inputs, counts[surface, default: Count(next: 0)].inputs >= inputs {
                    left.removeAll { $0 == surface }
                }
            }
        }
        report(Clock.seconds - start)
        return counts.values.reduce(0) { $0 + $1.findings }
    }

    private mutating func runSlice(_ surface: Surface, until end: Double) {
        guard var count = counts[surface] else { return }
        let start = Clock.seconds
        let wanted = min(20_000, plan.inputs.map { $0 - count.inputs } ?? 20_000)
        Files.write([UInt8](repeating: 0, count: 16), to: "\(scratch)/progress")
        let options = plan.boundsMemory ? [] : ["--no-memory-bound"]
        let errors = "\(scratch)/errors"
        let command =
            [Child.program, "worker", surface.rawValue, "--seed", "\(plan.seed)", "--from", "\(count.next)"]
            + ["--count", "\(wanted)", "--for", "\(end - start)", "--scratch", scratch, "--root", plan.root] + options
        guard let child = Child(command, errors: errors) else { return }
        let finding = Finding(status: child.wait(), errors: errors)
        let progress = (Files.read("\(scratch)/progress") ?? []).prefix(8).enumerated()
        let last = progress.reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
        count.inputs += last + 1 - count.next
        count.next = last + 1
        count.seconds += Clock.seconds - start
        if let finding {
            count.findings += 1
            keep(finding, surface, last)
        }
        counts[surface] = count
    }

    private mutating func keep(_ finding: Finding, _ surface: Surface, _ number: Int) {
        let name = "\(surface.rawValue)-\(plan.seed)-\(number)"
        say("\(name): \(finding.kind): \(finding.message)")
        if seen.contains(where: { $0.isLike(finding) && !finding.message.isEmpty }) || seen.count >= plan.mostFindings {
            say("  like one before")
            return
        }
        seen.append(finding)
        mkdir(plan.findings, 0o777)
        let folder = "\(plan.findings)/\(name)"
        Files.remove(folder)
        let command =
            [Child.program, "make", surface.rawValue, folder, "--seed", "\(plan.seed)", "--number", "\(number)"]
            + ["--root", plan.root, "--scratch", scratch]
        _ = Child(command, errors: "/dev/null")?.wait()
        guard let input = FuzzInput(folder: folder) else { return say("  the input could not be made again") }
        guard let again = Finding.of(folder, scratch: scratch, boundsMemory: plan.boundsMemory) else {
            say("  not again on its own: inputs before it play a part, or the machine was busy")
            return
        }
        let minimizer = Minimizer(
            again, scratch: scratch, boundsMemory: plan.boundsMemory, seconds: again.kind == "hang" ? 0 : 20)
        let small = minimizer.minimized(input)
        Files.remove(folder)
        small.save(to: folder)
        say("  \(Child.program) one \(folder)")
    }

    private func report(_ seconds: Double) {
        var total = 0
        for surface in plan.surfaces {
            guard let count = counts[surface] else { continue }
            total += count.inputs
            let rate = Int(Double(count.inputs) / max(0.001, count.seconds))
            say(
                "\(pad(surface.rawValue, 11))\(pad("\(count.inputs) inputs", 16))\(pad("\(rate)/s", 10))\(count.findings) failed"
            )
        }
        say("\(total) inputs in \(Int(seconds)) s, \(Int(Double(total) / max(0.001, seconds)))/s, seed \(plan.seed)")
    }

    /// Prints at once, whoever reads.
    private func say(_ text: String) {
        print(text)
        fflush(nil)
    }

    private func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }
}
