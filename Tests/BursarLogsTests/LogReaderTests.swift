import BursarLogs
import Foundation
import Testing

/// What becomes of a log that changes while it is read.
@Suite struct LogReaderTests {
    private static func line(_ number: Int) -> String {
        #"{"ts":"2026-06-01T00:00:00Z","request_id":"r\#(number)","tenant":"t","model":"m"}"# + "\n"
    }

    private func inFile(_ body: (URL) throws -> Void) throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "bursar-\(UUID().uuidString).jsonl")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data((0..<40_000).map(Self.line).joined().utf8).write(to: file)
        try body(file)
    }

    @Test func `a log that is truncated while it is read ends with the place`() throws {
        try inFile { file in
            let reader = try LogReader(file.path(), map: FieldMap())
            let first = try #require(try reader.next())
            #expect(LogFormat.read(first).count > 0)
            let size = try #require(reader.size)
            try FileHandle(forWritingTo: file).truncate(atOffset: 10)
            while try reader.next() != nil {}
            let failure = try #require(reader.failure)
            #expect(failure.contains("was truncated while it was read: it had \(size) bytes"), "\(failure)")
            // What was read stays as it was.
            #expect(LogFormat.read(first).rejects.isEmpty)
        }
    }

    @Test func `a line that is cut is no record`() throws {
        try inFile { file in
            let reader = try LogReader(file.path(), map: FieldMap())
            _ = try reader.next()
            try FileHandle(forWritingTo: file).truncate(atOffset: UInt64(reader.position + 5))
            var rejects: [String] = []
            while let stretch = try reader.next() { rejects += LogFormat.read(stretch).rejects.map(\.reason) }
            #expect(rejects == ["the log ends inside this line"])
        }
    }
}
