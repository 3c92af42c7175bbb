import BursarEngine
import BursarPolicy
import BursarStorage
import BursarSyntax
import BursarLogs

/// A group of tenants for which one thread at a time decides. Tenants of different partitions share no counters.
final class Partition {
    /// One replayed policy set.
    private final class Side {
        let engine: Engine
        let builder: RequestBuilder
        @exclusivity(unchecked) var pending = PendingSettlements()

        init(_ engine: Engine, _ options: ReplayOptions) {
            self.engine = engine
            builder = RequestBuilder(
                engine: engine, map: options.map, usesRecordedOutput: options.estimate == .recorded)
        }
    }

    /// References of a side for the hot loop. Passed as a parameter, which avoids reference counting.
    private struct Lane {
        let side: Side
        let engine: Engine
        let builder: RequestBuilder

        init(_ side: Side) {
            self.side = side
            engine = side.engine
            builder = side.builder
        }
    }

    private let options: ReplayOptions
    /// All records are decided, and none is explained.
    private let isPlain: Bool
    private let main: Side
    private let other: Side?
    private let isCompared: Bool
    private let writer: DecisionWriter?
    private var json = JSONWriter()
    private var otherTally = Tally()
    @exclusivity(unchecked) private var crossed = CrossTallies()
    @exclusivity(unchecked) private var tiers = SymbolSums<Tally>()
    @exclusivity(unchecked) private var tenants = SymbolSums<Tally>()
    @exclusivity(unchecked) private var features = SymbolSums<Tally>()
    @exclusivity(unchecked) private var models = SymbolSums<Tally>()
    private var causes: [CauseKey: Int] = [:]
    @exclusivity(unchecked) private var shared = SharedDetails()
    private var comparison = Comparison()
    @exclusivity(unchecked) private var movedTenants = SymbolSums<Comparison.Moved>()
    @exclusivity(unchecked) private var movedTiers = SymbolSums<Comparison.Moved>()
    @exclusivity(unchecked) private var movedFeatures = SymbolSums<Comparison.Moved>()
    private var explained: ExplainedRequest?
    @exclusivity(unchecked) private var filtered = 0
    @exclusivity(unchecked) private var repeats = 0
    @exclusivity(unchecked) private var settledLate = 0
    @exclusivity(unchecked) private var events = 0
    @exclusivity(unchecked) private var estimated = 0
    @exclusivity(unchecked) private var unlimited = 0
    private let tenantFilter: Symbol?
    private let takesRecordedCost: Bool
    private let detail: DetailLevel
    private let counting: Engine.Counting
    @exclusivity(unchecked) private var details: ReplayDetails?

    private struct CauseKey: Hashable {
        var code: String
        var action: String
        var name: String
        var source: SourceRange?
        var isShadow: Bool
    }

    init(engine: Engine, against: Engine?, options: ReplayOptions) {
        self.options = options
        isPlain =
            options.from == .min && options.to == .max && options.tenant == nil && options.explainedID == nil
            && !engine.hasFilters
        main = Side(engine, options)
        isCompared = against != nil
        other = against.map { Side($0, options) }
        writer = options.writesDecisions ? DecisionWriter(engine: engine) : nil
        takesRecordedCost = options.cost == .recorded
        detail = options.writesDecisions || options.explainedID != nil ? .full : .brief
        counting = options.state == .observe ? .observed : .decided
        tenantFilter = options.tenant.map { engine.symbols.intern($0) }
        details = options.collectsDetails ? ReplayDetails() : nil
    }

    /// Decides the records of a block that belong to this partition.
    ///
    /// - Returns: the decisions as bytes for each record, if requested.
    func decide(_ work: BlockWork, partition: Int) -> DecidedBlock {
        var output = DecidedBlock()
        let block = work.block
        let lane = Lane(main)
        // Always a lane, because an optional would be reference counted for every record.
        let compared = Lane(other ?? main)
        let isCompared = isCompared
        let path = work.path
        let records = work.records(of: partition)
        guard let first = records.first.map({ Int($0) }) else { return output }
        // Reused for every record, because it is large.
        var request = lane.builder.request(block, first, path: path, line: work.line(first))
        for record in records {
            let record = Int(record)
            let line = work.line(record)
            lane.builder.fill(&request, block, record, path: path, line: line)
            // Passing the request on copies it and waits for its last write, so work that does not need the request
            // comes first.
            crossed.prefetch(tenant: request.tenant.symbol, feature: request[.feature], model: request[.model])
            settleDue(request.time, lane)
            if isCompared { settleDue(request.time, compared) }
            decide(request, block, record, work, line, lane, compared, &output)
        }
        return output
    }

