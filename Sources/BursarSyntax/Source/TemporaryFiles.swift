import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The temporary files of this process. Each is removed after use, and all are removed when a signal or a failure ends
/// the process.
package enum TemporaryFiles {
    private static let paths = Mutex<Set<String>>([])
    private static let writing = Mutex<Void>(())

    /// The folder of temporary files that have no target file.
    package static var folder: String {
        guard let folder = getenv("TMPDIR").map({ String(cString: $0) }), !folder.isEmpty else { return "/tmp" }
        return folder
    }

    /// Creates an empty file in a folder and opens it for reading and writing.
    package static func make(
        in folder: String = TemporaryFiles.folder, mode: mode_t = 0o600
    ) throws(FileError) -> (path: String, descriptor: Int32) {
        // A collision of 64 random bits is an attack, so a few attempts are enough.
        for _ in 0..<8 {
            let name = ".bursar-" + String(UInt64.random(in: .min ... .max), radix: 36)
            let path = folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
            let (descriptor, code) = paths.withLock { paths in
                let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode)
                if descriptor >= 0 { paths.insert(path) }
                return (descriptor, errno)
            }
            if descriptor >= 0 { return (path, descriptor) }
            if code != EEXIST { throw FileError(path: folder, code: code) }
        }
        throw FileError(path: folder, reason: "no temporary file can be made in it")
    }

    package static func remove(_ path: String) {
        paths.withLock { paths in
            if paths.remove(path) != nil { unlink(path) }
        }
    }

    /// Renames a temporary file. Returns 0 or the error number.
    static func move(_ path: String, to target: String) -> Int32 {
        paths.withLock { paths in
            guard rename(path, target) == 0 else { return errno }
            paths.remove(path)
            return 0
        }
    }

    /// Runs `body`, which writes to a file in place, and delays signals that end the process until it returns, so that
    /// no write is cut off. `body` must not block.
    package static func uninterrupted<Value>(_ body: () throws(FileError) -> Value) throws(FileError) -> Value {
        let result = writing.withLock { _ -> Result<Value, FileError> in
            do throws(FileError) {
                return .success(try body())
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Removes every file.
    package static func removeAll() {
        paths.withLock { paths in
            for path in paths { unlink(path) }
            paths.removeAll()
        }
    }

    /// Removes every file and ends the process when no write in place is active.
    package static func removeAll(endingWith status: Int32) -> Never {
        writing.withLock { _ in
            removeAll()
            _exit(status)
        }
    }
}
