import BursarPolicy
import BursarReplay
import BursarSyntax

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The result of one shard of a replay, as a file that `merge` combines with those of the other shards: a header line
/// and the data.
struct PartialReplay {
    private struct Head: Codable {
        var kind: String
        /// From 1.
        var shard: Int
        var shards: Int
        /// Identifies logs, sets and options, which must be the same for all shards.
        var basis: String
        /// The digest of the data, so that modified or truncated files are rejected.
        var digest: String
    }

    private static let kind = "bursar partial replay 2"

    let shard: Int
    let shards: Int
    let basis: String
    let summary: ReplaySummary

    init(_ summary: ReplaySummary, shard: ReplayOptions.Shard, basis: String) {
        self.shard = shard.index + 1
        shards = shard.count
        self.basis = basis
        self.summary = summary
    }

    func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let rest = Array(try encoder.encode(summary))
        let head = Head(
            kind: Self.kind, shard: shard, shards: shards, basis: basis, digest: Digest.sha256(rest))
        let bytes = Array(try encoder.encode(head)) + [0x0A] + rest
        if OutputNames.isStandardOutput(path) { return Console.print(bytes: bytes) }
        try OutputFile.write(bytes, to: path)
    }

    init(reading path: String) throws {
        func unusable(_ why: String) -> ExitStatus { ExitStatus(ExitStatus.usage, "\(path): \(why)") }
        do {
            let bytes = try FileReading.read(path)
            let lines = bytes.split(separator: 0x0A, maxSplits: 1)
            let decoder = JSONDecoder()
            let head = try decoder.decode(Head.self, from: Data(lines.first ?? []))
            guard head.kind == Self.kind else { throw unusable("is a partial replay of another version of bursar") }
            guard lines.count == 2, Digest.sha256(Array(lines[1])) == head.digest else {
                throw unusable("is damaged: it does not hold what was written")
            }
            summary = try decoder.decode(ReplaySummary.self, from: Data(lines[1]))
            (shard, shards, basis) = (head.shard, head.shards, head.basis)
        } catch let error as FileError {
            throw ExitStatus(ExitStatus.usage, error.description)
        } catch is DecodingError {
            throw unusable("is no partial replay; `bursar replay --shard K/N --partial` writes one")
        }
    }

    /// Combines all shards of a replay.
    static func merged(_ paths: [String]) throws -> ReplaySummary {
        var partials = try paths.map { (path: $0, partial: try PartialReplay(reading: $0)) }
        partials.sort { $0.partial.shard < $1.partial.shard }
        guard let first = partials.first else { throw ExitStatus(ExitStatus.usage, "there is nothing to merge") }
        var summary: ReplaySummary?
        for (position, (path, partial)) in partials.enumerated() {
            guard partial.shards == first.partial.shards, partial.basis == first.partial.basis else {
                throw ExitStatus(
                    ExitStatus.usage, "\(path): is of another replay than \(first.path): logs, sets or options differ")
            }
            guard partial.shard == position + 1 else {
                throw ExitStatus(
                    ExitStatus.usage,
                    partial.shard <= position
                        ? "\(path): shard \(partial.shard)/\(partial.shards) is given twice"
                        : "shard \(position + 1)/\(partial.shards) is missing")
            }
            if summary == nil { summary = partial.summary } else { summary?.add(partial.summary) }
        }
        guard let summary, partials.count == first.partial.shards else {
            throw ExitStatus(ExitStatus.usage, "shard \(partials.count + 1)/\(first.partial.shards) is missing")
        }
        return summary
    }
}
