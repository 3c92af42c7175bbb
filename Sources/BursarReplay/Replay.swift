import BursarEngine
import BursarSyntax
import BursarTraffic
import Dispatch
import Synchronization

/// Dry-runs policies against recorded traffic.
///
/// Reading goes on in parallel with deciding; each core decides whole tenants, and every sum is a whole number, so the
/// result never depends on the number of threads.
public final class Replay {
    private let engine: Engine
    private let against: Engine?
    private let options: ReplayOptions
    private let partitionCount: Int
    private var partitions: [Partition] = []
    private let names: NameReaders
    private var summary = ReplaySummary()

    /// No limit is counted across tenants, so that tenants can be decided apart.
    public let canBeCut: Bool
    /// Called with decisions as JSON lines, in the order of the log.
    public var onDecisions: (([UInt8]) -> Void)?
    public var onReject: ((ReplayReject) -> Void)?
    /// Called now and then with records and bytes so far.
    public var onProgress: ((_ records: Int, _ bytes: Int) -> Void)?

    /// More parts than cores, so that a core that has a large tenant leaves the small ones to others.
    private static let partsPerThread = 3
    /// A record's part is one byte, and one value of it means none.
    private static let mostParts = 254

    /// The engines may be confined: whole tenants are decided by one thread at a time.
    public init(engine: Engine, against: Engine?, options: ReplayOptions) {
        self.engine = engine
        self.against = against
        self.options = options
        names = NameReaders([engine] + (against.map { [$0] } ?? []), map: options.map)
        let sharesCounters = engine.countsGroups || against?.countsGroups == true
        canBeCut = !sharesCounters
        partitionCount =
            sharesCounters || options.threads <= 1 ? 1 : min(options.threads * Self.partsPerThread, Self.mostParts)
    }

    /// A log whose times go back.
    private struct Unordered: Error {}

    /// Replays logs, in the order of their records' times.
    public func run(_ paths: [String]) throws -> (summary: ReplaySummary, failures: [String]) {
        do {
            let failures = try pass(paths.map { try PlainLog($0, options) })
            return (finished(), failures)
        } catch is Unordered {
            throw ReplayNeedsOrder()
        }
    }

    /// Thrown before anything was handed out: the log must be ordered first, with `runOrdered`, in a fresh replay.
    public struct ReplayNeedsOrder: Error {}

    /// Replays logs whose times go back: an index of all records is sorted first.
    public func runOrdered(_ paths: [String]) throws -> (summary: ReplaySummary, failures: [String]) {
        let log = try OrderedLog(paths, map: options.map)
        if isFirstShard {
            for reject in log.rejects { self.reject(reject) }
            summary.read = log.rejects.count
        }
        isOrdering = true
        var failures = log.failures
        failures += try pass([log])
        summary.wasOrdered = true
        if let ordered { ordered.forEach { onDecisions?($0) } }
        return (finished(), failures)
    }

    /// Lines that are no record belong to no tenant: the first shard tells of them.
    private var isFirstShard: Bool { options.shard.index == 0 }

    private var isOrdering = false
    private var ordered: [[UInt8]]?

    private func finished() -> ReplaySummary {
        for partition in partitions {
            partition.finish()
            partition.add(to: &summary)
        }
        for demand in options.collectsDetails ? engine.demands() : [] {
            let key = ReplayDetails.LimitKey(
                name: demand.name, tier: demand.tier, source: engine.policySet.sources.reference(demand.source),
                unit: demand.unit.rawValue)
            summary.details?.limitDemands[key, default: [:]][demand.tenant] = ReplayDetails.LimitDemand(
                amount: demand.amount, peak: demand.peak, windows: demand.windows, above: demand.above)
        }
        let alerts = engine.takeAlerts()
        if !alerts.isEmpty { summary.gatheredAlerts = alerts }
        summary.state = options.state
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
        var ready: [BlockWork] = []
        var progress = (records: 0, bytes: 0)
        let width = options.follows ? 1 : max(1, options.threads) * 5
        var lastTime = Int64.min
        for log in logs {
            var baseLine = 0
            while true {
                var stretches: [BlockStretch] = []
                while stretches.count < width, !options.stop.isAsked, let stretch = try log.nextStretch() {
                    stretches.append(stretch)
                }
                if stretches.isEmpty, ready.isEmpty { break }
                let made = step(stretches, ready)
                emit(ready, made.decided)
                ready = []
                for work in made.read {
                    try accept(work, &baseLine, &lastTime)
                    progress.records += work.block.count
                    ready.append(work)
                }
                if options.follows {
                    // The next block may be long in coming.
                    let made = step([], ready)
                    emit(ready, made.decided)
                    ready = []
                }
                progress.bytes += stretches.reduce(0) { $0 + $1.byteCount }
                onProgress?(progress.records, progress.bytes)
            }
        }
        let last = step([], ready)
        emit(ready, last.decided)
        summary.wasStopped = options.stop.isAsked && !options.follows
        return logs.compactMap { log in log.failure.map { "\(log.path): \($0)" } }
    }

