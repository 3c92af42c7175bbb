import BursarEngine
import BursarSyntax

/// The answer to one request: whether it may be served, with which model, and why.
///
/// An admitted request holds a reservation until `settle` or `release` is called, or until it expires; then it counts as
/// estimated.
public struct Decision: Sendable {
    let core: BursarEngine.Decision
    let label: RequestLabel
    let tenant: TenantID?
    /// Keeps the engine, so that a decision can be settled however late.
    let engine: Engine

    public var outcome: Outcome { core.outcome }

    /// The request may be served now, with `model` and within `caps`.
    public var isAdmitted: Bool { core.outcome.isAdmitted }

    /// The model to call; nil if the request may not be served now.
    public var model: String? { core.model.isPresent ? engine.core.symbols.text(core.model) : nil }

    /// The model that was asked for.
    public var requestedModel: String { label.model }

    /// The tier that was decided by; nil if none was found.
    public var tier: String? { core.tier.isPresent ? engine.core.symbols.text(core.tier) : nil }

    /// What an admitted request must keep to.
    public var caps: Caps { Caps(core.caps) }

    /// Why the request was refused or changed, the reason that binds first; empty for a plain permission.
    public var reasons: [Reason] { core.reasons.map { Reason($0, engine) } }

    /// Thresholds with `notify` that were crossed for the first time in their window.
    public var notifications: [Notification] { (core.detail?.events ?? []).map(Notification.init) }

    /// What is left of every limit that applies, if the request was decided with `detail: .full`.
    public var remaining: [Remaining] { (core.detail?.remaining ?? []).map(Remaining.init) }

    /// How long to wait before asking again; nil if waiting does not help or its length is not known.
    public var retryAfter: Duration? { core.detail?.retryAfter.map { .microseconds($0) } }

    /// Asking again later may help: only rates or requests that still run refused it.
    public var isRetryable: Bool { core.isRetryable }

    /// What the tier offers to a tenant that was refused.
    public var upgrade: Upgrade? { core.detail?.upgrade.map { Upgrade(tier: $0.to, url: $0.url) } }

    /// The request's id was seen within the policy's retry window: this is the first decision again.
    public var isRepeat: Bool { core.isRepeat }

    /// What limits and policies in shadow mode would have decided; nil if there are none.
    public var shadow: Decision? {
        core.shadow.map { Decision(core: $0, label: label, tenant: nil, engine: engine) }
    }

    /// The expected cost by the catalog's price; nil if the model has no known price.
    public var estimatedCost: Money? { core.estimate.spend.map { Money(nanoUnits: $0) } }

    /// What was reserved, for settling elsewhere; nil if nothing was.
    public var reservation: Engine.Reservation? {
        guard let tenant, let id = core.reservation else { return nil }
        return Engine.Reservation(engine: engine, tenant: tenant, id: id)
    }

    /// The decision as a JSON object, as `bursar eval` prints it. `Docs/decisions.md` describes the fields.
    public var json: String {
        var json = JSONWriter()
        engine.writer.write(core, label, to: &json)
        return json.text
    }

    /// Counts what the request really used in place of its estimate.
    ///
    /// Usage above the estimate counts in full. For an admitted request to which no limit applies there is nothing to do.
    ///
    /// - Parameters:
    ///   - inputTokens: cached ones included.
    ///   - cachedTokens: those of the input tokens that the provider had cached.
    ///   - outputTokens: what the model wrote.
    ///   - cost: what the provider charged; nil: by the catalog's price of `model`.
    ///   - hasFailed: no answer came. What it used counts all the same.
    /// - Throws: `SettlementError`; then nothing has changed.
    public func settle(
        inputTokens: Int, cachedTokens: Int = 0, outputTokens: Int, cost: Money? = nil, hasFailed: Bool = false
    ) throws(SettlementError) {
        guard let reservation = try openReservation() else { return }
        try engine.settle(
            reservation, inputTokens: inputTokens, cachedTokens: cachedTokens, outputTokens: outputTokens, cost: cost,
            hasFailed: hasFailed)
    }

    /// Takes the reservation away: the request was never made.
    ///
    /// - Throws: `SettlementError`; then nothing has changed.
    public func release() throws(SettlementError) {
        guard let reservation = try openReservation() else { return }
        try engine.release(reservation)
    }

    /// nil: the request was admitted and no limit counts it.
    private func openReservation() throws(SettlementError) -> Engine.Reservation? {
        guard isAdmitted else { throw .notAdmitted }
        return reservation
    }
}

/// Why usage could not be counted. Nothing has changed.
public enum SettlementError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The request was not admitted: nothing is reserved for it.
    case notAdmitted
    /// The reservation was settled or released before, has expired, or belongs to another engine.
    case notOpen
    /// The usage cannot be right; the text says why.
    case invalidUsage(String)

    public var description: String {
        switch self {
        case .notAdmitted: "the request was not admitted, so nothing is reserved for it"
        case .notOpen: "the reservation was settled or released before, has expired, or belongs to another engine"
        case .invalidUsage(let reason): reason
        }
    }
}
