import BursarSyntax

/// Limits of a member that replace, for that member, the limit of the same name which is counted for each of its kind.
///
/// `each: {amount: 2 requests/day, per: user}` in the tier and `user alice: {limits: {each: 5 requests/day}}` in the tree of
/// scopes: alice has 5 and everyone else 2. The replaced limit gets the condition that the request is not of the member, so
/// that it neither counts nor judges the member's requests.
struct MemberLimits {
    /// The members that have a limit of their own in place of a limit, by its index.
    private var members: [Int: [[Limit.ScopeValue]]] = [:]
    /// The indices of the limits that may be replaced, by name; how many limits have been looked at.
    private var places: [String: [Int]] = [:]
    private var seen = 0

    /// Notes which of the limits so far a member's limit replaces.
    mutating func add(_ limit: Limit, to limits: [Limit]) {
        for index in seen..<limits.count where limits[index].layer != .policy && limits[index].weight == nil {
            places[limits[index].name, default: []].append(index)
        }
        seen = limits.count
        for index in places[limit.name] ?? [] where limit.replaces(limits[index]) {
            members[index, default: []].append(Array(limit.within.dropFirst(limits[index].within.count)))
        }
    }

    /// Takes the members out of what they replace, and out of the shares of that.
    func replace(in limits: inout [Limit]) {
        if members.isEmpty { return }
        for index in limits.indices {
            guard let paths = members[limits[index].weight?.of ?? index] else { continue }
            let others = Condition.not(Self.condition(paths))
            limits[index].when = limits[index].when.map { .all([$0, others]) } ?? others
        }
    }

    /// Some of the paths holds. Members of one kind are one list, which is one comparison.
    private static func condition(_ paths: [[Limit.ScopeValue]]) -> Condition {
        var alternatives: [Condition] = []
        var single: [Scope: [String]] = [:]
        for path in paths {
            if path.count == 1 {
                single[path[0].scope, default: []].append(path[0].value)
            } else {
                alternatives.append(
                    .all(
                        path.compactMap { value in
                            value.scope.attribute.map { .text($0, .equals, value.value) }
                        }))
            }
        }
        for scope in Scope.allCases {
            if let values = single[scope], let attribute = scope.attribute {
                alternatives.append(.textIn(attribute, values))
            }
        }
        return alternatives.count == 1 ? alternatives[0] : .any(alternatives)
    }
}

extension Limit {
    /// True if this limit counts the requests in its path instead of the other limit.
    package func replaces(_ other: Limit) -> Bool {
        guard let member = within.last, name == other.name, other.layer != .policy, other.weight == nil else {
            return false
        }
        return other.per.contains(member.scope) && within.starts(with: other.within)
    }
}
