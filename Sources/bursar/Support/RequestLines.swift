import BursarSyntax
import BursarLogs

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The requests in a file or on standard input: one per line, or a single request over several lines.
enum RequestLines {
    /// The maximum size of a request in bytes.
    private static let longest = 64 << 20

    static func forEach(in path: String, _ body: ([UInt8]) -> Void) throws(FileError) {
        if path != "-" {
            let bytes = try FileReading.read(path, limit: 1 << 32)
            if isSingle(bytes) {
                body(bytes)
            } else {
                for line in bytes.split(separator: 0x0A) where !isBlank(line) { body(Array(line)) }
            }
            return
        }
        var isFirst = true
        while let line = try readLine() {
            if isBlank(line[...]) { continue }
            if isFirst, !isSingle(line), isOpen(line) {
                var whole = line
                while let more = try readLine(), whole.count < longest { whole += [0x0A] + more }
                body(whole)
                return
            }
            isFirst = false
            body(line)
        }
    }

    private static func isBlank(_ line: ArraySlice<UInt8>) -> Bool { line.allSatisfy { $0 <= 0x20 } }

    private static func isSingle(_ bytes: [UInt8]) -> Bool { LogFormat.readSingle(bytes).error == nil }

    /// The line ends inside an object, which continues on the next line.
    private static func isOpen(_ line: [UInt8]) -> Bool {
        LogFormat.readSingle(line).error?.hasPrefix("the line ends") ?? false
    }

    nonisolated(unsafe) private static let input = fdopen(0, "r")

    private static func readLine() throws(FileError) -> [UInt8]? {
        guard let input else { throw FileError(path: "standard input", code: errno) }
        var pointer: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { free(pointer) }
        let count = getline(&pointer, &capacity, input)
        guard count > 0, let pointer else {
            if ferror(input) != 0 { throw FileError(path: "standard input", code: errno) }
            return nil
        }
        var line = pointer.withMemoryRebound(to: UInt8.self, capacity: count) {
            Array(UnsafeBufferPointer(start: $0, count: count))
        }
        while line.last == 0x0A || line.last == 0x0D { line.removeLast() }
        return line
    }
}
