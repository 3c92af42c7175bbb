import BursarSyntax

/// A bound on the work of a question. It is counted in steps of roughly 100 nanoseconds, so that the same policy gets
/// the same result on every machine.
package struct Effort {
    /// The steps of one check, and of all comparisons of conditions. The versions of a policy share them.
    package static let check = 4_000_000
    package static let solver = 20_000_000

    package private(set) var left: Int

    package init(_ steps: Int) { left = steps }

    /// A fair share of a budget, large enough for ordinary policies.
    package static func share(_ steps: Int, among count: Int) -> Int { max(steps / max(1, count), steps / 200) }

    package var isSpent: Bool { left < 0 }

    /// False if the steps are used up; the caller then leaves its question undecided.
    package mutating func spend(_ steps: Int) -> Bool {
        guard left >= 0 else { return false }
        left.subtractSaturated(steps)
        return left >= 0
    }
}
