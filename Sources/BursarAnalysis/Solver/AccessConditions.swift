import BursarPolicy
import BursarSyntax

extension Edition {
    /// What refuses requests of a plan before any counter, as conditions: rules, blocked features, tools.
    ///
    /// Conditions know prefixes and suffixes of tools. A pattern with a `*` between others is taken for its prefix, and tools
    /// that only a list of what is allowed lets through are taken for denied, so that more may be refused than really is.
    func denials(_ plan: Plan) -> [Condition] {
        var conditions = policy.rules.filter { $0.effect == .deny }.map(\.when)
        if !plan.blockedFeatures.isEmpty { conditions.append(.textIn(.feature, plan.blockedFeatures.sorted())) }
        conditions += policy.tools.deny.map(\.toolCondition)
        if policy.tools.fallback == .deny { conditions.append(.isPresent(.tools)) }
        return conditions
    }
}

extension Pattern {
    /// Some tool of a request matches.
    var toolCondition: Condition {
        if isExact { return .contains(.tools, .equals, text) }
        let parts = text.split(separator: "*", omittingEmptySubsequences: false).map(String.init)
        if parts.count == 2, parts[0].isEmpty { return .contains(.tools, .endsWith, parts[1]) }
        return parts[0].isEmpty ? .isPresent(.tools) : .contains(.tools, .startsWith, parts[0])
    }
}
