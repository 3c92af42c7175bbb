#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The reason why a file cannot be read or written.
package struct FileError: Error, CustomStringConvertible {
    package let path: String
    package let reason: String

    package init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    /// - Parameter code: the value of `errno`.
    package init(path: String, code: Int32) { self.init(path: path, reason: String(cString: strerror(code))) }

    package var description: String { "\(shown(path)): \(shown(reason))" }
}

/// Files and folders through the C library. It does not link Foundation, which keeps embedding services small.
package enum FileReading {
    package enum Kind { case file, folder, missing }

    package static func kind(of path: String) -> Kind {
        var status = stat()
        guard stat(path, &status) == 0 else { return .missing }
        return status.st_mode & S_IFMT == S_IFDIR ? .folder : .file
    }

    /// A file, a folder or a link exists at this path; the link may be broken.
    package static func isPresent(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// Identifies a file or folder, independent of the path that leads to it.
    struct Identity: Hashable {
        var device: UInt64
        var number: UInt64
    }

    static func identity(of path: String) -> Identity? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return Identity(
            device: UInt64(truncatingIfNeeded: status.st_dev), number: UInt64(truncatingIfNeeded: status.st_ino))
    }

    /// Reads a regular file of at most `limit` bytes. Throws for pipes and devices: a pipe without a writer would
    /// block, and a device may never end.
    package static func readRegular(_ path: String, limit: Int) throws(FileError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError(path: path, code: errno) }
        var status = stat()
        let isKnown = fstat(descriptor, &status) == 0
        guard isKnown, status.st_mode & S_IFMT == S_IFREG, let stream = fdopen(descriptor, "rb") else {
            let reason = isKnown ? Self.reason(notRegular: status.st_mode) : String(cString: strerror(errno))
            close(descriptor)
            throw FileError(path: path, reason: reason)
        }
        defer { fclose(stream) }
        return try read(stream, path, limit: limit)
    }

    /// Throws if the path is not a regular file that this process may read.
    package static func requireRegular(_ path: String) throws(FileError) {
        guard access(path, R_OK) == 0 else { throw FileError(path: path, code: errno) }
        var status = stat()
        guard stat(path, &status) == 0 else { throw FileError(path: path, code: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw FileError(path: path, reason: reason(notRegular: status.st_mode))
        }
    }

    private static func reason(notRegular mode: mode_t) -> String {
        mode & S_IFMT == S_IFDIR
            ? "is a folder" : "is a pipe or a device, not a regular file; move it, or replace it by a file"
    }

    /// Reads a file, pipe or device of at most `limit` bytes. Waits for the writer of a pipe.
    package static func read(_ path: String, limit: Int = .max) throws(FileError) -> [UInt8] {
        guard kind(of: path) != .folder else { throw FileError(path: path, reason: "is a folder") }
        guard let stream = fopen(path, "rb") else {
            throw FileError(path: path, reason: String(cString: strerror(errno)))
        }
        defer { fclose(stream) }
        return try read(stream, path, limit: limit)
    }

    private static func read(
        _ stream: UnsafeMutablePointer<FILE>, _ path: String, limit: Int
    ) throws(FileError) -> [UInt8] {
        var bytes: [UInt8] = []
        let step = 1 << 16
        while true {
            let count = bytes.count
            guard count <= limit else {
                throw FileError(path: path, reason: "is larger than \(limit >> 20) MiB")
            }
            let room = max(step, min(count, 1 << 24))
            let got = [UInt8](unsafeUninitializedCapacity: room) { buffer, initialized in
                initialized = fread(buffer.baseAddress, 1, room, stream)
            }
            if got.isEmpty { break }
            bytes += got
        }
        guard ferror(stream) == 0 else { throw FileError(path: path, reason: String(cString: strerror(errno))) }
        return bytes
    }

    /// The names in a folder in byte order, without hidden ones.
    package static func names(in folder: String) throws(FileError) -> [String] {
        guard let handle = opendir(folder) else {
            throw FileError(path: folder, reason: String(cString: strerror(errno)))
        }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}

/// A path as a URI reference (RFC 3986), with reserved characters escaped.
package func uriReference(_ path: String) -> String {
    let digits = Array("0123456789ABCDEF")
    var text = path.hasPrefix("/") ? "file://" : ""
    for byte in path.utf8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "_"), UInt8(ascii: "~"):
            text.unicodeScalars.append(UnicodeScalar(byte))
        default: text += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
        }
    }
    return text
}
