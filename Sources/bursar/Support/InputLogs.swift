import BursarReplay
import BursarSyntax
import BursarLogs

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The logs of a command in any format, prepared for a replay.
struct InputLogs {
    static let own = "bursar: JSON lines with the fields that `bursar eval` reads; Docs/replay.md lists them.\n"

    private let format: ForeignFormat?
    private let isGuessed: Bool
    private let overrides: [Field: String]
    private let callPath: String?
    /// For logs in Bursar's own format, or in a custom format given by `--map`.
    let map: FieldMap

    /// - Parameters:
    ///   - format: the name of the format; nil: detected from the first record of each log.
    ///   - mappings: FIELD=COLUMN and FIELD==VALUE.
    init(format name: String?, map mappings: [String]) throws {
        format = try name.flatMap { try Self.format($0) }
        isGuessed = name == nil && mappings.isEmpty
        var map = FieldMap()
        var overrides: [Field: String] = [:]
        var callPath: String?
        let callKey = "external_request_id="
        for mapping in mappings {
            if format != nil, mapping.hasPrefix(callKey), !mapping.contains("==") {
                callPath = String(mapping.dropFirst(callKey.count))
                continue
            }
            if format != nil, !mapping.contains("=="), let equals = mapping.firstIndex(of: "="),
                let field = Field.named[String(mapping[..<equals])]
            {
                overrides[field] = String(mapping[mapping.index(after: equals)...])
                continue
            }
            do throws(FieldMap.MappingError) {
                try map.add(mapping)
            } catch {
                throw ExitStatus(ExitStatus.usage, "--map: \(error.description)")
            }
        }
        self.overrides = overrides
        self.callPath = callPath
        self.map = map
    }

    /// nil for Bursar's own format.
    static func format(_ name: String) throws -> ForeignFormat? {
        if name == "bursar" { return nil }
        guard let format = ForeignFormat(rawValue: name) else {
            let known = ["bursar"] + ForeignFormat.allCases.map(\.rawValue)
            let near = nearestName(to: name, among: known).map { "; did you mean `\($0)`?" } ?? ""
            throw ExitStatus(
                ExitStatus.usage,
                "--input: there is no format `\(name)`\(near); formats: \(known.joined(separator: ", "))")
        }
        return format
    }

    /// Logs that can be replayed, and the data about their conversion.
    struct Prepared {
        var paths: [String] = []
        /// The original names of converted logs, by path.
        var names: [String: String] = [:]
        var rejects: [ReplayReject] = []
        var servedOnly = 0
        var joined = 0
        /// Logs that could not be read to their end, and why.
        var failures: [String] = []
        fileprivate var temporary: [OutputFile] = []
        /// Streams that were read: what is in them is gone.
        fileprivate var streams: Set<String> = []

        /// Adds what a log could not give.
        fileprivate mutating func add(_ rejects: [(line: Int, reason: String)], _ failure: String?, of name: String) {
            self.rejects += rejects.map { ReplayReject(path: name, line: $0.line, reason: $0.reason) }
            if let failure { failures.append("\(name): \(failure)") }
        }

        func remove() { for file in temporary { file.discard() } }
    }

    private static let endings = [".jsonl", ".ndjson", ".json", ".csv"].flatMap { [$0, $0 + ".gz", $0 + ".zst"] }

    /// Replaces each folder by its logs, in the order of their names.
    static func expanded(_ logs: [String]) throws -> [String] {
        try logs.flatMap { log -> [String] in
            guard !LogFile.isStandardInput(log), FileReading.kind(of: log) == .folder else { return [log] }
            let names = (try? FileReading.names(in: log)) ?? []
            let found = names.filter { name in endings.contains(where: name.hasSuffix) }
                .map { log.hasSuffix("/") ? log + $0 : log + "/" + $0 }.filter { (try? LogFile.kind(of: $0)) == .file }
            guard !found.isEmpty else {
                throw ExitStatus(
                    ExitStatus.usage,
                    "\(log): is a folder without logs (\(endings.prefix(3).joined(separator: ", ")), …)")
            }
            return found
        }
    }

    /// - Parameter follows: the log is still growing, so it cannot be converted first.
    func prepare(_ logs: [String], follows: Bool = false) throws -> Prepared {
        var prepared = Prepared()
        for log in logs {
            do throws(FileError) {
                try prepare(log, follows: follows, &prepared)
            } catch {
                prepared.remove()
                let name = LogFile.isStandardInput(error.path) ? "standard input" : error.path
                throw ExitStatus(ExitStatus.usage, FileError(path: name, reason: error.reason).description)
            }
        }
        return prepared
    }

