import BursarEngine
import BursarSyntax

/// Decides requests by a policy set and counts what is used.
///
/// An engine is safe to use from many threads. Requests of one tenant are decided one after the other; tenants do not wait
/// for each other, except for limits that a group shares. Counters live in memory and end with the engine.
public final class Engine: Sendable {
    public let policies: PolicySet
    let core: BursarEngine.Engine
    let writer: DecisionWriter

    /// - Parameters:
    ///   - policies: what is decided by.
    ///   - reservationLifetime: a reservation that was neither settled nor released in this time counts as estimated.
    ///     Choose it longer than any answer streams. Less than a microsecond counts as one.
    ///   - onAlert: receives the alerts that the policies declare, on the thread that decided or settled and with no lock
    ///     held: hand them on and return. nil: alerts are not computed.
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

    /// Decides a request and reserves what it is expected to use in every limit that applies: all or none.
    ///
    /// A request that cannot be right, for example one with a negative count, is denied with the code `bad_request`.
    ///
    /// - Parameters:
    ///   - request: what the service wants to do.
    ///   - detail: `.full` also tells what remains of each limit.
    public func decide(_ request: Request, detail: DetailLevel = .reasons) -> Decision {
        decide(request, detail: detail, counting: .decided)
    }

    func decide(_ request: Request, detail: DetailLevel, counting: BursarEngine.Engine.Counting) -> Decision {
        let time = request.time ?? .now
        let label = RequestLabel(
            requestID: request.id ?? "", tenant: request.tenant, time: time.microsecondsSince1970, model: request.model)
        if let defect = request.defect {
            return Decision(core: core.badRequest(defect), label: label, tenant: nil, engine: self)
        }
        let resolved = request.resolved(in: core, at: time)
        return Decision(
            core: core.decide(resolved, detail: detail, counting: counting), label: label, tenant: resolved.tenant,
            engine: self)
    }

    /// Decides a request that is described by its most common fields.
    public func decide(
        tenant: String, tier: String? = nil, model: String, feature: String? = nil, user: String? = nil,
        inputTokens: Int? = nil, maxOutputTokens: Int? = nil, id: String? = nil, at time: Timestamp? = nil
    ) -> Decision {
        decide(
            Request(
                tenant: tenant, model: model, tier: tier, feature: feature, user: user, id: id,
                inputTokens: inputTokens, maxOutputTokens: maxOutputTokens, time: time))
    }

    /// What was reserved for an admitted request.
    public struct Reservation: Sendable {
        /// Keeps the engine: its counters are where the reservation is.
        let engine: Engine
        let tenant: TenantID
        let id: ReservationID
    }

    /// Counts what a request really used in place of its estimate. `Decision.settle` describes the parameters.
    public func settle(
        _ reservation: Reservation, inputTokens: Int, cachedTokens: Int = 0, outputTokens: Int, cost: Money? = nil,
        hasFailed: Bool = false
    ) throws(SettlementError) {
        let usage = Usage(
            inputTokens: Int64(inputTokens), cachedTokens: Int64(cachedTokens), outputTokens: Int64(outputTokens),
            cost: cost?.nanoUnits, hasFailed: hasFailed)
        do {
            try core.settle(reservation.id, of: reservation.tenant, usage: usage)
        } catch {
            throw SettlementError(error)
        }
    }

    /// Takes a reservation away: its request was never made.
    public func release(_ reservation: Reservation) throws(SettlementError) {
        do {
            try core.release(reservation.id, of: reservation.tenant)
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
    /// Whole microseconds; what lies beyond 64 bits becomes the largest number.
    var microseconds: Int64 {
        let (seconds, attoseconds) = components
        let (scaled, isTooLarge) = seconds.multipliedReportingOverflow(by: 1_000_000)
        guard !isTooLarge else { return seconds < 0 ? .min : .max }
        return scaled.addingSaturated(attoseconds / 1_000_000_000_000)
    }
}
