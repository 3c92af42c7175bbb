import BursarCommands
import BursarPolicy
import RandomPolicies

/// Files of `replay --partial`, changed and given a digest that fits again, so that what is behind the digest is reached.
enum ShardSurface {
    private static let shards = 2

    static func input(_ random: inout SeededGenerator, _ corpus: Corpus) -> FuzzInput {
        let whole = ShardFiles.of(random.below(ShardFiles.variants), corpus)
        var mutator = Mutator(random: random, others: whole)
        var input = FuzzInput()
        let changed = mutator.random.below(shards)
        for (index, bytes) in whole.enumerated() {
            guard index == changed || mutator.random.chance(20) else {
                input.add("part\(index + 1)", bytes)
                continue
            }
            let isWhole = mutator.random.chance(10)
            let bytes = isWhole ? mutator.mutated(bytes) : resealed(bytes, &mutator)
            input.add("part\(index + 1)", bytes)
        }
        let reports = ["html", "md", "json"].flatMap { ["--report", "m.\($0)"] }
        input.steps.append(
            [">", "out", "merge", "--format", mutator.random.pick(["text", "json"])] + reports + ["part1", "part2"])
        input.run("json", "m.json")
        random = mutator.random
        return input
    }

    /// Changes what follows the first line, or the first line itself, and writes the digest anew.
    private static func resealed(_ bytes: [UInt8], _ mutator: inout Mutator) -> [UInt8] {
        let lines = bytes.split(separator: 0x0A, maxSplits: 1).map(Array.init)
        guard lines.count == 2 else { return mutator.mutated(bytes) }
        var head = lines[0]
        var rest = lines[1]
        if mutator.random.chance(10) { head = mutator.mutated(head) } else { rest = changed(rest, &mutator) }
        // The digest is of the file with an empty digest.
        let open = replacingDigest(head, "")
        return replacingDigest(head, Digest.sha256(open + [0x0A] + rest)) + [0x0A] + rest
    }

    /// Mostly other numbers: the form of the file then stays as it was.
    private static func changed(_ bytes: [UInt8], _ mutator: inout Mutator) -> [UInt8] {
        guard mutator.random.chance(70) else { return mutator.mutated(bytes) }
        var bytes = bytes
        for _ in 0...mutator.random.below(6) {
            let start = mutator.random.below(bytes.count)
            guard let first = (bytes[start...].firstIndex { $0 >= 0x30 && $0 <= 0x39 }) else { continue }
            let end = bytes[first...].firstIndex { $0 < 0x30 || $0 > 0x39 } ?? bytes.endIndex
            bytes.replaceSubrange(first..<end, with: mutator.random.pick(Tokens.numbers))
        }
        return bytes
    }

    private static func replacingDigest(_ head: [UInt8], _ digest: String) -> [UInt8] {
        let text = String(decoding: head, as: UTF8.self)
        guard let range = text.firstRange(of: "sha256:") else { return head }
        let after = text[range.upperBound...].drop { $0.isHexDigit }
        return Array((text[..<range.lowerBound] + digest + after).utf8)
    }
}

/// Shards of the example sets' replays, made by the commands themselves when they are first needed.
enum ShardFiles {
    static let variants = 12

    nonisolated(unsafe) private static var made: [Int: [[UInt8]]] = [:]

    /// Called by one thread, in a folder that may be written to.
    static func of(_ variant: Int, _ corpus: Corpus) -> [[UInt8]] {
        if let known = made[variant] { return known }
        let set = corpus.sets[variant % corpus.sets.count]
        var input = FuzzInput()
        for file in set.files { input.add("set/\(file.name)", file.bytes) }
        input.add("l.jsonl", [UInt8](lines: Array(set.traffic.prefix(200))))
        let folder = "shards-\(variant)"
        input.writeFiles(to: folder)
        let parts = (1...2).map { shard -> [UInt8] in
            let file = "\(folder)/part\(shard)"
            let against = variant >= corpus.sets.count ? ["--against", "\(folder)/set"] : []
            _ = Bursar.status(
                of: ["replay", "--quiet", "--threads", "1", "--policies", "\(folder)/set", "\(folder)/l.jsonl"]
                    + against + ["--shard", "\(shard)/2", "--partial", file])
            return Files.read(file) ?? []
        }
        Files.remove(folder)
        made[variant] = parts
        return parts
    }
}
