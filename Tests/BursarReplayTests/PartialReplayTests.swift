import BursarReplay
import Foundation
import RandomPolicies
import Testing

/// A shard file that was changed, cut or taken from another replay is refused with a message, whatever it contains.
@Suite struct PartialReplayTests {
    /// The shards of a replay with a comparison, alerts and details, and the case that they come from.
    private static let made = Result { try make() }

    private static func make() throws -> (law: LawCase, shards: [[UInt8]]) {
        let folder = FileManager.default.temporaryDirectory.appending(path: "bursar-shards-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for seed in UInt64(1)... {
            let law = try LawCase(seed: seed, records: 60, folder: folder)
            guard law.canBeCut, law.sets.count == 2 else { continue }
            let summaries = try (0..<2).map { try law.replay(threads: 1, shard: .init(index: $0, count: 2)).summary }
            let isRich = summaries.allSatisfy { summary in
                !summary.alerts.isEmpty && summary.comparison?.examples.isEmpty == false
                    && summary.details?.limitDemands.isEmpty == false
                    && summary.details?.refusedModels.isEmpty == false
            }
            guard isRich else { continue }
            let shards = try summaries.enumerated().map { index, summary in
                try PartialReplay(summary, shard: .init(index: index, count: 2), basis: "b").encoded()
            }
            return (law, shards)
        }
        return try (LawCase(seed: 0, records: 0, folder: folder), [])
    }

    private let law: LawCase
    private let shards: [[UInt8]]

    init() throws { (law, shards) = try Self.made.get() }

    /// The message for a file, or for its merge with the other shard; nil if both are accepted.
    private func refusal(_ bytes: [UInt8]) -> String? {
        do throws(PartialReplay.Unusable) {
            let files = [
                ("one", try PartialReplay(bytes, path: "one")), ("two", try PartialReplay(shards[1], path: "two")),
            ]
            // Reports must not trap on anything that is accepted.
            _ = law.reports(try PartialReplay.merged(files))
            return nil
        } catch {
            return error.description
        }
    }

    private func refusal(_ change: (inout ShardFile) throws -> Void) throws -> String? {
        var file = try ShardFile(shards[0])
        try change(&file)
        return refusal(try file.sealed())
    }

    @Test func `a file as it was written is accepted`() throws {
        #expect(refusal(shards[0]) == nil)
        #expect(try ShardFile(shards[0]).sealed() == shards[0])
    }

    @Test func `a file has every property of a summary`() throws {
        let shard = try PartialReplay(shards[0], path: "one")
        let properties = Mirror(reflecting: shard.summary).children.compactMap { child -> String? in
            let value = Mirror(reflecting: child.value)
            guard let name = child.label, value.displayStyle != .optional || !value.children.isEmpty else { return nil }
            return name.hasPrefix("_") ? String(name.dropFirst()) : name
        }
        #expect(Set(try ShardFile(shards[0]).summary.keys) == Set(properties).subtracting(["explained"]))
    }

    // MARK: - Values

    private static let numbers: [(key: String, value: any Sendable, problem: String)] = [
        ("read", 2_000_000_000_000, "read: 2000000000000 is not a number from 0 to 1000000000000"),
        ("repeats", -1, "repeats: -1 is not a number from 0"),
        ("read", Int.max, "read: 9223372036854775807 is not a number"),
        ("events", Int.min, "events: -9223372036854775808 is not a number"),
        ("read", "7", "read has the wrong type"),
        ("read", 1.5, "its second line"),
        ("read", 1e300, "its second line"),
        ("tiers", [Int](), "tiers has the wrong type"),
        ("policies", "p", "policies has the wrong type"),
        ("state", "imagined", "state is not valid"),
        ("firstTime", Int.max, "firstTime: 9223372036854775807 is not a time"),
        ("tiers", [String: Int](), "tiers: its rows do not add up to the total"),
        ("unexpected", 1, "its layout differs from that of a replay"),
    ]

    @Test(arguments: numbers.indices) func `a value that no replay writes is named`(index: Int) throws {
        let (key, value, problem) = Self.numbers[index]
        let refusal = try refusal { $0.summary[key] = value }
        #expect(refusal?.hasPrefix("one: is damaged: \(problem)") == true, "\(refusal ?? "accepted")")
        #expect(refusal?.hasSuffix("; replay the shard again") == true)
    }

    @Test(arguments: [
        "read", "total", "tiers", "causes", "policies", "log", "prices", "details", "comparison", "gatheredAlerts",
    ])
    func `a missing key is refused`(key: String) throws {
        #expect(try refusal { $0.summary[key] = nil } != nil)
    }

    @Test func `a row that is counted twice is refused`() throws {
        let refusal = try refusal { file in
            file.change([.key("causes")]) { ($0 as? [Any]).map { Array($0.prefix(2)) + $0 } }
        }
        #expect(refusal?.contains("causes.4 is not valid") == true, "\(refusal ?? "accepted")")
    }

    @Test func `a tenant of another shard is refused`() throws {
        let other = try ShardFile(shards[1]).summary["tenants"] as? [String: Any] ?? [:]
        let tenant = try #require(other.keys.sorted().first { !$0.hasPrefix("(") })
        let refusal = try refusal { file in
            file.change([.key("tenants")]) { value in
                guard var tenants = value as? [String: Any], let first = tenants.keys.sorted().first else {
                    return value
                }
                tenants[tenant] = tenants.removeValue(forKey: first)
                return tenants
            }
        }
        #expect(refusal?.contains("belongs to another shard") == true, "\(refusal ?? "accepted")")
    }

