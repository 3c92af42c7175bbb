import BursarPolicy
import BursarSyntax

/// What is counted across tenants for alerts: guarded by one lock of the engine, which only engines with alerts take.
struct TogetherAlerts {
    struct Key: Hashable {
        /// `.absent` where tenants are counted together.
        var tenant: Symbol
        var values: AlertKey
    }

    /// By rule.
    var series: [[Key: AlertSeries<Symbol>]] = []
    /// The newest window of each rule that has begun.
    private var newest: [Interval?] = []
    /// What all tenants spent in a rule's windows.
    var totals: [[(start: Int64, cost: Int64)]] = []
    private let rules: [CompiledAlert]
    /// All windows are kept, to be judged once everything was counted.
    private let gathers: Bool

    init(_ rules: [CompiledAlert], gathers: Bool) {
        self.rules = rules
        self.gathers = gathers
        series = Array(repeating: [:], count: rules.count)
        newest = Array(repeating: nil, count: rules.count)
        totals = Array(repeating: [], count: rules.count)
    }

    /// A window that may be judged, with what it is told apart by.
    struct Due {
        var key: Key
        var start: Int64
    }

    mutating func addTotal(_ cost: Int64, rule: Int, start: Int64) {
        if totals[rule].last?.start != start { return addEarlierTotal(cost, rule, start) }
        let last = totals[rule].count - 1
        totals[rule][last].cost = totals[rule][last].cost.addingSaturated(cost)
    }

    private mutating func addEarlierTotal(_ cost: Int64, _ rule: Int, _ start: Int64) {
        if let place = totals[rule].lastIndex(where: { $0.start == start }) {
            totals[rule][place].cost = totals[rule][place].cost.addingSaturated(cost)
            return
        }
        let place = totals[rule].firstIndex { $0.start > start } ?? totals[rule].count
        totals[rule].insert((start, cost), at: place)
        if !gathers, totals[rule].count > 3 { totals[rule].removeFirst() }
    }

    /// What all tenants spent in a rule's window; nil where that was forgotten.
    func total(_ rule: Int, _ start: Int64) -> Int64? { totals[rule].last { $0.start == start }?.cost }

    /// - Returns: What may be judged now: the windows that this request's time ends, or its own where that has ended.
    mutating func add(_ addition: AlertAddition, _ key: AlertKey, tenant: Symbol, at time: Int64) -> [Due] {
        let rule = rules[Int(key.rule)]
        guard let window = rule.rule.window else { return [] }
        let isTogether = rule.rule.isAcrossTenants
        let place = Key(tenant: isTogether ? .absent : tenant, values: key)
        let index = Int(key.rule)
        var due: [Due] = []
        if !gathers, let current = newest[index], time >= current.end { due = close(index, current) }
        let found = series(index, place)
        let position = found.place(of: time, keeping: gathers ? nil : rule.keptWindows, { window.interval(at: $0) })
        guard let position else { return due }
        let interval = found.windows[position].interval
        found.add(addition, at: position, hasQuantile: rule.hasQuantile, tenant: isTogether ? tenant : nil)
        addTotal(addition.sums.cost, rule: index, start: interval.start)
        if newest[index].map({ $0.start < interval.start }) ?? true { newest[index] = interval }
        if !gathers, let current = newest[index], interval.end <= current.start {
            due.append(Due(key: place, start: interval.start))
        }
        return due
    }

    private mutating func series(_ index: Int, _ key: Key) -> AlertSeries<Symbol> {
        if let found = series[index][key] { return found }
        let made = AlertSeries<Symbol>()
        series[index][key] = made
        return made
    }

    private mutating func close(_ index: Int, _ interval: Interval) -> [Due] {
        let kept = interval.length.multipliedSaturated(by: Int64(rules[index].keptWindows))
        let oldest = interval.start.subtractingSaturated(kept)
        series[index] = series[index].filter { ($0.value.windows.last?.end ?? .min) > oldest }
        return series[index].keys.map { Due(key: $0, start: interval.start) }
    }
}

