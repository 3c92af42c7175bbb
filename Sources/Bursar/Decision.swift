import BursarEngine
import BursarSyntax

/// The decision on one request: whether to serve it, with which model, and why.
///
/// An admitted request holds a reservation until `settle` or `release` is called. Without either, its estimate counts as
/// usage.
public struct Decision: Sendable {
    let core: BursarEngine.Decision
    let label: RequestLabel
    let tenant: TenantID?
    /// The time that the request gave; nil: it was decided at the current time.
    let clock: Timestamp?
    /// Keeps the engine alive, so that a decision can be settled at any later time.
    let engine: Engine

    public var outcome: Outcome { core.outcome }

    /// The request may be served now, with `model` and within `caps`.
    public var isAdmitted: Bool { core.outcome.isAdmitted }

    /// The model to call; nil if the request may not be served now.
    public var model: String? { core.model.isPresent ? engine.core.symbols.text(core.model) : nil }

    /// The model of the request.
    public var requestedModel: String { label.model }

    /// The tier of the tenant; nil if it has none.
    public var tier: String? { core.tier.isPresent ? engine.core.symbols.text(core.tier) : nil }

    /// The caps on an admitted request.
    public var caps: Caps { Caps(core.caps) }

    /// The reasons for a refusal or a change, the decisive one first; empty for an unchanged request.
    public var reasons: [Reason] { core.reasons.map { Reason($0, engine) } }

    /// Thresholds with `notify` that were crossed for the first time in their window.
    public var notifications: [Notification] { (core.detail?.events ?? []).map(Notification.init) }

    /// The remainder of every limit that applies, if the request was decided with `detail: .full`.
    public var remaining: [Remaining] { (core.detail?.remaining ?? []).map(Remaining.init) }

    /// The time to wait before a retry; nil if waiting does not help or the time is unknown.
    public var retryAfter: Duration? { core.detail?.retryAfter.map { .microseconds($0) } }

    /// A later retry may succeed: the request was refused only by rates or by requests in progress.
    public var isRetryable: Bool { core.isRetryable }

    /// The tier that the policy offers to a refused tenant.
    public var upgrade: Upgrade? { core.detail?.upgrade.map { Upgrade(tier: $0.to, url: $0.url) } }

    /// The request repeats an id within the policy's retry window, and this is the first decision again.
    public var isRepeat: Bool { core.isRepeat }

    /// The decision of limits and policies in shadow mode; nil if there are none.
    public var shadow: Decision? {
        core.shadow.map { Decision(core: $0, label: label, tenant: nil, clock: clock, engine: engine) }
    }

    /// The estimated cost at the catalog's price; nil if the model has no known price.
    public var estimatedCost: Money? { core.estimate.spend.map { Money(nanoUnits: $0) } }

    /// The reservation, for settling elsewhere; nil if the request has none.
    public var reservation: Engine.Reservation? {
        guard let tenant, let id = core.reservation else { return nil }
        return Engine.Reservation(engine: engine, tenant: tenant, id: id, clock: clock)
    }

    /// The decision as a JSON object, in the format of `bursar eval`. `Docs/decisions.md` describes the fields.
    public var json: String {
        var json = JSONWriter()
        engine.writer.write(core, label, to: &json)
        return json.text
    }

    /// Replaces the estimate by the actual usage of the request.
    ///
    /// Usage above the estimate counts in full. If no limit applies to the request, this does nothing.
    ///
    /// - Parameters:
    ///   - inputTokens: the input tokens, including cached ones.
    ///   - cachedTokens: the input tokens that came from the provider's cache.
    ///   - outputTokens: the output tokens.
    ///   - cost: the cost charged by the provider; nil: the catalog's price of `model`.
    ///   - hasFailed: the call failed. Its usage counts in any case.
    ///   - time: the end of the request; nil: now, or the request's own time if it gave one.
    /// - Returns: `.late` after the reservation's lifetime. The usage counts in full in any case.
    /// - Throws: `SettlementError`, without any change.
    @discardableResult
    public func settle(
        inputTokens: Int, cachedTokens: Int = 0, outputTokens: Int, cost: Money? = nil, hasFailed: Bool = false,
        at time: Timestamp? = nil
    ) throws(SettlementError) -> Settlement {
        guard let reservation = try openReservation() else { return .inTime }
        return try engine.settle(
            reservation, inputTokens: inputTokens, cachedTokens: cachedTokens, outputTokens: outputTokens, cost: cost,
            hasFailed: hasFailed, at: time)
    }

    /// Cancels the reservation, because the request was never made.
    ///
    /// - Throws: `SettlementError`, without any change.
    public func release(at time: Timestamp? = nil) throws(SettlementError) {
        guard let reservation = try openReservation() else { return }
        try engine.release(reservation, at: time)
    }

    /// nil: the request was admitted and no limit counts it.
    private func openReservation() throws(SettlementError) -> Engine.Reservation? {
        guard isAdmitted else { throw .notAdmitted }
        return reservation
    }
}

/// The way in which usage was counted.
public enum Settlement: Sendable, Hashable {
    case inTime
    /// After the reservation's lifetime. The usage counts in full.
    case late
}

/// The reason why usage was not counted. The counters did not change.
public enum SettlementError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The request was not admitted, so it has no reservation.
    case notAdmitted
    /// The reservation was already settled or released, ended more than a day ago, or belongs to another engine.
    case notOpen
    /// The usage is impossible; the text gives the reason.
    case invalidUsage(String)

    public var description: String {
        switch self {
        case .notAdmitted: "the request was not admitted, so nothing is reserved for it"
        case .notOpen:
            "the reservation was settled or released before, ended more than a day ago, or belongs to another engine"
        case .invalidUsage(let reason): reason
        }
    }
}
