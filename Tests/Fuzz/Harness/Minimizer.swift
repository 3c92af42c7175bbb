/// Cuts what an input does not need to fail: steps, files, lines, and bytes of short files.
struct Minimizer {
    let finding: Finding
    let scratch: String
    let boundsMemory: Bool
    private var deadline: Double

    init(_ finding: Finding, scratch: String, boundsMemory: Bool, seconds: Double) {
        self.finding = finding
        self.scratch = scratch
        self.boundsMemory = boundsMemory
        deadline = Clock.seconds + seconds
    }

    func minimized(_ input: FuzzInput) -> FuzzInput {
        var input = input
        reduce(input.steps, piece: 1) { steps in
            var smaller = input
            smaller.steps = steps
            guard fails(smaller) else { return false }
            input = smaller
            return true
        }
        for index in input.changeable {
            let lines = input.files[index].bytes.split(separator: 0x0A, omittingEmptySubsequences: false).map(
                Array.init)
            let isText = lines.count > 1
            let parts = isText ? lines : input.files[index].bytes.map { [$0] }
            guard isText || parts.count < 4_096 else { continue }
            reduce(parts, piece: max(1, parts.count / 2)) { parts in
                var smaller = input
                smaller.files[index].bytes = Array(parts.joined(separator: isText ? [0x0A] : []))
                guard fails(smaller) else { return false }
                input = smaller
                return true
            }
        }
        return input
    }

    private func fails(_ input: FuzzInput) -> Bool {
        let folder = "\(scratch)/candidate"
        Files.remove(folder)
        input.save(to: folder)
        return Finding.of(folder, scratch: scratch, boundsMemory: boundsMemory)?.isLike(finding) ?? false
    }

    /// Leaves out pieces, and smaller ones where those are needed.
    private func reduce<Item>(_ items: [Item], piece: Int, _ accepts: ([Item]) -> Bool) {
        var items = items
        var piece = piece
        while piece >= 1 {
            var start = 0
            while start < items.count, Clock.seconds < deadline {
                var smaller = items
                smaller.removeSubrange(start..<min(items.count, start + piece))
                if accepts(smaller) { items = smaller } else { start += piece }
            }
            piece /= 2
        }
    }
}
