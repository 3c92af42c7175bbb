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
            above.addSaturated(1)
        }
    }

    mutating func open(_ interval: Interval) {
        start = interval.start
        end = interval.end
        used = 0
        isAbove = false
        windows.addSaturated(1)
    }
}

/// The meters of one tenant; guarded by its account's lock.
///
/// A limit is known by where it is declared and the tier it applies in, not by the plan that holds it: a tenant's plan is
/// compiled again when a grant or exception begins or ends and when a catalog comes into force, and its windows go on.
final class AccountMeters {
    private struct Identity: Hashable {
        var name: String
        var tier: Symbol
        var source: SourceRange
        var unit: Unit
    }

    private struct Measured {
        var identity: Identity
        /// What a window lets through, by the latest plan.
        var amount: Int64
    }

    private struct Key: Hashable {
        var limit: Int
        var counter: Int32
    }

    /// By the address of a row, which `rows` keeps alive.
    private var limitsByRow: [ObjectIdentifier: Int] = [:]
    private var rows: [CompiledPlan.Row] = []
    private var limitsByIdentity: [Identity: Int] = [:]
    /// In the order of their first requests.
    private var limits: [Measured] = []
    private var meters: [Key: LimitMeter] = [:]

    /// - Parameter counter: the part of the tenant that is counted apart; -1: the tenant is counted as a whole.
    func add(_ use: Int64, at time: Int64, _ row: CompiledPlan.Row, counter: Int32, _ plan: CompiledPlan) {
        let limit = limit(row, plan)
        var meter = meters[Key(limit: limit, counter: counter)] ?? LimitMeter()
        if time < meter.start || time >= meter.end { meter.open(row.measuredWindow(at: time)) }
        meter.add(use, of: limits[limit].amount)
        meters[Key(limit: limit, counter: counter)] = meter
    }

    private func limit(_ row: CompiledPlan.Row, _ plan: CompiledPlan) -> Int {
        if let found = limitsByRow[ObjectIdentifier(row)] { return found }
        let limit = row.limit
        let amount = limit.weight.map { $0.share.floor(of: plan.plan.limits[$0.of].amount) } ?? limit.capacity
        let identity = Identity(name: limit.name, tier: plan.tier, source: limit.source, unit: limit.unit)
        let found = limitsByIdentity[identity] ?? limits.count
        if found == limits.count {
            limits.append(Measured(identity: identity, amount: amount))
            limitsByIdentity[identity] = found
        }
        limits[found].amount = amount
        limitsByRow[ObjectIdentifier(row)] = found
        rows.append(row)
        return found
    }

    /// By limit, the largest of its parts; in the order of their first requests.
    func demands(tenant: String, _ symbols: SymbolTable) -> [LimitDemand] {
        var demands = limits.map { limit in
            LimitDemand(
                name: limit.identity.name, tier: symbols.text(limit.identity.tier), tenant: tenant,
                source: limit.identity.source, unit: limit.identity.unit, amount: limit.amount, peak: 0, windows: 0,
                above: 0)
        }
        for (key, meter) in meters {
            demands[key.limit].peak = max(demands[key.limit].peak, meter.peak)
            demands[key.limit].windows.addSaturated(meter.windows)
            demands[key.limit].above.addSaturated(meter.above)
        }
        return demands
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
            let start = floorDiv(time, length).multipliedSaturated(by: length)
            return Interval(start: start, end: start.addingSaturated(length))
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
        guard index >= 0, isOwn(request) else { return }
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
                let counter =
                    row.per.isEmpty ? -1 : request.readAttributes { account.counter(index, row, $0, at: request.time) }
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
