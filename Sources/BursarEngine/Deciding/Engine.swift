import BursarPolicy
import BursarSyntax
import Synchronization

/// Decides requests by a policy set, and keeps the counters.
///
/// An engine is safe to use from many threads. Tenants do not wait for each other; those of one group do where a limit
/// is counted for the group. It has no clock: every request brings its time.
public final class Engine: Sendable {
    public let policySet: PolicySet
    public let symbols: SymbolTable
    /// Microseconds after which a reservation that was neither settled nor released is settled at its estimate.
    public let reservationLifetime: Int64
    /// Text attributes of which every value is told apart; of others only the names that the policy set holds.
    let exactSlots: Set<AttributeSlot>
    /// Text attributes that some condition or counter asks for; others need not be looked up.
    let usedSlots: Set<AttributeSlot>
    let editions: [CompiledEdition]
    private let filters: [ConditionProgram]
    private let directory = Mutex(Directory())

    private struct Directory {
        var accounts: [Symbol: Account] = [:]
        var groups: [Symbol: GroupAccount] = [:]
    }

    /// An hour: longer than any answer streams.
    public static let defaultReservationLifetime = Micros.hour

    /// - Parameter filters: conditions that will be asked besides the policy's, with `matches`.
    public init(
        _ policySet: PolicySet, reservationLifetime: Int64 = Engine.defaultReservationLifetime,
        filters: [Condition] = []
    ) {
        self.policySet = policySet
        self.reservationLifetime = reservationLifetime
        var names = NameCollector()
        for edition in policySet.editions { names.add(edition) }
        for (index, record) in policySet.tenants.enumerated() where !record.followsTier {
            // A record's own keys are the same whatever tier they stand over; without a tier any may be meant.
            let tiers = record.tier.map { [$0] } ?? policySet.editions.flatMap(\.tierNames)
            for tier in Set(tiers) {
                guard let edition = policySet.editions.last(where: { $0.plan(tier: tier) != nil }) else { continue }
                let time = max(edition.interval.start, 0)
                if let plan = edition.plan(tier: tier, tenant: index, record: record, at: time) { names.add(plan) }
            }
        }
        for filter in filters { names.add(filter) }
        let symbols = SymbolTable(base: names.names)
        self.symbols = symbols
        let zone = policySet.editions.last?.policy.zone ?? .utc
        self.filters = filters.map { ConditionProgram($0, zone: zone, symbols: symbols) }
        exactSlots = Set(names.exact.compactMap { AttributeSlot($0) })
        countsGroups = exactSlots.contains(.group)
        usedSlots = Set(names.used.compactMap { AttributeSlot($0) }).union(exactSlots)
        editions = policySet.editions.enumerated().map { CompiledEdition($1, index: $0, symbols: symbols) }
    }

    // MARK: - Names

    /// The tenant of an id, known to a document or not.
    public func tenant(_ id: String) -> TenantID { tenant(symbols.intern(id), named: { id }) }

    func tenant(_ symbol: Symbol, named name: () -> String) -> TenantID {
        directory.withLock { directory in
            if let account = directory.accounts[symbol] { return TenantID(account) }
            let account = Account(id: symbol, record: policySet.tenantIndex(of: name()) ?? -1)
            directory.accounts[symbol] = account
            return TenantID(account)
        }
    }

    /// The tenant of a symbol of this engine.
    public func tenant(_ symbol: Symbol) -> TenantID { tenant(symbol, named: { symbols.text(symbol) }) }

    func group(_ symbol: Symbol) -> GroupAccount {
        directory.withLock { directory in
            if let group = directory.groups[symbol] { return group }
            let group = GroupAccount()
            directory.groups[symbol] = group
            return group
        }
    }

    /// The symbol of an attribute's value: its own where a counter or a condition depends on it, else `.other`.
    @inline(__always)
    public func symbol(_ slot: AttributeSlot, _ bytes: UnsafeBufferPointer<UInt8>) -> Symbol {
        exactSlots.contains(slot) ? symbols.intern(bytes) : symbols.known(bytes)
    }

