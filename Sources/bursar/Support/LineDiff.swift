import BursarSyntax

/// The difference between two texts as a unified diff, which `patch -p1` and `git apply` read.
///
/// Lines that occur once in both texts are anchors. Short sections between two anchors are compared line by line, long
/// ones count as replaced. So the running time is O(n log n) in the number of lines for any input.
struct LineDiff {
    /// The maximum number of lines of both texts in a section, because its comparison is quadratic.
    private static let mostCompared = 64

    /// Unchanged lines around each change.
    private static let context = 3

    /// With their line breaks, so that a last line without one differs from one with it.
    private let before: [ArraySlice<UInt8>]
    private let after: [ArraySlice<UInt8>]
    private var removed: [Int] = []
    private var added: [Int] = []

    /// The difference; empty if the texts are equal.
    static func render(_ path: String, _ old: [UInt8], _ new: [UInt8]) -> String {
        if old == new { return "" }
        let name = shown(path.hasPrefix("/") ? String(path.dropFirst()) : path)
        return "--- a/\(name)\n+++ b/\(name)\n" + LineDiff(old, new).hunks().map(\.text).joined()
    }

    /// A run of changes with the unchanged lines around them.
    private struct Hunk {
        var old: Range<Int>
        var new: Range<Int>
        var lines = ""

        var text: String { "@@ -\(Self.place(old)) +\(Self.place(new)) @@\n" + lines }

        /// The first line and the number of lines; an empty range is the line before it.
        private static func place(_ range: Range<Int>) -> String {
            "\(range.isEmpty ? range.lowerBound : range.lowerBound + 1),\(range.count)"
        }
    }

    private func hunks() -> [Hunk] {
        var hunks: [Hunk] = []
        let (gone, come) = (Set(removed), Set(added))
        var (old, new) = (0, 0)
        while old < before.count || new < after.count {
            if gone.contains(old) || come.contains(new) {
                if let last = hunks.last, old - last.old.upperBound <= 2 * Self.context {
                    extend(&hunks[hunks.count - 1], to: old)
                } else {
                    if !hunks.isEmpty {
                        extend(&hunks[hunks.count - 1], to: hunks[hunks.count - 1].old.upperBound + Self.context)
                    }
                    let lead = min(Self.context, old)
                    hunks.append(Hunk(old: old - lead..<old - lead, new: new - lead..<new - lead))
                    extend(&hunks[hunks.count - 1], to: old)
                }
                while gone.contains(old) {
                    hunks[hunks.count - 1].lines += line("-", before[old])
                    old += 1
                }
                while come.contains(new) {
                    hunks[hunks.count - 1].lines += line("+", after[new])
                    new += 1
                }
                let hunk = hunks[hunks.count - 1]
                hunks[hunks.count - 1].old = hunk.old.lowerBound..<old
                hunks[hunks.count - 1].new = hunk.new.lowerBound..<new
            } else {
                old += 1
                new += 1
            }
        }
        if let last = hunks.last {
            extend(&hunks[hunks.count - 1], to: min(before.count, last.old.upperBound + Self.context))
        }
        return hunks
    }

    /// Adds unchanged lines up to a line of the old text.
    private func extend(_ hunk: inout Hunk, to end: Int) {
        for index in hunk.old.upperBound..<max(end, hunk.old.upperBound) { hunk.lines += line(" ", before[index]) }
        let count = max(0, end - hunk.old.upperBound)
        hunk.old = hunk.old.lowerBound..<hunk.old.upperBound + count
        hunk.new = hunk.new.lowerBound..<hunk.new.upperBound + count
    }

    private func line(_ mark: String, _ bytes: ArraySlice<UInt8>) -> String {
        guard bytes.last != 0x0A else { return mark + String(decoding: bytes, as: UTF8.self) }
        return mark + String(decoding: bytes, as: UTF8.self) + "\n\\ No newline at end of file\n"
    }

    private static func lines(_ text: [UInt8]) -> [ArraySlice<UInt8>] {
        var lines: [ArraySlice<UInt8>] = []
        var start = 0
        while start < text.count {
            let end = text[start...].firstIndex(of: 0x0A).map { $0 + 1 } ?? text.count
            lines.append(text[start..<end])
            start = end
        }
        return lines
    }

    private init(_ old: [UInt8], _ new: [UInt8]) {
        before = Self.lines(old)
        after = Self.lines(new)
        var from = (old: 0, new: 0)
        for anchor in anchors() + [(before.count, after.count)] {
            compare(from.old..<anchor.old, from.new..<anchor.new)
            from = (anchor.old + 1, anchor.new + 1)
        }
    }

    /// Pairs of equal lines that occur once in each text, ascending in both.
    private func anchors() -> [(old: Int, new: Int)] {
        /// The index of each line; nil if it occurs several times.
        func places(_ lines: [ArraySlice<UInt8>]) -> [ArraySlice<UInt8>: Int?] {
            var places: [ArraySlice<UInt8>: Int?] = [:]
            for (number, line) in lines.enumerated() {
                places.updateValue(places[line] == nil ? number : nil, forKey: line)
            }
            return places
        }
        let known = places(before)
        let wanted = places(after)
        let pairs = after.enumerated().compactMap { number, line -> (old: Int, new: Int)? in
            guard let old = known[line] ?? nil, (wanted[line] ?? nil) != nil else { return nil }
            return (old, number)
        }
        return Self.longestAscending(pairs)
    }

    /// The longest subsequence whose indices in the old text ascend (patience sorting).
    private static func longestAscending(_ pairs: [(old: Int, new: Int)]) -> [(old: Int, new: Int)] {
        /// The last pair of the best subsequence of each length, and the predecessor of each pair.
        var ends: [Int] = []
        var previous = [Int](repeating: -1, count: pairs.count)
        for (index, pair) in pairs.enumerated() {
            var (low, high) = (0, ends.count)
            while low < high {
                let middle = (low + high) / 2
                if pairs[ends[middle]].old < pair.old { low = middle + 1 } else { high = middle }
            }
            if low > 0 { previous[index] = ends[low - 1] }
            if low == ends.count { ends.append(index) } else { ends[low] = index }
        }
        var chain: [(old: Int, new: Int)] = []
        var next = ends.last ?? -1
        while next >= 0 {
            chain.append(pairs[next])
            next = previous[next]
        }
        return chain.reversed()
    }

    private mutating func compare(_ old: Range<Int>, _ new: Range<Int>) {
        var (old, new) = (old, new)
        while let first = old.first, let other = new.first, before[first] == after[other] {
            old.removeFirst()
            new.removeFirst()
        }
        while let last = old.last, let other = new.last, before[last] == after[other] {
            old.removeLast()
            new.removeLast()
        }
        guard old.count + new.count <= Self.mostCompared else {
            removed += old
            added += new
            return
        }
        let changes = after[new].difference(from: before[old])
        for case .remove(let offset, _, _) in changes.removals { removed.append(old.lowerBound + offset) }
        for case .insert(let offset, _, _) in changes.insertions { added.append(new.lowerBound + offset) }
    }
}
