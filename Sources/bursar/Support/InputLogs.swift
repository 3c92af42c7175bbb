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
                ExitStatus.usage, "there is no format `\(name)`\(near) Formats: \(known.joined(separator: ", "))")
        }
        return format
    }

    /// Logs that can be replayed, and the data about their conversion.
    struct Prepared {
        var paths: [String] = []
        /// The original names of converted logs, by path.
        var names: [String: String] = [:]
        /// For each name, the line in the log of each converted line.
        var lines: [String: [UInt32]] = [:]
        var rejects: [ReplayReject] = []
        var servedOnly = 0
        var joined = 0
        fileprivate var temporary: [OutputFile] = []

        func remove() { for file in temporary { file.discard() } }
    }

    private static let endings = [".jsonl", ".ndjson", ".json", ".csv"].flatMap { [$0, $0 + ".gz", $0 + ".zst"] }

    /// Replaces each folder by its logs, in the order of their names.
    static func expanded(_ logs: [String]) throws -> [String] {
        try logs.flatMap { log -> [String] in
            guard log != "-", FileReading.kind(of: log) == .folder else { return [log] }
            let names = (try? FileReading.names(in: log)) ?? []
            let found = names.filter { name in endings.contains(where: name.hasSuffix) }
                .map { log.hasSuffix("/") ? log + $0 : log + "/" + $0 }.filter { FileReading.kind(of: $0) == .file }
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
                throw ExitStatus(ExitStatus.usage, error.description)
            }
        }
        return prepared
    }

    private func prepare(_ log: String, follows: Bool, _ prepared: inout Prepared) throws(FileError) {
        let path = log == "-" ? try spoolInput(&prepared) : log
        if let format = format ?? (isGuessed ? ForeignLog.guess(path) : nil) {
            guard !follows else {
                throw FileError(
                    path: log,
                    reason: "is a log of \(format.rawValue), which is read whole; --follow reads Bursar's own "
                        + "format, and JSON lines or CSV by --map")
            }
            try convert(path, name: log, format, &prepared)
        } else if SQLiteTable.isDatabase(path) {
            try replace(log, &prepared) { line throws(FileError) in try SQLiteTable.convert(path, line) }
        } else {
            prepared.paths.append(path)
        }
    }

    private func convert(
        _ path: String, name: String, _ format: ForeignFormat, _ prepared: inout Prepared
    ) throws(FileError) {
        var foreign = ForeignLog(format, overrides: overrides, callPath: callPath)
        var lines: [UInt32] = []
        try replace(name, &prepared) { write throws(FileError) in
            try foreign.convert(path, name: name) { record, line in
                lines.append(UInt32(clamping: line))
                return write(record)
            }
        }
        prepared.lines[name] = lines
        prepared.servedOnly += foreign.servedOnly
        prepared.joined += foreign.joined
        prepared.rejects += foreign.rejects.map { ReplayReject(path: name, line: $0.line, reason: $0.reason) }
    }

    // MARK: - Temporary files

    /// Replaces a log by a file with converted lines.
    private func replace(
        _ name: String, _ prepared: inout Prepared, _ lines: (_ write: ([UInt8]) -> Bool) throws(FileError) -> Void
    ) throws(FileError) {
        let file = try OutputFile(temporaryFor: TemporaryFiles.folder)
        prepared.temporary.append(file)
        prepared.paths.append(file.temporary)
        prepared.names[file.temporary] = name
        var failure: FileError?
        do throws(FileError) {
            try lines { line in
                do throws(FileError) { try file.write(line) } catch { failure = error }
                return failure == nil
            }
            if failure == nil { try file.flush() }
        } catch {
            // The reader of the log may know it under another path.
            throw error.path == TemporaryFiles.folder ? error : FileError(path: name, reason: error.reason)
        }
        if let failure { throw failure }
    }

    /// Copies standard input to a file, so that it can be read a second time for ordering. Returns the path.
    private func spoolInput(_ prepared: inout Prepared) throws(FileError) -> String {
        let file = try OutputFile(temporaryFor: TemporaryFiles.folder)
        prepared.temporary.append(file)
        prepared.names[file.temporary] = "-"
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(0, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            if count < 0 { throw FileError(path: "standard input", code: errno) }
            if count == 0 { break }
            try file.write(Array(buffer[..<count]))
        }
        try file.flush()
        return file.temporary
    }
}
