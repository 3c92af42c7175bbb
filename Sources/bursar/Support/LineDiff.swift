import BursarSyntax

/// The removed and added lines between two texts with their numbers, like `diff -u` without context.
///
/// Lines that occur once in both texts are anchors. Short sections between two anchors are compared line by line, long
/// ones count as replaced. So the running time is O(n log n) in the number of lines for any input.
struct LineDiff {
    /// The maximum number of lines of both texts in a section, because its comparison is quadratic.
    private static let mostCompared = 64

    private let before: [ArraySlice<UInt8>]
    private let after: [ArraySlice<UInt8>]
    private var removed: [Int] = []
    private var added: [Int] = []

    static func render(_ path: String, _ old: [UInt8], _ new: [UInt8]) -> String {
        let diff = LineDiff(old, new)
        var text = "--- \(shown(path))\n+++ \(shown(path))\n"
        for line in diff.removed { text += "-\(line + 1): \(String(decoding: diff.before[line], as: UTF8.self))\n" }
        for line in diff.added { text += "+\(line + 1): \(String(decoding: diff.after[line], as: UTF8.self))\n" }
        return text
    }

    private init(_ old: [UInt8], _ new: [UInt8]) {
        before = old.split(separator: 0x0A, omittingEmptySubsequences: false)
        after = new.split(separator: 0x0A, omittingEmptySubsequences: false)
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
