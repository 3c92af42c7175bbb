import BursarSyntax

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The files that a command reads and writes. An output that is also an input or another output is rejected before any
/// file is opened.
struct OutputNames {
    private enum Identity: Hashable {
        case file(device: UInt64, number: UInt64)
        /// A file that does not exist yet, identified by folder and name.
        case new(String)
    }

    private var inputs: [Identity: String] = [:]
    private var outputs: [Identity: String] = [:]
    /// The option whose lines go to standard output.
    private(set) var standardOutput: String?

    init() {
        // A summary redirected to a file.
        if let identity = Self.identity(descriptor: 1) { outputs[identity] = "standard output" }
    }

    static func isStandardOutput(_ path: String) -> Bool {
        ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].contains(path)
    }

    mutating func add(input path: String) {
        let identity = path == "-" ? Self.identity(descriptor: 0) : Self.identity(path)
        if let identity { inputs[identity] = path == "-" ? "standard input" : path }
    }

    /// Adds an output; all inputs must be added before.
    mutating func add(_ option: String, _ path: String?) throws {
        guard let path else { return }
        if Self.isStandardOutput(path) {
            if let standardOutput {
                throw ExitStatus(ExitStatus.usage, "\(option): standard output is already used by \(standardOutput)")
            }
            standardOutput = option
            return
        }
        guard let identity = Self.identity(path) else { return }
        if let input = inputs[identity] {
            throw ExitStatus(ExitStatus.usage, "\(option) \(path): is also an input (\(input)); write to another file")
        }
        if let other = outputs.updateValue(option, forKey: identity) {
            throw ExitStatus(ExitStatus.usage, "\(option) \(path): is also the output of \(other); use two files")
        }
    }

    /// nil for devices and pipes, which can have several writers.
    private static func identity(_ path: String) -> Identity? {
        var status = stat()
        if stat(path, &status) == 0 { return identity(status) }
        guard let target = try? OutputFile.target(of: path) else { return nil }
        guard let resolved = realpath(OutputFile.folder(of: target), nil) else { return nil }
        defer { free(resolved) }
        let name = target.lastIndex(of: "/").map { target[target.index(after: $0)...] } ?? target[...]
        return .new("\(String(cString: resolved))/\(name)")
    }

    private static func identity(descriptor: Int32) -> Identity? {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? identity(status) : nil
    }

    private static func identity(_ status: stat) -> Identity? {
        guard status.st_mode & S_IFMT == S_IFREG else { return nil }
        return .file(
            device: UInt64(truncatingIfNeeded: status.st_dev), number: UInt64(truncatingIfNeeded: status.st_ino))
    }
}
