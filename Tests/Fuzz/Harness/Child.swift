#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A process that was started.
struct Child {
    let id: pid_t

    /// The folder of this program.
    static let folder: String = {
        var bytes = [CChar](repeating: 0, count: 4_096)
        let count = readlink("/proc/self/exe", &bytes, bytes.count)
        let path = String(decoding: bytes.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
    }()

    static var program: String { folder + "/bursar-fuzz" }

    /// - Parameter pipe: a descriptor that becomes standard output in place of a file; negative: none.
    init?(
        _ command: [String], input: String = "/dev/null", output: String = "/dev/null", pipe: Int32 = -1, errors: String
    ) {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
        if pipe >= 0 {
            posix_spawn_file_actions_adddup2(&actions, pipe, 1)
        } else {
            posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o666)
        }
        posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_TRUNC, 0o666)
        // The timer of this process is none of the child's; what it ignores and blocks would be.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var arguments = command.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        // The order of hashed names is part of an input.
        let settings = ["SWIFT_DETERMINISTIC_HASHING=1", "SWIFT_BACKTRACE=enable=no"]
        var environment = settings.map { strdup($0) } + Self.inherited() + [nil]
        defer { for variable in environment { free(variable) } }
        var id: pid_t = 0
        guard posix_spawn(&id, command[0], &actions, &attributes, &arguments, &environment) == 0 else { return nil }
        self.id = id
    }

    private static func inherited() -> [UnsafeMutablePointer<CChar>?] {
        let names = ["PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS"]
        return names.compactMap { (name: String) -> UnsafeMutablePointer<CChar>? in
            getenv(name).map { strdup("\(name)=\(String(cString: $0))") }
        }
    }

    /// The exit status; 256 and the signal's number where a signal ended the process.
    func wait() -> Int32 {
        var status: Int32 = 0
        while waitpid(id, &status, 0) < 0, errno == EINTR {}
        let signal = status & 0x7F
        return signal == 0 ? (status >> 8) & 0xFF : 256 + signal
    }
}
