import BursarSyntax
import BursarLogs
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Ends the process early, because of a signal or because standard output is closed, and removes all temporary files.
enum Shutdown {
    /// The status that a shell reports for a process killed by a signal.
    static func status(ofSignal number: Int32) -> Int32 { 128 + number }

    private struct State {
        /// Requests the running work to stop at the first signal.
        var stop: StopSignal?
        var signal: Int32?
    }

    private static let state = Mutex(State())

    /// Handles signals on a separate thread. Must be called before any other thread starts, so that all threads block
    /// the signals.
    static func prepare() {
        openStandardDescriptors()
        // A closed pipe is reported by the write.
        signal(SIGPIPE, SIG_IGN)
        // A file that reaches the size limit is reported by the write.
        signal(SIGXFSZ, SIG_IGN)
        let hangup = signal(SIGHUP, SIG_DFL)
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in [SIGINT, SIGTERM] {
            // Shells ignore interrupts for background processes.
            signal(number, SIG_DFL)
            sigaddset(&signals, number)
        }
        // `nohup` ignores hangups, which must stay ignored.
        if isIgnored(hangup) { signal(SIGHUP, SIG_IGN) } else { sigaddset(&signals, SIGHUP) }
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        #if canImport(Darwin)
            var thread: pthread_t?
            pthread_create(&thread, nil, { _ in Shutdown.waitForSignals() }, nil)
        #else
            var thread = pthread_t()
            pthread_create(&thread, nil, { _ in Shutdown.waitForSignals() }, nil)
        #endif
    }

    /// The next signal requests work to stop, and the one after it ends the process. With nil the next signal ends it.
    static func asks(_ stop: StopSignal?) { state.withLock { $0.stop = stop } }

    /// The signal that requested work to stop.
    static var receivedSignal: Int32? { state.withLock { $0.signal } }

    /// Ends the process at once.
    static func end(_ status: Int32) -> Never { TemporaryFiles.removeAll(endingWith: status) }

    /// Handles a failed write to standard output. A closed pipe is not a failure.
    static func outputFailed(_ code: Int32) -> Never {
        if code == EPIPE { end(status(ofSignal: SIGPIPE)) }
        _ = writeAll(Array("standard output: \(String(cString: strerror(code)))\n".utf8), to: 2)
        end(ExitStatus.usage)
    }

    private static func waitForSignals() -> Never {
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, number) }
        while true {
            var number: Int32 = 0
            guard sigwait(&signals, &number) == 0 else { continue }
            let asked = state.withLock { state -> Bool in
                guard let stop = state.stop, state.signal == nil else { return false }
                state.signal = number
                stop.ask()
                return true
            }
            if !asked { end(status(ofSignal: number)) }
        }
    }

    private static func isIgnored(_ handler: (@convention(c) (Int32) -> Void)?) -> Bool {
        unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    }

    /// Opens closed standard descriptors with a descriptor that cannot be used. Otherwise the next opened file would
    /// get the number of standard input, output or error.
    private static func openStandardDescriptors() {
        for number in Int32(0)...2 where fcntl(number, F_GETFD) < 0 {
            _ = open("/dev/null", number == 0 ? O_WRONLY : O_RDONLY)
        }
    }
}
