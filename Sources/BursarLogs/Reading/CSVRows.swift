/// Finds where rows of comma-separated values end: at a line break outside of quoted cells (RFC 4180).
///
/// A quotation mark opens a quoted cell only where the cell begins; anywhere else it is a letter, as in `5" disk`.
struct CSVRows {
    private enum State { case cellStart, plain, quoted, quoteInQuoted }

    private var state = State.cellStart
    /// Bytes that were looked at.
    private var position = 0
    /// The byte after the last row; nil: none has ended.
    private(set) var lastEnd: Int?

    /// Looks on from where it stopped: the text is the same, or longer.
    mutating func look(at text: UnsafeBufferPointer<UInt8>) {
        while position < text.count { step(text[position]) }
    }

    @inline(__always)
    private mutating func step(_ byte: UInt8) {
        position += 1
        switch state {
        case .quoted: if byte == UInt8(ascii: "\"") { state = .quoteInQuoted }
        case .cellStart where byte == UInt8(ascii: "\""), .quoteInQuoted where byte == UInt8(ascii: "\""):
            state = .quoted
        default:
            state = byte == UInt8(ascii: ",") || byte == 0x0A ? .cellStart : .plain
            if byte == 0x0A { lastEnd = position }
        }
    }

    /// Reads the rows of one text in turn.
    struct Reader {
        /// A quoted cell had no closing mark. From then on every line is a row, so that a lost mark costs some rows and not
        /// the rest of the log, and no text is searched twice.
        private var isLineByLine = false

        /// Where the row at `start` ends, which is the text's end where no line break follows. `isOpen`: a quoted cell of
        /// the row has no closing mark.
        mutating func row(_ text: UnsafeBufferPointer<UInt8>, from start: Int) -> (end: Int, isOpen: Bool) {
            var rows = CSVRows()
            rows.position = start
            var firstBreak: Int?
            while rows.position < text.count {
                let byte = text[rows.position]
                if byte == 0x0A, firstBreak == nil { firstBreak = rows.position }
                rows.step(byte)
                if let end = rows.lastEnd { return (end - 1, false) }
                if isLineByLine, let firstBreak { return (firstBreak, true) }
            }
            guard rows.state == .quoted else { return (text.count, false) }
            isLineByLine = true
            return (firstBreak ?? text.count, true)
        }
    }
}
