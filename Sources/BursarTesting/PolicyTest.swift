import BursarEngine
import BursarPolicy
import BursarSyntax
import BursarLogs
import Synchronization

/// One run of a test or of one of its cases.
package struct PolicyTest: Sendable {
    package var name: String
    package var range: SourceRange
    var test: TestDeclaration
    var variation: TestCase?

    /// Errors in the text of the test, which prevent its run.
    fileprivate var findings: [Diagnostic] = []

    /// The runs of all tests of a set, one for each case.
    package static func all(in documents: Documents, _ set: PolicySet) -> [PolicyTest] {
        let findings = TestChecker.check(documents, set).sorted()
        return documents.tests.flatMap { test -> [PolicyTest] in
            let own = findings.filter { $0.isWithin(test.range) }
            if test.cases.isEmpty {
                return [
                    PolicyTest(
                        name: test.name.value, range: test.name.range, test: test, variation: nil, findings: own)
                ]
            }
            let shared = own.filter { finding in !test.cases.contains { finding.isWithin($0.range) } }
            return test.cases.enumerated().map { index, variation in
                PolicyTest(
                    name: "\(test.name.value) / \(variation.name?.value ?? "case \(index + 1)")",
                    range: variation.range, test: test, variation: variation,
                    findings: own.filter { $0.isWithin(variation.range) } + shared)
            }
        }
    }

    /// A step whose result differs from the expectation.
    package struct Failure: Sendable {
        /// From 1.
        package var step: Int
        package var message: String
        package var range: SourceRange
        /// The decision as JSON.
        package var decision: String
        /// All steps of the decision.
        package var explanation: ExplainedDecision?
    }

    /// A decision with its explanation, for rendering.
    package struct ExplainedDecision: Sendable {
        /// The engine of the decision, which owns its symbols.
        package var engine: Engine
        package var explanation: Explanation
        package var decision: Decision
        package var label: RequestLabel
    }

    package struct Result: Sendable {
        package var trial: PolicyTest
        package var failures: [Failure]
        /// Errors in the test itself.
        package var diagnostics: [Diagnostic]
        package var decisions: Int
        package var coverage: Coverage

        package var passed: Bool { failures.isEmpty && diagnostics.isEmpty }
    }

    /// The default time of the first request: in the newest version, or on a Monday.
    private static func defaultStart(_ set: PolicySet) -> Int64 {
        let start = set.editions.last?.interval.start ?? .min
        return start == .min ? 1_767_607_200_000_000 : start
    }

    /// 0001-01-01 to 10000-01-01, exclusive.
    private static let knownTimes: Range<Int64> = -62_135_596_800_000_000..<253_402_300_800_000_000

    /// The time of a step's last repetition; nil if that time or the first one is out of range.
    private static func lastTime(of step: TestStep, from start: Int64) -> Int64? {
        let spacing = step.spacing?.value ?? 0
        let (length, isLong) = spacing.multipliedReportingOverflow(by: max(1, step.times).subtractingSaturated(1))
        let (end, isLate) = start.addingReportingOverflow(length)
        guard !isLong, !isLate, knownTimes.contains(start), knownTimes.contains(end) else { return nil }
        return end
    }

    /// The additional results of a run, besides failures.
    package enum Detail: Sendable {
        case none
        /// The coverage of the requests.
        case coverage
        /// The explanation of the first failure.
        case explanation
    }

    /// The engine that tests of a set are run like.
    package static func engine(_ set: PolicySet) -> Engine { Engine(set, onAlert: { _ in }) }

    /// Runs the test on counters of its own, with the policies of an engine made by `engine(_:)`.
    package func run(like original: Engine, detail: Detail) -> Result {
        if !findings.isEmpty {
            return Result(trial: self, failures: [], diagnostics: findings, decisions: 0, coverage: Coverage())
        }
        let raised = RaisedAlerts()
        let engine = Engine(like: original, onAlert: { raised.add($0.name) })
        let set = original.policySet
        var result = Result(
            trial: self, failures: [], diagnostics: [], decisions: 0, coverage: Coverage())
        var session = Session(engine: engine, detail: detail)
        let zone = set.editions.last?.policy.zone ?? .utc
        func micros(_ literal: InstantLiteral) -> Int64 {
            switch literal {
            case .exact(let micros): micros
            case .date(let date):
                zone.utc(ofLocal: date.daysSince1970.multipliedSaturated(by: 86_400)).multipliedSaturated(
                    by: Micros.second)
            }
        }
        var time = test.at.map { micros($0.value) } ?? Self.defaultStart(set)
        for (index, step) in test.steps.enumerated() {
            switch step.at?.value {
            case .instant(let literal)?: time = micros(literal)
            case .after(let duration)?: time.addSaturated(duration)
            case nil: break
            }
            guard let last = Self.lastTime(of: step, from: time) else {
                let range = step.spacing?.range ?? step.at?.range ?? step.range
                result.diagnostics.append(
                    Diagnostic(
                        .syntaxScalar, "this step is made outside the years 1 to 9999", at: range,
                        help: "lower the duration, or begin the test earlier with `at`"))
                return result
            }
            var fields = RequestFields()
            fields.add(test.steps.count == 1 && test.request.isEmpty ? [] : test.request)
            fields.add(step.request)
            fields.add(variation?.request ?? [])
            if index == 0 { presume(fields, time, &session, &result) }
            for turn in 0..<max(1, step.times) {
                if turn > 0 { time.addSaturated(step.spacing?.value ?? 0) }
                let id = "step \(index + 1)" + (step.times > 1 ? ".\(turn &+ 1)" : "")
                let isLast = run(step, fields, time, id, index + 1, &session, &result)
                // One failure of a repeated step is enough.
                if !isLast { return result }
            }
            time = last
            let names = raised.take()
            if let expected = step.alerts, !check(names, expected, index + 1, &result) { return result }
        }
        return result
    }

    /// Returns false to end the test.
    private func check(
        _ names: Set<String>, _ expected: Located<[Name]>, _ number: Int, _ result: inout Result
    ) -> Bool {
        let wanted = Set(expected.value.map(\.value))
        guard wanted == names else {
            func list(_ names: Set<String>) -> String { names.sorted().joined(separator: ", ") }
            result.failures.append(
                Failure(
                    step: number, message: "alerts: expected [\(list(wanted))], got [\(list(names))]",
                    range: expected.range, decision: "", explanation: nil))
            return false
        }
        return true
    }

    private func presume(_ fields: RequestFields, _ time: Int64, _ session: inout Session, _ result: inout Result) {
        let given = test.given + (variation?.given ?? [])
        guard !given.isEmpty, let request = session.request(fields.json(time: time, id: "given")).request else {
            return
        }
        for usage in given {
            let counted = session.engine.presume(usage.limit.value, before: request) {
                usage.amount.value.nanosOrCount(of: $0)
            }
            switch counted {
            case .counted: break
            case .noSuchLimit:
                result.diagnostics.append(
                    Diagnostic(
                        .nameUnknown, "no limit `\(usage.limit.value)` counts the first request",
                        at: usage.limit.range,
                        help:
                            "the limit belongs to another tier or tenant, or its `when` or `per` leaves the request out"
                    ))
            case .otherUnit(let unit): result.diagnostics.append(usage.mismatch(unit, session.engine.policySet))
            }
        }
    }

    /// Returns false to end the test.
    private func run(
        _ step: TestStep, _ fields: RequestFields, _ time: Int64, _ id: String, _ number: Int, _ session: inout Session,
        _ result: inout Result
    ) -> Bool {
        let (request, label, problem) = session.request(fields.json(time: time, id: id))
        let engine = session.engine
        let explanation = session.detail == .none ? nil : request.map { engine.explain($0) }
        let decision = request.map { engine.decide($0, detail: .full) } ?? engine.badRequest(problem ?? "")
        result.decisions += 1
        if let explanation, session.detail == .coverage { result.coverage.add(explanation, decision, engine) }
        let expected = variation?.expect ?? step.expect
        let json = session.json(decision, label)
        if let expected, let tree = try? JSONTree.parse(Array(json.utf8)) {
            let expectation = Expectation(node: expected)
            let mismatches = expectation.mismatches(tree)
            if !mismatches.isEmpty {
                for mismatch in mismatches {
                    result.failures.append(
                        Failure(
                            step: number,
                            message: mismatch.message,
                            range: mismatch.range, decision: json,
                            explanation: explanation.map {
                                ExplainedDecision(
                                    engine: engine, explanation: $0, decision: decision, label: label)
                            }))
                }
                return false
            }
            if let reason = decision.reasons.first, ReasonCodes.beforePolicy.contains(reason.code),
                !expectation.names(code: reason.code)
            {
                result.failures.append(
                    Failure(
                        step: number,
                        message: "\(decision.outcome.name) before the policy was applied: \(reason.code)"
                            + (reason.message.map { " (\($0))" } ?? "")
                            + "; if the test is about this, expect `{code: \(reason.code)}`",
                        range: expected.range, decision: json, explanation: nil))
                return false
            }
        }
        close(step, decision, request, &result, engine)
        return true
    }

    private func close(
        _ step: TestStep, _ decision: Decision, _ request: Request?, _ result: inout Result, _ engine: Engine
    ) {
        guard let request, let reservation = decision.reservation else { return }
        if step.isReleased { _ = try? engine.release(reservation, of: request.tenant, at: request.time) }
        guard let settle = step.settle else { return }
        let written = TestUsage(settle)
        let usage = Usage(
            inputTokens: written.inputTokens ?? max(0, request.inputTokens),
            cachedTokens: written.cachedTokens ?? max(0, request.cachedTokens),
            outputTokens: written.outputTokens ?? decision.estimate.outputTokens, cost: written.cost,
            hasFailed: written.hasFailed)
        do throws(Engine.SettlementError) {
            try engine.settle(reservation, of: request.tenant, usage: usage, at: request.time)
        } catch {
            let place = settle.first { $0.name == "cached_tokens" } ?? settle.first
            result.diagnostics.append(
                Diagnostic(
                    .syntaxScalar, "the usage cannot be settled: \(error.description)",
                    at: place?.value.range ?? step.range))
        }
    }
}

