import BursarPolicy
import BursarSyntax

extension GatheredAlerts {
    /// Checks every value after decoding.
    package func check() throws(ContentError) {
        for (index, heading) in headings.enumerated() { try heading.criteria.check("headings[\(index)].criteria") }
        for (index, gathered) in alerts.enumerated() {
            try checkRule(gathered.rule, "alerts[\(index)]")
            try gathered.alert.check("alerts[\(index)].alert")
        }
        for (total, cost) in totals {
            try checkRule(total.rule, "totals")
            try ContentCheck.amount(cost, "totals")
            if total.start != .min { try ContentCheck.time(total.start, "totals") }
        }
        for (subject, series) in together {
            try checkRule(subject.rule, "together")
            try series.check("together")
        }
    }

    /// Tells if two shards were replayed with the same alert rules.
    package func hasSameRules(as other: GatheredAlerts) -> Bool { headings == other.headings }

    private func checkRule(_ rule: Int, _ place: String) throws(ContentError) {
        try ContentCheck.holds(headings.indices.contains(rule), place, "there is no alert number \(rule)")
    }
}

extension AlertRule.Criteria {
    fileprivate func check(_ place: String) throws(ContentError) {
        try ContentCheck.holds(terms.count <= Bounds.alertTerms, place, "it has \(terms.count) comparisons")
        try ContentCheck.count(atLeast, "\(place).atLeast")
        try ContentCheck.count(baseline, least: 1, most: Int(Bounds.baselineWindows), "\(place).baseline")
        for term in terms {
            try ContentCheck.holds(AlertMetric.all.contains(term.metric), place, "there is no such metric")
            switch term.bound {
            case .amount(let amount): try ContentCheck.amount(amount, place)
            case .share(let share), .ofBaseline(let share): try ContentCheck.amount(share.scaled, place)
            }
        }
    }
}

extension Alert {
    fileprivate func check(_ place: String) throws(ContentError) {
        try ContentCheck.time(time, "\(place).time")
        try ContentCheck.window(windowStart, windowEnd, "\(place).windowStart")
        try ContentCheck.count(requests, "\(place).requests")
        try ContentCheck.count(retries, "\(place).retries")
        try ContentCheck.amount(cost, "\(place).cost")
        if let totalCost { try ContentCheck.amount(totalCost, "\(place).totalCost") }
        for drivers in [features, promptVersions, tenants] {
            try ContentCheck.holds(drivers.count <= Alert.mostDrivers, place, "it has \(drivers.count) drivers")
            for driver in drivers {
                try ContentCheck.count(driver.requests, "\(place).requests")
                try ContentCheck.amount(driver.cost, "\(place).cost")
            }
        }
    }
}

extension AlertSeries where Name == String {
    fileprivate func check(_ place: String) throws(ContentError) {
        for (window, next) in zip(windows, windows.dropFirst()) {
            try ContentCheck.holds(window.end <= next.start, place, "its windows are not in order")
        }
        for window in windows {
            try ContentCheck.window(window.start, window.end, place)
            try window.sums.check("\(place).sums")
            for (name, driver) in Array(window.features) + Array(window.versions) + Array(window.tenants) {
                try ContentCheck.count(driver.requests, "\(place).\(name)")
                try ContentCheck.amount(driver.cost, "\(place).\(name)")
            }
        }
    }
}

extension AlertSums {
    fileprivate func check(_ place: String) throws(ContentError) {
        try ContentCheck.count(requests, "\(place).requests")
        try ContentCheck.count(settled, "\(place).settled")
        try ContentCheck.amount(refused, "\(place).refused")
        try ContentCheck.amount(retries, "\(place).retries")
        try ContentCheck.amount(failed, "\(place).failed")
        try ContentCheck.amount(cost, "\(place).cost")
        try ContentCheck.amount(tokens, "\(place).tokens")
        try ContentCheck.holds(
            refused <= requests && retries <= requests && failed <= settled, place, "a part is larger than the whole")
        try ContentCheck.holds(sizes.count <= settled, place, "more sizes than requests")
    }
}