    @inline(__always)
    private func decide(
        _ request: Request, _ block: RecordBlock, _ record: Int, _ work: BlockWork, _ line: Int, _ lane: Lane,
        _ other: Lane, _ output: inout DecidedBlock
    ) {
        guard isPlain || isWanted(request) else {
            filtered += 1
            return
        }
        let usage = lane.builder.usage(block, record)
        if usage == nil { estimated += 1 }
        let isExplained =
            !isPlain && options.explainedID != nil && options.explainedID == label(block, record, work, line).requestID
        let explanation = isExplained ? lane.engine.explain(request) : nil
        var decision = Decision()
        decide(request, request.tenant, usage, lane, block, record, &decision)
        if let explanation, explained == nil {
            explained = ExplainedRequest(
                explanation: explanation, decision: decision, label: label(block, record, work, line))
        }
        let decided = decided(decision, request, usage, block, record, lane)
        count(decision, request, decided)
        if details != nil {
            addDetails(decision, request, decided, block, record)
            addModelCost(decision, request, usage, block, record)
            measure(decision, request, usage)
        }
        if isCompared {
            compare(decision, decided.policyCost, request, block, record, work, usage, other)
        }
        if let writer {
            json.removeAll()
            writer.write(decision, label(block, record, work, line), to: &json)
            json.endLine()
            output.append(record, json.bytes)
        }
    }

    private func isWanted(_ request: Request) -> Bool {
        guard request.time >= options.from, request.time < options.to else { return false }
        if let tenantFilter, request.tenant.symbol != tenantFilter { return false }
        return main.engine.matchesFilters(request)
    }

    /// Settles all pending requests at the end of the log.
    func finish() {
        settleDue(.max, Lane(main))
        if let other { settleDue(.max, Lane(other)) }
    }

    private func label(_ block: RecordBlock, _ record: Int, _ work: BlockWork, _ line: Int) -> RequestLabel {
        main.builder.label(block, record, path: work.path, line: line)
    }

    /// Settles requests that are due by a time.
    @inline(__always)
    private func settleDue(_ time: Int64, _ lane: Lane) {
        while let settlement = lane.side.pending.next(until: time) {
            let settled = try? lane.engine.settle(
                settlement.reservation, of: settlement.tenant, usage: settlement.usage, at: settlement.due)
            if settled == .late, lane.side === main { settledLate += 1 }
        }
    }

    /// - Parameter decision: an `allow` decision, which is overwritten.
    @inline(__always)
    private func decide(
        _ request: Request, _ tenant: TenantID, _ usage: Usage?, _ lane: Lane, _ block: RecordBlock, _ record: Int,
        _ decision: inout Decision
    ) {
        lane.engine.decideLending(
            request, of: tenant, detail: lane.side === main ? detail : .brief, counting: counting, into: &decision)
        guard !decision.isRepeat, let reservation = decision.reservation, var usage else { return }
        if counting == .decided { usage.outputTokens = min(usage.outputTokens, decision.outputCap) }
        let duration = block.number(record, .duration)
        if duration > 0 {
            // A call that lasted longer than a reservation can be open counts at the end of that time.
            let due = min(request.time.addingSaturated(min(duration, Engine.lateSettlement)), Micros.latestInstant)
            lane.side.pending.add(.init(due: due, reservation, of: tenant, usage: usage))
        } else {
            _ = try? lane.engine.settle(reservation, of: tenant, usage: usage, at: request.time)
        }
    }

    private func decided(
        _ decision: Decision, _ request: Request, _ usage: Usage?, _ block: RecordBlock, _ record: Int, _ lane: Lane
    ) -> DecidedRecord {
        let costs = costs(decision, request, usage, block, record, lane)
        return DecidedRecord(
            outcome: decision.outcome, isShadowed: decision.isShadowed,
            isUnpriced: decision.isUnpriced || decision.isModelUnpriced,
            tokens: max(0, request.inputTokens).addingSaturated(usage?.outputTokens ?? 0), recordedCost: costs.recorded,
            policyCost: costs.policy)
    }

