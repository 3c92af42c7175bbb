import BursarSyntax

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The text of a log's records once more, in any order: from the log's file, or, of a log that is compressed, from a
/// temporary file with its text.
package final class LogText {
    /// A record's line among the bytes of the text.
    package struct Record {
        var start: Int
        var count: Int

        package init(start: Int, count: Int) {
            self.start = start
            self.count = count
        }
    }

    private let path: String
    private var format: LogReader.Stretch?
    /// The log's file as it was; nil: the text is in the copy.
    private var file: FileIdentity?
    private var copy: OutputFile?
    private var copied = 0

    /// Records that are no farther apart are read at once, up to so many bytes.
    private static let nearBytes = 4_096
    private static let runBytes = 1 << 20

    package init(_ path: String) { self.path = path }

    /// Takes the next stretch of the log, as its reader hands them out. Returns where its text begins.
    package func add(_ stretch: LogReader.Stretch, of reader: LogReader) throws(FileError) -> Int {
        if stretch.unusable == nil, format == nil { format = stretch.with(TextBuffer([])) }
        if let file = reader.textFile {
            self.file = file
            return stretch.start
        }
        let copy: OutputFile
        if let known = self.copy { copy = known } else { copy = try OutputFile(temporaryFor: TemporaryFiles.folder) }
        self.copy = copy
        defer { copied += stretch.text.bytes.count }
        try copy.write(Array(stretch.text.bytes))
        return copied
    }

    package func finish() throws(FileError) { try copy?.flush() }

    /// The lines of some records as a stretch; nil where they are not there any more.
    package func stretch(of records: [Record]) -> LogReader.Stretch? {
        guard let format, let lines = Lines(self) else { return nil }
        let text = TextBuffer(capacity: records.reduce(0) { $0 + $1.count + 1 })
        var places: [Int] = []
        for record in records {
            places.append(text.count)
            text.grow(by: record.count + 1)
        }
        let target = UnsafeMutableBufferPointer(mutating: text.bytes)
        let order = records.indices.sorted { records[$0].start < records[$1].start }
        var first = 0
        while first < order.count {
            let start = records[order[first]].start
            var end = start
            var last = first
            while last < order.count, last == first || records[order[last]].start - end <= Self.nearBytes,
                last == first || end - start < Self.runBytes
            {
                end = max(end, records[order[last]].start + records[order[last]].count)
                last += 1
            }
            guard let run = lines.read(from: start, count: end - start) else { return nil }
            for index in order[first..<last] {
                let record = records[index]
                let line = run[record.start - start..<record.start - start + record.count]
                _ = UnsafeMutableBufferPointer(rebasing: target[places[index]...]).update(fromContentsOf: line)
                target[places[index] + record.count] = 0x0A
            }
            first = last
        }
        text.seal()
        return format.with(text)
    }

    /// The text while some of it is read.
    private final class Lines {
        private let copy: OutputFile?
        private let descriptor: Int32

        /// nil: the file is gone, or another took its place.
        init?(_ text: LogText) {
            copy = text.copy
            descriptor = copy == nil ? (try? LogFile.open(text.path)) ?? -1 : -1
            guard copy == nil else { return }
            guard let file = text.file, FileIdentity(descriptor)?.isSameFile(as: file) == true else { return nil }
        }

        deinit { if descriptor > 2 { close(descriptor) } }

        func read(from start: Int, count: Int) -> [UInt8]? {
            let bytes = copy == nil ? readFile(start, count) : try? copy?.read(from: start, count: count)
            return bytes?.count == count ? bytes : nil
        }

        private func readFile(_ start: Int, _ count: Int) -> [UInt8] {
            [UInt8](unsafeUninitializedCapacity: count) { bytes, filled in
                while filled < count {
                    let got = pread(
                        descriptor, bytes.baseAddress.map { $0 + filled }, count - filled, off_t(start + filled))
                    if got < 0, errno == EINTR { continue }
                    if got <= 0 { break }
                    filled += got
                }
            }
        }
    }
}
