import BursarSyntax

/// A value of an attribute.
package enum AttributeValue: Hashable, Sendable {
    case text(String)
    case number(Int64)
    case boolean(Bool)
}

/// A representative of attribute values that no condition distinguishes. Attributes that are not listed are absent.
package struct Cell: Hashable, Sendable {
    package var values: [Attribute: AttributeValue]
    /// The tool, in a variable that represents the presence of one tool in the request.
    package var tool: String?
    /// The tenant has a record with a tier, so the request cannot choose the tier.
    package var isRecorded: Bool

    package init(values: [Attribute: AttributeValue] = [:], tool: String? = nil, isRecorded: Bool = false) {
        self.values = values
        self.tool = tool
        self.isRecorded = isRecorded
    }

    /// The comparison is true for a request with these values. Always false for combinations of comparisons.
    package func satisfies(_ comparison: Condition) -> Bool {
        switch comparison {
        case .isPresent(.featureCritical): return values[.feature] != nil
        case .isPresent(.tools): return tool != nil
        case .isPresent(let attribute): return values[attribute] != nil
        case .boolean(let attribute): return values[attribute] == .boolean(true)
        case .booleanEquals(let attribute, let value): return values[attribute] == .boolean(value)
        case .text(let attribute, let test, let text):
            guard case .text(let value) = values[attribute] else { return false }
            return test.holds(value, text)
        case .textIn(let attribute, let list):
            guard case .text(let value) = values[attribute] else { return false }
            return list.contains(value)
        case .number(let attribute, let comparison, let number):
            guard case .number(let value) = values[attribute] else { return false }
            return comparison.holds(value, number)
        case .numberIn(let attribute, let list):
            guard case .number(let value) = values[attribute] else { return false }
            return list.contains(value)
        case .contains(_, let test, let text): return tool.map { test.holds($0, text) } ?? false
        case .always: return true
        case .never, .not, .all, .any: return false
        }
    }
}

/// A comparison that is evaluated for many cells, with a hash table for long lists.
struct CellTest {
    private enum List {
        case texts(Attribute, Set<String>)
        case numbers(Attribute, Set<Int64>)
    }

    private let comparison: Condition
    private let list: List?
    /// The effort of creating the test.
    let steps: Int

    init(_ comparison: Condition) {
        self.comparison = comparison
        switch comparison {
        case .textIn(let attribute, let texts) where texts.count > 8:
            list = .texts(attribute, Set(texts))
            steps = texts.count
        case .numberIn(let attribute, let numbers) where numbers.count > 8:
            list = .numbers(attribute, Set(numbers))
            steps = numbers.count
        default:
            list = nil
            steps = 1
        }
    }

    func holds(_ cell: Cell) -> Bool {
        switch list {
        case nil: return cell.satisfies(comparison)
        case .texts(let attribute, let texts)?:
            guard case .text(let value) = cell.values[attribute] else { return false }
            return texts.contains(value)
        case .numbers(let attribute, let numbers)?:
            guard case .number(let value) = cell.values[attribute] else { return false }
            return numbers.contains(value)
        }
    }
}

extension Condition.TextTest {
    func holds(_ value: String, _ text: String) -> Bool {
        switch self {
        case .equals: value == text
        case .startsWith: value.utf8.starts(with: text.utf8)
        case .endsWith: value.utf8.reversed().starts(with: text.utf8.reversed())
        }
    }
}

extension Condition.Comparison {
    func holds(_ value: Int64, _ number: Int64) -> Bool {
        switch self {
        case .equal: value == number
        case .notEqual: value != number
        case .less: value < number
        case .lessOrEqual: value <= number
        case .greater: value > number
        case .greaterOrEqual: value >= number
        }
    }
}

extension Condition {
    /// The comparisons in the condition, in source order.
    var comparisons: [Condition] {
        switch self {
        case .always, .never: []
        case .not(let inner): inner.comparisons
        case .all(let parts), .any(let parts): parts.flatMap(\.comparisons)
        default: [self]
        }
    }

    /// The attribute of a comparison.
    var attribute: Attribute? { attributes.first }
}

/// Representatives of all texts that a set of comparisons distinguishes.
struct TextClasses {
    private var literals: [String] = []
    private var prefixes: [String] = [""]
    private var suffixes: [String] = [""]
    private var seen: [Condition.TextTest: Set<String>] = [.startsWith: [""], .endsWith: [""]]

    init(_ comparisons: some Sequence<Condition>) {
        for comparison in comparisons {
            switch comparison {
            case .text(_, let test, let text), .contains(_, let test, let text): add(test, text)
            case .textIn(_, let list): for text in list { add(.equals, text) }
            default: break
            }
        }
    }

    private mutating func add(_ test: Condition.TextTest, _ text: String) {
        guard seen[test, default: []].insert(text).inserted else { return }
        switch test {
        case .equals: literals.append(text)
        case .startsWith: prefixes.append(text)
        case .endsWith: suffixes.append(text)
        }
    }

    /// The effort of computing the representatives.
    var steps: Int {
        literals.count
            + prefixes.count.multipliedSaturated(by: suffixes.count).multipliedSaturated(
                by: prefixes.count + suffixes.count)
    }

    /// The literals of the policy, then one text for each combination of longest prefix and longest suffix.
    func representatives(of name: String) -> [String] {
        var texts = literals
        for prefix in prefixes {
            for suffix in suffixes { texts.append(free(prefix, suffix, name)) }
        }
        return texts
    }

    /// A text with exactly this longest prefix and suffix that is not a literal.
    private func free(_ prefix: String, _ suffix: String, _ name: String) -> String {
        let natural = prefix.isEmpty && suffix.isEmpty ? "other-\(name)" : "other"
        var attempt = 0
        while true {
            let text = prefix + natural + (attempt == 0 ? "" : "-\(attempt)") + suffix
            let longest = { (candidates: [String], test: Condition.TextTest) in
                candidates.filter { test.holds(text, $0) }.map(\.utf8.count).max() ?? 0
            }
            if seen[.equals]?.contains(text) != true, longest(prefixes, .startsWith) == prefix.utf8.count,
                longest(suffixes, .endsWith) == suffix.utf8.count
            {
                return text
            }
            attempt += 1
            // The number of comparisons is bounded, so a policy cannot name every text with this prefix.
            if attempt > 10_000 { return prefix + "\u{1}" + suffix }
        }
    }
}

/// Representatives of all numbers that a set of comparisons distinguishes.
func numberRepresentatives(_ comparisons: some Sequence<Condition>, in domain: ClosedRange<Int64>) -> [Int64] {
    var thresholds: Set<Int64> = []
    for comparison in comparisons {
        switch comparison {
        case .number(_, _, let number): thresholds.insert(number)
        case .numberIn(_, let list): thresholds.formUnion(list)
        default: break
        }
    }
    var points: Set<Int64> = [domain.lowerBound]
    for threshold in thresholds {
        for point in [threshold &- 1, threshold, threshold &+ 1] where domain.contains(point) { points.insert(point) }
    }
    return points.sorted()
}
