#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// How an input failed.
struct Finding: Equatable {
    var kind: String
    /// From standard error.
    var message: String

    /// - Parameters:
    ///   - status: of the process that ran the input; 256 and the number of a signal.
    ///   - errors: what it wrote to standard error, as a file.
    init?(status: Int32, errors: String) {
        switch status {
        case 0: return nil
        case 256 + SIGALRM: kind = "hang"
        case 257...: kind = "signal \(status - 256)"
        case Worker.Status.memory: kind = "memory"
        case Worker.Status.problem: kind = "wrong"
        default: kind = "status \(status)"
        }
        let text = String(decoding: (Files.read(errors) ?? []).suffix(20_000), as: UTF8.self)
        let lines = text.split(separator: "\n")
        let telling = lines.last { $0.hasPrefix("FOUND ") || $0.contains("Fatal error") || $0.contains("ERROR: ") }
        message = String((telling ?? "").prefix(400))
    }

    /// Fails in the same way, whatever numbers and names it tells.
    func isLike(_ other: Finding) -> Bool {
        kind == other.kind && shape == other.shape
    }

    /// The message without numbers and quoted text.
    private var shape: String {
        let parts = message.split(separator: "`", omittingEmptySubsequences: false)
        let plain = parts.enumerated().filter { $0.offset % 2 == 0 }.map(\.element).joined()
        return plain.filter { !$0.isNumber }
    }

    /// Runs an input that was saved, in a process of its own.
    static func of(_ folder: String, scratch: String, boundsMemory: Bool) -> Finding? {
        let errors = "\(scratch)/errors"
        let options = boundsMemory ? [] : ["--no-memory-bound"]
        guard let child = Child([Child.program, "one", folder, "--scratch", scratch] + options, errors: errors) else {
            return nil
        }
        return Finding(status: child.wait(), errors: errors)
    }
}
