import BursarSyntax

/// The lines of a file or stream, each as soon as it is there.
package final class LineStream {
    package enum Line {
        case whole([UInt8])
        /// A line that is longer than any may be, by its bytes.
        case overlong(Int)
    }

    private let name: String
    private let stream: ByteStream
    private var buffer: [UInt8] = []
    /// Where the next line begins, and how far line breaks were looked for.
    private var start = 0
    private var looked = 0

    private var chunk = [UInt8](repeating: 0, count: 1 << 16)

    /// - Parameter path: of standard input as `LogFile` knows it.
    package init(_ path: String) throws(FileError) {
        name = LogFile.isStandardInput(path) ? "standard input" : path
        do throws(FileError) {
            if try LogFile.kind(of: path) == .folder { throw FileError(path: path, reason: "is a folder") }
            stream = ByteStream(descriptor: try LogFile.open(path), stop: StopSignal())
        } catch {
            throw FileError(path: name, reason: error.reason)
        }
    }

    /// The next line without its line break; nil at the end.
    package func next() throws(FileError) -> Line? {
        var passed = 0
        while true {
            let found = buffer.withUnsafeBufferPointer { firstLineBreak(UnsafeBufferPointer(rebasing: $0[looked...])) }
            if let found {
                let end = looked + found
                defer { (start, looked) = (end + 1, end + 1) }
                return passed > 0 ? .overlong(passed + end - start) : .whole(Array(buffer[start..<end]))
            }
            looked = buffer.count
            if looked - start > Bounds.lineBytes || passed > 0 {
                passed += looked - start
                start = looked
            }
            if try !fill() {
                if passed > 0 { return .overlong(passed) }
                if start == buffer.count { return nil }
                defer { start = buffer.count }
                return .whole(Array(buffer[start...]))
            }
        }
    }

    private func fill() throws(FileError) -> Bool {
        if start > 0 {
            buffer.removeFirst(start)
            (start, looked) = (0, looked - start)
        }
        let added = chunk.withUnsafeMutableBytes { stream.read(into: $0) }
        if added == 0, let failure = stream.failure { throw FileError(path: name, reason: failure) }
        buffer.append(contentsOf: chunk[..<added])
        return added > 0
    }
}
