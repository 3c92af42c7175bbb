import BursarSyntax

/// The declarations of a tier or of a tenant's plan after `extends` and overrides.
struct PlanDeclaration: Sendable {
    var models: Located<[Located<Pattern>]>?
    var downgrade: DowngradeDeclaration?
    var block: Located<[Name]>?
    var limits: [LimitDeclaration] = []
    var weights: WeightsDeclaration?
    var upgrade: UpgradeDeclaration?
    var price: Located<MoneyLiteral>?

    /// Merges limits by name and replaces all other keys.
    func overridden(by tier: TierDeclaration) -> PlanDeclaration {
        var merged = self
        merged.models = tier.models ?? models
        merged.downgrade = tier.downgrade ?? downgrade
        merged.block = tier.block ?? block
        merged.limits = LimitDeclaration.merge(limits, with: tier.limits)
        merged.weights = tier.weights ?? keptWeights(after: tier.limits)
        merged.upgrade = tier.upgrade ?? upgrade
        merged.price = tier.price ?? price
        return merged
    }

    /// The inherited weights, unless the limit that they divide was removed.
    private func keptWeights(after others: [LimitDeclaration]) -> WeightsDeclaration? {
        let isRemoved = others.contains { $0.isRemoved && $0.name.value == weights?.of.value }
        return isRemoved ? nil : weights
    }

    func overridden(by tenant: TenantDeclaration) -> PlanDeclaration {
        var merged = self
        merged.models = tenant.models ?? models
        merged.downgrade = tenant.downgrade ?? downgrade
        merged.block = tenant.block ?? block
        merged.limits = LimitDeclaration.merge(limits, with: tenant.limits)
        merged.weights = tenant.weights ?? keptWeights(after: tenant.limits)
        merged.upgrade = tenant.upgrade ?? upgrade
        return merged
    }
}

extension LimitDeclaration {
    /// Merges the keys of this declaration over those of `base`. The merged limit keeps the position of `base`.
    func over(_ base: LimitDeclaration) -> LimitDeclaration {
        var merged = base
        merged.name = name
        merged.range = range
        merged.amount = amount ?? base.amount
        merged.per = per ?? base.per
        merged.when = when ?? base.when
        merged.thresholds = thresholds ?? base.thresholds
        merged.rollover = rollover ?? base.rollover
        merged.burst = burst ?? base.burst
        merged.mode = mode ?? base.mode
        merged.prepaid = prepaid ?? base.prepaid
        return merged
    }

    static func merge(_ base: [LimitDeclaration], with others: [LimitDeclaration]) -> [LimitDeclaration] {
        if others.isEmpty { return base }
        // A removed limit leaves its slot empty until the end, so that indices stay valid.
        var merged: [LimitDeclaration?] = base
        var places = Dictionary(
            base.enumerated().map { ($1.name.value, $0) }, uniquingKeysWith: { first, _ in first })
        for limit in others {
            let name = limit.name.value
            switch (places[name], limit.isRemoved) {
            case (let place?, true):
                merged[place] = nil
                places[name] = nil
            case (let place?, false): merged[place] = merged[place].map { limit.over($0) }
            case (nil, true): break
            case (nil, false):
                places[name] = merged.count
                merged.append(limit)
            }
        }
        return merged.compactMap { $0 }
    }
}