    func edition(at time: Int64) -> CompiledEdition? {
        for edition in editions.reversed() where edition.edition.interval.start <= time {
            return edition.edition.interval.contains(time) ? edition : nil
        }
        return nil
    }

    /// Whether every filter that the engine was made with holds for a request, its model resolved.
    public func matchesFilters(_ request: Request) -> Bool {
        if filters.isEmpty { return true }
        guard let edition = edition(at: request.time) ?? editions.last else { return false }
        var request = request
        let account = request.tenant.account
        request[.tenant] = account.id
        if account.record >= 0, let group = policySet.tenants[account.record].group {
            request[.group] = symbols.intern(group)
        }
        edition.set(edition.model(request[.model]), named: request[.model], in: &request)
        return filters.allSatisfy {
            $0.constant
                ?? $0.holds(request, isCritical: edition.isCritical(request[.feature]), symbols: symbols)
        }
    }

    /// Some decision depends on this attribute.
    public func uses(_ slot: AttributeSlot) -> Bool { usedSlots.contains(slot) }

    /// Every value of this attribute is told apart.
    public func isExact(_ slot: AttributeSlot) -> Bool { exactSlots.contains(slot) }

    /// The price of a model by the catalog that is in force at a time; nil where it is not known.
    public func price(of model: Symbol, at time: Int64) -> Price? {
        guard let edition = edition(at: time) else { return nil }
        return edition.price(edition.model(model))
    }

    /// Some limit is counted across tenants, so that tenants cannot be decided apart from each other.
    public let countsGroups: Bool

    // MARK: - Deciding

    public enum Counting: Sendable {
        /// What is admitted is reserved.
        case decided
        /// What happened is counted as it happened, whatever was decided.
        case observed
    }

    /// Decides a request and reserves what it is expected to use in every limit that applies: all or none.
    ///
    /// - Parameters:
    ///   - detail: how much the decision tells.
    ///   - counting: `.observed` in replays of what really happened.
    public func decide(_ request: Request, detail: DetailLevel = .reasons, counting: Counting = .decided) -> Decision {
        guard let edition = edition(at: request.time) else {
            return refusal("no_policy_in_force", message: "no version of the policy is in force at this time")
        }
        let account = request.tenant.account
        let group = groupAccount(account, request)
        return account.lock.withLock { _ in
            // Before the group's lock is taken: what expires may belong to another group.
            account.expire(at: request.time)
            guard let group else {
                var sitting = Sitting(self, edition, account, nil, request, detail, counting)
                return sitting.decide()
            }
            return group.lock.withLock { _ in
                var sitting = Sitting(self, edition, account, group, request, detail, counting)
                return sitting.decide()
            }
        }
    }

    /// Counts what limits had used before, as if it had happened at the request's time; for tests of policies.
    ///
    /// - Returns: The names for which no limit that counts applies to the request.
    public func presume(_ amounts: [(limit: String, amount: Int64)], before request: Request) -> [String] {
        guard let edition = edition(at: request.time) else { return amounts.map(\.limit) }
        let account = request.tenant.account
        let group = groupAccount(account, request)
        return account.lock.withLock { _ in
            var sitting = Sitting(self, edition, account, group, request, .full, .decided)
            guard let group else { return sitting.presume(amounts) }
            return group.lock.withLock { _ in sitting.presume(amounts) }
        }
    }

    /// The record's group goes before the request's.
    func groupAccount(_ account: Account, _ request: Request) -> GroupAccount? {
        guard countsGroups else { return nil }
        if account.record >= 0, let name = policySet.tenants[account.record].group {
            return group(symbols.intern(name))
        }
        return request[.group].isPresent ? group(request[.group]) : nil
    }

