import BursarEngine
import BursarReplay
import Foundation
import RandomPolicies
import Testing

/// The result does not depend on the number of threads and shards: random policies and logs with extreme values.
@Suite struct LawTests {
    /// `make laws` sets `BURSAR_POLICIES` and `BURSAR_SEED`, the seed of the first policy.
    static let wanted = ProcessInfo.processInfo.environment["BURSAR_POLICIES"].flatMap(Int.init) ?? 60
    static let seed = ProcessInfo.processInfo.environment["BURSAR_SEED"].flatMap(UInt64.init) ?? 1

    /// Counts what the cases reach: a law without cases proves nothing.
    private struct Reached {
        var sets = 0
        var counts: [String: Int] = [:]

        mutating func add(_ summary: ReplaySummary, isCut: Bool) {
            sets += 1
            for outcome in Outcome.allCases { counts[outcome.name, default: 0] += summary.total[outcome] }
            counts["events", default: 0] += summary.events
            counts["alerts", default: 0] += summary.alerts.count
            counts["repeats", default: 0] += summary.repeats
            counts["rejected", default: 0] += summary.rejected
            counts["shadowed", default: 0] += summary.total.shadowed
            counts["changes", default: 0] += summary.comparison?.changed ?? 0
            counts["windows of limits", default: 0] += summary.details?.limitDemands.count ?? 0
            counts["ordered", default: 0] += summary.wasOrdered ? 1 : 0
            counts["filtered", default: 0] += summary.filtered
            counts["enforced", default: 0] += summary.isShadowEnforced ? 1 : 0
            counts["cut", default: 0] += isCut ? 1 : 0
            counts["largest sums", default: 0] += summary.total.recordedCost == .max ? 1 : 0
        }

        var text: String { counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ") }
    }

    @Test func `threads, shards and runs give the same bytes`() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "bursar-laws-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        var reached = Reached()
        var failures = 0
        for seed in Self.seed..<(Self.seed + UInt64(Self.wanted)) {
            let law = try LawCase(seed: seed, records: Self.records(seed), folder: folder)
            guard let broken = try Self.broken(law, &reached) else { continue }
            let kept = FileManager.default.temporaryDirectory.appending(path: "bursar-law-\(seed)")
            try law.keep(in: kept)
            Issue.record("seed \(seed) (inputs in \(kept.path())): \(broken)")
            failures += 1
            if failures == 20 { break }
        }
        print("\(failures) of \(Self.wanted) policies from seed \(Self.seed) break a law: \(reached.text)")
        if Self.wanted < 60 { return }
        for (what, count) in reached.counts { #expect(count > 0, "no case reached: \(what)") }
    }

    /// Some logs are longer than the blocks in which they are read.
    private static func records(_ seed: UInt64) -> Int { seed % 60 == 7 ? 3_000 : 120 }

    /// - Returns: the law that is broken, with the difference; nil if all hold.
    private static func broken(_ law: LawCase, _ reached: inout Reached) throws -> String? {
        func shown(threads: Int) throws -> (summary: ReplaySummary, shown: LawCase.Shown) {
            let found = try law.replay(threads: threads)
            let reports = law.reports(found.summary)
            return (found.summary, .init(reports: reports, decisions: found.decisions, rejects: found.rejects))
        }
        let whole = try shown(threads: 1)
        do { try whole.summary.check() } catch { return "counts do not add up: \(error)" }
        if let problem = try wrongOrder(law, whole) { return problem }
        for threads in [1, 2, 3, 7] {
            if let difference = whole.shown.difference(from: try shown(threads: threads).shown) {
                return "1 and \(threads) threads: \(difference)"
            }
        }
        let plain = law.reports(try law.replay(threads: 2, writesDecisions: false).summary)
        if let difference = whole.shown.difference(inReportsFrom: plain) {
            return "with and without decisions: \(difference)"
        }
        reached.add(whole.summary, isCut: law.canBeCut)
        return law.canBeCut ? try brokenByShards(law, whole.shown) : nil
    }

    private static func brokenByShards(_ law: LawCase, _ whole: LawCase.Shown) throws -> String? {
        for count in [2, 3] {
            var files: [(path: String, partial: PartialReplay)] = []
            for index in 0..<count {
                let shard = ReplayOptions.Shard(index: index, count: count)
                let bytes = try [1, 3].map { threads in
                    let found = try law.replay(threads: threads, shard: shard)
                    return try PartialReplay(found.summary, shard: shard, basis: "b").encoded()
                }
                if bytes[0] != bytes[1] { return "shard \(index + 1)/\(count): its file depends on the threads" }
                files.append(("\(index + 1)", try PartialReplay(bytes[0], path: "\(index + 1)")))
            }
            let merged = law.reports(try PartialReplay.merged(files.reversed()))
            if let difference = whole.difference(inReportsFrom: merged) { return "\(count) shards: \(difference)" }
        }
        return nil
    }

    private static func isPart(_ part: [Substring], of whole: [Substring]) -> Bool {
        var rest = whole[...]
        for id in part {
            guard let place = rest.firstIndex(of: id) else { return false }
            rest = rest[(place + 1)...]
        }
        return true
    }

    /// Decisions are in the order of the file. Records are decided in the order of their times, and records with equal times
    /// in the order of the file. So a file that is sorted this way gives the same reports.
    private static func wrongOrder(
        _ law: LawCase, _ found: (summary: ReplaySummary, shown: LawCase.Shown)
    ) throws -> String? {
        struct Line: Decodable {
            var ts: String
            var requestID: String

            enum CodingKeys: String, CodingKey { case ts, requestID = "request_id" }
        }
        let rejected = Set(found.shown.rejects.compactMap { $0.split(separator: ":").first.flatMap { Int($0) } })
        let all = law.log.split(separator: "\n").enumerated().map { (number: $0.offset + 1, text: $0.element) }
        let lines = try all.filter { !rejected.contains($0.number) }.map { line in
            (line.text, try JSONDecoder().decode(Line.self, from: Data(line.text.utf8)))
        }
        let ids = String(decoding: found.shown.decisions, as: UTF8.self).split(separator: "\n").map { line in
            line.dropFirst("{\"request_id\":\"".count).prefix { $0 != "\"" }
        }
        let expectedIDs = lines.map { Substring($0.1.requestID) }
        let isInOrder = found.summary.filtered > 0 ? Self.isPart(ids, of: expectedIDs) : ids == expectedIDs
        if !isInOrder { return "decisions are in another order than the log" }
        guard found.summary.wasOrdered else { return nil }
        let sorted = lines.enumerated().sorted { ($0.element.1.ts, $0.offset) < ($1.element.1.ts, $1.offset) }
        let text =
            sorted.map { $0.element.0 + "\n" } + all.filter { rejected.contains($0.number) }.map { $0.text + "\n" }
        let ordered = law.reports(try law.replay(threads: 2, of: text.joined()).summary)
        let expected = found.shown.reports["JSON"]?.replacing("\"ordered\":true", with: "\"ordered\":false")
        return expected == ordered["JSON"] ? nil : "a log out of order and the same log in order differ"
    }
}
