#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A file that is replaced as a whole or stays unchanged.
///
/// Bytes go to a temporary file. `commit` moves it over the target, follows links, and keeps mode and owner. If the
/// target cannot be replaced by another file (a pipe, a device, a file with several names, a folder without write
/// permission), `commit` copies the bytes into it. A file that is not committed is discarded.
package final class OutputFile {
    private let path: String
    /// The path after resolving the links of `path`.
    private let target: String
    /// The path of the temporary file.
    package let temporary: String
    private let descriptor: Int32
    private var isBeside: Bool
    private var buffer: [UInt8] = []
    private var isDone = false

    private static let bufferBytes = 1 << 16

    /// Opens a file for writing. The existing file does not change before `commit`.
    package init(_ path: String) throws(FileError) {
        self.path = path
        target = try Self.target(of: path)
        var status = stat()
        let exists = stat(target, &status) == 0
        if exists {
            if status.st_mode & S_IFMT == S_IFDIR { throw FileError(path: path, reason: "is a folder") }
            guard access(target, W_OK) == 0 else { throw FileError(path: path, code: errno) }
        }
        let isPlain = !exists || (status.st_mode & S_IFMT == S_IFREG && status.st_nlink == 1)
        if isPlain {
            do throws(FileError) {
                (temporary, descriptor) = try TemporaryFiles.make(in: Self.folder(of: target), mode: 0o666)
                isBeside = true
                if exists { Self.keepOwner(status, of: descriptor) }
                return
            } catch {
                // The folder may be read-only while the file is writable.
                guard exists else { throw FileError(path: path, reason: error.reason) }
            }
        }
        (temporary, descriptor) = try TemporaryFiles.make()
        isBeside = false
    }

    /// Creates a temporary file for `forEachChunk`; it has no target.
    package init(temporaryFor path: String) throws(FileError) {
        self.path = path
        target = path
        (temporary, descriptor) = try TemporaryFiles.make()
        isBeside = false
    }

    deinit { discard() }

    /// Replaces the contents of a file.
    package static func write(_ bytes: [UInt8], to path: String) throws(FileError) {
        let file = try OutputFile(path)
        try file.write(bytes)
        try file.commit(isDurable: true)
    }

    package func write(_ bytes: [UInt8]) throws(FileError) {
        if buffer.isEmpty, bytes.count >= Self.bufferBytes { return try put(bytes) }
        buffer += bytes
        if buffer.count >= Self.bufferBytes { try flush() }
    }

    /// Discards everything written so far.
    package func restart() throws(FileError) {
        buffer.removeAll(keepingCapacity: true)
        guard ftruncate(descriptor, 0) == 0, lseek(descriptor, 0, SEEK_SET) == 0 else {
            throw FileError(path: path, code: errno)
        }
    }

    /// Replaces the target with the written bytes.
    ///
    /// - Parameter isDurable: flush the bytes to disk before the old file is replaced.
    package func commit(isDurable: Bool) throws(FileError) {
        try flush()
        if isBeside {
            if isDurable, fsync(descriptor) != 0 { throw FileError(path: path, code: errno) }
            switch TemporaryFiles.move(temporary, to: target) {
            case 0:
                isDone = true
                close(descriptor)
                if isDurable { Self.syncFolder(of: target) }
                return
            // A mount point cannot be replaced.
            case EBUSY, EXDEV: break
            case let code: throw FileError(path: path, code: code)
            }
        }
        try copyToTarget(isDurable: isDurable)
        discard()
    }

    /// Deletes the temporary file; the target does not change.
    package func discard() {
        if isDone { return }
        isDone = true
        close(descriptor)
        TemporaryFiles.remove(temporary)
    }

    /// Reads the written bytes from the start.
    package func forEachChunk(_ body: ([UInt8]) throws(FileError) -> Void) throws(FileError) {
        try flush()
        var position = 0
        while true {
            let chunk = try read(from: position, count: 1 << 20)
            if chunk.isEmpty { return }
            try body(chunk)
            position += chunk.count
        }
    }

    /// Reads at most `count` of the written bytes; fewer at the end.
    package func read(from position: Int, count: Int) throws(FileError) -> [UInt8] {
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { bytes, filled in
            while filled < count {
                let got = pread(
                    descriptor, bytes.baseAddress.map { $0 + filled }, count - filled, off_t(position + filled))
                if got < 0, errno == EINTR { continue }
                if got < 0 { failure = errno }
                if got <= 0 { break }
                filled += got
            }
        }
        if failure != 0 { throw FileError(path: path, code: failure) }
        return bytes
    }

    package func flush() throws(FileError) {
        if buffer.isEmpty { return }
        try put(buffer)
        buffer.removeAll(keepingCapacity: true)
    }

    private func put(_ bytes: [UInt8]) throws(FileError) {
        if let code = writeAll(bytes, to: descriptor) { throw FileError(path: path, code: code) }
    }

    // MARK: - The target

    private func copyToTarget(isDurable: Bool) throws(FileError) {
        let output = open(target, O_WRONLY | O_CLOEXEC)
        guard output >= 0 else { throw FileError(path: path, code: errno) }
        defer { close(output) }
        var status = stat()
        let isFile = fstat(output, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        let size = lseek(descriptor, 0, SEEK_END)
        guard isFile else { return try copy(to: output) }
        try reserve(Int(size), of: output, was: Int(status.st_size))
        try TemporaryFiles.uninterrupted { () throws(FileError) in
            try copy(to: output)
            guard ftruncate(output, size) == 0, !isDurable || fsync(output) == 0 else {
                throw FileError(path: path, code: errno)
            }
        }
    }

    private func copy(to output: Int32) throws(FileError) {
        try forEachChunk { chunk throws(FileError) in
            if let code = writeAll(chunk, to: output) { throw FileError(path: path, code: code) }
        }
    }

    /// Reserves disk space before the old bytes are overwritten.
    private func reserve(_ size: Int, of output: Int32, was old: Int) throws(FileError) {
        #if os(Linux)
            guard size > old else { return }
            let code = posix_fallocate(output, off_t(old), off_t(size - old))
            if code == ENOSPC || code == EFBIG || code == EDQUOT {
                _ = ftruncate(output, off_t(old))
                throw FileError(path: path, code: code)
            }
        #endif
    }

    private static func keepOwner(_ status: stat, of descriptor: Int32) {
        // Only the superuser may change the owner; otherwise the file belongs to the writer.
        _ = fchown(descriptor, status.st_uid, status.st_gid)
        _ = fchmod(descriptor, status.st_mode & 0o7777)
    }

    /// The folder that contains a path.
    package static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func syncFolder(of path: String) {
        let folder = open(folder(of: path), O_RDONLY | O_CLOEXEC)
        guard folder >= 0 else { return }
        fsync(folder)
        close(folder)
    }

    /// The file that a path refers to, after resolving links. It need not exist.
    package static func target(of path: String) throws(FileError) -> String {
        var path = path
        // Linux follows the same number of links.
        for _ in 0..<40 {
            var bytes = [CChar](repeating: 0, count: 4_096)
            let count = readlink(path, &bytes, bytes.count)
            guard count > 0 else { return path }
            let link = String(decoding: bytes[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
            // Links to open files (`/dev/fd/63` to `pipe:[4711]`) lead to no path.
            var status = stat()
            if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG { return path }
            path = link.hasPrefix("/") ? link : "\(folder(of: path))/\(link)"
        }
        throw FileError(path: path, code: ELOOP)
    }
}

/// Writes bytes to a descriptor. Returns nil, or the `errno` of the failure.
package func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Int32? {
    bytes.withUnsafeBytes { bytes in
        var written = 0
        while written < bytes.count {
            let count = write(descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written)
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN {
                // Another program may have made the pipe non-blocking.
                var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&wait, 1, -1)
                continue
            }
            if count <= 0 { return count == 0 ? EIO : errno }
            written += count
        }
        return nil
    }
}