    /// The recorded cost, and the cost under the policy: 0 for refused requests, and the price of the decided model for
    /// others.
    @inline(__always)
    private func costs(
        _ decision: Decision, _ request: Request, _ usage: Usage?, _ block: RecordBlock, _ record: Int, _ lane: Lane
    ) -> (recorded: Int64, policy: Int64) {
        let output = usage?.outputTokens ?? decision.estimate.outputTokens
        let given = takesRecordedCost ? block.number(record, .cost) : -1
        if given < 0, decision.outcome == .allow, !decision.isRepeat, output == decision.estimate.outputTokens,
            let spend = decision.estimate.spend, decision.detailReference == nil, counting == .decided
        {
            // The estimate of an unchanged request equals its usage.
            return (spend, spend)
        }
        func cost(_ model: Symbol, _ output: Int64) -> Int64 { catalogCost(model, request, output, lane) ?? 0 }
        let recorded = given >= 0 ? given : cost(request[.model], output)
        if counting == .observed { return (recorded, recorded) }
        guard decision.outcome.isAdmitted, !decision.isRepeat else { return (decision.isRepeat ? 0 : recorded, 0) }
        let capped = min(output, decision.outputCap)
        if decision.outcome != .downgrade, capped == output { return (recorded, recorded) }
        if capped == decision.estimate.outputTokens, let spend = decision.estimate.spend { return (recorded, spend) }
        return (recorded, cost(decision.model, capped))
    }

    /// The cost of a request's tokens with a model by the catalog; nil if the model has no known price.
    @inline(__always)
    private func catalogCost(_ model: Symbol, _ request: Request, _ output: Int64, _ lane: Lane) -> Int64? {
        lane.engine.cost(
            of: model, at: request.time, input: max(0, request.inputTokens), cached: max(0, request.cachedTokens),
            output: output)
    }

    private func count(_ decision: Decision, _ request: Request, _ decided: DecidedRecord) {
        if decision.isRepeat { repeats += 1 }
        if decision.isUnlimited { unlimited += 1 }
        crossed.add(
            decided, tenant: request.tenant.symbol, tier: decision.tier, feature: request[.feature],
            model: request[.model], flush: flush)
        guard let reference = decision.detailReference, !decision.isRepeat else { return }
        reference._withUnsafeGuaranteedRef { detail in
            if detail.isShared { shared.add(reference) } else { count(detail) }
            events += detail.eventCount
        }
    }

    /// Adds the tally of a cell to the sums of each of its four names.
    private func flush(_ cell: CrossTallies.Cell) {
        if cell.isEmpty { return }
        tenants.add(cell.tally, to: cell.tenant)
        tiers.add(cell.tally, to: cell.tier)
        features.add(cell.tally, to: cell.feature)
        models.add(cell.tally, to: cell.model)
    }

    private func count(_ detail: DecisionDetail) {
        for reason in detail.reasons { count(reason, isShadow: false) }
        for reason in detail.shadow?.reasons ?? [] { count(reason, isShadow: true) }
    }

    private func addDetails(
        _ decision: Decision, _ request: Request, _ decided: DecidedRecord, _ block: RecordBlock, _ record: Int
    ) {
        let symbols = main.engine.symbols
        let tenant = symbols.text(request.tenant.symbol)
        let used = ReplayDetails.Usage(
            requests: 1, recordedCost: decided.recordedCost, policyCost: decided.policyCost, tokens: decided.tokens)
        details?.hours[floorDiv(request.time, Micros.hour).multipliedSaturated(by: Micros.hour), default: Tally()].add(
            decided)
        let day = ReplayDetails.TenantDay(tenant: tenant, day: floorDiv(request.time, Micros.day))
        details?.tenantDays[day, default: .init()].add(used)
        let feature = block.text(record, .feature) ?? "(none)"
        details?.tenantFeatures[.init(first: tenant, second: feature), default: .init()].add(used)
        let tier = decision.tier.isPresent ? symbols.text(decision.tier) : ""
        if !tier.isEmpty {
            let last = ReplayDetails.LastTier(time: request.time, tier: tier)
            details?.tenantTiers[tenant, default: last].add(last)
        }
        if let version = block.text(record, .promptVersion) {
            var known =
                details?.promptVersions[version] ?? ReplayDetails.PromptVersion(first: request.time, usage: .init())
            known.usage.add(used)
            known.first = min(known.first, request.time)
            details?.promptVersions[version] = known
        }
        if request.attempt > 1 { details?.retries += 1 }
        guard let detail = decision.detail, !decision.isRepeat else { return }
        for reason in detail.reasons {
            details?.causeTenants[cause(reason, isShadow: false), default: [:]][tenant, default: 0] += 1
            if reason.code == "model_not_allowed" {
                let model = block.text(record, .model) ?? symbols.text(request[.model])
                details?.refusedModels[.init(first: tier, second: model), default: 0] += 1
            }
        }
        for reason in detail.shadow?.reasons ?? [] {
            details?.causeTenants[cause(reason, isShadow: true), default: [:]][tenant, default: 0] += 1
        }
    }

