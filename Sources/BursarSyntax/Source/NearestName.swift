/// The spelling nearest to a misspelt name, where one is near enough to be meant.
public func nearestName(to name: String, among candidates: some Sequence<String>) -> String? {
    let wanted = Array(name.lowercased().utf8.prefix(64))
    let most = max(1, wanted.count / 3)
    var best: (distance: Int, name: String)?
    for candidate in candidates {
        let other = Array(candidate.lowercased().utf8.prefix(64))
        guard abs(other.count - wanted.count) <= most else { continue }
        let distance = editDistance(wanted, other)
        guard distance <= most else { continue }
        if best == nil || (distance, candidate) < (best!.distance, best!.name) { best = (distance, candidate) }
    }
    return best?.name
}

/// Edits (insert, delete, replace, swap of neighbours) that turn one text into the other.
private func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var beforeLast = [Int](repeating: 0, count: b.count + 1)
    var last = Array(0...b.count)
    for i in 0..<a.count {
        var row = [i + 1]
        row.reserveCapacity(b.count + 1)
        for j in 0..<b.count {
            var cost = min(row[j] + 1, last[j + 1] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, beforeLast[j - 1] + 1) }
            row.append(cost)
        }
        beforeLast = last
        last = row
    }
    return last[b.count]
}

/// `did you mean "x"?`, else all names where they are few.
package func nameHelp(
    for name: String, among candidates: some Collection<String>, listedAs title: String = "known here"
) -> String? {
    if let near = nearestName(to: name, among: candidates) { return "did you mean `\(near)`?" }
    guard !candidates.isEmpty, candidates.count <= 24 else { return nil }
    return "\(title): " + candidates.map { "`\($0)`" }.joined(separator: ", ")
}
