import BursarEngine
import BursarSyntax

/// Decides requests according to a policy set and counts usage.
///
/// An engine may be used from many threads. It decides requests of one tenant in sequence and requests of different
/// tenants in parallel, except where they share a limit of a group. Counters are in memory and are lost with the
/// engine.
public final class Engine: Sendable {
    public let policies: PolicySet
    let core: BursarEngine.Engine
    let writer: DecisionWriter

    /// - Parameters:
    ///   - policies: the policies in force.
    ///   - reservationLifetime: the time after which an open reservation no longer counts as running. It can still be
    ///     settled late for a day; then its estimate stands. Choose more than the longest stream. Values below one
    ///     microsecond count as one.
    ///   - onAlert: receives the alerts of the policies, on the thread that decided or settled, without a lock. Hand them to
    ///     another thread and return. nil: alerts are not computed.
    public init(
        _ policies: PolicySet, reservationLifetime: Duration = .seconds(3_600),
        onAlert: (@Sendable (Alert) -> Void)? = nil
    ) {
        self.policies = policies
        var receive: (@Sendable (BursarEngine.Alert) -> Void)?
        if let onAlert { receive = { onAlert(Alert($0)) } }
        core = BursarEngine.Engine(
            policies.compiled, reservationLifetime: max(1, reservationLifetime.microseconds), onAlert: receive)
        writer = DecisionWriter(engine: core)
    }

    /// Decides a request and reserves its estimate in every limit that applies, or in none.
    ///
    /// An invalid request, for example one with a negative count, is denied with the code `bad_request`.
    ///
    /// - Parameters:
    ///   - request: the request.
    ///   - detail: `.full` adds the remainder of each limit.
    public func decide(_ request: Request, detail: DetailLevel = .reasons) -> Decision {
        decide(request, detail: detail, clock: request.time)
    }

    /// - Parameter clock: the time that the caller gave; nil: none.
    func decide(
        _ request: Request, detail: DetailLevel, counting: BursarEngine.Engine.Counting = .decided, clock: Timestamp?
    ) -> Decision {
        let time = request.time ?? .now
        let label = RequestLabel(
            requestID: request.id ?? "", tenant: request.tenant, time: time.microsecondsSince1970, model: request.model)
        if let defect = request.defect {
            return Decision(core: core.badRequest(defect), label: label, tenant: nil, clock: clock, engine: self)
        }
        let resolved = request.resolved(in: core, at: time)
        return Decision(
            core: core.decide(resolved, detail: detail, counting: counting), label: label, tenant: resolved.tenant,
            clock: clock, engine: self)
    }

    /// Decides a request given by its most common fields.
    public func decide(
        tenant: String, tier: String? = nil, model: String, feature: String? = nil, user: String? = nil,
        inputTokens: Int? = nil, maxOutputTokens: Int? = nil, id: String? = nil, at time: Timestamp? = nil
    ) -> Decision {
        decide(
            Request(
                tenant: tenant, model: model, tier: tier, feature: feature, user: user, id: id,
                inputTokens: inputTokens, maxOutputTokens: maxOutputTokens, time: time))
    }

    /// The reservation of an admitted request.
    public struct Reservation: Sendable {
        /// Keeps the engine alive, which holds the counters.
        let engine: Engine
        let tenant: TenantID
        let id: ReservationID
        /// The time that the request gave; nil: it was decided at the current time.
        let clock: Timestamp?

        func time(_ given: Timestamp?) -> Int64 { (given ?? clock ?? .now).microsecondsSince1970 }
    }

    /// Replaces the estimate by the actual usage. `Decision.settle` describes the parameters.
    @discardableResult
    public func settle(
        _ reservation: Reservation, inputTokens: Int, cachedTokens: Int = 0, outputTokens: Int, cost: Money? = nil,
        hasFailed: Bool = false, at time: Timestamp? = nil
    ) throws(SettlementError) -> Settlement {
        let usage = Usage(
            inputTokens: Int64(inputTokens), cachedTokens: Int64(cachedTokens), outputTokens: Int64(outputTokens),
            cost: cost?.nanoUnits, hasFailed: hasFailed)
        do {
            let settlement = try core.settle(
                reservation.id, of: reservation.tenant, usage: usage, at: reservation.time(time))
            return settlement == .late ? .late : .inTime
        } catch {
            throw SettlementError(error)
        }
    }

    /// Cancels a reservation, because its request was never made.
    public func release(_ reservation: Reservation, at time: Timestamp? = nil) throws(SettlementError) {
        do {
            try core.release(reservation.id, of: reservation.tenant, at: reservation.time(time))
        } catch {
            throw SettlementError(error)
        }
    }
}

extension SettlementError {
    init(_ error: BursarEngine.Engine.SettlementError) {
        switch error {
        case .notOpen: self = .notOpen
        case .badUsage(let reason): self = .invalidUsage(reason)
        }
    }
}

extension Duration {
    /// Whole microseconds, saturated at 64 bits.
    var microseconds: Int64 {
        let (seconds, attoseconds) = components
        let (scaled, isTooLarge) = seconds.multipliedReportingOverflow(by: 1_000_000)
        guard !isTooLarge else { return seconds < 0 ? .min : .max }
        return scaled.addingSaturated(attoseconds / 1_000_000_000_000)
    }
}
