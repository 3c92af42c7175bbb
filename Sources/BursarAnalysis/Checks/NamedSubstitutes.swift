import BursarPolicy
import BursarSyntax

/// An action `downgrade to MODEL` of a plan.
struct NamedSubstitute {
    var model: ModelID
    /// The models of the plan for which a request can get to the action.
    var requested: [ModelID]
    var source: SourceRange
}

extension EditionContext {
    /// Each `downgrade to MODEL` of a plan, with its effort spent; nil where the effort is used up.
    func namedSubstitutes(of plan: Plan) -> [NamedSubstitute]? {
        guard let catalog = edition.catalog else { return [] }
        var found: [NamedSubstitute] = []
        for limit in plan.limits where limit.weight == nil {
            for threshold in limit.thresholds {
                for action in threshold.actions {
                    for case .downgrade(let model?) in action.alternatives {
                        guard effort.spend(10 + modelCount) else { return nil }
                        let requested = catalog.models.indices.map(ModelID.init(rawValue:)).filter { id in
                            plan.models.allows(id) && catalog[id].price != nil
                                && [limit.when, action.when].allSatisfy { $0?.canHold(for: catalog[id]) ?? true }
                        }
                        found.append(NamedSubstitute(model: model, requested: requested, source: threshold.source))
                    }
                }
            }
        }
        return found
    }
}

extension Condition {
    /// False only if no request for the model satisfies the condition, whatever else it carries.
    fileprivate func canHold(for model: Model) -> Bool { value(for: model) != false }

    /// nil: it depends on something else.
    private func value(for model: Model) -> Bool? {
        switch self {
        case .always: return true
        case .never: return false
        case .not(let inner): return inner.value(for: model).map { !$0 }
        case .all(let parts):
            let values = parts.map { $0.value(for: model) }
            return values.contains(false) ? false : values.contains(nil) ? nil : true
        case .any(let parts):
            let values = parts.map { $0.value(for: model) }
            return values.contains(true) ? true : values.contains(nil) ? nil : false
        case .text(let attribute, let test, let text):
            return Self.text(attribute, of: model).map { $0.map { test.holds($0, text) } ?? false }
        case .textIn(let attribute, let texts):
            return Self.text(attribute, of: model).map { $0.map(texts.contains) ?? false }
        case .isPresent(let attribute): return Self.text(attribute, of: model).map { $0 != nil }
        default: return nil
        }
    }

    /// nil: it is not an attribute of the model; `.some(nil)`: the model does not have it.
    private static func text(_ attribute: Attribute, of model: Model) -> String?? {
        switch attribute {
        case .model: .some(model.name)
        case .modelClass: .some(model.modelClass)
        case .modelProvider: .some(model.provider)
        default: nil
        }
    }
}
