/// What the first bytes of a log tell.
enum LogOpening {
    /// The byte order mark that some programs put before UTF-8.
    static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

    private static let others: [(head: [UInt8], what: String)] = [
        ([0xFF, 0xFE], "is UTF-16; convert it to UTF-8 first (iconv -f UTF-16 -t UTF-8)"),
        ([0xFE, 0xFF], "is UTF-16; convert it to UTF-8 first (iconv -f UTF-16 -t UTF-8)"),
        (Array("BZh".utf8), "is compressed by bzip2; decompress it first (bzip2 -dc)"),
        ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], "is compressed by xz; decompress it first (xz -dc)"),
        ([0x50, 0x4B, 0x03, 0x04], "is a ZIP archive; unpack it first"),
        (Array("PAR1".utf8), "is Parquet; export it as JSON lines or CSV first"),
        (Array("SQLite format 3\0".utf8), "is a SQLite database, which is no stream; name its file"),
    ]

    /// Why a log that begins like this is not read; nil where it may be.
    static func problem(_ text: UnsafeBufferPointer<UInt8>) -> String? {
        if let other = others.first(where: { text.starts(with: $0.head) }) { return other.what }
        let line = header(text)
        if line.contains(0), line.first != UInt8(ascii: "{") {
            return "its first line has NUL bytes, so it is no text in UTF-8"
        }
        let lead = line.first { $0 > 0x20 }
        if lead != UInt8(ascii: "{"), lead != UInt8(ascii: "["), line.contains(0x0D) {
            return "its lines end with carriage returns alone; convert them first (tr '\\r' '\\n')"
        }
        return nil
    }

    /// The first line, without a byte order mark and its line break.
    static func header(_ text: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        let start = text.starts(with: mark) ? mark.count : 0
        var end = text.firstIndex(of: 0x0A) ?? text.count
        if end > start, text[end - 1] == 0x0D { end -= 1 }
        return UnsafeBufferPointer(rebasing: text[start..<max(start, end)])
    }
}
