import BursarSyntax
import RandomPolicies

/// The texts that mutation begins with: the example sets, the fixtures and every input that failed once.
struct Corpus: Sendable {
    /// The folder of the repository.
    let root: String
    /// Policies, catalogs and tests, by path.
    private(set) var documents: [Text] = []
    private(set) var catalogs: [Text] = []
    /// Example sets as folders: their names, files and traffic.
    private(set) var sets: [PolicyFolder] = []
    private(set) var foreignLogs: [Text] = []
    private(set) var locks: [Text] = []
    private(set) var prices: [Text] = []
    /// Inputs that failed once, by surface.
    private(set) var failed: [String: [FuzzInput]] = [:]

    struct Text: Sendable {
        var name: String
        var bytes: [UInt8]
    }

    struct PolicyFolder: Sendable {
        var name: String
        var files: [Text]
        /// Lines.
        var traffic: [[UInt8]]
    }

    init(root: String) {
        self.root = root
        for name in Files.names(in: "\(root)/Policies") {
            let files = texts("Policies/\(name)") { $0.hasSuffix(".yaml") }
            let traffic = Files.read("\(root)/Policies/\(name)/traffic.jsonl") ?? []
            sets.append(PolicyFolder(name: name, files: files, traffic: traffic.split(separator: 0x0A).map(Array.init)))
            documents += files
        }
        for folder in ["clean", "diagnostics", "format", "crashes"] {
            documents += texts("Tests/Fixtures/\(folder)") { $0.hasSuffix(".yaml") && !$0.contains("huge") }
        }
        documents.removeAll { $0.bytes.count > 64 << 10 }
        catalogs = documents.filter { $0.bytes.starts(with: "catalog:".utf8) || $0.name.contains("catalog") }
        locks = texts("Tests/Fixtures/diagnostics") { $0.hasSuffix(".lock") }
        foreignLogs = texts("Tests/Fixtures/logs") {
            [".jsonl", ".json", ".csv"].contains(where: $0.hasSuffix)
        }.filter { $0.bytes.count < 256 << 10 }
        prices = texts("Tests/Fixtures/fuzz/corpus") { $0.contains("prices") }
        for surface in Surface.allCases {
            let folder = "\(root)/Tests/Fixtures/fuzz/\(surface.rawValue)"
            failed[surface.rawValue] = Files.names(in: folder).compactMap { FuzzInput(folder: "\(folder)/\($0)") }
        }
    }

    private func texts(_ folder: String, _ isWanted: (String) -> Bool) -> [Text] {
        Files.tree("\(root)/\(folder)").filter(isWanted).map {
            Text(name: $0, bytes: Files.read("\(root)/\(folder)/\($0)") ?? [])
        }
    }

    /// Some neighbouring lines of a set's traffic.
    static func traffic(_ set: PolicyFolder, _ random: inout SeededGenerator) -> [[UInt8]] {
        guard !set.traffic.isEmpty else { return [] }
        let count = min(set.traffic.count, 1 + random.below(random.chance(95) ? 24 : 400))
        let start = random.below(set.traffic.count - count + 1)
        return Array(set.traffic[start..<start + count])
    }
}

extension Array where Element == UInt8 {
    /// Lines with a line break after each.
    init(lines: [[UInt8]]) { self = lines.flatMap { $0 + [0x0A] } }
}
