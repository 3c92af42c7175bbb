import BursarSyntax
import CSQLite

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The rows of a table in a SQLite database, as JSON objects: a log that a service keeps there is read where it lies.
package struct SQLiteTable {
    /// Tables that are looked for before others, as their systems name them.
    private static let known = ["ai_usage_log", "LiteLLM_SpendLogs"]

    /// Whether a file begins as SQLite's do.
    package static func isDatabase(_ path: String) -> Bool {
        guard FileReading.kind(of: path) == .file, let stream = fopen(path, "rb") else { return false }
        defer { fclose(stream) }
        var head = [UInt8](repeating: 0, count: 16)
        return fread(&head, 1, 16, stream) == 16 && head.elementsEqual(Array("SQLite format 3\0".utf8))
    }

    /// Hands out every row with its number, until the body says that it has enough.
    static func forEachRow(of path: String, _ body: (JSONTree, Int) -> Bool) throws(FileError) {
        var database: OpaquePointer?
        defer { sqlite3_close(database) }
        func failure() -> FileError {
            FileError(path: path, reason: database.map { String(cString: sqlite3_errmsg($0)) } ?? "cannot be opened")
        }
        guard sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY, nil) == SQLITE_OK else { throw failure() }
        let tables = try names(database, failure)
        guard let table = known.first(where: tables.contains) ?? (tables.count == 1 ? tables.first : nil) else {
            let shown = tables.prefix(12).joined(separator: ", ")
            throw FileError(
                path: path,
                reason: tables.isEmpty
                    ? "the database has no table"
                    : "which table is the log? There are \(shown); export the one that is meant")
        }
        // A name cannot be bound; doubled quotation marks keep it one name.
        let quoted = table.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
        var statement: OpaquePointer?
        defer { sqlite3_finalize(statement) }
        guard sqlite3_prepare_v2(database, "SELECT * FROM \"\(quoted)\"", -1, &statement, nil) == SQLITE_OK else {
            throw failure()
        }
        let columns = (0..<sqlite3_column_count(statement)).map { String(cString: sqlite3_column_name(statement, $0)) }
        var row = 0
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW:
                row += 1
                let values = columns.indices.map { (columns[$0], value(statement, Int32($0))) }
                if !body(.object(values), row) { return }
            case SQLITE_DONE: return
            default: throw failure()
            }
        }
    }

    private static func names(_ database: OpaquePointer?, _ failure: () -> FileError) throws(FileError) -> [String] {
        var statement: OpaquePointer?
        defer { sqlite3_finalize(statement) }
        let query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
        guard sqlite3_prepare_v2(database, query, -1, &statement, nil) == SQLITE_OK else { throw failure() }
        var names: [String] = []
        while sqlite3_step(statement) == SQLITE_ROW {
            if let text = sqlite3_column_text(statement, 0) { names.append(String(cString: text)) }
        }
        return names
    }

    private static func value(_ statement: OpaquePointer?, _ column: Int32) -> JSONTree {
        switch sqlite3_column_type(statement, column) {
        case SQLITE_INTEGER: return .number(String(sqlite3_column_int64(statement, column)))
        case SQLITE_FLOAT:
            let number = sqlite3_column_double(statement, column)
            return number.isFinite ? .number("\(number)") : .null
        case SQLITE_TEXT, SQLITE_BLOB:
            let count = Int(sqlite3_column_bytes(statement, column))
            guard let bytes = sqlite3_column_blob(statement, column) else { return .string("") }
            return .string(String(decoding: UnsafeRawBufferPointer(start: bytes, count: count), as: UTF8.self))
        default: return .null
        }
    }

    /// Says every row again as a line of JSON, for logs whose columns are named by hand.
    package static func convert(_ path: String, _ write: ([UInt8]) -> Bool) throws(FileError) {
        var json = JSONWriter()
        try forEachRow(of: path) { row, _ in
            guard case .object(let fields) = row else { return true }
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
            return write(json.bytes)
        }
    }
}