    func refusal(_ code: String, message: String) -> Decision {
        let reason = Reason(code: code, action: "deny", message: message)
        return Decision(outcome: .deny, model: .absent, detail: DecisionDetail(reasons: [reason]))
    }

    /// A refusal of a request that cannot be read.
    public func badRequest(_ message: String) -> Decision { refusal("bad_request", message: message) }

    // MARK: - Settling

    /// What settling can meet.
    public enum SettlementError: Error, Sendable {
        /// The reservation was settled, released or has expired; nothing changed.
        case notOpen
        /// The usage cannot be counted: negative, or more cached than input tokens; nothing changed.
        case badUsage(String)
    }

    /// Puts what a request really used in place of what was reserved for it, in the windows in which it was reserved,
    /// even where they have closed. What is above the estimate is counted in full.
    public func settle(_ id: ReservationID, of tenant: TenantID, usage: Usage) throws(SettlementError) {
        guard usage.inputTokens >= 0, usage.cachedTokens >= 0, usage.outputTokens >= 0 else {
            throw .badUsage("a count is negative")
        }
        guard usage.cachedTokens <= usage.inputTokens else { throw .badUsage("more cached than input tokens") }
        guard max(usage.inputTokens, usage.outputTokens) <= Request.largestCount else {
            throw .badUsage("a count is too large")
        }
        try close(id, of: tenant) { reserved, reservation in
            switch reserved.unit {
            case .spend:
                usage.cost
                    ?? reservation.price.map {
                        $0.cost(input: usage.inputTokens, cached: usage.cachedTokens, output: usage.outputTokens)
                            ?? .max
                    } ?? reserved.amount
            case .tokens: usage.inputTokens + usage.outputTokens
            case .inputTokens: usage.inputTokens
            case .outputTokens: usage.outputTokens
            case .concurrentRequests: 0
            default: reserved.amount
            }
        }
    }

    /// Takes a reservation away: the request was never made. An attempt stays an attempt.
    public func release(_ id: ReservationID, of tenant: TenantID) throws(SettlementError) {
        try close(id, of: tenant) { reserved, _ in reserved.unit == .attempts ? reserved.amount : 0 }
    }

    private func close(
        _ id: ReservationID, of tenant: TenantID, actual: (ReservedAmount, ReservationHeader) -> Int64
    ) throws(SettlementError) {
        let account = tenant.account
        let isClosed = account.lock.withLock { _ in
            account.finish(id, actual)
        }
        guard isClosed else { throw .notOpen }
    }

    /// Whether every counter of a tenant is as it must be between two decisions; for tests.
    public func checkInvariants(of tenant: TenantID) -> Bool {
        tenant.account.lock.withLock { _ in tenant.account.book.checkInvariants() }
    }
}

extension SymbolTable {
    /// The name of a tenant.
    public func tenantSymbol(of tenant: TenantID) -> Symbol { tenant.account.id }
}

extension Account {
    /// Puts actual amounts in place of reserved ones; the account's lock is held. False: it was closed already.
    @discardableResult
    func finish(_ id: ReservationID, _ actual: (ReservedAmount, ReservationHeader) -> Int64) -> Bool {
        guard let (header, positions) = reservations.close(id) else { return false }
        for position in positions {
            let reserved = reservations[position]
            let amount = actual(reserved, header)
            if amount == reserved.amount { continue }
            if reserved.counter.isShared {
                guard let group = header.group else { continue }
                group.lock.withLock { _ in
                    group.book.adjust(reserved, to: amount, grants: [], reservedAt: header.time)
                }
            } else {
                book.adjust(reserved, to: amount, grants: header.grants, reservedAt: header.time)
            }
        }
        return true
    }

    /// Settles at their estimates the reservations that nobody settled in time; the account's lock is held.
    func expire(at time: Int64) {
        while let id = reservations.nextExpired(at: time) {
            finish(id) { reserved, _ in reserved.unit == .concurrentRequests ? 0 : reserved.amount }
        }
    }
}
