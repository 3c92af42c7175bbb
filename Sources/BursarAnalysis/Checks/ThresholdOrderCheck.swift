import BursarPolicy
import BursarSyntax

/// `limit/threshold-order`: thresholds that are not written from the lowest to the highest. They are judged in that order
/// all the same, and readers take the order for the meaning.
enum ThresholdOrderCheck: Check {
    static let rule = DiagnosticRule(
        "limit/threshold-order", .note,
        title: "Thresholds are not in ascending order",
        checks: "The thresholds of a limit are written from the lowest to the highest.",
        why: "They act in ascending order, however they are written. Readers may take the order for the meaning.",
        example: "at: {100%: deny, 80%: notify owner}",
        fix: "Sort them. `bursar check --fix` does this if they are on one line.")

    static let rules = [rule]
    static let subject = "which thresholds are out of order"

    static func run(_ context: EditionContext, _ diagnostics: inout Diagnostics) {
        for limit in context.allPlans.flatMap(\.limits) where limit.weight == nil && limit.thresholds.count > 1 {
            guard context.effort.spend(20 * limit.thresholds.count) else { return }
            let entries = limit.thresholds.compactMap(\.entrySource)
            let written = entries.sorted { ($0.file, $0.start) < ($1.file, $1.start) }
            guard entries.count == limit.thresholds.count, entries != written,
                let low = zip(entries, written).first(where: { $0 != $1 })
            else { continue }
            diagnostics.add(
                Diagnostic(
                    rule, "the thresholds of `\(limit.name)` are not written from the lowest on",
                    at: low.1, notes: [.init("this one comes before it", at: low.0)],
                    fix: fix(entries, written, context.set.sources)))
        }
    }

    /// The same entries in their order; what stands between them stays. Only where they stand in one line, so that no
    /// comment changes its neighbour.
    private static func fix(
        _ ordered: [SourceRange], _ written: [SourceRange], _ sources: SourceMap
    ) -> Diagnostic.Fix? {
        guard let first = written.first, let last = written.last, let file = sources[first] else { return nil }
        let whole = SourceRange(file: first.file, start: first.start, end: last.end)
        guard !file.text(whole).contains("\n") else { return nil }
        var text = ""
        for (index, place) in written.enumerated() {
            if index > 0 {
                text += file.text(SourceRange(file: place.file, start: written[index - 1].end, end: place.start))
            }
            text += file.text(ordered[index])
        }
        return .init("in their order", replace: whole, with: text)
    }
}
