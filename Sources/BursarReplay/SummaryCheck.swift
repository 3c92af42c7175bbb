import BursarEngine
import BursarSyntax

/// Checks a decoded summary: every number is one that a replay can produce, and parts add up to their totals.
extension ReplaySummary {
    package func check() throws(ContentError) {
        try checkRecords()
        try checkTables()
        for (cause, requests) in causes {
            try ContentCheck.count(requests, least: 1, most: ContentCheck.mostMentions, "causes.\(cause.code)")
        }
        for (tier, price) in prices { try ContentCheck.amount(price, "prices.\(tier)") }
        try ContentCheck.holds((against == nil) == (comparison == nil), "against", "a comparison needs two totals")
        if let against {
            try against.check("against")
            try ContentCheck.holds(against.requests == decided, "against.requests", "it differs from the total")
        }
        try comparison?.check(of: decided)
        do throws(ContentError) { try gatheredAlerts?.check() } catch {
            throw ContentError("gatheredAlerts.\(error.place)", error.problem)
        }
        try details?.check(of: total)
    }

    private func checkRecords() throws(ContentError) {
        let counts = [
            ("read", read), ("rejected", rejected), ("filtered", filtered), ("repeats", repeats), ("late", late),
            ("estimated", estimated), ("unlimited", unlimited), ("servedOnly", servedOnly), ("joined", joined),
            ("settledLate", settledLate),
        ]
        for (name, count) in counts { try ContentCheck.count(count, name) }
        try ContentCheck.count(events, most: ContentCheck.mostMentions, "events")
        try ContentCheck.count(log.records, "log.records")
        try total.check("total")
        let known = rejected + filtered + decided
        try ContentCheck.holds(
            wasStopped ? known <= read : known == read, "read",
            "\(read) records are not the \(known) that were rejected, filtered and decided")
        for (name, count) in [
            ("repeats", repeats), ("estimated", estimated), ("unlimited", unlimited), ("lateSettlements", settledLate),
        ] {
            try ContentCheck.holds(count <= decided, name, "\(count) is more than the \(decided) that were decided")
        }
        try ContentCheck.holds((firstTime == nil) == (lastTime == nil), "firstTime", "it goes with lastTime")
        if let firstTime, let lastTime {
            try ContentCheck.time(firstTime, "firstTime")
            try ContentCheck.time(lastTime, "lastTime")
            try ContentCheck.holds(firstTime <= lastTime, "firstTime", "it is after lastTime")
        }
        try ContentCheck.holds(decided == 0 || firstTime != nil, "firstTime", "it is missing")
    }

    private func checkTables() throws(ContentError) {
        for (name, table) in [("tiers", tiers), ("tenants", tenants), ("features", features), ("models", models)] {
            var sum = Tally()
            for (key, tally) in table {
                try tally.check("\(name).\(key)")
                try ContentCheck.holds(tally.requests > 0, "\(name).\(key)", "it has no requests")
                try ContentCheck.holds(tally.requests <= total.requests, "\(name).\(key)", "it exceeds the total")
                sum.add(tally)
            }
            try ContentCheck.holds(sum == total, name, "its rows do not add up to the total")
        }
    }

    /// Checks that every tenant belongs to the shard.
    package func checkTenants(shard: ReplayOptions.Shard) throws(ContentError) {
        for tenant in tenants.keys where !shard.canHold(tenant) {
            throw ContentError("tenants.\(tenant)", "the tenant belongs to another shard")
        }
    }

    /// Checks what all shards of a replay have in common.
    package func checkSameReplay(as other: ReplaySummary) throws(ContentError) {
        try ContentCheck.holds(log == other.log, "log", "its logs have other records")
        try ContentCheck.holds(policies == other.policies, "policies", "its policies differ")
        try ContentCheck.holds(currency == other.currency, "currency", "its policies differ")
        try ContentCheck.holds(prices == other.prices, "prices", "its policies differ")
        try ContentCheck.holds(
            isShadowEnforced == other.isShadowEnforced, "isShadowEnforced", "its options differ")
        try ContentCheck.holds(state == other.state, "state", "its options differ")
        try ContentCheck.holds(wasOrdered == other.wasOrdered, "wasOrdered", "its logs have other records")
        try ContentCheck.holds(
            (details == nil) == (other.details == nil) && (comparison == nil) == (other.comparison == nil), "details",
            "its options differ")
        let (alerts, others) = (gatheredAlerts ?? GatheredAlerts(), other.gatheredAlerts ?? GatheredAlerts())
        try ContentCheck.holds(alerts.hasSameRules(as: others), "gatheredAlerts", "its alerts differ")
    }
}

extension Tally {
    fileprivate func check(_ place: @autoclosure () -> String) throws(ContentError) {
        try ContentCheck.count(requests, "\(place()).requests")
        var sum = 0
        for outcome in Outcome.allCases {
            try ContentCheck.count(self[outcome], "\(place()).outcomes")
            sum += self[outcome]
        }
        try ContentCheck.holds(sum == requests, "\(place()).outcomes", "they do not add up to the requests")
        try ContentCheck.holds(hasOnlyOutcomes, "\(place()).outcomes", "it has an unknown outcome")
        try ContentCheck.count(shadowed, most: requests, "\(place()).shadowed")
        try ContentCheck.count(unpriced, most: requests, "\(place()).unpriced")
        try ContentCheck.amount(tokens, "\(place()).tokens")
        try ContentCheck.amount(recordedCost, "\(place()).recordedCost")
        try ContentCheck.amount(policyCost, "\(place()).policyCost")
    }
}

