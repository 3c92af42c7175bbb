import Bursar
import Testing

struct ValueTests {
    @Test func moneyIsExact() {
        #expect(Money("0.0125")?.nanoUnits == 12_500_000)
        #expect(Money("-1.000000001")?.nanoUnits == -1_000_000_001)
        #expect(Money("9223372036.854775807")?.nanoUnits == .max)
        #expect(Money("9223372036.854775808") == nil)
        #expect(Money(nanoUnits: 12_500_000).description == "0.0125")
    }

    @Test(arguments: ["", "-", ".", "1.", ".5", "1e3", "1.0000000001", "$1", " 1", "١", "--1", "1.2.3", "+1"])
    func whatIsNoDecimalIsNoMoney(text: String) { #expect(Money(text) == nil) }

    @Test func timestampsReadAndWriteRFC3339() {
        let time = Timestamp("2026-06-03T12:00:00.25Z")
        #expect(time?.microsecondsSince1970 == 1_780_488_000_250_000)
        #expect(time.flatMap { Timestamp($0.description) } == time)
        #expect(Timestamp("yesterday") == nil)
        #expect(Timestamp("2026-06-03") == nil)
        #expect(Timestamp("1970-01-01T00:00:01Z").map { Timestamp.now > $0 } == true)
    }

    @Test func secondsBecomeTheNearestMicrosecond() {
        #expect(Timestamp(secondsSince1970: 1.5).microsecondsSince1970 == 1_500_000)
        #expect(Timestamp(secondsSince1970: .infinity).microsecondsSince1970 == .max)
        #expect(Timestamp(secondsSince1970: -.infinity).microsecondsSince1970 == .min)
        #expect(Timestamp(secondsSince1970: .nan).microsecondsSince1970 == 0)
    }
}
