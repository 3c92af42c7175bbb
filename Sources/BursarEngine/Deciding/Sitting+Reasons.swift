import BursarPolicy
import BursarSyntax

/// What a decision says of itself: reasons with their numbers, what remains, and events.
extension Sitting {
    func limitReason(
        _ judgement: Judgement, _ crossing: Crossing, _ plan: CompiledPlan, code: String?, action: String,
        isRaw: Bool = false
    ) -> Reason {
        let state = judgement.states[crossing.state]
        let row = plan.rows[state.row]
        var reason = Reason(code: code ?? row.defaultCode, action: action)
        reason.policyLimit = row.limit.name
        reason.limit = level == .brief ? row.limit.name : name(row, judgement.request)
        reason.unit = row.unit
        reason.threshold = row.thresholds[crossing.threshold].threshold.text
        reason.source = row.limit.source
        if level == .brief { return reason }
        reason.scope = scopeText(row, judgement.request)
        reason.numbers = Reason.Numbers(
            used: state.used, estimate: isRaw ? state.rawEstimate : state.estimate, amount: state.amount,
            carried: state.carried, window: window(state, row), resetsAt: resetsAt(state, row))
        return reason
    }

    func name(_ row: CompiledPlan.Row, _ request: Request) -> String {
        guard let weight = row.limit.weight, weight.feature == nil,
            let base = row.limit.name.split(separator: "/").first
        else { return row.limit.name }
        return "\(base)/\(symbols.text(request[.feature]))"
    }

    func scopeText(_ row: CompiledPlan.Row, _ request: Request) -> String {
        var parts = row.limit.isShared ? [] : ["tenant=\(symbols.text(request[.tenant]))"]
        for value in row.limit.within { parts.append("\(value.scope.rawValue)=\(value.value)") }
        for (scope, slot) in zip(row.limit.per, row.per) {
            parts.append("\(scope.rawValue)=\(symbols.text(request[slot]))")
        }
        return parts.joined(separator: ",")
    }

    func withBook<Result>(_ reference: CounterRef, _ body: (inout CounterBook) -> Result) -> Result? {
        if reference.isShared { return group.map { body(&$0.book) } }
        return body(&account.book)
    }

    func window(_ state: LimitState, _ row: CompiledPlan.Row) -> Interval? {
        guard let reference = state.counter else { return nil }
        switch row.limit.window {
        case .calendar, .every, .fromFirstUse:
            return withBook(reference) { book -> Interval? in
                let counter = book.counters[Int(reference.index)]
                return counter.end == .min ? nil : Interval(start: counter.start, end: counter.end)
            }.flatMap { $0 }
        case .rolling(let length):
            let slice = row.limit.window.interval(at: request.time)
            return Interval(start: slice.start.subtractingSaturated(length), end: slice.end)
        default: return nil
        }
    }

    func resetsAt(_ state: LimitState, _ row: CompiledPlan.Row) -> Int64? {
        guard let reference = state.counter else { return nil }
        switch row.limit.window {
        case .rolling(let length):
            return withBook(reference) { $0.rollingReset(Int(reference.index), sliceLength: length / Window.slices) }
                .flatMap { $0 }
        case .calendar, .every, .fromFirstUse: return window(state, row)?.end
        default: return nil
        }
    }

    func remaining(_ judgement: Judgement, _ plan: CompiledPlan) -> [Remaining] {
        judgement.states.compactMap { before in
            let row = plan.rows[before.row]
            guard row.countsUse else { return nil }
            // Read again: what was just reserved is gone.
            let judge = Judge(
                edition: edition, plan: plan, symbols: symbols, record: record, account: account, group: group)
            let now = judge.state(before.row, judgement.request)
            return Remaining(
                limit: name(row, judgement.request), unit: row.limit.unit, scope: scopeText(row, judgement.request),
                remaining: max(0, now.base.subtractingSaturated(now.used)), resetsAt: resetsAt(now, row))
        }
    }

    // MARK: - Events

    func events(_ judgement: Judgement?, _ plan: CompiledPlan, _ judge: Judge) -> [Event] {
        guard let judgement else { return [] }
        var events: [Event] = []
        for crossing in judgement.crossings {
            let state = judgement.states[crossing.state]
            let row = plan.rows[state.row]
            let threshold = row.thresholds[crossing.threshold]
            guard threshold.notifies else { continue }
            var audiences: [String] = []
            for action in threshold.actions {
                guard judge.holds(action.when, judgement.request) else { continue }
                for case .notify(let names) in action.alternatives {
                    for name in names where !audiences.contains(name) { audiences.append(name) }
                }
            }
            guard !audiences.isEmpty else { continue }
            if let reference = state.counter {
                let isDue = withBook(reference) {
                    $0.takeEvent(Int(reference.index), threshold.level, row.limit.window, at: request.time)
                }
                guard isDue == true else { continue }
            }
            events.append(
                Event(
                    limit: name(row, judgement.request), threshold: threshold.threshold.text,
                    scope: scopeText(row, judgement.request), audiences: audiences))
        }
        if !judgement.crossings.isEmpty {
            for index in judgement.states.indices { noteQuiet(index, judgement, plan) }
        }
        return events
    }

    /// Once all thresholds of a limit that only notify have given their event, the fast path may pass them by.
    private func noteQuiet(_ index: Int, _ judgement: Judgement, _ plan: CompiledPlan) {
        guard judgement.crossings.contains(where: { $0.state == index }) else { return }
        let state = judgement.states[index]
        let notifying = plan.rows[state.row].notifying
        guard !notifying.isEmpty, let reference = state.counter, !reference.isShared else { return }
        let crossed = judgement.crossings.filter { $0.state == index }.map(\.threshold)
        guard notifying.allSatisfy(crossed.contains) else { return }
        account.book.counters[Int(reference.index)].quietPlan = plan.serial
    }
}
