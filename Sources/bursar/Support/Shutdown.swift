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

/// How the process ends before its time: by a signal, or because nobody can read what it prints. No temporary file stays.
enum Shutdown {
    /// What a shell shows for a process that a signal ended.
    static func status(ofSignal number: Int32) -> Int32 { 128 + number }

    private struct State {
        /// Asked at the first signal; the work then ends by itself.
        var stop: StopSignal?
        var signal: Int32?
    }

    private static let state = Mutex(State())

    /// Takes signals on a thread of their own. Called first of all, so that every other thread leaves them to it.
    static func prepare() {
        openStandardDescriptors()
        // Writing tells that the reader is gone.
        signal(SIGPIPE, SIG_IGN)
        // A file that reaches the limit of its size is told by the call that writes it.
        signal(SIGXFSZ, SIG_IGN)
        let hangup = signal(SIGHUP, SIG_DFL)
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in [SIGINT, SIGTERM] {
            // Shells ignore interrupts on behalf of what they start in the background.
            signal(number, SIG_DFL)
            sigaddset(&signals, number)
        }
        // `nohup` asks to be left alone.
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

    /// The first signal from now on asks work to stop, and the next one ends the process. With nil the first one does.
    static func asks(_ stop: StopSignal?) { state.withLock { $0.stop = stop } }

    /// The signal that asked work to stop.
    static var receivedSignal: Int32? { state.withLock { $0.signal } }

    /// Ends the process at once.
    static func end(_ status: Int32) -> Never { TemporaryFiles.removeAll(endingWith: status) }

    /// Standard output cannot be written. A reader that has seen enough is no failure.
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

    /// A file that is opened takes the lowest free number: it must not be taken for standard input, output or error. What
    /// stands in for a closed one can be used for nothing.
    private static func openStandardDescriptors() {
        for number in Int32(0)...2 where fcntl(number, F_GETFD) < 0 {
            _ = open("/dev/null", number == 0 ? O_WRONLY : O_RDONLY)
        }
    }
}
