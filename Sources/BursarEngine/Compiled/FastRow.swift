import BursarPolicy
import BursarStorage
import BursarSyntax

/// One limit as the fast path sees it: numbers only, so that a plan's limits lie together and nothing is counted.
struct FastRow: @unchecked Sendable {
    enum Kind: UInt8, Sendable {
        /// A counter whose window has bounds, or none at all.
        case counted
        case bucket
        /// The estimate alone.
        case request
        /// Not judged here: a request that it applies to takes the full way.
        case unusual
    }

    /// Its row in the plan, as a bit and as a number.
    var bit: UInt64
    var index: UInt8
    /// Its unit's place in `FastAmounts`.
    var amountPlace: UInt8
    /// A counter of the tenant itself in a window with bounds, for every request: most rows are, and need few looks.
    var isSimple: Bool
    /// The estimate alone is looked at, for every request.
    var isEstimate: Bool
    var kind: Kind
    var unit: Unit
    /// Its counter depends on the request.
    var isScoped: Bool
    var isPeriodic: Bool
    /// One threshold whose only action, for every request, is to refuse.
    var onlyDenies: Bool
    /// One threshold looks for a substitute and else refuses, for every request; those below it only notify.
    var substitutesOrDenies: Bool
    var isRate: Bool
    /// Of a counter that depends on one attribute alone: which one; else -1.
    var scopeSlot: Int8
    /// nil: every request; the row keeps it alive.
    var when: Unmanaged<ConditionProgram>?
    /// The most that may be used without crossing any threshold, were nothing carried over.
    var safeBound: Int64
    /// The same once the thresholds that only notify have given their events.
    var quietBound: Int64
    var amount: Int64
    var capacity: Int64
    var length: Int64

    init(_ row: CompiledPlan.Row, index: Int) {
        let limit = row.limit
        self.index = UInt8(truncatingIfNeeded: index)
        bit = index < 64 ? 1 << UInt64(index) : 0
        amountPlace = UInt8(FastAmounts.place(of: limit.unit, isMost: row.judgesMost))
        isSimple = false
        isEstimate = false
        kind = .counted
        unit = limit.unit
        isScoped = !row.hasFixedCounter || !row.within.isEmpty
        isPeriodic = limit.window.isPeriodic
        onlyDenies = Self.onlyDenies(limit)
        substitutesOrDenies = false
        isRate = limit.window.isRate
        scopeSlot = Int8(row.scopeSlot)
        when = row.when.map { Unmanaged.passUnretained($0) }
        safeBound = row.safeBound
        quietBound = row.quietBound
        amount = limit.amount
        capacity = limit.capacity
        length = 0
        switch limit.window {
        case .calendar, .every, .lifetime: break
        case .rate(let length):
            kind = .bucket
            self.length = length
        case .request: kind = row.needsCounter ? .unusual : .request
        case .rolling, .fromFirstUse: kind = .unusual
        }
        // A share of what remains depends on more than its own counter.
        let isOfRemaining = limit.weight?.isOfRemaining ?? false
        if limit.isPrepaid || limit.isShared || limit.unit == .runs || isOfRemaining { kind = .unusual }
        // A reservation by rows does not hold these.
        if limit.unit == .characters || limit.unit == .toolCalls, kind != .request { kind = .unusual }
        let isForAll = !isScoped && when == nil
        isSimple = kind == .counted && isPeriodic && isForAll
        substitutesOrDenies = kind == .counted && isPeriodic && row.substituting != nil
        isEstimate = kind == .request && isForAll
    }

    private static func onlyDenies(_ limit: Limit) -> Bool {
        guard limit.thresholds.count == 1, limit.rollover == nil, limit.weight == nil, !limit.isShadow,
            let action = limit.thresholds[0].actions.first, limit.thresholds[0].actions.count == 1
        else { return false }
        return action.when == nil && action.alternatives.count == 1 && action.alternatives[0].isDeny
    }

    /// What a reservation by rows holds of it.
    @inline(__always)
    func amount(_ header: ReservationHeader) -> Int64 {
        switch unit {
        case .spend: header.spend
        case .tokens: header.input.addingSaturated(header.output)
        case .inputTokens: header.input
        case .outputTokens: header.output
        case .requests, .attempts, .concurrentRequests, .runs: 1
        case .characters, .toolCalls: 0
        }
    }
}

