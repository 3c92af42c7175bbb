import BursarSyntax

/// A result of OpenAI's usage API: a sum, which is taken apart into as many equal requests as it counts.
struct UsageResult {
    /// The result with its bucket's time.
    let tree: JSONTree
    /// Requests that it stands for.
    let count: Int64
    /// Of the bucket, in seconds since 1970.
    private let start: Int64
    private let length: Int64
    /// Why it cannot be used.
    let problem: String?

    /// Seconds until the year 9999.
    private static let latest: Int64 = 253_402_300_799

    /// The results of buckets, alone or in pages; any other value is one of its own.
    static func all(in value: JSONTree) -> [UsageResult] {
        if case .list(let buckets)? = value["data"] { return buckets.flatMap(all) }
        guard case .list(let results)? = value["results"] else { return [UsageResult(value, start: nil, end: nil)] }
        let start = value["start_time"]?.count
        return results.map { UsageResult($0, start: start, end: value["end_time"]?.count ?? start) }
    }

    private init(_ result: JSONTree, start: Int64?, end: Int64?) {
        let named = result["num_model_requests"]
        let count = named == nil ? 1 : named?.count ?? -1
        self.count = max(0, count)
        guard let start, let end, case .object(let fields) = result else {
            tree = result
            (self.start, length) = (0, 0)
            problem = count == 1 ? nil : "requests without the times of their bucket"
            return
        }
        tree = .object(fields + [("start_time", .number(String(start)))])
        self.start = start
        if !(0...Self.latest).contains(start) || !(start...Self.latest).contains(end) {
            length = 0
            problem = "a bucket's `start_time` and `end_time` are no times in seconds since 1970"
        } else if !(1...Bounds.requestsInRow).contains(count) {
            length = 0
            problem = "`num_model_requests` must be 1 to \(Bounds.requestsInRow)"
        } else {
            length = end &- start
            problem = nil
        }
    }

    /// The requests that a result stands for, as lines of Bursar's own format.
    struct Requests {
        private let result: UsageResult
        private let totals: [(field: Field, total: Int64)]
        /// What all of them have in common, from its first field on.
        private let rest: ArraySlice<UInt8>
        private let name: String
        /// Of the first among those of its value; nil: it is alone.
        private let number: Int64?
        /// The record has a time of its own, and an id.
        private let time: String?
        private let hasID: Bool
        let isOfServedModel: Bool

        private static let chunkBytes = 1 << 16

        /// - Parameters:
        ///   - record: of the whole result.
        ///   - name: what the value is called; a request's id is made of it.
        init(
            _ result: UsageResult, _ record: ForeignRecord, _ format: ForeignFormat, name: String, from number: Int64?,
            hasOwnTime: Bool
        ) {
            self.result = result
            self.name = name
            self.number = number
            isOfServedModel = record.isOfServedModel
            var values = record.values
            totals = [Field.inputTokens, .cachedTokens, .outputTokens].compactMap { field in
                values.removeValue(forKey: field)?.count.map { (field, $0) }
            }
            time = hasOwnTime ? values[.time]?.plainText : nil
            if time == nil { values[.time] = nil }
            hasID = values[.requestID]?.plainText != name
            if !hasID { values[.requestID] = nil }
            rest = format.line(values).dropFirst()
        }

        /// Hands the lines out, many at once.
        func forEachChunk(_ write: ([UInt8]) throws(FileError) -> Void) throws(FileError) {
            var bytes: [UInt8] = []
            for index in 0..<result.count {
                add(index, to: &bytes)
                if bytes.count >= Self.chunkBytes {
                    try write(bytes)
                    bytes.removeAll(keepingCapacity: true)
                }
            }
            if !bytes.isEmpty { try write(bytes) }
        }

        private func add(_ index: Int64, to bytes: inout [UInt8]) {
            var json = JSONWriter()
            json.object { json in
                if time == nil {
                    let seconds = result.start &+ result.length &* index / result.count
                    json.field("ts", instantText(seconds &* 1_000_000))
                }
                if !hasID {
                    json.field("request_id", number.map { "\(name).\($0.addingSaturated(index &+ 1))" } ?? name)
                }
                for (field, total) in totals {
                    // The first ones have one more, so that nothing is lost.
                    json.key(text: field.name)
                    json.value(Int(total / result.count &+ (index < total % result.count ? 1 : 0)))
                }
            }
            bytes += json.bytes.dropLast()
            if rest.first == UInt8(ascii: "\"") {
                if json.bytes.count > 2 { bytes.append(UInt8(ascii: ",")) }
            }
            bytes += rest
        }
    }
}
