/// Decimal digits, eight at a time: each byte of a word is one character less `0`, the first character in the lowest byte.
enum Digits {
    /// Eight times the character `0`.
    static let zeros: UInt64 = 0x3030_3030_3030_3030

    /// Marks, in the high bit of each byte, what is no digit. Only the first mark is sure: a carry may pass it.
    @inline(__always)
    static func marks(_ digits: UInt64) -> UInt64 {
        ((digits &+ 0x7676_7676_7676_7676) | digits) & 0x8080_8080_8080_8080
    }

    /// The number that eight digits are: neighbours are added up in three steps.
    @inline(__always)
    static func value(_ digits: UInt64) -> UInt64 {
        let pairs = (digits &* 10 &+ digits >> 8) & 0x00FF_00FF_00FF_00FF
        let fours = (pairs &* 100 &+ pairs >> 16) & 0x0000_FFFF_0000_FFFF
        return (fours &* 10_000 &+ fours >> 32) & 0xFFFF_FFFF
    }
}
