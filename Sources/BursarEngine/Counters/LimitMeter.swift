import BursarPolicy
import BursarSyntax

/// What a limit would have been asked for in one scope, whatever was decided: for choosing its amount.
struct LimitMeter {
    var start = Int64.min
    var end = Int64.min
    private var used: Int64 = 0
    private(set) var peak: Int64 = 0
    private(set) var windows = 0
    private(set) var above = 0
    private var isAbove = false

    /// - Parameter amount: what the limit lets through in a window.
    mutating func add(_ use: Int64, of amount: Int64) {
        used = used.addingSaturated(use)
        peak = max(peak, used)
        if used > amount, !isAbove {
            isAbove = true
            above += 1
        }
    }

    mutating func open(_ interval: Interval) {
        start = interval.start
        end = interval.end
        used = 0
        isAbove = false
        windows += 1
    }
}

/// The meters of one tenant; guarded by its account's lock.
final class AccountMeters {
    private struct Key: Hashable {
        var row: ObjectIdentifier
        var counter: Int32
    }

    private struct Entry {
        /// Keeps the row, and so its address.
        var row: CompiledPlan.Row
        var tier: Symbol
        var amount: Int64
        var meter = LimitMeter()
    }

    private var entries: [Key: Int] = [:]
    private var list: [Entry] = []

    /// - Parameter counter: of a limit that is counted for a part of the tenant: which part.
    func add(_ use: Int64, at time: Int64, _ row: CompiledPlan.Row, counter: Int32, _ plan: CompiledPlan) {
        let key = Key(row: ObjectIdentifier(row), counter: counter)
        let place: Int
        if let found = entries[key] {
            place = found
        } else {
            place = list.count
            entries[key] = place
            let limit = row.limit
            let amount = limit.weight.map { $0.share.floor(of: plan.plan.limits[$0.of].amount) } ?? limit.capacity
            list.append(Entry(row: row, tier: plan.tier, amount: amount))
        }
        if time < list[place].meter.start || time >= list[place].meter.end {
            list[place].meter.open(row.measuredWindow(at: time))
        }
        list[place].meter.add(use, of: list[place].amount)
    }

    /// By limit: the largest of its parts.
    func demands(tenant: String, _ symbols: SymbolTable) -> [LimitDemand] {
        var demands: [ObjectIdentifier: LimitDemand] = [:]
        for entry in list {
            var demand =
                demands[ObjectIdentifier(entry.row)]
                ?? LimitDemand(
                    name: entry.row.limit.name, tier: symbols.text(entry.tier), tenant: tenant,
                    source: entry.row.limit.source, unit: entry.row.limit.unit, amount: entry.amount, peak: 0,
                    windows: 0, above: 0)
            demand.peak = max(demand.peak, entry.meter.peak)
            demand.windows += entry.meter.windows
            demand.above += entry.meter.above
            demands[ObjectIdentifier(entry.row)] = demand
        }
        return Array(demands.values)
    }
}

/// How far a tenant's traffic would use up one limit.
package struct LimitDemand: Sendable {
    package var name: String
    package var tier: String
    package var tenant: String
    package var source: SourceRange
    package var unit: Unit
    /// What a window lets through, and the most that was asked for in one.
    package var amount: Int64
    package var peak: Int64
    /// Windows that had requests, and those in which more was asked for.
    package var windows: Int
    package var above: Int
}

extension CompiledPlan.Row {
    /// The window over which its use is measured. Rates and rolling windows are measured over windows of their length that
    /// follow one another.
    fileprivate func measuredWindow(at time: Int64) -> Interval {
        switch limit.window {
        case .calendar, .every: return limit.window.interval(at: time)
        case .rate(let length), .rolling(let length), .fromFirstUse(let length):
            let start = floorDiv(time, length) * length
            return Interval(start: start, end: start + length)
        case .request: return Interval(start: time, end: time)
        case .lifetime: return .always
        }
    }

    fileprivate var isMeasured: Bool {
        limit.unit != .concurrentRequests && limit.unit != .runs && !limit.isPrepaid && !limit.isShared
            && limit.weight?.isOfRemaining != true
    }
}

extension Engine {
    /// Measures a request by the limits of its tenant's plan, as it happened.
    ///
    /// - Parameters:
    ///   - request: decided just before.
    ///   - use: what it used, with the model that it asked for.
    package func measure(_ request: Request, use: Estimate, edition index: Int32) {
        guard index >= 0 else { return }
        let account = request.tenant.account
        let edition = editions[Int(index)]
        account.withLock {
            guard let plan = account.plan, Int(account.planEdition) == edition.index else { return }
            var request = request
            request[.tenant] = account.id
            request[.tier] = plan.tier
            edition.set(edition.model(request[.model]), named: request[.model], in: &request)
            let isCritical = edition.isCritical(request[.feature])
            for (index, row) in plan.rows.enumerated() where row.isMeasured {
                guard row.applies(to: request, isCritical: isCritical, symbols: symbols) else { continue }
                let counter = row.per.isEmpty ? -1 : request.readAttributes { account.counter(index, row, $0) }
                account.madeMeters().add(
                    use.amount(row.limit.unit), at: request.time, row, counter: counter, plan)
            }
        }
    }

    /// What was measured, by tenant and limit.
    package func demands() -> [LimitDemand] {
        allAccounts.flatMap { account in
            account.withLock {
                account.meters?.demands(tenant: symbols.text(account.id), symbols) ?? []
            }
        }
    }
}
