import BursarEngine
import BursarSyntax

/// A record of another system's log, in Bursar's fields.
struct ForeignRecord {
    var values: [Field: JSONTree] = [:]
    /// The call that the record is an attempt of; nil if the log does not state it.
    var call: String?
    /// The log states only the served model, which may be a substitute.
    var isOfServedModel = false
    /// The line in the log.
    var sourceLine = 0
    /// The record as a line of Bursar's own format; nil after another attempt was added.
    var rendered: [UInt8]?

    /// Merges a later attempt of the same call: the result is one request with the usage of all attempts and the end of
    /// the last.
    mutating func add(_ later: ForeignRecord) {
        for field in [Field.inputTokens, .cachedTokens, .outputTokens, .duration] {
            guard let more = later.values[field]?.count else { continue }
            values[field] = .number(String((values[field]?.count ?? 0).addingSaturated(more)))
        }
        if let more = later.values[.cost]?.nanos {
            values[.cost] = .string(moneyText((values[.cost]?.nanos ?? 0).addingSaturated(more)))
        }
        rendered = nil
        values[.status] = later.values[.status]
        values[.attempt] = nil
    }
}

/// Delays records until their later attempts arrive. Attempts of one call are at most `reach` records apart.
struct AttemptJoiner {
    /// Retries follow within seconds; this many records of a busy gateway take minutes.
    static let reach = 10_000
    /// Bytes of the records that wait.
    private static let mostBytes = 64 << 20

    private var waiting: [(number: Int, record: ForeignRecord, bytes: Int)] = []
    private var waitingBytes = 0
    private var head = 0
    /// The indices of calls in `waiting`.
    private var places: [String: Int] = [:]
    private var number = 0
    private(set) var joined = 0

    /// Adds a record, and emits the records that need not wait any longer.
    mutating func add(
        _ record: ForeignRecord, _ emit: (ForeignRecord) throws(FileError) -> Void
    ) throws(FileError) {
        number += 1
        try flush(before: number - Self.reach, emit)
        while waitingBytes > Self.mostBytes, head < waiting.count {
            try flush(before: waiting[head].number + 1, emit)
        }
        if let call = record.call, let place = places[call] {
            joined += 1
            waiting[place].record.add(record)
            return
        }
        if head == waiting.count, record.call == nil { return try emit(record) }
        if let call = record.call { places[call] = waiting.count }
        let bytes = record.rendered?.count ?? 0
        waitingBytes += bytes
        waiting.append((number, record, bytes))
    }

    mutating func finish(_ emit: (ForeignRecord) throws(FileError) -> Void) throws(FileError) {
        try flush(before: .max, emit)
    }

    private mutating func flush(
        before end: Int, _ emit: (ForeignRecord) throws(FileError) -> Void
    ) throws(FileError) {
        while head < waiting.count, waiting[head].number < end {
            if let call = waiting[head].record.call { places[call] = nil }
            waitingBytes -= waiting[head].bytes
            try emit(waiting[head].record)
            waiting[head].record = ForeignRecord()
            head += 1
        }
        guard head > Self.reach else { return }
        waiting.removeFirst(head)
        for (call, place) in places { places[call] = place - head }
        head = 0
    }
}

extension JSONTree {
    /// Money in nano-units; further digits are dropped.
    var nanos: Int64? {
        guard let text = plainText else { return nil }
        let parts = ForeignFormat.decimal(text).split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, let whole = Int64(parts[0]), whole >= 0 else { return nil }
        let fraction = parts.count > 1 ? String((parts[1] + "000000000").prefix(9)) : "0"
        guard let rest = Int64(fraction) else { return nil }
        let (product, overflow) = whole.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? nil : product.addingSaturated(rest)
    }
}
