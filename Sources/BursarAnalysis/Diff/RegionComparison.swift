import BursarPolicy
import BursarSyntax

/// The outcome of a request without history, from the most severe to `allow`.
package enum FirstOutcome: String, Sendable, CaseIterable, Comparable {
    case deny, approve, confirm, downgrade, allow

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    package static func < (left: FirstOutcome, right: FirstOutcome) -> Bool { left.rank < right.rank }
}

/// A set of requests with the same change of outcome.
package struct DiffRegion: Sendable {
    package var old: FirstOutcome
    package var new: FirstOutcome
    /// The requests as a condition in the syntax of the language; ends in `…` if it is too long to read.
    package var condition: String
    /// The number of omitted parts of the condition.
    package var omitted: Int
    package var tiers: [String]
    /// A request of the region as JSON.
    package var witness: String?

    package var direction: DiffDirection { new > old ? .looser : .stricter }
}

/// Compares the decisions of two editions for all requests without history at once.
struct RegionComparison {
    /// The maximum number of printed parts of a condition.
    private static let mostParts = 8

    static func compare(
        _ oldSet: PolicySet, _ old: Edition, _ newSet: PolicySet, _ new: Edition
    ) -> (regions: [DiffRegion], undecided: [String]) {
        let tiers = new.tierNames.filter { old.plan(tier: $0) != nil }
        let sides = [Side(old), Side(new)]
        let models = Array(Set(sides.flatMap(\.modelNames))).sorted()
        var conditions = sides.flatMap { $0.conditions(tiers) } + tiers.map { .text(.tier, .equals, $0) }
        // Adds a test for presence of every attribute, so that the printed condition can express absence.
        let attributes = Set(conditions.flatMap(\.attributes)).subtracting([.tier, .tenant, .model])
        conditions += attributes.sorted { $0.name < $1.name }.map { .isPresent($0) }
        // Requests of tenants without records represent their tier; the effect of a record is reported separately.
        let space = RequestSpace(new, [], conditions: conditions, models: models)
        do throws(DecisionDiagram.TooLarge) {
            var outcomes: [[FirstOutcome: DecisionDiagram.Node]] = []
            for side in sides {
                var union: [FirstOutcome: DecisionDiagram.Node] = [:]
                for tier in tiers {
                    let own = try space.set(tiers: [tier])
                    for (outcome, set) in try side.outcomes(tier, models, space) {
                        let part = try space.diagram.intersection(own, set)
                        union[outcome] = try space.diagram.union(union[outcome] ?? .none, part)
                    }
                }
                outcomes.append(union)
            }
            let asksClock = attributes.contains(.hour) || attributes.contains(.weekday)
            let undecided =
                asksClock && old.policy.zone != new.policy.zone
                ? ["the time zone changes: hours and weekdays of the conditions refer to the new one"] : []
            return (try regions(outcomes[0], outcomes[1], tiers, space), undecided)
        } catch {
            return ([], ["which requests get a different decision: there are too many combinations"])
        }
    }

    private static func regions(
        _ old: [FirstOutcome: DecisionDiagram.Node], _ new: [FirstOutcome: DecisionDiagram.Node], _ tiers: [String],
        _ space: RequestSpace
    ) throws(DecisionDiagram.TooLarge) -> [DiffRegion] {
        var regions: [DiffRegion] = []
        for before in FirstOutcome.allCases {
            for after in FirstOutcome.allCases where after != before {
                let set = try space.diagram.intersection(old[before] ?? .none, new[after] ?? .none)
                if set == .none { continue }
                var touched: [String] = []
                for tier in tiers {
                    if try space.diagram.intersection(set, try space.set(tiers: [tier])) != .none {
                        touched.append(tier)
                    }
                }
                let printed = ConditionPrinter.print(set, space, most: mostParts)
                regions.append(
                    DiffRegion(
                        old: before, new: after, condition: printed.text, omitted: printed.omitted, tiers: touched,
                        witness: space.witness(in: set)?.json))
            }
        }
        return regions
    }

