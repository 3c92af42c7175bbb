import BursarPolicy
import BursarSyntax

/// Limits whose name promises another window than they have.
enum NameWindowCheck: Check {
    static let rule = DiagnosticRule(
        "limit/name-window", .warning,
        title: "The name of a limit contradicts its window",
        checks: """
            The window of a limit is the one that its name promises. The names are `hourly`, `daily`, `weekly`, `monthly`, \
            `quarterly` and `yearly` at the start or end of the name, and `per-day` and the like.
            """,
        why:
            "A reader takes the name for the truth. Usually the window is a slip, and the limit is 30 times too large or too small.",
        example: "limits: {monthly: $5/day}",
        fix: "Correct the window, or rename the limit.")

    static let rules = [rule]

    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        for limit in context.allPlans.flatMap(\.limits) where limit.weight == nil && !limit.isPrepaid {
            guard limit.unit != .concurrentRequests, limit.window != .lifetime || limit.statesLifetime,
                let named = NamedWindow(limit.name), !named.fits(limit.window)
            else { continue }
            let window = limit.window == .lifetime ? "lifetime" : limit.window.text
            diagnostics.add(
                Diagnostic(
                    rule, "the name of `\(limit.name)` promises a \(named.word), and its window is `\(window)`",
                    at: limit.source,
                    notes: limit.amountSource.map { [.init("the window is here", at: $0)] } ?? [],
                    help: "correct the window, or rename the limit"))
        }
    }
}

/// The window that the name of a limit promises.
struct NamedWindow {
    /// As windows are written: `month`.
    let word: String
    /// Lengths that fit, in microseconds.
    private let lengths: ClosedRange<Int64>

    private static let words: [(adverb: String, word: String, lengths: ClosedRange<Int64>)] = [
        ("hourly", "hour", Micros.hour...Micros.hour),
        ("daily", "day", 23 * Micros.hour...25 * Micros.hour),
        ("weekly", "week", 7 * Micros.day - Micros.hour...7 * Micros.day + Micros.hour),
        ("monthly", "month", 28 * Micros.day...31 * Micros.day + Micros.hour),
        ("quarterly", "quarter", 89 * Micros.day...93 * Micros.day),
        ("yearly", "year", 364 * Micros.day...367 * Micros.day),
        ("annual", "year", 364 * Micros.day...367 * Micros.day),
    ]

    /// nil: the name promises nothing, or two things.
    init?(_ name: String) {
        let parts = name.lowercased().split { "-_.".contains($0) }
        let found = Self.words.filter { entry in
            guard let first = parts.first, let last = parts.last else { return false }
            if first == entry.adverb || last == entry.adverb { return true }
            return zip(parts, parts.dropFirst()).contains { $0 == "per" && $1 == entry.word }
        }
        guard found.count == 1 else { return nil }
        word = found[0].word
        lengths = found[0].lengths
    }

    func fits(_ window: Window) -> Bool { WindowArithmetic.longest(window).map(lengths.contains) ?? false }
}
