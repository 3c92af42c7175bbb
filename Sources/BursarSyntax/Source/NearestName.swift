/// The known spelling nearest to a misspelt name; nil if none is near enough. Only the first
/// `Bounds.suggestionCandidates` candidates are compared.
package func nearestName(to name: String, among candidates: some Sequence<String>) -> String? {
    var distance = EditDistance(name)
    var best: (distance: Int, name: String)?
    for candidate in candidates.prefix(Bounds.suggestionCandidates) {
        guard let found = distance.to(candidate) else { continue }
        if let best, (best.distance, best.name) <= (found, candidate) { continue }
        best = (found, candidate)
    }
    return best?.name ?? plainName(name, among: candidates)
}

/// The candidate that a name is without an ending such as `_id`: `workspace` for `workspaceId`.
private func plainName(_ name: String, among candidates: some Sequence<String>) -> String? {
    let lower = name.lowercased()
    for ending in ["_id", "-id", "id", "_name", "-name", "name", "s"] where lower.hasSuffix(ending) {
        let stem = lower.dropLast(ending.count)
        if stem.isEmpty { continue }
        if let found = candidates.prefix(Bounds.suggestionCandidates).first(where: { $0.lowercased() == stem }) {
            return found
        }
    }
    return nil
}

/// The number of edits (insert, delete, replace, swap of neighbours) between one name and others. Case is ignored, and
/// only the first 64 bytes of a name count.
private struct EditDistance {
    private static let longest = 64

    private let wanted: [UInt8]
    private let wantedBytes: UInt64
    /// The maximum number of edits; names with more are different names.
    private let most: Int
    private var other: [UInt8] = []
    private var rows: [[Int]]

    init(_ name: String) {
        wanted = Array(name.lowercased().utf8.prefix(Self.longest))
        wantedBytes = Self.bytes(wanted)
        most = max(1, wanted.count / 3)
        rows = [[Int]](repeating: [Int](repeating: 0, count: Self.longest + 1), count: 3)
    }

    /// The set of the low six bits of all bytes. An edit adds at most one element and removes at most one.
    private static func bytes(_ text: [UInt8]) -> UInt64 { text.reduce(0) { $0 | 1 << UInt64($1 & 63) } }

    /// The number of edits to `name`; nil if it exceeds the maximum.
    mutating func to(_ name: String) -> Int? {
        other.removeAll(keepingCapacity: true)
        var isASCII = true
        for byte in name.utf8.prefix(Self.longest) {
            if byte >= 0x80 { isASCII = false }
            other.append(byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte)
        }
        if !isASCII { other = Array(name.lowercased().utf8.prefix(Self.longest)) }
        guard abs(other.count - wanted.count) <= most else { return nil }
        let bytes = Self.bytes(other)
        guard (bytes & ~wantedBytes).nonzeroBitCount <= most, (wantedBytes & ~bytes).nonzeroBitCount <= most else {
            return nil
        }
        return edits()
    }

    private mutating func edits() -> Int? {
        // Rows i − 2, i − 1 and i of the usual table, in rotation.
        for j in 0...other.count { rows[0][j] = j }
        for i in 0..<wanted.count {
            let (beforeLast, last, row) = ((i + 2) % 3, i % 3, (i + 1) % 3)
            rows[row][0] = i + 1
            var least = i + 1
            for j in 0..<other.count {
                var cost = min(
                    rows[row][j] + 1, rows[last][j + 1] + 1, rows[last][j] + (wanted[i] == other[j] ? 0 : 1))
                if i > 0, j > 0, wanted[i] == other[j - 1], wanted[i - 1] == other[j] {
                    cost = min(cost, rows[beforeLast][j - 1] + 1)
                }
                rows[row][j + 1] = cost
                least = min(least, cost)
            }
            if least > most { return nil }
        }
        let edits = rows[wanted.count % 3][other.count]
        return edits <= most ? edits : nil
    }
}

/// `did you mean "x"?`, or a list of all names if there are few.
package func nameHelp(
    for name: String, among candidates: some Collection<String>, listedAs title: String = "known here"
) -> String? {
    if let near = nearestName(to: name, among: candidates) { return "did you mean `\(near)`?" }
    guard !candidates.isEmpty, candidates.count <= 24 else { return nil }
    return "\(title): " + candidates.map { "`\($0)`" }.joined(separator: ", ")
}
