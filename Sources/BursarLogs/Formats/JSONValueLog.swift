import BursarSyntax

/// A log in Bursar's own fields, or of columns that are named by hand, whose records are not one a line: elements of a JSON
/// list, or JSON objects over several lines.
package final class JSONValueLog {
    /// Values of the log that cannot be used, with the reason.
    package private(set) var rejects: [(line: Int, reason: String)] = []
    /// Why the log could not be read to its end.
    package private(set) var failure: String?

    private let check: LineCheck

    /// - Parameter map: how the records are read.
    package init(map: FieldMap) { check = LineCheck(map) }

    /// A log is one of these.
    package static func isOne(_ path: String) throws(FileError) -> Bool {
        guard case .lines(let text)? = try LogSource(path).next(isCSV: false, isLast: true) else { return false }
        return ForeignValues.isSpread(text.bytes)
    }

    /// Hands out every record on a line of its own.
    package func convert(
        _ path: String, _ write: @escaping ([UInt8]) throws(FileError) -> Void
    ) throws(FileError) {
        var values = try ForeignValues(path)
        try values.forEach { value, line throws(FileError) in
            switch value {
            case .failure(let error): rejects.append((line, error.reason))
            case .success(let tree):
                var json = JSONWriter()
                json.value(tree)
                json.endLine()
                if let problem = check.problem(json.bytes) {
                    rejects.append((line, problem))
                } else {
                    try write(json.bytes)
                }
            }
            return true
        }
        failure = values.failure
    }
}
