import BursarSyntax

/// Converts a log of another system to Bursar's own format, value by value, so that it may be larger than memory.
package final class ForeignLog {
    package let format: ForeignFormat
    private let overrides: [Field: String]
    private let callPath: String?
    private let constants: Set<Field>
    /// The lines of the log that cannot be used, with reasons.
    package private(set) var rejects: [(line: Int, reason: String)] = []
    /// The number of records that name only the served model.
    package private(set) var servedOnly = 0
    /// The number of attempts that were merged into an earlier one.
    package var joined: Int { joiner.joined }
    /// Why the log could not be read to its end.
    package private(set) var failure: String?

    private let attributes: Set<String>
    private let check: LineCheck
    private var joiner = AttemptJoiner()
    private var write: ([UInt8]) throws(FileError) -> Void = { _ in }
    /// Requests that aggregates stood for.
    private var expanded: Int64 = 0

    /// - Parameters:
    ///   - overrides: columns or dotted paths that take precedence over those of the format.
    ///   - callPath: a column or dotted path with the id of the call that the record is an attempt of.
    ///   - map: how the converted log is read.
    package init(_ format: ForeignFormat, overrides: [Field: String] = [:], callPath: String? = nil, map: FieldMap) {
        self.format = format
        self.callPath = callPath
        self.overrides = overrides
        attributes = format.attributeKeys(overrides.values + [callPath].compactMap(\.self))
        constants = Set(map.constants.map(\.field))
        check = LineCheck(map)
    }

    /// The format of a log, detected from its first record; nil if it is not in a foreign format.
    package static func guess(_ path: String) throws(FileError) -> ForeignFormat? {
        var found: ForeignFormat?
        func look(_ value: Result<JSONTree, ForeignError>, _ line: Int) -> Bool {
            if case .success(let tree) = value { found = ForeignFormat.guess(tree) }
            // The first line may be damaged.
            return found == nil && line < 10
        }
        if SQLiteTable.isDatabase(path) {
            try SQLiteTable(path).forEachRow { row, number in look(.success(row), number) }
        } else {
            var values = try ForeignValues(path)
            try values.forEach(look)
        }
        return found
    }

    /// Hands out every record as a line of Bursar's own format.
    ///
    /// - Parameter name: what the log is called; the ids of records that have none begin with it.
    package func convert(
        _ path: String, name: String, _ write: @escaping ([UInt8]) throws(FileError) -> Void
    ) throws(FileError) {
        self.write = write
        defer { self.write = { _ in } }
        var hasValues = false
        func take(_ value: Result<JSONTree, ForeignError>, _ line: Int) throws(FileError) -> Bool {
            hasValues = true
            switch value {
            case .failure(let error): rejects.append((line, error.reason))
            case .success(let tree): try add(tree, line, RequestBuilder.lineName(name, line))
            }
            return true
        }
        if SQLiteTable.isDatabase(path) {
            let table = try SQLiteTable(path)
            do throws(FileError) {
                try table.forEachRow { row, number throws(FileError) in try take(.success(row), number) }
            } catch {
                guard hasValues, error.path == path else { throw error }
                failure = error.reason
            }
        } else {
            var values = try ForeignValues(path)
            try values.forEach(take)
            failure = values.failure
        }
        try joiner.finish(emit)
    }

    /// Takes the records of a value.
    private func add(_ tree: JSONTree, _ line: Int, _ name: String) throws(FileError) {
        if format == .openaiUsage { return try addUsage(tree, line, name) }
        let found = format.records(in: tree, attributes: attributes)
        for (number, part) in found.enumerated() {
            let record: ForeignRecord
            do throws(ForeignError) {
                record = try self.record(part, line, found.count > 1 ? "\(name).\(number + 1)" : name)
            } catch {
                rejects.append((line, error.reason))
                continue
            }
            try joiner.add(record, emit)
        }
    }

    private func record(_ tree: JSONTree, _ line: Int, _ place: String) throws(ForeignError) -> ForeignRecord {
        var record = try format.record(
            tree, overrides: overrides, callPath: callPath, constants: constants, place: place)
        record.sourceLine = line
        let rendered = format.line(record.values)
        if let problem = check.problem(rendered) { throw ForeignError(reason: problem) }
        record.rendered = rendered
        return record
    }

    private func emit(_ record: ForeignRecord) throws(FileError) {
        var line = record.rendered
        if line == nil {
            // The sum of several attempts.
            let rendered = format.line(record.values)
            if let problem = check.problem(rendered) {
                rejects.append((record.sourceLine, problem))
                return
            }
            line = rendered
        }
        if record.isOfServedModel { servedOnly += 1 }
        if let line { try write(line) }
    }

    // MARK: - Aggregates

    private func addUsage(_ tree: JSONTree, _ line: Int, _ name: String) throws(FileError) {
        let results = UsageResult.all(in: tree)
        // Rows with a problem make no requests, so that the rest are bounded.
        let total = results.reduce(Int64(0)) { $0.addingSaturated($1.problem == nil ? $1.count : 0) }
        var number: Int64 = 0
        for result in results {
            let requests: UsageResult.Requests
            let first = number
            if result.problem == nil { number.addSaturated(result.count) }
            do throws(ForeignError) {
                requests = try self.requests(result, line, name, from: total > 1 ? first : nil)
            } catch {
                let all = result.count > 1 ? "; the row stands for \(result.count) requests" : ""
                rejects.append((line, error.reason + all))
                continue
            }
            if requests.isOfServedModel { servedOnly += Int(result.count) }
            expanded = expanded.addingSaturated(result.count)
            try requests.forEachChunk(write)
        }
    }

    private func requests(
        _ result: UsageResult, _ line: Int, _ name: String, from number: Int64?
    ) throws(ForeignError) -> UsageResult.Requests {
        if let problem = result.problem { throw ForeignError(reason: problem) }
        guard expanded.addingSaturated(result.count) <= Bounds.requestsInAggregates else {
            throw ForeignError(reason: "the log's rows stand for more than \(Bounds.requestsInAggregates) requests")
        }
        let record = try record(result.tree, line, name)
        return UsageResult.Requests(
            result, record, format, name: name, from: number, hasOwnTime: overrides[.time] != nil)
    }
}

/// Reads lines that were converted, to reject those that the replay could not use by their place in the original.
final class LineCheck {
    private let keys: KeyMemory
    private let format: LogFormat

    init(_ map: FieldMap) {
        format = LogFormat(isCSV: false, columns: [], map: map)
        keys = KeyMemory(map, isWide: false)
    }

    /// Why a line is no record; nil where it is one.
    func problem(_ line: [UInt8]) -> String? {
        let block = LogFormat.read(LogReader.Stretch(TextBuffer(line), format), nil, keys)
        return block.rejects.first?.reason ?? (block.count == 1 ? nil : "is no record")
    }
}
