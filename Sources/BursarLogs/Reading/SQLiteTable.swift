import BursarSyntax
import CSQLite

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The rows of a table in a SQLite database, as JSON objects: a log that a service keeps there is read in place.
package final class SQLiteTable {
    /// Known table names, which are tried first.
    private static let known = ["ai_usage_log", "LiteLLM_SpendLogs"]

    private let path: String
    private var database: OpaquePointer?
    /// The database's write-ahead log cannot be used and is empty, so that the file is read as one that nobody writes.
    package private(set) var isReadAsUnchanging = false

    /// How long another program may keep the database locked, in milliseconds.
    private static let patience: Int32 = 5_000

    /// The file starts like an SQLite database.
    package static func isDatabase(_ path: String) -> Bool {
        guard (try? LogFile.kind(of: path)) == .file, let stream = fopen(path, "rb") else { return false }
        defer { fclose(stream) }
        var head = [UInt8](repeating: 0, count: 16)
        return fread(&head, 1, 16, stream) == 16 && head.elementsEqual(Array("SQLite format 3\0".utf8))
    }

    package init(_ path: String) throws(FileError) {
        self.path = path
        do throws(FileError) {
            try open(path, SQLITE_OPEN_READONLY)
        } catch {
            // A database in WAL mode needs files beside it, which a folder without write permission cannot get.
            guard access(Self.folder(of: path), W_OK) != 0, Self.isEmpty(path + "-wal") else { throw error }
            close()
            let uri = "file:" + uriReference(path).replacing("file://", with: "") + "?immutable=1"
            try open(uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI)
            isReadAsUnchanging = true
        }
    }

    deinit { close() }

    private func close() {
        sqlite3_close(database)
        database = nil
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func isEmpty(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) != 0 || status.st_size == 0
    }

    private func open(_ name: String, _ flags: Int32) throws(FileError) {
        guard sqlite3_open_v2(name, &database, flags, nil) == SQLITE_OK else { throw failure() }
        sqlite3_busy_timeout(database, Self.patience)
        sqlite3_limit(database, SQLITE_LIMIT_LENGTH, Int32(Bounds.lineBytes))
        // A database from elsewhere runs no functions, and its pages are checked.
        sqlite3_exec(database, "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON", nil, nil, nil)
        // The file is looked at only now.
        guard sqlite3_exec(database, "SELECT count(*) FROM sqlite_master", nil, nil, nil) == SQLITE_OK else {
            throw failure()
        }
    }

    /// - Parameter row: rows that were read.
    private func failure(after row: Int = 0) -> FileError {
        guard let database else { return FileError(path: path, reason: "cannot be opened") }
        let message = String(cString: sqlite3_errmsg(database))
        let place = row > 0 ? ", after row \(row)" : ""
        switch sqlite3_errcode(database) & 0xFF {
        case SQLITE_BUSY, SQLITE_LOCKED:
            return FileError(
                path: path,
                reason:
                    "is locked by another program for more than \(Self.patience / 1_000) s\(place); copy it, or wait")
        case SQLITE_CANTOPEN:
            let hasLog = !Self.isEmpty(path + "-wal")
            return FileError(
                path: path,
                reason: message
                    + (hasLog ? "; copy it with its -wal file to a folder that can be written, and read the copy" : ""))
        case SQLITE_TOOBIG:
            return FileError(
                path: path, reason: "row \(row + 1) is larger than \(Bounds.lineBytes >> 20) MiB; export the others")
        case SQLITE_CORRUPT, SQLITE_NOTADB: return FileError(path: path, reason: "is damaged: \(message)\(place)")
        default: return FileError(path: path, reason: message + place)
        }
    }

    /// Passes every row with its number to `body`, until `body` returns false.
    func forEachRow(_ body: (JSONTree, Int) throws(FileError) -> Bool) throws(FileError) {
        let statement = try prepare("SELECT * FROM \(try table())")
        defer { sqlite3_finalize(statement) }
        let columns = (0..<sqlite3_column_count(statement)).map { column in
            sqlite3_column_name(statement, column).map { String(cString: $0) } ?? ""
        }
        var row = 0
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW:
                row += 1
                let values = columns.indices.map { (key: columns[$0], value: Self.value(statement, Int32($0))) }
                if !(try body(.object(values), row)) { return }
            case SQLITE_DONE: return
            default: throw failure(after: row)
            }
        }
    }

    private func prepare(_ query: String) throws(FileError) -> OpaquePointer? {
        var statement: OpaquePointer?
        guard sqlite3_prepare_v2(database, query, -1, &statement, nil) == SQLITE_OK else { throw failure() }
        return statement
    }

    /// The table that is the log, as SQL names it.
    private func table() throws(FileError) -> String {
        let tables = try names()
        guard let table = Self.known.first(where: tables.contains) ?? (tables.count == 1 ? tables.first : nil) else {
            let shown = tables.prefix(12).joined(separator: ", ")
            throw FileError(
                path: path,
                reason: tables.isEmpty
                    ? "the database has no table"
                    : "which table is the log? There are \(shown); export the one that is meant")
        }
        // SQLite cannot bind a name; doubled quotation marks keep it a single name.
        return "\"" + table.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }

    private func names() throws(FileError) -> [String] {
        let statement = try prepare(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
        defer { sqlite3_finalize(statement) }
        var names: [String] = []
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW: if let text = sqlite3_column_text(statement, 0) { names.append(String(cString: text)) }
            case SQLITE_DONE: return names
            default: throw failure()
            }
        }
    }

    private static func value(_ statement: OpaquePointer?, _ column: Int32) -> JSONTree {
        switch sqlite3_column_type(statement, column) {
        case SQLITE_INTEGER: return .number(String(sqlite3_column_int64(statement, column)))
        case SQLITE_FLOAT:
            let number = sqlite3_column_double(statement, column)
            return number.isFinite ? .number("\(number)") : .null
        case SQLITE_TEXT, SQLITE_BLOB:
            let bytes = sqlite3_column_blob(statement, column)
            let count = Int(sqlite3_column_bytes(statement, column))
            guard let bytes else { return .string("") }
            return .string(String(decoding: UnsafeRawBufferPointer(start: bytes, count: count), as: UTF8.self))
        default: return .null
        }
    }

    /// Writes every row as a line of JSON, for logs whose columns are named by hand.
    ///
    /// - Returns: why the table could not be read to its end; nil where it was.
    package func convert(_ write: ([UInt8]) throws(FileError) -> Void) throws(FileError) -> String? {
        var json = JSONWriter()
        var hasRows = false
        do throws(FileError) {
            try forEachRow { value, _ throws(FileError) in
                guard case .object(let fields) = value else { return true }
                hasRows = true
                json.removeAll()
                json.object { json in
                    for (name, value) in fields {
                        json.key(text: name)
                        switch value {
                        case .number(let text): json.raw(text.utf8)
                        case .string(let text): json.value(text)
                        default: json.raw("null".utf8)
                        }
                    }
                }
                json.endLine()
                try write(json.bytes)
                return true
            }
        } catch {
            guard hasRows, error.path == path else { throw error }
            return error.reason
        }
        return nil
    }
}
