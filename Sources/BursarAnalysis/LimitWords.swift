import BursarPolicy
import BursarSyntax

/// Describes limits in sentences, for hover text.
package struct LimitWords {
    private let text: LimitText

    package init(_ edition: Edition) {
        text = LimitText(currency: edition.policy.currency, catalog: edition.catalog)
    }

    package func money(_ nanos: Int64) -> String { text.money(nanos) }

    package func price(_ price: Price?) -> String { text.price(price) }

    /// A sentence with the limit's amount, scope and actions.
    package func sentence(_ limit: Limit) -> String {
        var parts = ["At most \(text.amount(limit))"]
        if let weight = limit.weight {
            parts.append("for the feature \(weight.feature ?? "that has no share of its own")")
        }
        if !limit.per.isEmpty {
            parts.append("counted for each " + limit.per.map(\.rawValue).joined(separator: " and "))
        }
        for value in limit.within { parts.append("in the \(value.scope.rawValue) \(value.value)") }
        if let when = limit.when { parts.append("of the requests where `\(when.text)`") }
        var sentences = [parts.joined(separator: ", ") + "."]
        let thresholds = text.thresholds(limit)
        if !thresholds.isEmpty { sentences.append("At " + thresholds + ".") }
        if limit.rollover != nil {
            sentences.append("Carries over \(text.rollover(limit.rollover)) of what was not used.")
        }
        if limit.isShadow { sentences.append("In shadow: it refuses nothing.") }
        return sentences.joined(separator: " ")
    }
}
