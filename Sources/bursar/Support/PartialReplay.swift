import BursarReplay
import BursarSyntax

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What one shard of a replay found, as a file that `merge` adds to those of the others.
struct PartialReplay: Codable {
    private static let kind = "bursar partial replay 1"

    private var kind = Self.kind
    /// From 1.
    var shard: Int
    var shards: Int
    /// What must be the same of all: logs, sets and options.
    var basis: String
    var summary: ReplaySummary

    init(_ summary: ReplaySummary, shard: ReplayOptions.Shard, basis: String) {
        self.shard = shard.index + 1
        shards = shard.count
        self.basis = basis
        self.summary = summary
    }

    func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        do {
            try FileReading.write(Array(try encoder.encode(self)), to: path)
        } catch let error as FileError {
            throw ExitStatus(ExitStatus.usage, error.description)
        }
    }

    static func read(_ path: String) throws -> PartialReplay {
        do {
            let bytes = try FileReading.read(path)
            let partial = try JSONDecoder().decode(PartialReplay.self, from: Data(bytes))
            guard partial.kind == Self.kind else {
                throw ExitStatus(ExitStatus.usage, "\(path): is a partial replay of another version of bursar")
            }
            return partial
        } catch let error as FileError {
            throw ExitStatus(ExitStatus.usage, error.description)
        } catch is DecodingError {
            throw ExitStatus(
                ExitStatus.usage, "\(path): is no partial replay; `bursar replay --shard K/N --partial` writes one")
        }
    }

    /// The whole of a replay from all of its shards.
    static func merged(_ paths: [String]) throws -> ReplaySummary {
        var partials = try paths.map { (path: $0, partial: try read($0)) }
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
