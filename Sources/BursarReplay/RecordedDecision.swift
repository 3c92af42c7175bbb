import BursarSyntax

/// The identifying part of a decision written by `replay --decisions`: the request and the outcome.
package struct RecordedDecision: Sendable {
    package let requestID: String
    package let outcome: String
    /// The code of the first reason; empty if there is none.
    package let code: String
    package let version: String
    package let digest: String

    package enum ReadingError: Error {
        /// The position is not in the form `FILE:LINE`.
        case notAPlace
        /// The line does not exist or is not a decision.
        case notADecision
    }

    /// Reads one line of a file of decisions.
    ///
    /// - Parameter place: `decisions.jsonl:12`.
    /// - Throws: `ReadingError`, or `FileError` if the file cannot be read.
    package init(at place: String) throws {
        guard let colon = place.lastIndex(of: ":"), let line = Int(place[place.index(after: colon)...]), line > 0 else {
            throw ReadingError.notAPlace
        }
        let path = String(place[..<colon])
        let lines = try FileReading.read(path).split(separator: 0x0A, omittingEmptySubsequences: false)
        guard line <= lines.count, let tree = try? JSONTree.parse(Array(lines[line - 1])),
            let id = tree["request_id"]?.text, let outcome = tree["outcome"]?.text
        else { throw ReadingError.notADecision }
        requestID = id
        self.outcome = outcome
        var first: JSONTree?
        if case .list(let reasons)? = tree["reasons"] { first = reasons.first }
        code = first?["code"]?.text ?? ""
        version = tree["policy"]?["version"]?.text ?? ""
        digest = tree["policy"]?["digest"]?.text ?? ""
    }
}