extension Comparison {
    fileprivate func check(of decided: Int) throws(ContentError) {
        var enforced = 0
        for (change, requests) in changes {
            try ContentCheck.count(requests, least: 1, most: decided, "comparison.changes")
            if !change.isShadow { enforced += requests }
        }
        try ContentCheck.count(enforced, most: decided, "comparison.changes")
        try ContentCheck.count(modelChanges, most: enforced, "comparison.modelChanges")
        for (name, table) in [("tiers", tiers), ("features", features), ("codes", codes)] {
            var sum = 0
            for (key, moved) in table {
                try ContentCheck.count(moved.requests, least: 1, most: enforced, "comparison.\(name).\(key)")
                try ContentCheck.amount(moved.more, "comparison.\(name).\(key)")
                try ContentCheck.amount(moved.less, "comparison.\(name).\(key)")
                sum += moved.requests
            }
            try ContentCheck.holds(sum == enforced, "comparison.\(name)", "its rows do not add up to the changes")
        }
        var sum = 0
        for (tenant, requests) in tenants {
            try ContentCheck.count(requests, least: 1, most: enforced, "comparison.tenants.\(tenant)")
            sum += requests
        }
        try ContentCheck.holds(sum == enforced, "comparison.tenants", "its rows do not add up to the changes")
        for (change, example) in examples {
            try ContentCheck.holds(changes[change] != nil, "comparison.examples", "it belongs to no change")
            try ContentCheck.time(example.time, "comparison.examples")
        }
    }
}

extension ReplayDetails {
    fileprivate func check(of total: Tally) throws(ContentError) {
        var sum = Tally()
        for (hour, tally) in hours {
            try ContentCheck.time(hour, "details.hours")
            try ContentCheck.holds(hour % Micros.hour == 0, "details.hours", "\(hour) is no whole hour")
            try tally.check("details.hours")
            sum.add(tally)
        }
        try ContentCheck.holds(sum == total, "details.hours", "its rows do not add up to the total")
        try check(tenantDays.map { ("details.tenantDays", $1) }, of: total)
        try check(tenantFeatures.map { ("details.tenantFeatures", $1) }, of: total)
        for row in tenantDays.keys {
            let time = row.day.multipliedReportingOverflow(by: Micros.day)
            try ContentCheck.time(time.overflow ? .max : time.partialValue, "details.tenantDays")
        }
        for (tenant, last) in tenantTiers { try ContentCheck.time(last.time, "details.tenantTiers.\(tenant)") }
        for (version, known) in promptVersions {
            try ContentCheck.time(known.first, "details.promptVersions.\(version)")
            try known.usage.check("details.promptVersions.\(version)")
        }
        try ContentCheck.count(retries, most: total.requests, "details.retries")
        for (cause, tenants) in causeTenants {
            for requests in tenants.values {
                try ContentCheck.count(
                    requests, least: 1, most: ContentCheck.mostMentions, "details.causeTenants.\(cause.code)")
            }
        }
        for (pair, requests) in refusedModels {
            try ContentCheck.count(
                requests, least: 1, most: ContentCheck.mostMentions, "details.refusedModels.\(pair.second)")
        }
        for (model, cost) in modelCosts { try cost.check("details.modelCosts.\(model)") }
        for (key, demands) in limitDemands {
            for (tenant, demand) in demands { try demand.check("details.limitDemands.\(key.name).\(tenant)") }
        }
    }

    private func check(_ rows: [(place: String, usage: Usage)], of total: Tally) throws(ContentError) {
        var sum = Usage()
        for (place, usage) in rows {
            try usage.check(place)
            sum.add(usage)
        }
        let whole = Usage(
            requests: total.requests, recordedCost: total.recordedCost, policyCost: total.policyCost,
            tokens: total.tokens)
        guard let place = rows.first?.place else { return }
        try ContentCheck.holds(sum == whole, place, "its rows do not add up to the total")
    }
}

extension ReplayDetails.Usage {
    fileprivate func check(_ place: @autoclosure () -> String) throws(ContentError) {
        try ContentCheck.count(requests, place())
        try ContentCheck.amount(recordedCost, place())
        try ContentCheck.amount(policyCost, place())
        try ContentCheck.amount(tokens, place())
    }
}

extension ReplayDetails.ModelCost {
    fileprivate func check(_ place: @autoclosure () -> String) throws(ContentError) {
        for count in [requests, unpricedRequests, settled] { try ContentCheck.count(count, place()) }
        try ContentCheck.count(aboveEstimate, most: settled, place())
        for amount in [recorded, catalog, unpriced, reserved, actual] { try ContentCheck.amount(amount, place()) }
    }
}

extension ReplayDetails.LimitDemand {
    fileprivate func check(_ place: @autoclosure () -> String) throws(ContentError) {
        try ContentCheck.amount(amount, place())
        try ContentCheck.amount(peak, place())
        try ContentCheck.count(windows, place())
        try ContentCheck.count(above, most: windows, place())
    }
}
