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
            parts.append(weight.feature.map { "for the feature \($0)" } ?? "for each feature without its own share")
        }
        if !limit.per.isEmpty {
            parts.append("counted for each " + limit.per.map(\.rawValue).joined(separator: " and "))
        }
        for value in limit.within { parts.append("in the \(value.scope.rawValue) \(value.value)") }
        if let when = limit.when { parts.append("for requests with `\(when.text)`") }
        var sentences = [parts.joined(separator: ", ") + "."]
        let thresholds = text.thresholds(limit)
        if !thresholds.isEmpty { sentences.append("At " + thresholds + ".") }
        if limit.rollover != nil {
            sentences.append("Carries over \(text.rollover(limit.rollover)) of the unused amount.")
        }
        if limit.isShadow { sentences.append("Shadow mode: does not refuse.") }
        return sentences.joined(separator: " ")
    }
}