    private func cause(_ reason: Reason, isShadow: Bool) -> Cause {
        let source = reason.source.map { main.engine.policySet.sources.reference($0) } ?? ""
        return Cause(
            code: reason.code, action: reason.action, name: reason.causeName, source: source, isShadow: isShadow)
    }

    /// Adds the record to the demand on every limit, with the requested model.
    private func measure(_ decision: Decision, _ request: Request, _ usage: Usage?) {
        guard !decision.isRepeat, decision.tier.isPresent else { return }
        var use = decision.estimate
        use.inputTokens = max(0, request.inputTokens)
        use.outputTokens = usage?.outputTokens ?? use.outputTokens
        use.spend = catalogCost(request[.model], request, use.outputTokens, Lane(main))
        use.characters = max(0, request.characters)
        use.toolCalls = Int64(request.tools.count)
        main.engine.measure(request, use: use, edition: decision.edition)
    }

    private func addModelCost(
        _ decision: Decision, _ request: Request, _ usage: Usage?, _ block: RecordBlock, _ record: Int
    ) {
        var cost = ReplayDetails.ModelCost()
        let computed = catalogCost(
            request[.model], request, usage?.outputTokens ?? decision.estimate.outputTokens, Lane(main))
        let given = block.number(record, .cost)
        if given >= 0, let computed {
            (cost.requests, cost.recorded, cost.catalog) = (1, given, computed)
        } else if given >= 0 {
            (cost.unpricedRequests, cost.unpriced) = (1, given)
        }
        if let usage, decision.outcome.isAdmitted, !decision.isRepeat, let reserved = decision.estimate.spend,
            let actual = catalogCost(decision.model, request, usage.outputTokens, Lane(main))
        {
            (cost.settled, cost.reserved, cost.actual) = (1, reserved, actual)
            if actual > reserved { cost.aboveEstimate = 1 }
        }
        guard cost != ReplayDetails.ModelCost() else { return }
        let name = block.text(record, .model) ?? main.engine.symbols.text(request[.model])
        details?.modelCosts[name, default: .init()].add(cost)
    }

    private func count(_ reason: Reason, isShadow: Bool, times: Int = 1) {
        let key = CauseKey(
            code: reason.code, action: reason.action, name: reason.causeName, source: reason.source,
            isShadow: isShadow)
        causes[key, default: 0] += times
    }

    private func compare(
        _ decision: Decision, _ newCost: Int64, _ request: Request, _ block: RecordBlock, _ record: Int,
        _ work: BlockWork, _ usage: Usage?, _ other: Lane
    ) {
        var old = Decision()
        // The engines share symbols, but not tenants.
        let tenant = other.builder.tenant(request.tenant.symbol)
        decide(request, tenant, usage, other, block, record, &old)
        let decided = decided(old, request, usage, block, record, other)
        otherTally.add(decided)
        guard old.outcome != decision.outcome || old.model != decision.model else {
            if old.isShadowed || decision.isShadowed {
                compareShadows(old, decision, request, block, record, work)
            }
            return
        }
        if old.outcome == decision.outcome { comparison.modelChanges += 1 }
        let change = Comparison.Change(old: old.outcome, new: decision.outcome)
        comparison.changes[change, default: 0] += 1
        let moved = Comparison.Moved(from: decided.policyCost, to: newCost)
        movedTenants.add(moved, to: request.tenant.symbol)
        movedTiers.add(moved, to: decision.tier)
        movedFeatures.add(moved, to: request[.feature])
        let code = decision.reasons.first?.code ?? old.reasons.first.map { "no longer \($0.code)" } ?? "(none)"
        comparison.codes[code, default: .init()].add(moved)
        keepExample(of: change, request, block, record, work)
    }

