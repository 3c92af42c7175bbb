import BursarSyntax
import CSQLite
import CZlib
import CZstd
import RandomPolicies

/// Compressed files and databases that hold a log.
enum Containers {
    static func gzip(_ bytes: [UInt8], level: Int) -> [UInt8] {
        var stream = z_stream()
        // 31: the largest window, with gzip's header.
        guard
            deflateInit2_(
                &stream, Int32(level), Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
                Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { return [] }
        defer { deflateEnd(&stream) }
        var input = bytes
        let bound = Int(deflateBound(&stream, UInt(bytes.count))) + 64
        return [UInt8](unsafeUninitializedCapacity: bound) { output, count in
            input.withUnsafeMutableBufferPointer { input in
                stream.next_in = input.baseAddress
                stream.avail_in = UInt32(input.count)
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(bound)
                deflate(&stream, Z_FINISH)
            }
            count = bound - Int(stream.avail_out)
        }
    }

    static func zstd(_ bytes: [UInt8], level: Int) -> [UInt8] {
        let bound = ZSTD_compressBound(bytes.count)
        return [UInt8](unsafeUninitializedCapacity: bound) { output, count in
            let made = ZSTD_compress(output.baseAddress, bound, bytes, bytes.count, Int32(level))
            count = ZSTD_isError(made) == 0 ? made : 0
        }
    }

    /// A database with a table of records, as a file's bytes. Values are of any type, whatever the column's is.
    static func database(_ random: inout SeededGenerator, _ lines: [[UInt8]]) -> [UInt8] {
        var database: OpaquePointer?
        guard sqlite3_open(":memory:", &database) == SQLITE_OK else { return [] }
        defer { sqlite3_close(database) }
        let table = random.pick(["ai_usage_log", "LiteLLM_SpendLogs", "log", "a b", "x\"y"])
        let columns = [
            "ts", "request_id", "tenant", "user", "model", "input_tokens", "output_tokens", "cost", "status",
        ].filter { _ in random.chance(92) }
        let names = columns.map { "\"\($0)\"\(random.chance(30) ? " INTEGER" : "")" }.joined(separator: ", ")
        if random.chance(20) { sqlite3_exec(database, "PRAGMA page_size = 512", nil, nil, nil) }
        let quoted =
            "\"" + table.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
        sqlite3_exec(database, "CREATE TABLE \(quoted) (\(names.isEmpty ? "a" : names))", nil, nil, nil)
        for _ in 0..<random.below(20) {
            let line = lines.isEmpty ? .null : (try? JSONTree.parse(random.pick(lines))) ?? .null
            let values = columns.map { value(line[$0], &random) }.joined(separator: ", ")
            if !values.isEmpty { sqlite3_exec(database, "INSERT INTO \(quoted) VALUES (\(values))", nil, nil, nil) }
        }
        if random.chance(5) { sqlite3_exec(database, "CREATE VIEW v AS SELECT * FROM \(quoted)", nil, nil, nil) }
        if random.chance(5) { sqlite3_exec(database, "CREATE TABLE other (a, b)", nil, nil, nil) }
        var size: sqlite3_int64 = 0
        guard let bytes = sqlite3_serialize(database, "main", &size, 0) else { return [] }
        defer { sqlite3_free(bytes) }
        return Array(UnsafeBufferPointer(start: bytes, count: Int(size)))
    }

    private static func value(_ tree: JSONTree?, _ random: inout SeededGenerator) -> String {
        if random.chance(15) {
            return random.pick([
                "NULL", "0", "-1", "9223372036854775807", "-9223372036854775808", "1e308", "-1e308", "9e999", "0.1",
                "x'00ff'", "x''", "zeroblob(1000)", "''", "'\u{2028}'", "'1970-01-01'", "'[1,2'", "char(0)",
            ])
        }
        switch tree {
        case .number(let text)?: return text
        case .string(let text)?:
            return "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
        default: return "NULL"
        }
    }
}
