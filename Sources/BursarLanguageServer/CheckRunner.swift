import BursarAnalysis
import BursarPolicy
import BursarSyntax
import Dispatch
import Synchronization

/// Checks policy sets in the background, so that no answer waits for a check. If several changes arrive during a check,
/// only the newest is checked.
final class CheckRunner: Sendable {
    struct Job: Sendable {
        var root: String
        var sources: [SourceFile]
        var lock: SourceFile?
    }

    struct Outcome: Sendable {
        var diagnostics: [Diagnostic]
        var sources: SourceMap
        /// nil if the set does not compile.
        var set: PolicySet?
    }

    private struct State {
        var waiting: [String: Job] = [:]
        var outcomes: [String: Outcome] = [:]
        var isRunning = false
    }

    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "bursar.lsp.checks")
    private let publish: @Sendable (Job, Outcome) -> Void

    init(publish: @escaping @Sendable (Job, Outcome) -> Void) { self.publish = publish }

    /// The result of the last check of a set.
    func outcome(of root: String) -> Outcome? { state.withLock { $0.outcomes[root] } }

    func check(_ job: Job) {
        let starts = state.withLock { state in
            state.waiting[job.root] = job
            defer { state.isRunning = true }
            return !state.isRunning
        }
        guard starts else { return }
        queue.async { self.run() }
    }

    /// Starts no more checks; does not wait for a running one.
    func stop() { state.withLock { $0.waiting = [:] } }

    private func run() {
        while true {
            let next = state.withLock { state -> Job? in
                guard let root = state.waiting.keys.min() else {
                    state.isRunning = false
                    return nil
                }
                return state.waiting.removeValue(forKey: root)
            }
            guard let job = next else { return }
            var diagnostics = Diagnostics()
            let documents = DocumentLoader.read(job.sources, diagnostics: &diagnostics)
            let result = Checker.check(documents, diagnostics, lock: job.lock)
            let outcome = Outcome(diagnostics: result.diagnostics.sorted(), sources: result.sources, set: result.set)
            let isNewest = state.withLock { state in
                // Hover text of a set that does not compile comes from its last compiled state.
                let kept = outcome.set ?? state.outcomes[job.root]?.set
                state.outcomes[job.root] = Outcome(
                    diagnostics: outcome.diagnostics, sources: outcome.sources, set: kept)
                return state.waiting[job.root] == nil
            }
            if isNewest { publish(job, outcome) }
        }
    }
}