    /// Compares two equal decisions as if shadow limits and policies were enforced.
    private func compareShadows(
        _ old: Decision, _ new: Decision, _ request: Request, _ block: RecordBlock, _ record: Int, _ work: BlockWork
    ) {
        let (before, after) = (old.shadow ?? old, new.shadow ?? new)
        guard before.outcome != after.outcome || before.model != after.model else { return }
        let change = Comparison.Change(old: before.outcome, new: after.outcome, isShadow: true)
        comparison.changes[change, default: 0] += 1
        keepExample(of: change, request, block, record, work)
    }

    private func keepExample(
        of change: Comparison.Change, _ request: Request, _ block: RecordBlock, _ record: Int, _ work: BlockWork
    ) {
        let known = comparison.examples[change]
        if let known, known.time < request.time { return }
        let label = label(block, record, work, work.line(record))
        let example = Comparison.Example(time: request.time, requestID: label.requestID, tenant: label.tenant)
        comparison.examples[change] = known.map { min($0, example) } ?? example
    }

    /// Adds the sums of this partition to a summary.
    func add(to summary: inout ReplaySummary) {
        let symbols = main.engine.symbols
        func name(_ symbol: Symbol) -> String { symbol.isPresent ? symbols.text(symbol) : "(none)" }
        func merge<Sum: Summable>(_ part: borrowing SymbolSums<Sum>, into whole: inout [String: Sum]) {
            for (symbol, sum) in part.entries { whole[name(symbol), default: Sum()].add(sum) }
        }
        for (detail, count) in shared.take() {
            for reason in detail.reasons { self.count(reason, isShadow: false, times: count) }
        }
        for index in crossed.cells.indices { flush(crossed.cells[index]) }
        crossed = CrossTallies()
        for (_, sum) in tiers.entries { summary.total.add(sum) }
        merge(tiers, into: &summary.tiers)
        merge(tenants, into: &summary.tenants)
        merge(features, into: &summary.features)
        merge(models, into: &summary.models)
        for (key, count) in causes {
            let source = key.source.map { main.engine.policySet.sources.reference($0) } ?? ""
            summary.causes[
                Cause(code: key.code, action: key.action, name: key.name, source: source, isShadow: key.isShadow),
                default: 0] += count
        }
        if let details {
            summary.details = summary.details ?? ReplayDetails()
            summary.details?.add(details)
        }
        summary.filtered += filtered
        summary.repeats += repeats
        summary.settledLate += settledLate
        summary.events += events
        summary.estimated += estimated
        summary.unlimited += unlimited
        summary.explained = summary.explained ?? explained
        if other != nil {
            summary.against = summary.against ?? Tally()
            summary.against?.add(otherTally)
            merge(movedTiers, into: &comparison.tiers)
            merge(movedFeatures, into: &comparison.features)
            for (symbol, moved) in movedTenants.entries {
                comparison.tenants[name(symbol), default: 0].addSaturated(moved.requests)
            }
            summary.comparison = summary.comparison ?? Comparison()
            summary.comparison?.add(comparison)
        }
    }
}

/// Accessors for the replay's hot loop, which avoid reference counting.
extension Decision {
    /// The maximum number of output tokens under the caps.
    @inline(__always)
    fileprivate var outputCap: Int64 {
        detailReference?._withUnsafeGuaranteedRef { $0.outputCap } ?? .max
    }

    @inline(__always)
    fileprivate var isShadowed: Bool { detailReference?._withUnsafeGuaranteedRef { $0.isShadowed } ?? false }

    @inline(__always)
    fileprivate var isModelUnpriced: Bool { detailReference?._withUnsafeGuaranteedRef { $0.isModelUnpriced } ?? false }
}

extension Reason {
    /// The name of the cause in summaries, independent of the level of detail.
    fileprivate var causeName: String { policyLimit ?? rule ?? "" }
}