/// An alert of a tenant, gathered.
struct GatheredAlert: Sendable, Codable {
    var rule: Int
    var alert: Alert
}

/// The alerts of a replay. Those that need what all tenants did are judged at last, so that parts of a replay that decided
/// for different tenants add up to the whole.
package struct GatheredAlerts: Sendable, Codable {
    struct Total: Sendable, Hashable, Comparable, Codable {
        var rule: Int
        var start: Int64

        static func < (left: Total, right: Total) -> Bool { (left.rule, left.start) < (right.rule, right.start) }
    }

    struct Subject: Sendable, Hashable, Comparable, Codable {
        var rule: Int
        var tenant: String?
        var values: [String]

        private var names: [String] { (tenant.map { [$0] } ?? []) + values }

        static func < (left: Subject, right: Subject) -> Bool {
            left.rule != right.rule ? left.rule < right.rule : left.names.lexicographicallyPrecedes(right.names)
        }
    }

    var headings: [AlertHeading] = []
    var alerts: [GatheredAlert] = []
    var totals: [Total: Int64] = [:]
    var together: [Subject: AlertSeries<String>] = [:]

    package init() {}

    private enum CodingKeys: String, CodingKey { case headings, alerts, totals, together }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        headings = try values.decode([AlertHeading].self, forKey: .headings)
        alerts = try values.decode([GatheredAlert].self, forKey: .alerts)
        totals = try values.decode(SortedTable<Total, Int64>.self, forKey: .totals).wrappedValue
        together = try values.decode(SortedTable<Subject, AlertSeries<String>.Content>.self, forKey: .together)
            .wrappedValue.mapValues { AlertSeries($0) }
        // A file may have been changed: what it names must be there.
        guard alerts.allSatisfy({ headings.indices.contains($0.rule) }),
            together.keys.allSatisfy({ headings.indices.contains($0.rule) }),
            headings.allSatisfy({ (1...Int(Bounds.baselineWindows)).contains($0.criteria.baseline) })
        else {
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "no such alert"))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(headings, forKey: .headings)
        // Accounts are in no order of their own.
        let ordered = alerts.sorted { left, right in
            left.rule != right.rule ? left.rule < right.rule : Alert.areInOrder(left.alert, right.alert)
        }
        try values.encode(ordered, forKey: .alerts)
        try values.encode(SortedTable(wrappedValue: totals), forKey: .totals)
        try values.encode(SortedTable(wrappedValue: together.mapValues(\.content)), forKey: .together)
    }

    /// No alert is declared.
    package var isEmpty: Bool { headings.isEmpty }

    /// Adds those of a replay of other tenants of the same logs by the same set.
    package mutating func add(_ other: GatheredAlerts) {
        if headings.isEmpty { headings = other.headings }
        alerts += other.alerts
        totals.merge(other.totals) { $0.addingSaturated($1) }
        for (subject, series) in other.together {
            if together[subject] == nil { together[subject] = AlertSeries() }
            together[subject]?.add(series)
        }
    }

    /// What all tenants spent in the windows of a rule, in their order; for tests.
    package func totals(of name: String) -> [Int64] {
        totals.filter { headings[$0.key.rule].name == name }.sorted { $0.key.start < $1.key.start }.map(\.value)
    }

    /// All alerts in the order of their times.
    package func judged() -> [Alert] {
        var found = alerts.map { gathered in
            var alert = gathered.alert
            alert.totalCost = totals[Total(rule: gathered.rule, start: alert.windowStart)]
            return alert
        }
        for (subject, series) in together {
            let heading = headings[subject.rule]
            for place in series.windows.indices {
                let window = series.windows[place]
                let total = totals[Total(rule: subject.rule, start: window.start)]
                let measures = heading.criteria.measures(
                    window.sums, earlier: series.base(of: place, most: heading.criteria.baseline), total: total,
                    limit: nil)
                guard let measures else { continue }
                found.append(
                    heading.alert(
                        window, series, measures, at: window.end, tenant: subject.tenant, subject: subject.values,
                        total: total
                    ) { $0 })
            }
        }
        return found.sorted(by: Alert.areInOrder)
    }
}
