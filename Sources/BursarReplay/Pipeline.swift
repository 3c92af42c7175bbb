import BursarLogs
import DequeModule
import Dispatch
import Synchronization

/// Parses and decides the blocks of logs on several threads.
///
/// Each thread takes the next task that can run, so that no thread waits while there is work. One thread at a time
/// finds the bytes of the next block; any thread parses it. Blocks are then accepted in the order of the logs, decided
/// by every partition (one thread at a time, in sequence), and output after all partitions have decided them.
final class Pipeline: @unchecked Sendable {
    /// A block in progress.
    private final class Flight {
        /// nil: the block is not parsed yet.
        var work: BlockWork?
        /// Indexed by partition.
        var decided: [DecidedBlock]
        /// The number of partitions that have not decided the block yet.
        var waiting: Int

        init(partitions: Int) {
            decided = Array(repeating: DecidedBlock(), count: partitions)
            waiting = partitions
        }
    }

    /// The progress of a partition.
    private struct Turn {
        /// The number of the next block to decide.
        var next = 0
        /// The number of accepted records that are not decided yet.
        var records = 0
        var isBusy = false
    }

    private enum Task {
        case read
        case decide(Int, [BlockWork])
        case handOut(Flight)
    }

    /// Callbacks for blocks, called in the order of the logs, one at a time.
    struct Stations {
        /// Called before a block is decided, under the pipeline's lock. An error ends the replay.
        var accept: (BlockWork) throws -> Void
        /// Called after a block is decided. An error ends the replay.
        var handOut: (_ work: BlockWork, _ decided: [DecidedBlock]) throws -> Void
    }

    private let logs: [any BlockLog]
    private let partitions: [Partition]
    private let threads: Int
    private let stop: StopSignal
    private let makeReader: () -> NameReader
    private let makeWork: (RecordBlock, BlockStretch) -> BlockWork
    private let stations: Stations
    /// The maximum number of blocks in progress.
    private let width: Int

    private let lock = Mutex<Void>(())
    private var flights = Deque<Flight>()
    /// The numbers, from 0, of the first block in progress and of the first block that is not accepted.
    private var firstNumber = 0
    private var acceptedNumber = 0
    private var turns: [Turn]
    /// Only used by the thread that finds the next block.
    private var currentLog = 0
    private var isLooking = false
    private var isAtEnd = false
    private var isHandingOut = false
    private var failure: (any Error)?
    private var sleepers = 0
    private let wakening = DispatchSemaphore(value: 0)

    init(
        _ logs: [any BlockLog], _ partitions: [Partition], _ options: ReplayOptions,
        makeReader: @escaping () -> NameReader, makeWork: @escaping (RecordBlock, BlockStretch) -> BlockWork,
        _ stations: Stations
    ) {
        self.logs = logs
        self.partitions = partitions
        self.makeReader = makeReader
        self.makeWork = makeWork
        self.stations = stations
        threads = max(1, options.threads)
        stop = options.stop
        width = 2 * (1 + threads)
        turns = Array(repeating: Turn(), count: partitions.count)
    }

    func run() throws {
        if threads == 1 {
            work()
        } else {
            DispatchQueue.concurrentPerform(iterations: threads) { _ in work() }
        }
        if let failure { throw failure }
    }

    private func work() {
        let reader = makeReader()
        while let task = nextTask() {
            switch task {
            case .read: read(reader)
            case .decide(let index, let works):
                let decided = works.map { partitions[index].decide($0, partition: index) }
                change { finish(index, decided) }
            case .handOut(let flight):
                let failed = Swift.Result { if let work = flight.work { try stations.handOut(work, flight.decided) } }
                change {
                    isHandingOut = false
                    if case .failure(let error) = failed, failure == nil { failure = error }
                }
            }
        }
    }

    // MARK: - Choosing the next task

    private func nextTask() -> Task? {
        while true {
            let (task, isDone) = lock.withLock { _ -> (Task?, Bool) in
                if failure != nil { return (nil, true) }
                if let task = choose() { return (task, false) }
                if isAtEnd, flights.isEmpty { return (nil, true) }
                sleepers += 1
                return (nil, false)
            }
            if task != nil || isDone { return task }
            wakening.wait()
        }
    }

    /// Changes the state and wakes threads that found no task.
    private func change<Result>(_ body: () -> Result) -> Result {
        let (result, waiting) = lock.withLock { _ in
            defer { sleepers = 0 }
            return (body(), sleepers)
        }
        for _ in 0..<waiting { wakening.signal() }
        return result
    }

    private func choose() -> Task? {
        if !isHandingOut, let first = flights.first, first.waiting == 0 {
            isHandingOut = true
            flights.removeFirst()
            firstNumber += 1
            return .handOut(first)
        }
        if let index = longestTurn() { return decide(index) }
        if stop.isAsked, !isLooking { isAtEnd = true }
        if !isAtEnd, !isLooking, flights.count < width {
            isLooking = true
            return .read
        }
        return nil
    }

    /// The idle partition with waiting blocks that has the most records.
    private func longestTurn() -> Int? {
        var longest: Int?
        for index in turns.indices where !turns[index].isBusy && turns[index].next < acceptedNumber {
            if let longest, turns[longest].records >= turns[index].records { continue }
            longest = index
        }
        return longest
    }

    private func decide(_ index: Int) -> Task {
        turns[index].isBusy = true
        turns[index].records = 0
        let waiting = flights[turns[index].next - firstNumber..<acceptedNumber - firstNumber]
        return .decide(index, waiting.compactMap(\.work))
    }

    private func finish(_ index: Int, _ decided: [DecidedBlock]) {
        for block in decided {
            let flight = flights[turns[index].next - firstNumber]
            flight.decided[index] = block
            flight.waiting -= 1
            turns[index].next += 1
        }
        turns[index].isBusy = false
    }

    // MARK: - Reading

    private func read(_ reader: NameReader) {
        let stretch: BlockStretch?
        do {
            stretch = try nextStretch()
        } catch {
            return change { failure = error }
        }
        let flight = change { () -> Flight? in
            isLooking = false
            if stretch == nil {
                isAtEnd = true
                return nil
            }
            let flight = Flight(partitions: partitions.count)
            flights.append(flight)
            return flight
        }
        guard let flight, let stretch else { return }
        let work = makeWork(LogFormat.read(stretch.stretch, names: reader), stretch)
        change {
            flight.work = work
            acceptRead()
        }
    }

    private func nextStretch() throws -> BlockStretch? {
        while currentLog < logs.count {
            if var stretch = try logs[currentLog].nextStretch() {
                stretch.log = currentLog
                return stretch
            }
            currentLog += 1
        }
        return nil
    }

    private func acceptRead() {
        while acceptedNumber - firstNumber < flights.count {
            let flight = flights[acceptedNumber - firstNumber]
            guard failure == nil, let work = flight.work else { return }
            do {
                try stations.accept(work)
            } catch {
                failure = error
                return
            }
            for index in turns.indices { turns[index].records += work.records(of: index).count }
            acceptedNumber += 1
        }
    }
}