    /// Checks that time goes on, and gives the lines of a block their numbers.
    private func accept(_ work: BlockWork, _ baseLine: inout Int, _ lastTime: inout Int64) throws {
        work.baseLine = baseLine
        baseLine += work.block.lineCount
        if let times = work.times, times.first >= lastTime {
            lastTime = times.last
            summary.firstTime = summary.firstTime ?? times.first
            summary.lastTime = lastTime
        } else {
            try acceptEach(work, &lastTime)
        }
        summary.read += work.ownCount
        guard !isOrdering, isFirstShard else { return }
        summary.read += work.block.rejects.count
        for reject in work.block.rejects {
            self.reject(ReplayReject(path: work.path, line: work.baseLine + reject.line, reason: reject.reason))
        }
    }

    /// The same record by record: times go back somewhere, or some records belong to other shards.
    private func acceptEach(_ work: BlockWork, _ lastTime: inout Int64) throws {
        for record in 0..<work.block.count {
            let time = work.block.time(record)
            let isOwn = work.partitions[record] != BlockWork.elsewhere
            if time < lastTime, !isOrdering {
                guard options.follows else { throw Unordered() }
                if isOwn { summary.late += 1 }
            }
            lastTime = max(lastTime, time)
            if isOwn {
                summary.firstTime = summary.firstTime ?? time
                summary.lastTime = lastTime
            }
        }
    }

    private func reject(_ reject: ReplayReject) {
        summary.rejected += 1
        onReject?(reject)
    }

    /// Decides blocks that were read while others are read.
    private func step(
        _ stretches: [BlockStretch], _ ready: [BlockWork]
    ) -> (read: [BlockWork], decided: [[DecidedBlock]]) {
        let decideCount = ready.isEmpty ? 0 : partitionCount
        let results = Results(stretches: stretches.count, partitions: decideCount)
        let partitions = Unchecked(self.partitions)
        let partitionCount = partitionCount
        let constantTenant = options.map.constants.last { $0.field == .tenant }.map { constant in
            var text = constant.value
            return text.withUTF8 { RecordBlock.tenantHash($0) }
        }
        let shard = options.shard
        let names = names
        let work = Unchecked((stretches, ready))
        // The largest first, so that no core is left alone with it at the end.
        let order = (0..<decideCount).map { part in (part, ready.reduce(0) { $0 + $1.recordCounts[part] }) }
            .sorted { ($1.1, $0.0) < ($0.1, $1.0) }.map(\.0)
        parallel(decideCount + stretches.count, threads: options.threads) { index in
            if index < decideCount {
                let part = order[index]
                let partition = partitions.value[part]
                let blocks = work.value.1.map { partition.decide($0, partition: UInt8(part)) }
                results.set(decided: blocks, part)
            } else {
                let position = index - decideCount
                let stretch = work.value.0[position]
                let block = names.withReader { LogFormat.read(stretch.stretch, names: $0) }
                let made = BlockWork(
                    block, path: stretch.path, partitionCount: partitionCount, constantTenant: constantTenant,
                    shard: shard)
                made.lines = stretch.lines
                made.sequences = stretch.sequences
                results.set(read: made, position)
            }
        }
        return results.take()
    }

    /// Hands decisions out in the order of the log.
    private func emit(_ works: [BlockWork], _ decided: [[DecidedBlock]]) {
        guard options.writesDecisions, !decided.isEmpty else { return }
        for (index, work) in works.enumerated() {
            var places = [(partition: Int, start: Int, count: Int)?](repeating: nil, count: work.block.count)
            for (partition, blocks) in decided.enumerated() {
                for entry in blocks[index].records { places[entry.record] = (partition, entry.start, entry.count) }
            }
            if let sequences = work.sequences {
                keep(sequences, places, decided, index)
                continue
            }
            var bytes: [UInt8] = []
            for case let place? in places {
                bytes += decided[place.partition][index].bytes[place.start..<place.start + place.count]
            }
            onDecisions?(bytes)
        }
    }

    /// Keeps decisions that were made in the order of time until all are there, for the order of the log.
    private func keep(
        _ sequences: [Int], _ places: [(partition: Int, start: Int, count: Int)?], _ decided: [[DecidedBlock]],
        _ index: Int
    ) {
        var kept = ordered ?? []
        ordered = nil
        for (record, place) in places.enumerated() {
            guard let place else { continue }
            let sequence = sequences[record]
            while kept.count <= sequence { kept.append([]) }
            kept[sequence] = Array(decided[place.partition][index].bytes[place.start..<place.start + place.count])
        }
        ordered = kept
    }

    private final class Results: @unchecked Sendable {
        private let lock = Mutex<Void>(())
        private var read: [BlockWork?]
        private var decided: [[DecidedBlock]]

        init(stretches: Int, partitions: Int) {
            read = Array(repeating: nil, count: stretches)
            decided = Array(repeating: [], count: partitions)
        }

        func set(read work: BlockWork, _ index: Int) { lock.withLock { _ in read[index] = work } }
        func set(decided blocks: [DecidedBlock], _ index: Int) { lock.withLock { _ in decided[index] = blocks } }
        func take() -> (read: [BlockWork], decided: [[DecidedBlock]]) { (read.compactMap { $0 }, decided) }
    }
}

/// Values that tasks share without touching the same part at once.
struct Unchecked<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}

/// Runs tasks on so many threads; each takes the next task as it becomes free.
func parallel(_ count: Int, threads: Int, _ body: @Sendable (Int) -> Void) {
    if threads <= 1 || count <= 1 {
        for index in 0..<count { body(index) }
        return
    }
    let next = Atomic(0)
    DispatchQueue.concurrentPerform(iterations: min(threads, count)) { _ in
        while true {
            let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
            guard index < count else { return }
            body(index)
        }
    }
}