    /// One of the two editions. Its conditions test models and features only by name, so that both sides can be
    /// evaluated on the same requests even if a model has a different class in each.
    private struct Side {
        let edition: Edition

        init(_ edition: Edition) { self.edition = edition }

        var modelNames: [String] { edition.catalog?.models.map(\.name) ?? [] }

        func conditions(_ tiers: [String]) -> [Condition] {
            var all = edition.policy.rules.map { named($0.when) }
            let tools = edition.policy.tools
            all += (tools.deny + tools.approve + tools.allow).map(\.toolCondition)
            if tools.fallback != .allow { all.append(.isPresent(.tools)) }
            for tier in tiers {
                guard let plan = edition.plan(tier: tier) else { continue }
                if !plan.blockedFeatures.isEmpty { all.append(.textIn(.feature, plan.blockedFeatures.sorted())) }
                all += sizes(plan)
            }
            return all
        }

        /// Replaces tests of a model's class or provider, or of critical features, by tests of names.
        private func named(_ condition: Condition, model: String? = nil) -> Condition {
            switch condition {
            case .not(let inner): return .not(named(inner, model: model))
            case .all(let parts): return .all(parts.map { named($0, model: model) })
            case .any(let parts): return .any(parts.map { named($0, model: model) })
            default: break
            }
            switch condition.attribute {
            case .model?, .modelClass?, .modelProvider?:
                let names = (model.map { [$0] } ?? modelNames + [RequestSpace.otherModel]).filter { name in
                    cell(name).satisfies(condition)
                }
                if model != nil { return names.isEmpty ? .never : .always }
                return .textIn(.model, names)
            case .featureCritical?:
                let critical = edition.policy.criticalFeatures.sorted()
                switch condition {
                case .isPresent: return .isPresent(.feature)
                case .booleanEquals(_, false): return .all([.isPresent(.feature), .not(.textIn(.feature, critical))])
                default: return .textIn(.feature, critical)
                }
            default: return condition
            }
        }

        private func cell(_ name: String) -> Cell {
            var cell = Cell(values: [.model: .text(name)])
            if let catalog = edition.catalog, let id = catalog.model(named: name) {
                if let value = catalog[id].modelClass { cell.values[.modelClass] = .text(value) }
                if let value = catalog[id].provider { cell.values[.modelProvider] = .text(value) }
            }
            return cell
        }

        /// Conditions that represent limits per request on one attribute.
        private func sizes(_ plan: Plan) -> [Condition] {
            plan.limits.compactMap { limit in
                guard limit.window == .request, limit.scopeKinds.isEmpty, !limit.isShared, limit.weight == nil,
                    let bound = limit.hardBound?.amount
                else { return nil }
                let attribute: Attribute? =
                    switch limit.unit {
                    case .inputTokens: .inputTokens
                    case .characters: .characters
                    default: nil
                    }
                guard let attribute else { return nil }
                let large = Condition.number(attribute, .greater, bound)
                return limit.when.map { .all([named($0), large]) } ?? large
            }
        }

