import Foundation
import Testing

/// The decisions and rejects of a log whose times go back.
@Suite struct OrderedDecisionsTests {
    /// Records whose second half is out of order, with lines that are no records.
    private static func log(_ count: Int) -> String {
        var lines = (0..<count).map { number in
            let place = number < count / 2 ? number : count / 2 + (number * 7919) % (count / 2)
            let time = "2026-06-01T\(two(place / 3_600)):\(two(place / 60 % 60)):\(two(place % 60))Z"
            return
                #"{"ts":"\#(time)","request_id":"r\#(number)","tenant":"t\#(number % 40)","model":"gpt-4o-mini","input_tokens":\#(number % 900)}"#
        }
        for place in stride(from: count - 1, to: 0, by: -1_000) { lines.insert("no record \(place)", at: place) }
        return lines.joined(separator: "\n")
    }

    private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

    @Test func `are whole lines in the order of the log with any number of threads`() throws {
        try Binary.inFolder { folder in
            let count = 24_000
            let log = folder.appending(path: "log.jsonl")
            try Data(Self.log(count).utf8).write(to: log)
            var written: [[Data]] = []
            for threads in [1, 2, 3, 7] {
                let files = ["d", "r"].map { folder.appending(path: "\($0)\(threads)") }
                // Longer than what will be there.
                for file in files { try Data(repeating: 0x78, count: 40 << 20).write(to: file) }
                let result = try Binary.run(
                    "replay", "--quiet", "--policies", "Policies/saas-tiers", "--threads", "\(threads)", "--decisions",
                    files[0].path(), "--rejects", files[1].path(), log.path())
                #expect(result.status == 0)
                #expect(result.output.contains("its records were sorted first"))
                written.append(try files.map { try Data(contentsOf: $0) })
            }
            for other in written.dropFirst() { #expect(other == written[0]) }
            let lines = String(decoding: written[0][0], as: UTF8.self).split(separator: "\n")
            #expect(lines.count == count)
            for (number, line) in lines.enumerated() {
                #expect(line.hasPrefix(#"{"request_id":"r\#(number)","#) && line.hasSuffix("}"), "\(line)")
            }
            #expect(!written[0][0].contains(0) && !written[0][1].contains(0))
            let rejects = String(decoding: written[0][1], as: UTF8.self).split(separator: "\n")
            #expect(rejects.count == count / 1_000)
            #expect(rejects.allSatisfy { $0.hasPrefix("{\"file\":") && $0.hasSuffix("}") })
        }
    }

    @Test func `rejects of a converted log name its own lines, in their order`() throws {
        func record(_ number: Int, _ more: String) -> String {
            #"{"request_id":"\#(number)","startTime":"2026-06-01T00:00:0\#(number)Z","model":"gpt-4o","team_id":"t","call_type":"acompletion","completion_tokens":1,"spend":\#(more)}"#
        }
        let lines = [
            record(0, "0.1"), "no record", record(2, "-1"), record(3, "0.1"), "{}", record(5, "-1"), record(6, "0.1"),
            "no record",
        ]
        // The same where the records must be ordered first.
        for order in [Array(lines.indices), [0, 1, 2, 6, 4, 5, 3, 7]] {
            try Binary.inFolder { folder in
                let text = Data(order.map { lines[$0] + "\n" }.joined().utf8)
                let log = folder.appending(path: "log.jsonl")
                try text.write(to: log)
                for (name, input) in [(log.path(), Data()), ("-", text)] {
                    let result = try Binary.run(
                        ["replay", "--input", "litellm", "--policies", "Policies/saas-tiers", "--rejects", "-", name],
                        input: input)
                    #expect(result.status == 0)
                    let rejects = result.output.split(separator: "\n")
                    #expect(rejects.count == 5, "\(result)")
                    for (reject, line) in zip(rejects, [2, 3, 5, 6, 8]) {
                        #expect(reject.hasPrefix(#"{"file":"\#(name)","line":\#(line),"#), "\(reject)")
                    }
                }
            }
        }
    }
}
