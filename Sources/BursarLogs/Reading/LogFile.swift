import BursarSyntax

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What a log's path leads to.
package enum LogFile {
    package enum Kind: Equatable, Sendable {
        /// It can be read as often as is wanted.
        case file
        /// A pipe, a socket or a terminal: it can be read once.
        case stream
        case folder
    }

    /// Names of standard input.
    package static func isStandardInput(_ path: String) -> Bool {
        ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"].contains(path)
    }

    /// What there is to read; an error where there is nothing, or something without an end.
    package static func kind(of path: String) throws(FileError) -> Kind {
        let isInput = isStandardInput(path)
        var status = stat()
        guard (isInput ? fstat(0, &status) : stat(path, &status)) == 0 else {
            let isMissing = errno == ENOENT || errno == ENOTDIR
            throw isMissing
                ? FileError(path: path, reason: "there is no such file") : FileError(path: path, code: errno)
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return isInput ? .stream : .file
        case S_IFDIR: return .folder
        case S_IFIFO: return .stream
        case S_IFSOCK where isInput: return .stream
        case S_IFSOCK: throw FileError(path: path, reason: "is a socket; connect a program to it, and pipe its output")
        case S_IFCHR where isInput && isatty(0) == 1: return .stream
        case S_IFCHR where isNull(status): return .stream
        default: throw FileError(path: path, reason: "is a device, which has no end; logs are files or pipes")
        }
    }

    private static func isNull(_ status: stat) -> Bool {
        var null = stat()
        return stat("/dev/null", &null) == 0 && null.st_rdev == status.st_rdev
    }

    /// Reads a stream to its end, which waits for whoever writes it.
    package static func copy(_ path: String, _ write: ([UInt8]) throws(FileError) -> Void) throws(FileError) {
        let descriptor = try open(path)
        let stream = ByteStream(descriptor: descriptor, isPlain: true, stop: StopSignal())
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = buffer.withUnsafeMutableBytes { stream.read(into: $0) }
            if count == 0 { break }
            try write(Array(buffer[..<count]))
        }
        if let failure = stream.failure { throw FileError(path: path, reason: failure) }
    }

    /// Opens a log for reading; standard input is there already.
    static func open(_ path: String) throws(FileError) -> Int32 {
        if isStandardInput(path) { return 0 }
        let descriptor = openForReading(path)
        guard descriptor >= 0 else { throw FileError(path: path, code: errno) }
        return descriptor
    }
}

/// The C library's `open`, which the type's own method would hide.
private func openForReading(_ path: String) -> Int32 { open(path, O_RDONLY | O_CLOEXEC) }

/// A regular file as it was when reading began, to tell whether another took its place.
struct FileIdentity: Equatable {
    private let device: UInt64
    private let number: UInt64
    let size: Int

    /// nil: it is no regular file.
    init?(_ descriptor: Int32) {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        device = UInt64(truncatingIfNeeded: status.st_dev)
        number = UInt64(truncatingIfNeeded: status.st_ino)
        size = Int(status.st_size)
    }

    func isSameFile(as other: FileIdentity) -> Bool { device == other.device && number == other.number }
}
