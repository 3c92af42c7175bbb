import BursarPolicy

/// The number of requests and the cost of one feature, prompt version or tenant.
package struct AlertDriver: Sendable, Hashable, Codable {
    package var requests: Int64 = 0
    /// Nano-units.
    package var cost: Int64 = 0

    mutating func add(_ other: AlertDriver) {
        requests = requests.addingSaturated(other.requests)
        cost = cost.addingSaturated(other.cost)
    }
}

/// One window of an alert's series.
package struct AlertWindow<Name: Hashable & Sendable>: Sendable {
    package var start: Int64
    package var end: Int64
    var sums = AlertSums()
    var isRaised = false
    /// The alert was raised because a request no longer fitted the budget.
    var isRaisedByRefusal = false
    /// The end of the budget's state was reported.
    var isTakenBack = false
    /// The index of the raised alert, if alerts are gathered.
    var alert: Int?
    var features: [Name: AlertDriver] = [:]
    var versions: [Name: AlertDriver] = [:]
    /// Only for alerts over all tenants.
    var tenants: [Name: AlertDriver] = [:]

    init(_ interval: Interval) {
        start = interval.start
        end = interval.end
    }

    var interval: Interval { Interval(start: start, end: end) }

    mutating func add(_ other: AlertWindow) {
        sums.add(other.sums)
        func merge(_ left: inout [Name: AlertDriver], _ right: [Name: AlertDriver]) {
            for (name, driver) in right { left[name, default: AlertDriver()].add(driver) }
        }
        merge(&features, other.features)
        merge(&versions, other.versions)
        merge(&tenants, other.tenants)
    }

    func mapNames<Other>(_ body: (Name) -> Other) -> AlertWindow<Other> {
        var made = AlertWindow<Other>(interval)
        made.sums = sums
        func mapped(_ drivers: [Name: AlertDriver]) -> [Other: AlertDriver] {
            Dictionary(drivers.map { (body($0.key), $0.value) }, uniquingKeysWith: { first, _ in first })
        }
        made.features = mapped(features)
        made.versions = mapped(versions)
        made.tenants = mapped(tenants)
        return made
    }
}

extension AlertWindow: Codable where Name: Codable {}

/// The windows with requests, ascending. The owner guards it.
package final class AlertSeries<Name: Hashable & Sendable>: @unchecked Sendable {
    @exclusivity(unchecked) var windows: [AlertWindow<Name>] = []
    /// The window in which each prompt version was first seen.
    @exclusivity(unchecked) var firstSeen: [Name: Int64] = [:]
    /// The last computed baseline.
    private var base: (place: Int, start: Int64, sums: AlertSums, windows: Int)?

    package init() {}

    private init(windows: [AlertWindow<Name>], firstSeen: [Name: Int64]) {
        self.windows = windows
        self.firstSeen = firstSeen
    }

    /// The sums over at most `most` windows before one, and their number.
    func base(of place: Int, most: Int) -> (sums: AlertSums, windows: Int) {
        if let base, base.place == place, base.start == windows[place].start { return (base.sums, base.windows) }
        var sums = AlertSums()
        let earlier = windows[max(0, place - most)..<place]
        for window in earlier { sums.add(window.sums) }
        base = (place, windows[place].start, sums, earlier.count)
        return (sums, earlier.count)
    }

    /// Invalidates the baseline after a change of an earlier window.
    func forgetBase() { base = nil }

    /// The index of the window that contains a time, which is created if it does not exist; nil if it was forgotten.
    func place(
        of time: Int64, keeping most: Int?, _ interval: (Int64) -> Interval,
        forget: (AlertWindow<Name>) -> Void = { _ in }
    ) -> Int? {
        if let last = windows.last, last.start <= time, time < last.end { return windows.count - 1 }
        if let found = windows.lastIndex(where: { $0.start <= time && time < $0.end }) { return found }
        let made = AlertWindow<Name>(interval(time))
        if let same = windows.firstIndex(where: { $0.start == made.start }) { return same }
        let position = windows.firstIndex { $0.start > made.start } ?? windows.count
        if position == 0, let most, windows.count >= most { return nil }
        windows.insert(made, at: position)
        forgetBase()
        // The drivers of a window are kept until the window after the next one.
        if most != nil, windows.count > 2 {
            windows[windows.count - 3].features = [:]
            windows[windows.count - 3].versions = [:]
            windows[windows.count - 3].tenants = [:]
        }
        if let most, windows.count > most { forget(windows.removeFirst()) }
        return windows.lastIndex { $0.start == made.start }
    }

    func add(_ other: AlertSeries) {
        forgetBase()
        var merged: [AlertWindow<Name>] = []
        var (left, right) = (windows[...], other.windows[...])
        while let a = left.first, let b = right.first {
            if a.start == b.start {
                var sum = a
                sum.add(b)
                merged.append(sum)
                left.removeFirst()
                right.removeFirst()
            } else if a.start < b.start {
                merged.append(left.removeFirst())
            } else {
                merged.append(right.removeFirst())
            }
        }
        windows = merged + left + right
        firstSeen.merge(other.firstSeen, uniquingKeysWith: min)
    }

    func mapNames<Other>(_ body: (Name) -> Other) -> AlertSeries<Other> {
        AlertSeries<Other>(
            windows: windows.map { $0.mapNames(body) },
            firstSeen: Dictionary(firstSeen.map { (body($0.key), $0.value) }, uniquingKeysWith: min))
    }
}

extension AlertSeries where Name: Codable {
    /// The stored form of a series.
    struct Content: Codable {
        var windows: [AlertWindow<Name>]
        var firstSeen: [Name: Int64]
    }

    var content: Content { Content(windows: windows, firstSeen: firstSeen) }

    convenience init(_ content: Content) { self.init(windows: content.windows, firstSeen: content.firstSeen) }
}
