import BursarPolicy
import BursarSyntax

/// Two policy sets side by side on live traffic: the active one decides, the candidate shows what it would have decided.
///
/// A request costs two decisions and no lock more: each engine keeps its own counters, and a tenant's lock in one is
/// let go before the other's is taken. Like an engine it is safe to use from many threads and has no clock.
///
/// By `simulated` counters the candidate counts what it would have admitted: what it refuses costs it nothing. By
/// `observed` ones it counts what really happened, so that it says of each request how far its limits are used up by real
/// traffic, refusals included.
public final class ShadowEngine: Sendable {
    /// How the candidate's counters follow the traffic.
    public enum State: Sendable {
        case simulated, observed
    }

    /// A request that the two decide otherwise.
    public struct Divergence: Sendable {
        /// Of the active engine.
        public let request: Request
        public let active: Decision
        public let candidate: Decision
    }

    /// What a service holds until it knows what a request used.
    public struct Ticket: Sendable {
        let active: (tenant: TenantID, reservation: ReservationID)?
        let candidate: (tenant: TenantID, reservation: ReservationID)?
    }

    public let active: Engine
    public let candidate: Engine
    private let state: State
    private let onDivergence: @Sendable (Divergence) -> Void

    /// - Parameters:
    ///   - active: the engine whose decisions hold.
    ///   - candidate: the engine that is tried.
    ///   - state: how the candidate's counters follow the traffic.
    ///   - onDivergence: called on the deciding thread, with no lock held; it should hand the divergence on and return.
    public init(
        active: Engine, candidate: Engine, state: State = .simulated,
        onDivergence: @escaping @Sendable (Divergence) -> Void
    ) {
        self.active = active
        self.candidate = candidate
        self.state = state
        self.onDivergence = onDivergence
    }

    /// The symbol of an attribute's value in requests to this engine: one that both policies can tell apart.
    public func symbol(_ slot: AttributeSlot, _ bytes: UnsafeBufferPointer<UInt8>) -> Symbol {
        candidate.uses(slot) ? active.symbols.intern(bytes) : active.symbol(slot, bytes)
    }

    /// The same of text.
    public func symbol(_ slot: AttributeSlot, _ text: String) -> Symbol {
        var text = text
        return text.withUTF8 { symbol(slot, $0) }
    }

    /// Decides by the active policy, and by the candidate beside it.
    ///
    /// - Parameters:
    ///   - request: its tenant is the active engine's, its names come from `symbol(_:_:)` or `active.symbols.intern`.
    ///   - detail: how much the active decision tells.
    /// - Returns: the active decision, and what settles or releases the request in both.
    public func decide(_ request: Request, detail: DetailLevel = .reasons) -> (decision: Decision, ticket: Ticket) {
        let decision = active.decide(request, detail: detail)
        guard active.isOwn(request) else { return (decision, Ticket(active: nil, candidate: nil)) }
        let mirrored = candidate.translated(request, from: active)
        let trial = candidate.decide(mirrored, detail: detail, counting: state == .observed ? .observed : .decided)
        if differ(decision, trial) {
            onDivergence(Divergence(request: request, active: decision, candidate: trial))
        }
        return (
            decision,
            Ticket(
                active: decision.reservation.map { (request.tenant, $0) },
                candidate: trial.reservation.map { (mirrored.tenant, $0) })
        )
    }

    private func differ(_ decision: Decision, _ trial: Decision) -> Bool {
        if decision.outcome != trial.outcome || decision.caps != trial.caps { return true }
        guard decision.outcome.isAdmitted else { return false }
        return active.symbols.text(decision.model) != candidate.symbols.text(trial.model)
    }

    /// Puts what a request really used in place of what either engine reserved for it.
    ///
    /// - Throws: what the active engine throws; the candidate's reservation is settled all the same.
    public func settle(_ ticket: Ticket, usage: Usage) throws(Engine.SettlementError) {
        if let (tenant, reservation) = ticket.candidate {
            try? candidate.settle(reservation, of: tenant, usage: usage)
        }
        guard let (tenant, reservation) = ticket.active else { return }
        try active.settle(reservation, of: tenant, usage: usage)
    }

    /// Takes what was reserved away in both: the request was never made.
    ///
    /// - Throws: what the active engine throws; the candidate's reservation is released all the same.
    public func release(_ ticket: Ticket) throws(Engine.SettlementError) {
        if let (tenant, reservation) = ticket.candidate { try? candidate.release(reservation, of: tenant) }
        guard let (tenant, reservation) = ticket.active else { return }
        try active.release(reservation, of: tenant)
    }
}

extension Engine {
    /// Another engine's request with this engine's symbols.
    func translated(_ request: Request, from other: Engine) -> Request {
        func symbol(_ symbol: Symbol) -> Symbol { symbols.intern(other.symbols.text(symbol)) }
        var made = request
        made.tenant = tenant(other.symbols.text(request.tenant.symbol))
        for slot in AttributeSlot.allCases where request[slot].isPresent {
            // A name that the active policy does not tell apart is not known here either.
            made[slot] = request[slot] == .other ? .other : symbol(request[slot])
        }
        made.tools = request.tools.map(symbol)
        made.labels = request.labels.map { Request.Label(key: symbol($0.key), value: symbol($0.value)) }
        return made
    }
}