        func outcomes(
            _ tier: String, _ models: [String], _ space: RequestSpace
        ) throws(DecisionDiagram.TooLarge) -> [FirstOutcome: DecisionDiagram.Node] {
            guard let plan = edition.plan(tier: tier), edition.policy.mode != .frozen else { return [.deny: .all] }
            if edition.policy.mode == .shadow { return [.allow: .all] }
            var denied = try union(edition.policy.rules.filter { $0.effect == .deny }.map { named($0.when) }, space)
            if !plan.blockedFeatures.isEmpty {
                denied = try space.diagram.union(
                    denied, try space.set(.textIn(.feature, plan.blockedFeatures.sorted())))
            }
            let tools = edition.policy.tools
            denied = try space.diagram.union(denied, try space.set { tools.verdict(on: $0) == .deny })
            denied = try space.diagram.union(denied, try union(sizes(plan), space))
            var found: [FirstOutcome: DecisionDiagram.Node] = [.deny: .all]
            func move(_ set: DecisionDiagram.Node, to outcome: FirstOutcome, _ space: RequestSpace)
                throws(DecisionDiagram.TooLarge)
            {
                found[.deny] = try space.diagram.difference(found[.deny] ?? .none, set)
                found[outcome] = try space.diagram.union(found[outcome] ?? .none, set)
            }
            for lane in try lanes(plan, models, space) {
                let admitted = try space.diagram.difference(lane.requests, denied)
                var approving = try asking(.approve, lane.substitute, space)
                approving = try space.diagram.union(approving, try space.set { tools.verdict(on: $0) == .approve })
                let approve = try space.diagram.intersection(admitted, approving)
                var rest = try space.diagram.difference(admitted, approve)
                let confirm = try space.diagram.intersection(rest, try asking(.confirm, lane.substitute, space))
                rest = try space.diagram.difference(rest, confirm)
                try move(approve, to: .approve, space)
                try move(confirm, to: .confirm, space)
                try move(rest, to: lane.substitute == nil ? .allow : .downgrade, space)
            }
            return found
        }

        /// The requests that match a rule with this effect, for the requested model or for `substitute`.
        private func asking(
            _ effect: RuleDeclaration.Effect, _ substitute: String?, _ space: RequestSpace
        ) throws(DecisionDiagram.TooLarge) -> DecisionDiagram.Node {
            try union(
                edition.policy.rules.filter { $0.effect == effect }.map { named($0.when, model: substitute) }, space)
        }

        /// Requests with the same serving model: the requested model or one substitute.
        private struct Lane {
            var requests: DecisionDiagram.Node
            var substitute: String?
        }

        private func lanes(
            _ plan: Plan, _ models: [String], _ space: RequestSpace
        ) throws(DecisionDiagram.TooLarge) -> [Lane] {
            var direct: Set<String> = []
            var lanes: [Lane] = []
            for name in models + [RequestSpace.otherModel] {
                guard let catalog = edition.catalog, let id = catalog.model(named: name), catalog[id].price != nil
                else {
                    let listed = edition.catalog?.model(named: name)
                    let isAllowed = listed.map(plan.models.allows) ?? plan.models.allows(unlisted: name)
                    if edition.policy.allowsUnpriced, isAllowed { direct.insert(name) }
                    continue
                }
                if plan.models.allows(id) {
                    direct.insert(name)
                } else if plan.downgrade.consent == .plan {
                    lanes += try substitutes(name, plan.downgrade.substitutes(for: id), plan, catalog, space)
                }
            }
            return [Lane(requests: try space.set(models: direct))] + lanes
        }

        /// The requests for models that are not allowed, by the first substitute that serves them.
        private func substitutes(
            _ name: String, _ chain: ArraySlice<ModelID>, _ plan: Plan, _ catalog: Catalog, _ space: RequestSpace
        ) throws(DecisionDiagram.TooLarge) -> [Lane] {
            var left = try space.set(models: [name])
            var lanes: [Lane] = []
            for id in chain where plan.models.allows(id) && catalog[id].price != nil {
                let denied = try asking(.deny, catalog[id].name, space)
                lanes.append(
                    Lane(requests: try space.diagram.difference(left, denied), substitute: catalog[id].name))
                left = try space.diagram.intersection(left, denied)
            }
            return lanes
        }

        private func union(
            _ conditions: [Condition], _ space: RequestSpace
        ) throws(DecisionDiagram.TooLarge) -> DecisionDiagram.Node {
            var result = DecisionDiagram.Node.none
            for condition in conditions { result = try space.diagram.union(result, try space.set(condition)) }
            return result
        }
    }
}
