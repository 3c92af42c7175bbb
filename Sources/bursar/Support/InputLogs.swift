import BursarReplay
import BursarSyntax
import BursarTraffic

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The logs of a verb in whatever format, ready to be replayed.
struct InputLogs {
    static let own = "bursar: JSON lines with the fields that `bursar eval` reads; Docs/replay.md lists them.\n"

    private let format: ForeignFormat?
    private let isGuessed: Bool
    private let overrides: [Field: String]
    private let callPath: String?
    /// For logs in Bursar's own format, or of one's own by `--map`.
    let map: FieldMap

    /// - Parameters:
    ///   - format: as it was said; nil: guessed from the first record of each log.
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

    /// nil for Bursar's own.
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

    /// Logs that can be replayed, with what had to be made for that.
    struct Prepared {
        var paths: [String] = []
        var rejects: [ReplayReject] = []
        var servedOnly = 0
        var joined = 0
        fileprivate var temporary: [String] = []

        func remove() { for path in temporary { unlink(path) } }
    }

    private static let endings = [".jsonl", ".ndjson", ".json", ".csv"].flatMap { [$0, $0 + ".gz", $0 + ".zst"] }

    /// Logs, where a folder stands for those in it, in the order of their names.
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

    /// - Parameter follows: the log goes on, so that it cannot be said again in another format first.
    func prepare(_ logs: [String], follows: Bool = false) throws -> Prepared {
        var prepared = Prepared()
        for log in logs {
            do throws(FileError) {
                if let format = format ?? (isGuessed ? ForeignLog.guess(log) : nil) {
                    guard !follows else {
                        throw FileError(
                            path: log,
                            reason: "is a log of \(format.rawValue), which is read whole; --follow reads Bursar's own "
                                + "format, and JSON lines or CSV by --map")
                    }
                    try convert(log, format, &prepared)
                } else if SQLiteTable.isDatabase(log) {
                    try convertTable(log, &prepared)
                } else {
                    prepared.paths.append(log)
                }
            } catch {
                prepared.remove()
                throw ExitStatus(ExitStatus.usage, error.description)
            }
        }
        return prepared
    }

    private func convertTable(_ log: String, _ prepared: inout Prepared) throws(FileError) {
        try replace(&prepared) { line throws(FileError) in try SQLiteTable.convert(log, line) }
    }

    /// Puts lines that are to be replayed in place of a log.
    private func replace(
        _ prepared: inout Prepared, _ lines: (_ write: ([UInt8]) -> Void) throws(FileError) -> Void
    ) throws(FileError) {
        let path = try Self.temporaryFile()
        prepared.temporary.append(path)
        prepared.paths.append(path)
        guard let stream = fopen(path, "wb") else {
            throw FileError(path: path, reason: String(cString: strerror(errno)))
        }
        var written = true
        do {
            defer { if fclose(stream) != 0 { written = false } }
            try lines { line in
                if fwrite(line, 1, line.count, stream) != line.count { written = false }
            }
        }
        guard written else { throw FileError(path: path, reason: "the temporary file cannot be written") }
    }

    private func convert(_ log: String, _ format: ForeignFormat, _ prepared: inout Prepared) throws(FileError) {
        var foreign = ForeignLog(format, overrides: overrides, callPath: callPath)
        try replace(&prepared) { line throws(FileError) in try foreign.convert(log, line) }
        prepared.servedOnly += foreign.servedOnly
        prepared.joined += foreign.joined
        prepared.rejects += foreign.rejects.map { ReplayReject(path: log, line: $0.line, reason: $0.reason) }
    }

    // MARK: - Temporary files

    private static func temporaryFile() throws(FileError) -> String {
        let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(folder)/bursar-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw FileError(path: folder, reason: "no temporary file can be made in it") }
        close(descriptor)
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Standard input as a file, so that it can be read again where it must be ordered.
    static func spool() throws -> String {
        let path = try temporaryFile()
        let descriptor = open(path, O_WRONLY | O_TRUNC)
        guard descriptor >= 0 else { throw ExitStatus(ExitStatus.usage, "\(path): cannot be written") }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(0, &buffer, buffer.count)
            if count <= 0 { break }
            guard write(descriptor, buffer, count) == count else {
                unlink(path)
                throw ExitStatus(ExitStatus.usage, "\(path): the temporary file cannot be written")
            }
        }
        return path
    }
}
