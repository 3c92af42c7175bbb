import BursarSyntax
import Testing

/// The nearest name by the usual table of edit distances, which the one in use must agree with.
@Suite struct NearestNameTests {
    /// Insert, delete, replace, swap of neighbours.
    private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var table = [[Int]](repeating: [Int](repeating: 0, count: b.count + 1), count: a.count + 1)
        for i in 0...a.count { table[i][0] = i }
        for j in 0...b.count { table[0][j] = j }
        for i in 0..<a.count {
            for j in 0..<b.count {
                var cost = min(table[i][j + 1] + 1, table[i + 1][j] + 1, table[i][j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, table[i - 1][j - 1] + 1) }
                table[i + 1][j + 1] = cost
            }
        }
        return table[a.count][b.count]
    }

    private static func nearest(_ name: String, _ candidates: [String]) -> String? {
        let wanted = Array(name.lowercased().utf8)
        let most = max(1, wanted.count / 3)
        return candidates.map { (distance(wanted, Array($0.lowercased().utf8)), $0) }.filter { $0.0 <= most }
            .min { $0 < $1 }?.1
    }

    @Test func agreesWithTheTable() {
        var state: UInt64 = 7
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        func word() -> String {
            String((0..<random(9)).map { _ in ["a", "b", "c", "-", "Z", "ä", "1"][random(7)] }.joined())
        }
        for _ in 0..<3_000 {
            let name = word()
            let candidates = (0..<8).map { _ in word() }
            #expect(nearestName(to: name, among: candidates) == Self.nearest(name, candidates), "\(name) \(candidates)")
        }
    }

    @Test func looksAtABoundedNumberOfNames() {
        let many = (0..<Bounds.suggestionCandidates).map { "other\($0)-\($0)" } + ["daily"]
        #expect(nearestName(to: "dayly", among: many) == nil)
        #expect(nearestName(to: "dayly", among: many.suffix(10)) == "daily")
    }
}