extension Diagnostic {
    fileprivate func isWithin(_ outer: SourceRange) -> Bool {
        guard let range else { return false }
        return range.file == outer.file && range.start >= outer.start && range.end <= outer.end
    }
}

/// Collects the names of alerts until they are taken.
private final class RaisedAlerts: Sendable {
    private let names = Mutex(Set<String>())

    func add(_ name: String) { names.withLock { _ = $0.insert(name) } }

    func take() -> Set<String> {
        names.withLock { names in
            defer { names = [] }
            return names
        }
    }
}

/// Reads requests from JSON and writes decisions as JSON, for one engine.
private struct Session {
    let engine: Engine
    let detail: PolicyTest.Detail
    private let builder: RequestBuilder
    private let writer: DecisionWriter

    init(engine: Engine, detail: PolicyTest.Detail) {
        self.engine = engine
        self.detail = detail
        builder = RequestBuilder(engine: engine, usesRecordedOutput: false)
        writer = DecisionWriter(engine: engine)
    }

    mutating func request(_ line: [UInt8]) -> (request: Request?, label: RequestLabel, problem: String?) {
        let (block, problem) = LogFormat.readSingle(line)
        let label = builder.label(block, 0, path: "", line: 1)
        if let problem { return (nil, label, problem) }
        do throws(RequestBuilder.EvalError) {
            return (try builder.evalRequest(block, now: 0), label, nil)
        } catch {
            return (nil, label, error.reason)
        }
    }

    func json(_ decision: Decision, _ label: RequestLabel) -> String {
        var json = JSONWriter()
        writer.write(decision, label, to: &json)
        return json.text
    }
}
