/// A condition on requests. It is total and has no side effects and no arithmetic.
package indirect enum Condition: Sendable, Hashable {
    package enum Comparison: String, Sendable {
        case equal = "==", notEqual = "!=", less = "<", lessOrEqual = "<=", greater = ">", greaterOrEqual = ">="
    }

    package enum TextTest: String, Sendable { case startsWith, endsWith, equals = "==" }

    case always
    case never
    case not(Condition)
    case all([Condition])
    case any([Condition])
    case isPresent(Attribute)
    case boolean(Attribute)
    /// Compares a boolean attribute with a literal; an absent attribute counts as false.
    case booleanEquals(Attribute, Bool)
    case text(Attribute, TextTest, String)
    case textIn(Attribute, [String])
    case number(Attribute, Comparison, Int64)
    case numberIn(Attribute, [Int64])
    /// Some element of the list passes the test against the text.
    case contains(Attribute, TextTest, String)
}

extension Condition {
    /// The attributes that the condition reads.
    package var attributes: Set<Attribute> {
        switch self {
        case .always, .never: []
        case .not(let inner): inner.attributes
        case .all(let parts), .any(let parts): parts.reduce(into: []) { $0.formUnion($1.attributes) }
        case .isPresent(let attribute), .boolean(let attribute), .booleanEquals(let attribute, _),
            .text(let attribute, _, _), .textIn(let attribute, _), .number(let attribute, _, _),
            .numberIn(let attribute, _), .contains(let attribute, _, _):
            [attribute]
        }
    }
}