    /// Every kind of damage at places that a seed chooses: an error or a result, never a trap.
    @Test func `no change of a value stops the program`() throws {
        let whole = try ShardFile(shards[0])
        let places = whole.places.dropFirst()
        var random = SeededGenerator(seed: LawTests.seed)
        let values: [Any] = [
            -1, 0, 1, Int.max, Int.min, 1_000_000_000_000, 4_611_686_018_427_387_904, 1e300, 0.5, "", "x", true,
            NSNull(),
            [Any](), [String: Any](),
        ]
        var refused = 0
        let runs = max(300, LawTests.wanted)
        for _ in 0..<runs {
            var file = whole
            for _ in 0...random.below(3) {
                let place = places[places.startIndex + random.below(places.count)]
                let kind = random.below(4)
                let value = random.pick(values)
                file.change(place) { old in
                    switch (kind, old) {
                    case (0, _): nil
                    case (1, let list as [Any]): list + list.suffix(2)
                    case (1, let number as Int): number.addingReportingOverflow(1).partialValue
                    default: value
                    }
                }
            }
            if refusal(try file.sealed()) != nil { refused += 1 }
        }
        // Some changes make another valid result, such as a larger amount of money.
        #expect(refused > runs * 3 / 4)
        print("refused \(refused) of \(runs) changed shard files")
    }

    // MARK: - Files

    @Test func `bytes that were changed without a new digest are refused`() throws {
        var random = SeededGenerator(seed: LawTests.seed)
        for _ in 0..<200 {
            var bytes = shards[0]
            let place = random.below(bytes.count)
            bytes[place] = bytes[place] == 0x31 ? 0x32 : 0x31
            let refusal = refusal(bytes)
            #expect(refusal?.hasPrefix("one: is ") == true, "\(refusal ?? "accepted")")
        }
    }

    @Test func `a file that was cut is refused`() throws {
        for count in [0, 1, 50, 200, shards[0].count / 2, shards[0].count - 1] {
            #expect(refusal(Array(shards[0].prefix(count))) != nil, "\(count) bytes")
        }
        #expect(refusal(shards[0] + [0x0A]) != nil)
    }

    @Test func `a file that is no partial replay is refused`() throws {
        let nested = String(repeating: "[", count: 1_000_000)
        let head = try #require(shards[0].split(separator: 0x0A).first)
        for text in [
            "", "\n", "\n\n", "{}", "{}\n{}", "not JSON", nested, "\(nested)\n\(nested)", "\u{0}\n\u{0}", "null\nnull",
        ] {
            let refusal = refusal(Array(text.utf8))
            #expect(refusal?.contains("is not a partial replay") == true, "\(refusal ?? "accepted")")
        }
        #expect(refusal(head + [0x0A] + Array(nested.utf8))?.contains("does not match") == true)
    }

    private static let heads: [(key: String, value: any Sendable, problem: String)] = [
        ("shard", 0, "shard: 0 is not a number from 1 to 2"), ("shard", 3, "shard: 3 is not a number from 1 to 2"),
        ("shard", Int.min, "is not a number"), ("shards", 0, "shards: 0 is not a number from 1 to 1000"),
        ("shards", Int.max, "is not a number"), ("shards", 1, "is from another replay"),
        ("shard", 2, "belongs to another shard"),
        ("kind", "bursar partial replay 1", "of another version of bursar"), ("basis", "c", "is from another replay"),
        ("shard", "1", "is not a partial replay"), ("kind", NSNull(), "is not a partial replay"),
        ("more", 1, "does not match"),
    ]

    @Test(arguments: heads.indices) func `a head that does not fit is refused`(index: Int) throws {
        let (key, value, problem) = Self.heads[index]
        let refusal = try refusal { $0.head[key] = value }
        #expect(refusal?.contains(problem) == true, "\(refusal ?? "accepted")")
    }

    // MARK: - Sets of files

    private func merged(_ files: [[UInt8]]) -> String? {
        do throws(PartialReplay.Unusable) {
            var read: [(path: String, partial: PartialReplay)] = []
            for (index, bytes) in files.enumerated() {
                read.append(("\(index)", try PartialReplay(bytes, path: "\(index)")))
            }
            _ = try PartialReplay.merged(read)
            return nil
        } catch { return error.description }
    }

    @Test func `all shards are needed once`() {
        #expect(merged([]) == "merge: there is no file to merge")
        #expect(merged([shards[0]]) == "0: shard 2/2 is missing")
        #expect(merged([shards[1]]) == "0: shard 1/2 is missing")
        #expect(merged([shards[0], shards[1], shards[0]])?.contains("shard 1/2 is given twice") == true)
        #expect(merged([shards[1], shards[0]]) == nil)
    }

    @Test func `shards of different logs are not merged`() throws {
        let refusal = try refusal { file in file.change([.key("log"), .key("checksum")]) { _ in 7 } }
        #expect(refusal?.contains("its logs have other records") == true, "\(refusal ?? "accepted")")
    }
}
