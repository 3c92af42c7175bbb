import BursarEngine
import BursarPolicy
import BursarSyntax
import BursarLogs

/// Replays recorded traffic with policies, without any effect on real requests.
///
/// Reading and deciding run in parallel. Each core decides whole tenants, and every sum is a whole number, so the
/// result does not depend on the number of threads.
package final class Replay {
    private let engine: Engine
    private let against: Engine?
    private let options: ReplayOptions
    private let partitionCount: Int
    private var partitions: [Partition] = []
    private var summary = ReplaySummary()

    /// No limit counts across tenants, so tenants can be decided separately.
    package let canBeCut: Bool
    /// Called with decisions as JSON Lines, in the order of the log. An error ends the replay.
    package var onDecisions: (([UInt8]) throws -> Void)?
    /// An error ends the replay.
    package var onReject: ((ReplayReject) throws -> Void)?
    /// Called from time to time, by one thread at a time.
    package var onProgress: ((Progress) -> Void)?

    /// The progress of a replay.
    package struct Progress: Sendable {
        /// The number of records read.
        package var records = 0
        /// The bytes read and the size of all logs; nil if a log is followed or is not a file.
        package var bytes = 0
        package var total: Int?
    }

    /// More partitions than cores, so that a core with a large tenant leaves small tenants to others.
    private static let partsPerThread = 3

    /// Replays a policy set, and optionally a second one for comparison.
    ///
    /// - Parameter gathersAlerts: includes the alerts of the policy set in the summary.
    package convenience init(
        _ policySet: PolicySet, against other: PolicySet?, filters: [Condition] = [], gathersAlerts: Bool,
        options: ReplayOptions
    ) {
        if let other {
            let (engine, against) = Engine.pair(policySet, other, filters: filters, gathersAlerts: gathersAlerts)
            self.init(engine: engine, against: against, options: options)
        } else {
            // One thread at a time decides whole tenants.
            let engine = Engine(policySet, filters: filters, isConfined: true, gathersAlerts: gathersAlerts)
            self.init(engine: engine, against: nil, options: options)
        }
    }

    /// Replays with an existing engine.
    package convenience init(engine: Engine, options: ReplayOptions) {
        self.init(engine: engine, against: nil, options: options)
    }

    /// - Parameter against: an engine that shares its symbols with `engine`.
    private init(engine: Engine, against: Engine?, options: ReplayOptions) {
        self.engine = engine
        self.against = against
        self.options = options
        let sharesCounters = engine.countsGroups || against?.countsGroups == true
        canBeCut = !sharesCounters
        partitionCount =
            sharesCounters || options.threads <= 1
            ? 1 : min(options.threads * Self.partsPerThread, BlockWork.mostPartitions)
    }

    /// The times of the log are not sorted.
    private struct Unordered: Error {}

    /// Replays logs in the order of their records' times. If the first pass finds unsorted times, a second pass uses an
    /// index.
    ///
    /// - Parameters:
    ///   - restart: called before the second pass, to undo the effects of callbacks in the first pass.
    ///   - make: creates the replay of each pass.
    /// - Returns: the result, and the logs that could not be read to their end.
    package static func run(
        _ paths: [String], restart: () throws -> Void = {}, make: () throws -> Replay
    ) throws -> (summary: ReplaySummary, failures: [String]) {
        do {
            return try make().runAsRecorded(paths)
        } catch is Unordered {
            try restart()
            return try make().runOrdered(paths)
        }
    }

    private func runAsRecorded(_ paths: [String]) throws -> (summary: ReplaySummary, failures: [String]) {
        let failures = try pass(paths.map { try PlainLog($0, options) })
        return (finished(), failures)
    }

    /// Replays logs with unsorted times, after sorting an index of all records.
    private func runOrdered(_ paths: [String]) throws -> (summary: ReplaySummary, failures: [String]) {
        let log = try OrderedLog(paths, options)
        if isFirstShard {
            for reject in log.rejects { try self.reject(reject) }
            summary.read = log.rejects.count
        }
        isOrdering = true
        if options.writesDecisions { spill = try DecisionSpill(recordCount: log.recordCount) }
        _ = try pass([log])
        summary.wasOrdered = true
        try spill?.handOut { try onDecisions?($0) }
        return (finished(), log.failures)
    }

    /// Invalid lines belong to no tenant, so the first shard reports them.
    private var isFirstShard: Bool { options.shard.index == 0 }

    private var isOrdering = false
    private var spill: DecisionSpill?

    private func finished() -> ReplaySummary {
        for partition in partitions {
            partition.finish()
            partition.add(to: &summary)
        }
        for demand in options.collectsDetails ? engine.demands() : [] {
            let key = ReplayDetails.LimitKey(
                name: demand.name, tier: demand.tier, source: engine.policySet.sources.reference(demand.source),
                unit: demand.unit.rawValue)
            let shown = ReplayDetails.LimitDemand(
                amount: demand.amount, peak: demand.peak, windows: demand.windows, above: demand.above)
            summary.details?.add(shown, of: demand.tenant, to: key)
        }
        let alerts = engine.takeAlerts()
        if !alerts.isEmpty { summary.gatheredAlerts = alerts }
        summary.state = options.state
        summary.isShadowEnforced = engine.policySet.isShadowEnforced || against?.policySet.isShadowEnforced == true
        summary.currency = engine.policySet.editions.last?.policy.currency ?? "USD"
        for tier in engine.policySet.editions.last?.tierNames ?? [] {
            summary.prices[tier] = engine.policySet.editions.last?.plan(tier: tier)?.price
        }
        var seen: Set<String> = []
        summary.policies = engine.policySet.editions.map { "\($0.policy.id) \($0.policy.version)" }
            .filter { seen.insert($0).inserted }
        return summary
    }

    // MARK: - The pipeline

    private func pass(_ logs: [any BlockLog]) throws -> [String] {
        partitions = (0..<partitionCount).map { _ in Partition(engine: engine, against: against, options: options) }
        let memories = RecordMemories()
        let constantTenant = options.map.constants.last { $0.field == .tenant }.map { constant in
            var text = constant.value
            return text.withUTF8 { RecordBlock.tenantHash($0) }
        }
        let sizes = logs.map { $0.size ?? 0 }
        var progress = Progress()
        if logs.allSatisfy({ $0.size != nil }) { progress.total = sizes.reduce(0, +) }
        var base = (log: 0, line: 0, bytes: 0)
        var lastTime = Int64.min
        let pipeline = Pipeline(
            logs, partitions, options,
            makeReader: { [engine, options] in NameReader(engine, map: options.map, memories: memories) },
            makeWork: { [options, partitionCount] block, stretch in
                BlockWork(
                    block, stretch, partitionCount: partitionCount, constantTenant: constantTenant,
                    shard: options.shard)
            },
            Pipeline.Stations(
                accept: { work in
                    while base.log < work.stretch.log {
                        base = (base.log + 1, 0, base.bytes + sizes[base.log])
                    }
                    work.baseLine = base.line
                    base.line += work.block.lineCount
                    try self.accept(work, &lastTime)
                    progress.records += work.block.count
                    progress.bytes = base.bytes + work.stretch.end
                    self.onProgress?(progress)
                },
                handOut: { work, decided in try self.handOut(work, decided) }))
        try pipeline.run()
        summary.wasStopped = options.stop.isAsked && !options.follows
        return logs.compactMap { log in log.failure.map { "\(log.path): \($0)" } }
    }

    /// Checks that times are sorted, and counts the records.
    private func accept(_ work: BlockWork, _ lastTime: inout Int64) throws {
        if let ordered = work.stretch.ordered, ordered.lines.count != work.block.count {
            throw FileError(path: work.path, reason: OrderedLog.changed)
        }
        if let times = work.times, times.first >= lastTime {
            lastTime = times.last
            summary.firstTime = summary.firstTime ?? times.first
            summary.lastTime = lastTime
        } else {
            try acceptEach(work, &lastTime)
        }
        summary.read += work.ownCount
        if options.shard != .whole { summary.log.add(work.block, rejects: work.block.rejects.count) }
        guard !isOrdering, isFirstShard else { return }
        summary.read += work.block.rejects.count
        for reject in work.block.rejects {
            try self.reject(
                ReplayReject(
                    path: work.path, line: work.baseLine + reject.line, reason: reject.reason, request: reject.request))
        }
    }

    /// The same for each record, if times are unsorted or some records belong to other shards.
    private func acceptEach(_ work: BlockWork, _ lastTime: inout Int64) throws {
        for record in 0..<work.block.count {
            let time = work.block.time(record)
            let isOwn = work.isOwn(record)
            if time < lastTime, !isOrdering {
                guard options.follows else { throw Unordered() }
                if isOwn { summary.late += 1 }
            }
            lastTime = max(lastTime, time)
            if isOwn {
                summary.firstTime = min(summary.firstTime ?? time, time)
                summary.lastTime = max(summary.lastTime ?? time, time)
            }
        }
    }

    private func reject(_ reject: ReplayReject) throws {
        summary.rejected += 1
        try onReject?(reject)
    }

    /// Outputs decisions in the order of the log.
    private func handOut(_ work: BlockWork, _ decided: [DecidedBlock]) throws {
        guard options.writesDecisions else { return }
        var places = [(partition: Int, start: Int, count: Int)?](repeating: nil, count: work.block.count)
        for (partition, block) in decided.enumerated() {
            for entry in block.records { places[entry.record] = (partition, entry.start, entry.count) }
        }
        let sequences = work.stretch.ordered?.sequences
        var bytes: [UInt8] = []
        var records: [(sequence: Int, start: Int, count: Int)] = []
        for (record, place) in places.enumerated() {
            guard let place else { continue }
            if let sequences { records.append((sequences[record], bytes.count, place.count)) }
            bytes += decided[place.partition].bytes[place.start..<place.start + place.count]
        }
        if let spill { try spill.add(bytes, records) } else { try onDecisions?(bytes) }
    }
}