    private func prepare(_ log: String, follows: Bool, _ prepared: inout Prepared) throws(FileError) {
        let isStream = try LogFile.kind(of: log) == .stream
        if isStream, follows {
            guard format == nil else { throw Self.notFollowed(log, format) }
            prepared.paths.append(log)
            return
        }
        let path = isStream ? try copy(log, &prepared) : log
        var format = format
        if format == nil, isGuessed { format = try guess(path, log) }
        if let format {
            if follows { throw Self.notFollowed(log, format) }
            try convert(path, name: log, format, &prepared)
        } else if SQLiteTable.isDatabase(path) {
            if follows { throw FileError(path: log, reason: "is a database; --follow reads files of lines") }
            let table = try SQLiteTable(path)
            note(table, log)
            var failure: String?
            try replace(log, &prepared) { write throws(FileError) in failure = try table.convert(write) }
            if let failure { prepared.failures.append("\(log): \(failure)") }
        } else if !follows, try isSpread(path, log) {
            let values = JSONValueLog(map: map)
            try replace(log, &prepared) { write throws(FileError) in try values.convert(path, write) }
            prepared.add(values.rejects, values.failure, of: log)
        } else {
            prepared.paths.append(path)
        }
    }

    private func isSpread(_ path: String, _ name: String) throws(FileError) -> Bool {
        do throws(FileError) {
            return try JSONValueLog.isOne(path)
        } catch {
            throw FileError(path: name, reason: error.reason)
        }
    }

    private static func notFollowed(_ log: String, _ format: ForeignFormat?) -> FileError {
        FileError(
            path: log,
            reason:
                "is a log of \(format?.rawValue ?? "another system"), which is read whole; --follow reads Bursar's own "
                + "format, and JSON lines or CSV by --map")
    }

    private func guess(_ path: String, _ name: String) throws(FileError) -> ForeignFormat? {
        do throws(FileError) {
            return try ForeignLog.guess(path)
        } catch {
            throw FileError(path: name, reason: error.reason)
        }
    }

    private func note(_ table: SQLiteTable, _ name: String) {
        guard table.isReadAsUnchanging else { return }
        Console.error(
            "\(shown(name)): its folder cannot be written, so it is read as a database that no program writes now")
    }

    private func convert(
        _ path: String, name: String, _ format: ForeignFormat, _ prepared: inout Prepared
    ) throws(FileError) {
        let foreign = ForeignLog(format, overrides: overrides, callPath: callPath, map: map)
        if SQLiteTable.isDatabase(path) { note(try SQLiteTable(path), name) }
        try replace(name, &prepared) { write throws(FileError) in try foreign.convert(path, name: name, write) }
        prepared.servedOnly += foreign.servedOnly
        prepared.joined += foreign.joined
        prepared.add(foreign.rejects, foreign.failure, of: name)
    }

    // MARK: - Temporary files

    /// Replaces a log by a file with converted lines.
    private func replace(
        _ name: String, _ prepared: inout Prepared,
        _ lines: (_ write: @escaping ([UInt8]) throws(FileError) -> Void) throws(FileError) -> Void
    ) throws(FileError) {
        let file = try OutputFile(temporaryFor: TemporaryFiles.folder)
        prepared.temporary.append(file)
        prepared.paths.append(file.temporary)
        prepared.names[file.temporary] = name
        do throws(FileError) {
            try lines { line throws(FileError) in try file.write(line) }
            try file.flush()
        } catch {
            // The reader of the log may know it under another path.
            throw error.path == TemporaryFiles.folder ? error : FileError(path: name, reason: error.reason)
        }
    }

    /// Copies a stream to a file, so that it can be read a second time for ordering. Returns the path.
    private func copy(_ log: String, _ prepared: inout Prepared) throws(FileError) -> String {
        guard prepared.streams.insert(LogFile.isStandardInput(log) ? "-" : log).inserted else {
            throw FileError(path: log, reason: "is named twice, and a stream can be read only once")
        }
        let file = try OutputFile(temporaryFor: TemporaryFiles.folder)
        prepared.temporary.append(file)
        prepared.names[file.temporary] = log
        try LogFile.copy(log) { bytes throws(FileError) in try file.write(bytes) }
        try file.flush()
        if SQLiteTable.isDatabase(file.temporary) {
            throw FileError(path: log, reason: "is an SQLite database, which cannot be read as a stream; name its file")
        }
        return file.temporary
    }
}
