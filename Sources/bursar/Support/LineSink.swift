import BursarReplay
import BursarSyntax

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Whole lines that a replay writes during its run.
///
/// The file is replaced at the end of the replay. So a failed replay leaves the old file, and a restarted one can begin
/// again. Live lines are written at once, because a followed log has no end.
final class LineSink {
    private enum Target {
        /// Lines that are kept until the end.
        case file(OutputFile)
        case waitingOutput(OutputFile)
        case liveFile(Int32)
        case liveOutput
    }

    private let path: String
    private let target: Target
    /// The number of bytes in a live file, all in whole lines.
    private var liveBytes = 0

    /// - Parameter path: `-` is standard output.
    init(_ path: String, isLive: Bool) throws(FileError) {
        self.path = path
        switch (OutputNames.isStandardOutput(path), isLive) {
        case (true, true): target = .liveOutput
        case (true, false): target = .waitingOutput(try OutputFile(temporaryFor: "standard output"))
        case (false, false): target = .file(try OutputFile(path))
        case (false, true):
            let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
            guard descriptor >= 0 else { throw FileError(path: path, code: errno) }
            target = .liveFile(descriptor)
        }
    }

    deinit { if case .liveFile(let descriptor) = target { close(descriptor) } }

    func write(_ lines: [UInt8]) throws(FileError) {
        switch target {
        case .file(let file), .waitingOutput(let file): try file.write(lines)
        case .liveFile(let descriptor):
            var status = stat()
            let isFile = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
            if isFile {
                try TemporaryFiles.uninterrupted { () throws(FileError) in try writeLive(lines, to: descriptor) }
            } else {
                try writeLive(lines, to: descriptor)
            }
        case .liveOutput:
            Console.print(bytes: lines)
            Console.flush()
        }
    }

    private func writeLive(_ lines: [UInt8], to descriptor: Int32) throws(FileError) {
        if let code = writeAll(lines, to: descriptor) {
            // Removes a partial line. Pipes do not support this.
            _ = ftruncate(descriptor, off_t(liveBytes))
            throw FileError(path: path, code: code)
        }
        liveBytes += lines.count
    }

    /// Discards everything written so far; never called while following a log.
    func restart() throws(FileError) {
        switch target {
        case .file(let file), .waitingOutput(let file): try file.restart()
        case .liveFile, .liveOutput: break
        }
    }

    func commit() throws(FileError) {
        switch target {
        case .file(let file): try file.commit(isDurable: false)
        case .waitingOutput(let file):
            try file.forEachChunk { Console.print(bytes: $0) }
            file.discard()
        case .liveFile, .liveOutput: break
        }
    }
}

/// The files that a replay writes during its run.
final class ReplaySinks {
    private let decisions: LineSink?
    private let rejects: LineSink?
    /// The first reject, and the number of rejects with the same reason.
    private(set) var firstReject: (reject: ReplayReject, count: Int)?
    /// Rejects that are known before the replay. Each is written before the next reject of the logs.
    private let early: [ReplayReject]
    private var earlyWritten = 0
    /// The index of each log by name.
    private let logOrder: [String: Int]

    init(
        decisions: String?, rejects: String?, isLive: Bool, early: [ReplayReject], logs: [String]
    ) throws(FileError) {
        self.early = early
        logOrder = Dictionary(logs.enumerated().map { ($1, $0) }) { first, _ in first }
        self.decisions = try decisions.map { path throws(FileError) in try LineSink(path, isLive: isLive) }
        self.rejects = try rejects.map { path throws(FileError) in try LineSink(path, isLive: isLive) }
    }

    func write(decisions lines: [UInt8]) throws(FileError) { try decisions?.write(lines) }

    func write(_ reject: ReplayReject) throws(FileError) {
        try writeEarly { place($0) <= place(reject) }
        try put(reject)
    }

    private func place(_ reject: ReplayReject) -> (Int, Int) { (logOrder[reject.path] ?? 0, reject.line) }

    private func writeEarly(while precedes: (ReplayReject) -> Bool) throws(FileError) {
        while earlyWritten < early.count, precedes(early[earlyWritten]) {
            try put(early[earlyWritten])
            earlyWritten += 1
        }
    }

    private func put(_ reject: ReplayReject) throws(FileError) {
        if let first = firstReject {
            if first.reject.reason == reject.reason { firstReject = (first.reject, first.count.addingSaturated(1)) }
        } else {
            firstReject = (reject, 1)
        }
        guard let rejects else { return }
        var json = JSONWriter()
        json.object { json in
            json.field("file", reject.path)
            json.field("line", reject.line)
            json.field("reason", reject.reason)
            if let id = reject.request?.requestID { json.field("request_id", id) }
            if let tenant = reject.request?.tenant { json.field("tenant", tenant) }
        }
        json.endLine()
        try rejects.write(json.bytes)
    }

    func restart() throws(FileError) {
        earlyWritten = 0
        firstReject = nil
        try decisions?.restart()
        try rejects?.restart()
    }

    func commit() throws(FileError) {
        try writeEarly { _ in true }
        try decisions?.commit()
        try rejects?.commit()
    }
}
