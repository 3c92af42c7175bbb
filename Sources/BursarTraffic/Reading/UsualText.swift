import CIntrinsics

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Reads keys and values that are written as most are; of others it says so and reads nothing.
///
/// Words are loaded whole, whatever line their bytes are of, but never from beyond the block.
struct UsualText {
    let base: UnsafePointer<UInt8>
    /// Bytes of the block.
    let end: Int

    /// Whether a key stands here as it stood last, with all that surrounds it.
    @inline(__always)
    func matches(_ key: UnsafeMutablePointer<JSONLineScanner.Key>, at place: Int) -> Bool {
        let count = key.pointee.count
        guard place &+ max(JSONLineScanner.Key.wordBytes, count) <= end,
            bursar_matches(base + place, &key.pointee.words, &key.pointee.masks)
        else { return false }
        return count <= JSONLineScanner.Key.wordBytes || memcmp(base + key.pointee.start, base + place, count) == 0
    }

    /// Reads a value into the record; false: it is not a usual one, and `place` is where it was.
    @inline(__always)
    func readValue(
        of key: UnsafeMutablePointer<JSONLineScanner.Key>, at place: inout Int, into record: RecordBlock.Record,
        _ timestamps: borrowing TimestampReader
    ) -> Bool {
        switch key.pointee.kind {
        case .text:
            guard let slice = string(at: &place, key) else { return false }
            if slice.count > 0 { record.texts[key.pointee.place] = slice }
        case .whole:
            guard let number = number(at: &place, key) else { return false }
            record.numbers[key.pointee.place] = number
        case .duration:
            guard let number = number(at: &place, key) else { return false }
            record.numbers[key.pointee.place] = number &* 1_000
        case .time:
            let first = place &+ 1
            let last = first &+ TimestampReader.usualBytes
            guard last < end, base[place] == UInt8(ascii: "\""), base[last] == UInt8(ascii: "\""),
                let time = timestamps.readUsual(base + first)
            else { return false }
            place = last &+ 1
            record.numbers[key.pointee.place] = time
        case .ignored: return string(at: &place, key) != nil
        case .other: return false
        }
        return true
    }

    /// A string of nothing but printable ASCII, without escapes.
    ///
    /// Where it is as long as the key's last one, the next key need not wait until this is known.
    @inline(__always)
    private func string(at place: inout Int, _ key: UnsafeMutablePointer<JSONLineScanner.Key>) -> ByteSlice? {
        guard place < end, base[place] == UInt8(ascii: "\"") else { return nil }
        let start = place &+ 1
        var last = start
        while last &+ 32 <= end {
            let count = bursar_plain_prefix(base + last)
            last &+= count
            if count == 32 { continue }
            let length = last &- start
            guard base[start &+ length] == UInt8(ascii: "\"") else { return nil }

            place = start &+ length &+ 1
            return ByteSlice(start: start, count: length, isEscaped: false)
        }
        return nil
    }

    /// A whole number of one to seven digits that a comma or a brace ends.
    @inline(__always)
    private func number(at place: inout Int, _ key: UnsafeMutablePointer<JSONLineScanner.Key>) -> Int64? {
        guard place &+ 8 <= end else { return nil }
        let digits = UnsafeRawPointer(base).loadUnaligned(fromByteOffset: place, as: UInt64.self) ^ Digits.zeros
        let others = Digits.marks(digits)
        guard others != 0 else { return nil }
        let count = others.trailingZeroBitCount >> 3
        guard count > 0, count == 1 || digits & 0xFF != 0 else { return nil }
        let next = base[place &+ count]
        guard next == UInt8(ascii: ",") || next == UInt8(ascii: "}") else { return nil }

        place &+= count
        return Int64(truncatingIfNeeded: Digits.value(digits << UInt64(truncatingIfNeeded: 64 &- count &* 8)))
    }
}
