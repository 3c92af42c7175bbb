import BursarPolicy
import BursarSyntax

/// Gathers the names that a policy set tells apart.
struct NameCollector {
    private(set) var names: [String] = []
    private var seen = Set<String>()
    /// Attributes whose every value is told apart, because a counter or a test of its text depends on it.
    private(set) var exact: Set<Attribute> = [.tenant, .model, .feature, .tier]
    /// Attributes that some condition asks for.
    private(set) var used: Set<Attribute> = []
    /// Limits that compound what they carry over.
    private(set) var compounding: Set<String> = []

    private mutating func add(_ name: String) { if seen.insert(name).inserted { names.append(name) } }

    mutating func add(_ condition: Condition?) {
        for attribute in condition?.attributes ?? [] {
            used.insert(attribute)
            if attribute == .group { exact.insert(.group) }
        }
        switch condition {
        case .not(let inner)?: add(inner)
        case .all(let parts)?, .any(let parts)?: for part in parts { add(part) }
        case .text(let attribute, let test, let text)?:
            if case .label(let key) = attribute { add(key) }
            if test == .equals { add(text) } else { exact.insert(attribute) }
        case .textIn(let attribute, let list)?:
            if case .label(let key) = attribute { add(key) }
            for text in list { add(text) }
        case .isPresent(.label(let key))?: add(key)
        case .contains(_, let test, let text)?: if test == .equals { add(text) }
        default: break
        }
    }

    mutating func add(_ policySet: PolicySet) {
        for edition in policySet.editions { add(edition) }
        for (index, record) in policySet.tenants.enumerated() where !record.followsTier {
            // A record's own keys are the same whatever tier they stand over; without a tier any may be meant.
            let tiers = record.tier.map { [$0] } ?? policySet.editions.flatMap(\.tierNames)
            for tier in Set(tiers) {
                guard let edition = policySet.editions.last(where: { $0.plan(tier: tier) != nil }) else { continue }
                let time = max(edition.interval.start, 0)
                if let plan = edition.plan(tier: tier, tenant: index, record: record, at: time) { add(plan) }
            }
        }
    }

    private mutating func add(_ edition: Edition) {
        for model in edition.catalog?.models ?? [] {
            add(model.name)
            if let name = model.modelClass { add(name) }
            if let name = model.provider { add(name) }
        }
        for name in edition.catalog?.knownNames ?? [] { add(name) }
        for rule in edition.policy.rules { add(rule.when) }
        for alert in edition.policy.alerts {
            add(alert.when)
            // What drives an alert is told by name.
            exact.insert(.promptVersion)
            for scope in alert.per { if let attribute = Attribute.named[scope.rawValue] { exact.insert(attribute) } }
        }
        for name in edition.policy.criticalFeatures.sorted() { add(name) }
        for name in edition.tierNames {
            add(name)
            if let plan = edition.plan(tier: name) { add(plan) }
        }
    }

    private mutating func add(_ plan: Plan) {
        for feature in plan.blockedFeatures.sorted() { add(feature) }
        for limit in plan.limits {
            if limit.rollover?.isCompounding == true { compounding.insert(limit.name) }
            add(limit.when)
            for value in limit.within { add(value.value) }
            for scope in limit.per + limit.within.map(\.scope) {
                if let attribute = Attribute.named[scope.rawValue] { exact.insert(attribute) }
            }
            if limit.unit == .runs { exact.insert(.run) }
            for name in limit.weight?.named ?? [] { add(name) }
            for action in limit.thresholds.flatMap(\.actions) { add(action.when) }
        }
    }
}