/// What a request comes to in every unit, by place.
struct FastAmounts {
    var spend: Int64
    var tokens: Int64
    var input: Int64
    var output: Int64
    /// Of requests and runs.
    var requests: Int64
    var attempts: Int64
    var concurrent: Int64
    var characters: Int64 = 0
    var toolCalls: Int64 = 0
    /// With the most output that the answer may have.
    var mostSpend: Int64 = 0
    var mostTokens: Int64 = 0
    var mostOutput: Int64 = 0

    /// - Parameter count: of what is counted by the request.
    @inline(__always)
    init(spend: Int64, input: Int64, output: Int64, count: Int64) {
        self.spend = spend
        tokens = input.addingSaturated(output)
        self.input = input
        self.output = output
        requests = count
        attempts = count
        concurrent = count
    }

    /// Of one request.
    ///
    /// - Parameter mostSpend: what it costs with the most output that the answer may have.
    @inline(__always)
    init(_ estimate: Estimate, spend: Int64, mostSpend: Int64) {
        self.init(spend: spend, input: estimate.inputTokens, output: estimate.outputTokens, count: 1)
        characters = estimate.characters
        toolCalls = estimate.toolCalls
        self.mostSpend = mostSpend
        mostOutput = estimate.mostOutputTokens
        mostTokens = input.addingSaturated(mostOutput)
    }

    static func place(of unit: Unit, isMost: Bool) -> Int {
        switch unit {
        case .spend where isMost: 9
        case .tokens where isMost: 10
        case .outputTokens where isMost: 11
        case .spend: 0
        case .tokens: 1
        case .inputTokens: 2
        case .outputTokens: 3
        case .requests, .runs: 4
        case .attempts: 5
        case .concurrentRequests: 6
        case .characters: 7
        case .toolCalls: 8
        }
    }

    /// The amounts at an address, for reaching them by place.
    @inline(__always)
    mutating func withPlaces<Result>(_ body: (UnsafePointer<Int64>) -> Result) -> Result {
        withUnsafePointer(to: &self) { body(UnsafeRawPointer($0).assumingMemoryBound(to: Int64.self)) }
    }
}

/// A plan's rows for the fast path: all of them by their place, and for every feature those that may apply to it.
struct FastRows: ~Copyable, @unchecked Sendable {
    private let all: FixedArray<FastRow>
    /// The lists one after the other: of requests without a feature, of features that no limit names, of each that one
    /// names.
    private let listed: FixedArray<FastRow>
    /// Where each list begins; the next one's beginning is its end.
    private let starts: FixedArray<Int32>
    /// By symbol: the list of a feature; those beyond have the second one.
    private let lists: FixedArray<Int32>

    init(_ rows: [CompiledPlan.Row]) {
        all = FixedArray(rows.enumerated().map { FastRow($1, index: $0) })
        var lists: [Int32] = [0, 1]
        var features = [Symbol.absent, .other]
        for row in rows {
            for feature in row.namedFeatures.members + [row.feature]
            where feature.isPresent && !features.contains(feature) {
                let value = Int(feature.rawValue)
                if value >= lists.count { lists += Array(repeating: 1, count: value + 1 - lists.count) }
                lists[value] = Int32(features.count)
                features.append(feature)
            }
        }
        self.lists = FixedArray(lists)
        var listed: [FastRow] = []
        var starts: [Int32] = []
        for feature in features {
            starts.append(Int32(listed.count))
            for (index, row) in rows.enumerated() where row.mayApply(to: feature) { listed.append(all[index]) }
        }
        starts.append(Int32(listed.count))
        self.listed = FixedArray(listed)
        self.starts = FixedArray(starts)
    }

    @inline(__always) var count: Int { all.count }

    /// The row at a place of the plan.
    @inline(__always) subscript(index: Int) -> UnsafePointer<FastRow> {
        UnsafePointer(all.address(of: index))
    }

    /// The rows that may apply to requests of a feature, in the order of the plan.
    @inline(__always)
    func rows(of feature: Symbol) -> (first: UnsafePointer<FastRow>, end: UnsafePointer<FastRow>) {
        let value = Int(feature.rawValue)
        let list = value < lists.count ? Int(lists[value]) : 1
        return (
            UnsafePointer(listed.address(of: Int(starts[list]))),
            UnsafePointer(listed.address(of: Int(starts[list + 1])))
        )
    }
}
