import BursarPolicy
import BursarSyntax

extension Edition {
    /// The conditions under which requests of a plan are refused without counters: rules, blocked features, tools.
    ///
    /// Conditions can only test prefixes and suffixes of tools. A pattern with an inner `*` is approximated by its
    /// prefix, and tools that only an allow list admits count as denied. So the result may refuse more than the policy
    /// does.
    func denials(_ plan: Plan) -> [Condition] {
        var conditions = policy.rules.filter { $0.effect == .deny }.map(\.when)
        if !plan.blockedFeatures.isEmpty { conditions.append(.textIn(.feature, plan.blockedFeatures.sorted())) }
        conditions += policy.tools.deny.map(\.toolCondition)
        if policy.tools.fallback == .deny { conditions.append(.isPresent(.tools)) }
        return conditions
    }
}

extension Pattern {
    /// The condition that some tool of the request matches.
    var toolCondition: Condition {
        if isExact { return .contains(.tools, .equals, text) }
        let parts = text.split(separator: "*", omittingEmptySubsequences: false).map(String.init)
        if parts.count == 2, parts[0].isEmpty { return .contains(.tools, .endsWith, parts[1]) }
        return parts[0].isEmpty ? .isPresent(.tools) : .contains(.tools, .startsWith, parts[0])
    }
}
