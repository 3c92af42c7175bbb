import BursarEngine
import BursarPolicy
import BursarSyntax

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The result of one shard of a replay, as a file that `merge` adds to those of the other shards.
///
/// The file has two lines of JSON with sorted keys: a head, and the summary. The same result has the same bytes.
package struct PartialReplay: Sendable {
    private struct Head: Codable {
        var kind: String
        /// From 1.
        var shard: Int
        var shards: Int
        /// Logs, policy sets and options, which all shards have in common.
        var basis: String
        /// SHA-256 of the file with an empty digest.
        var digest: String
    }

    /// The reason why a file cannot be merged.
    package struct Unusable: Error, CustomStringConvertible {
        package var description: String

        init(_ path: String, _ reason: String) { description = "\(shown(path)): \(reason)" }
    }

    private static let kind = "bursar partial replay 3"
    package static let mostShards = 1_000

    package let shard: Int
    package let shards: Int
    package let basis: String
    package let summary: ReplaySummary

    package init(_ summary: ReplaySummary, shard: ReplayOptions.Shard, basis: String) {
        self.shard = shard.index + 1
        shards = shard.count
        self.basis = basis
        self.summary = summary
    }

    // MARK: - The file

    /// The bytes of the file; the same for the same content.
    package func encoded() throws -> [UInt8] {
        let rest = Array(try Self.encoder.encode(summary))
        var head = Head(kind: Self.kind, shard: shard, shards: shards, basis: basis, digest: "")
        head.digest = try Self.digest(head, rest)
        return Array(try Self.encoder.encode(head)) + [0x0A] + rest
    }

    /// Reads a file and checks every value in it.
    ///
    /// - Parameter path: names the file in messages.
    package init(_ bytes: [UInt8], path: String) throws(Unusable) {
        let lines = bytes.split(separator: 0x0A, maxSplits: 1).map { Array($0) }
        guard lines.count == 2, let head = try? JSONDecoder().decode(Head.self, from: Data(lines[0])) else {
            throw Unusable(path, "is not a partial replay; `bursar replay --shard K/N --partial` writes one")
        }
        guard head.kind == Self.kind else {
            throw Unusable(path, "is a partial replay of another version of bursar; replay the shard again")
        }
        func damaged(_ problem: String) -> Unusable {
            Unusable(path, "is damaged: \(problem); replay the shard again")
        }
        guard (try? Self.digest(head, lines[1])) == head.digest else {
            throw damaged("its digest does not match its content")
        }
        do {
            summary = try JSONDecoder().decode(ReplaySummary.self, from: Data(lines[1]))
        } catch {
            throw damaged(Self.problem(error))
        }
        (shard, shards, basis) = (head.shard, head.shards, head.basis)
        do throws(ContentError) { try check() } catch {
            throw damaged("\(shown(error.place)): \(shown(error.problem))")
        }
        // Anyone can compute a digest, so the layout of the file is checked too.
        guard (try? encoded()) == bytes else { throw damaged("its layout differs from that of a replay") }
    }

    private static func problem(_ error: any Error) -> String {
        func place(_ path: [any CodingKey]) -> String {
            shown(path.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: "."))
        }
        switch error {
        case DecodingError.keyNotFound(let key, let context): return "\(place(context.codingPath + [key])) is missing"
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
            return "\(place(context.codingPath)) has the wrong type"
        case DecodingError.dataCorrupted(let context) where !context.codingPath.isEmpty:
            return "\(place(context.codingPath)) is not valid"
        default: return "its second line is not valid"
        }
    }

    private func check() throws(ContentError) {
        try ContentCheck.count(shards, least: 1, most: Self.mostShards, "shards")
        try ContentCheck.count(shard, least: 1, most: shards, "shard")
        try summary.check()
        try summary.checkTenants(shard: .init(index: shard - 1, count: shards))
    }

    private static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return encoder
    }

    private static func digest(_ head: Head, _ rest: [UInt8]) throws -> String {
        var head = head
        head.digest = ""
        return Digest.sha256(Array(try encoder.encode(head)) + [0x0A] + rest)
    }

    // MARK: - Merging

    /// The result of the whole replay from the files of all shards, in any order.
    package static func merged(_ files: [(path: String, partial: PartialReplay)]) throws(Unusable) -> ReplaySummary {
        let ordered = files.sorted { $0.partial.shard < $1.partial.shard }
        guard let first = ordered.first else { throw Unusable("merge", "there is no file to merge") }
        var summary = first.partial.summary
        for (position, (path, partial)) in ordered.enumerated() {
            guard partial.shards == first.partial.shards, partial.basis == first.partial.basis else {
                throw Unusable(path, "is from another replay than \(shown(first.path)): logs, sets or options differ")
            }
            guard partial.shard == position + 1 else {
                throw Unusable(
                    path,
                    partial.shard <= position
                        ? "shard \(partial.shard)/\(partial.shards) is given twice"
                        : "shard \(position + 1)/\(partial.shards) is missing")
            }
            do throws(ContentError) { try partial.summary.checkSameReplay(as: first.partial.summary) } catch {
                throw Unusable(path, "is from another replay than \(shown(first.path)): \(shown(error.problem))")
            }
            if position > 0 { summary.add(partial.summary) }
        }
        guard ordered.count == first.partial.shards else {
            throw Unusable(first.path, "shard \(ordered.count + 1)/\(first.partial.shards) is missing")
        }
        return summary
    }
}
