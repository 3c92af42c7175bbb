import BursarSyntax

/// The work that one question may take. It is counted in steps of roughly 100 nanoseconds, so that the same policy gets the
/// same answer on every machine.
struct Effort {
    /// Steps of one check, and of all comparisons of conditions, shared by the versions of a policy.
    static let check = 4_000_000
    static let solver = 20_000_000

    private(set) var left: Int

    init(_ steps: Int) { left = steps }

    /// A fair share of a budget, large enough for ordinary policies.
    static func share(_ steps: Int, among count: Int) -> Int { max(steps / max(1, count), steps / 200) }

    var isSpent: Bool { left < 0 }

    /// False where the steps are no longer there: the caller leaves its question open.
    mutating func spend(_ steps: Int) -> Bool {
        guard left >= 0 else { return false }
        let (rest, overflow) = left.subtractingReportingOverflow(steps)
        left = overflow ? -1 : rest
        return left >= 0
    }
}

extension Int {
    /// The product, or the largest number where it is larger.
    func timesSaturating(_ other: Int) -> Int {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? .max : product
    }
}
