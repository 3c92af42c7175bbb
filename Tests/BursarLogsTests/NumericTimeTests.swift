import BursarLogs
import Foundation
import Testing

/// Times as numbers since 1970, in JSON and in CSV.
@Suite struct NumericTimeTests {
    private func time(_ number: String, isCSV: Bool) throws -> Int64? {
        let file = FileManager.default.temporaryDirectory.appending(path: "bursar-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        let text =
            isCSV
            ? "at,request_id,tenant,model\n\(number),r,t,m\n"
            : #"{"at":\#(number),"request_id":"r","tenant":"t","model":"m"}"# + "\n"
        try Data(text.utf8).write(to: file)
        var map = FieldMap()
        try map.add("ts=at")
        let stretch = try #require(try LogReader(file.path(), map: map).next())
        let block = LogFormat.read(stretch)
        return block.count == 1 ? block.time(0) : nil
    }

    @Test(
        arguments: [
            ("1780272000", 1_780_272_000_000_000), ("1780272000.25", 1_780_272_000_250_000),
            ("1780272000250", 1_780_272_000_250_000), ("1780272000250.5", 1_780_272_000_250_500),
            ("1780272000250500", 1_780_272_000_250_500), ("1780272000250500999", 1_780_272_000_250_500),
            ("17802720e2", 1_780_272_000_000_000), ("9223372036854775807", 9_223_372_036_854_775),
            ("0", 0), ("-1", nil), ("1e30", nil), ("92233720368547758070", nil),
        ] as [(String, Int64?)]) func `the size tells the unit`(number: String, micros: Int64?) throws
    {
        for isCSV in [false, true] { #expect(try time(number, isCSV: isCSV) == micros) }
    }
}
