import BursarEngine
import BursarSyntax

/// A record of another system's log, in Bursar's own fields.
struct ForeignRecord {
    var values: [Field: JSONTree] = [:]
    /// The call that it is an attempt of; nil where the log does not say.
    var call: String?
    /// The log says only which model answered, which may be one that the live system put in place.
    var isOfServedModel = false
    /// Its line in the log.
    var line = 0

    /// Takes in a later attempt of the same call: one request, which used what all its attempts used, and ended as the last.
    mutating func add(_ later: ForeignRecord) {
        for field in [Field.inputTokens, .cachedTokens, .outputTokens, .duration] {
            guard let more = later.values[field]?.count else { continue }
            values[field] = .number(String((values[field]?.count ?? 0).addingSaturated(more)))
        }
        if let more = later.values[.cost]?.nanos {
            values[.cost] = .string(moneyText((values[.cost]?.nanos ?? 0).addingSaturated(more)))
        }
        values[.status] = later.values[.status]
        values[.attempt] = nil
    }
}

/// Holds records back until their later attempts have come: of one call, so many records apart at the most.
struct AttemptJoiner {
    /// Retries follow within seconds; so many records of a busy gateway are minutes.
    static let reach = 10_000

    private var waiting: [(number: Int, record: ForeignRecord)] = []
    private var head = 0
    /// Places of calls in `waiting`.
    private var places: [String: Int] = [:]
    private var number = 0
    private(set) var joined = 0

    /// Takes a record, and hands out those for which nothing more is waited.
    mutating func add(_ record: ForeignRecord, _ emit: (ForeignRecord) -> Void) {
        number += 1
        defer { flush(before: number - Self.reach, emit) }
        if let call = record.call, let place = places[call] {
            joined += 1
            waiting[place].record.add(record)
            return
        }
        if head == waiting.count, record.call == nil { return emit(record) }
        if let call = record.call { places[call] = waiting.count }
        waiting.append((number, record))
    }

    mutating func finish(_ emit: (ForeignRecord) -> Void) { flush(before: .max, emit) }

    private mutating func flush(before end: Int, _ emit: (ForeignRecord) -> Void) {
        while head < waiting.count, waiting[head].number < end {
            if let call = waiting[head].record.call { places[call] = nil }
            emit(waiting[head].record)
            waiting[head].record.values = [:]
            head += 1
        }
        guard head > Self.reach else { return }
        waiting.removeFirst(head)
        for (call, place) in places { places[call] = place - head }
        head = 0
    }
}

extension ForeignFormat {
    /// Requests that one row of an aggregate may stand for.
    private static let mostRequests: Int64 = 1_000_000

    /// Seconds until the year 9999.
    private static let latest: Int64 = 253_402_300_799

    /// Buckets of OpenAI's usage API, alone or in pages: each result is taken apart into as many equal requests as it counts.
    static func requests(inUsage value: JSONTree) -> [JSONTree] {
        if case .list(let buckets)? = value["data"] { return buckets.flatMap(requests) }
        guard case .list(let results)? = value["results"] else { return [value] }
        let start = value["start_time"]?.count ?? 0
        let end = value["end_time"]?.count ?? start
        // Seconds since 1970; others leave the results without a time, which is told.
        guard (0...latest).contains(start), (start...latest).contains(end) else { return results }
        let length = end - start
        return results.flatMap { result -> [JSONTree] in
            let count = result["num_model_requests"]?.count ?? 1
            // A count that cannot be is told by the record that lacks a time.
            guard (1...mostRequests).contains(count), case .object(let fields) = result else { return [result] }
            let kept = fields.filter { !["input_tokens", "input_cached_tokens", "output_tokens"].contains($0.key) }
            return (0..<count).map { number in
                func share(_ name: String) -> (key: String, value: JSONTree)? {
                    guard let total = result[name]?.count else { return nil }
                    // The first ones have one more, so that nothing is lost.
                    return (name, .number(String(total / count + (number < total % count ? 1 : 0))))
                }
                let time = start + length * number / count
                return .object(
                    kept + [("start_time", .number(String(time)))]
                        + ["input_tokens", "input_cached_tokens", "output_tokens"].compactMap(share))
            }
        }
    }
}

extension JSONTree {
    /// Money in nano-units; digits beyond the ninth are left out.
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
