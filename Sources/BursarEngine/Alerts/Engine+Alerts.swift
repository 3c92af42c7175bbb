import BursarPolicy
import BursarSyntax

/// Alerts follow what was decided and settled; they change no decision. Only an engine that was told where to hand them
/// looks at them at all.
extension Engine {
    /// Every alert rule of a policy set once, and by edition those that are in force.
    static func compileAlerts(
        _ policySet: PolicySet, symbols: SymbolTable
    ) -> (rules: [CompiledAlert], byEdition: [[CompiledAlert]]) {
        var rules: [CompiledAlert] = []
        var byEdition: [[CompiledAlert]] = []
        for edition in policySet.editions {
            byEdition.append([])
            for rule in edition.policy.alerts {
                // What is counted for an alert outlives a version that leaves it as it was.
                let same = rules.first { $0.rule.isSame(as: rule) }
                let compiled = CompiledAlert(
                    rule, index: same?.index ?? rules.count, zone: edition.policy.zone,
                    source: policySet.sources.reference(rule.source), currency: edition.policy.currency,
                    symbols: symbols)
                if same == nil { rules.append(compiled) }
                byEdition[byEdition.count - 1].append(compiled)
            }
        }
        return (rules, byEdition)
    }

    // MARK: - What happens

    /// A tenant's request was decided.
    func watch(_ decision: Decision, _ request: Request, _ account: Account) {
        guard !decision.isRepeat, decision.edition >= 0 else { return }
        let rules = editionAlerts[Int(decision.edition)]
        if rules.isEmpty { return }
        let edition = editions[Int(decision.edition)]
        var raised: [Alert] = []
        var request = request
        request[.tenant] = account.id
        request[.tier] = decision.tier
        if account.record >= 0, let group = policySet.tenants[Int(account.record)].group {
            request[.group] = symbols.intern(group)
        }
        let asked = request[.model]
        let model = decision.model.isPresent ? decision.model : asked
        edition.set(edition.model(model), named: model, in: &request)
        account.withLock {
            let alerts = account.madeAlerts()
            alerts.follow(request.time)
            expire(alerts, account, &raised)
            var watched = WatchedRequest(
                time: request.time, edition: decision.edition, model: decision.model, feature: request[.feature],
                version: request[.promptVersion], cost: decision.estimate.spend ?? 0,
                tokens: decision.estimate.amount(.tokens), places: [], together: [])
            let addition = AlertAddition(
                decided: decision, attempt: request.attempt, feature: watched.feature, version: watched.version)
            for rule in rules where applies(rule, request, edition) {
                if rule.rule.limit == nil {
                    guard let key = key(rule, request) else { continue }
                    if rule.isJudgedAtEnd {
                        watched.together.append(key)
                        add(together: addition, key, account.id, request.time, &raised)
                    } else {
                        let place = WatchedRequest.Place(key: key, series: alerts.series(key), time: request.time)
                        watched.places.append(place)
                        add(addition, place, refused: 0, alerts, account, &raised)
                    }
                } else {
                    let refused = refusedEstimate(decision, rule)
                    for (place, unit) in limitPlaces(rule, request, edition, alerts, account) {
                        watched.places.append(place)
                        add(addition, place, refused: refused?.amount(unit) ?? 0, alerts, account, &raised)
                    }
                }
            }
            if let reservation = decision.reservation, !watched.places.isEmpty || !watched.together.isEmpty {
                alerts.remember(watched, as: reservation)
            }
            alerts.sweep(alertRules)
        }
        hand(raised)
    }

    /// A request's usage is known; nil: it was never made.
    func watch(_ id: ReservationID, of tenant: TenantID, usage: Usage?) {
        var raised: [Alert] = []
        let account = tenant.account
        account.withLock {
            guard let alerts = account.alerts, let watched = alerts.take(id) else { return }
            close(watched, usage, alerts, account, &raised)
        }
        hand(raised)
    }

    private func hand(_ raised: [Alert]) {
        guard let onAlert else { return }
        for alert in raised { onAlert(alert) }
    }

    /// What nobody settled in time counts as it was expected.
    private func expire(_ alerts: AccountAlerts, _ account: Account, _ raised: inout [Alert]) {
        let deadline = alerts.now.subtractingSaturated(reservationLifetime)
        while let watched = alerts.takeExpired(at: deadline) {
            let addition = AlertAddition(settled: watched, cost: watched.cost, tokens: watched.tokens, failed: false)
            add(addition, of: watched, alerts, account, &raised)
        }
    }

    private func close(
        _ watched: WatchedRequest, _ usage: Usage?, _ alerts: AccountAlerts, _ account: Account,
        _ raised: inout [Alert]
    ) {
        guard let usage else {
            // Only a budget's state may change: something was given back.
            for place in watched.places where place.counter >= 0 { judge(place, alerts, account, &raised) }
            return
        }
        let edition = editions[Int(watched.edition)]
        let price = edition.price(edition.model(watched.model))
        let cost =
            usage.cost
            ?? price?.cost(input: usage.inputTokens, cached: usage.cachedTokens, output: usage.outputTokens) ?? 0
        let addition = AlertAddition(
            settled: watched, cost: cost, tokens: usage.inputTokens.addingSaturated(usage.outputTokens),
            failed: usage.hasFailed)
        add(addition, of: watched, alerts, account, &raised)
    }

    private func add(
        _ addition: AlertAddition, of watched: WatchedRequest, _ alerts: AccountAlerts, _ account: Account,
        _ raised: inout [Alert]
    ) {
        for place in watched.places { add(addition, place, refused: 0, alerts, account, &raised) }
        for key in watched.together { add(together: addition, key, account.id, watched.time, &raised) }
    }

    // MARK: - Where it counts

    private func applies(_ rule: CompiledAlert, _ request: Request, _ edition: CompiledEdition) -> Bool {
        rule.when?.holds(request, isCritical: edition.isCritical(request[.feature]), symbols: symbols) ?? true
    }

    /// nil where the request does not carry what the alert is told apart by.
    private func key(_ rule: CompiledAlert, _ request: Request) -> AlertKey? {
        var key = AlertKey(rule: Int32(rule.index))
        for (place, slot) in rule.slots.enumerated() {
            guard request[slot].isPresent else { return nil }
            key.values[place] = request[slot].rawValue
        }
        return key
    }

    /// The counters of the plan's limits of the alert's name that the request counts in.
    private func limitPlaces(
        _ rule: CompiledAlert, _ request: Request, _ edition: CompiledEdition, _ alerts: AccountAlerts,
        _ account: Account
    ) -> [(place: WatchedRequest.Place, unit: Unit)] {
        guard let plan = account.plan, Int(account.planEdition) == edition.index else { return [] }
        var places: [(place: WatchedRequest.Place, unit: Unit)] = []
        for index in alerts.rows(rule.index, of: plan, alertRules) {
            let row = plan.rows[index]
            let isCritical = edition.isCritical(request[.feature])
            guard row.applies(to: request, isCritical: isCritical, symbols: symbols) else { continue }
            let counter =
                account.slot(index) >= 0
                ? Int32(truncatingIfNeeded: account.slot(index))
                : request.readAttributes { account.counter(index, row, $0, at: request.time) }
            var key = AlertKey(rule: Int32(rule.index))
            key.values[0] = UInt32(bitPattern: counter)
            let scope = zip(row.limit.per, row.per).map { (name: $0.rawValue, value: request[$1]) }
            var place = WatchedRequest.Place(
                key: key,
                series: alerts.series(
                    key, scope: scope + zip(row.limit.within, row.within).map { ($0.scope.rawValue, $1.value) }),
                time: request.time)
            place.counter = counter
            place.amount = row.limit.amount
            account.knowCarry(of: row, Int(counter), policySet)
            // What comes late counts in the window that is open.
            place.time = max(place.time, account.book.counters[Int(counter)].start)
            if row.isPeriodic, place.time >= account.book.counters[Int(counter)].end {
                place.freshWindow = row.limit.window.interval(at: place.time)
            }
            places.append((place, row.limit.unit))
        }
        return places
    }

    /// What a request would have used that the alert's limit refused: a budget is exceeded when something no longer fits.
    private func refusedEstimate(_ decision: Decision, _ rule: CompiledAlert) -> Estimate? {
        guard decision.outcome.isRefused, decision.reasons.contains(where: { $0.limit == rule.rule.limit }) else {
            return nil
        }
        return decision.estimate
    }

    private func add(
        _ addition: AlertAddition, _ place: WatchedRequest.Place, refused: Int64, _ alerts: AccountAlerts,
        _ account: Account, _ raised: inout [Alert]
    ) {
        let rule = alertRules[Int(place.key.rule)]
        let reading = place.counter >= 0 ? reading(place, refused, alerts.now, account) : nil
        let series = place.series
        let position = series.place(
            of: place.time, keeping: rule.keptWindows,
            { reading?.window ?? rule.rule.window?.interval(at: $0) ?? .always }, forget: { alerts.complete($0) })
        guard let position else { return }
        series.add(addition, at: position, hasQuantile: rule.hasQuantile)
        if addition.sums.cost != 0 {
            let start = series.windows[position].start
            together.withLock { $0.addTotal(addition.sums.cost, rule: rule.index, start: start) }
        }
        judge(rule, place.key, series, position, reading, isRefused: refused != 0, alerts, account, &raised)
    }

    /// Something was given back to a limit.
    private func judge(
        _ place: WatchedRequest.Place, _ alerts: AccountAlerts, _ account: Account, _ raised: inout [Alert]
    ) {
        let position = place.series.windows.lastIndex { $0.start <= place.time && place.time < $0.end }
        guard let position else { return }
        let reading = reading(place, 0, alerts.now, account)
        judge(
            alertRules[Int(place.key.rule)], place.key, place.series, position, reading, isRefused: false, alerts,
            account, &raised)
    }

    /// The counter of a limit as it stands.
    private func reading(
        _ place: WatchedRequest.Place, _ refused: Int64, _ now: Int64, _ account: Account
    ) -> LimitReading {
        let counter = account.book.counters[Int(place.counter)]
        var reading = LimitReading(counter, amount: counter.amount >= 0 ? counter.amount : place.amount, now: now)
        if let fresh = place.freshWindow, counter.start < fresh.start {
            reading = LimitReading(amount: place.amount, window: fresh, now: now)
        }
        reading.used = reading.used.addingSaturated(refused)
        return reading
    }

    // MARK: - Judging

    private func judge(
        _ rule: CompiledAlert, _ key: AlertKey, _ series: AlertSeries<Symbol>, _ place: Int, _ reading: LimitReading?,
        isRefused: Bool, _ alerts: AccountAlerts, _ account: Account, _ raised: inout [Alert]
    ) {
        let start = series.windows[place].start
        // A counter has gone on to the next window: the one before is over.
        if let reading, reading.window.start != start { return }
        // Of a window before the last two the baseline is not kept any more.
        if rule.hasBaseline, place < series.windows.count - 2 { return }
        let wasRaised = series.windows[place].isRaised
        if wasRaised, rule.rule.state == nil || series.windows[place].isTakenBack { return }
        let measures = rule.rule.criteria.measures(
            series.windows[place].sums, earlier: series.base(of: place, most: rule.rule.criteria.baseline), total: nil,
            limit: reading)
        var alert: Alert
        if let measures {
            if wasRaised { return }
            alert = self.alert(rule, series, place, measures, key, alerts.now, account)
            alert.addPace(reading, rule.rule.limit, of: account, policySet, now: alerts.now)
            series.windows[place].isRaised = true
            series.windows[place].isRaisedByRefusal = isRefused
        } else {
            // What a refused request would have used goes without it.
            guard wasRaised, !series.windows[place].isRaisedByRefusal else { return }
            alert = self.alert(rule, series, place, over(rule, reading), key, alerts.now, account)
            alert.state = "ok"
            series.windows[place].isTakenBack = true
        }
        guard gathersAlerts else {
            alert.totalCost = together.withLock { $0.total(rule.index, start) }
            raised.append(alert)
            return
        }
        if measures != nil { series.windows[place].alert = alerts.found.count }
        alerts.found.append(GatheredAlert(rule: rule.index, alert: alert))
    }

    /// The names that a key stands for.
    private func subject(_ rule: CompiledAlert, _ key: AlertKey) -> [String] {
        rule.slots.indices.map { symbols.text(Symbol(rawValue: key.values[$0])) }
    }

    /// What a budget's use has come down to, beside the state that is over.
    private func over(_ rule: CompiledAlert, _ reading: LimitReading?) -> [AlertMeasure] {
        guard var term = rule.rule.criteria.terms.first, let use = reading?.use else { return [] }
        term.order = .below
        return [AlertMeasure(term: term, value: use)]
    }

    private func alert(
        _ rule: CompiledAlert, _ series: AlertSeries<Symbol>, _ place: Int, _ measures: [AlertMeasure],
        _ key: AlertKey, _ time: Int64, _ account: Account
    ) -> Alert {
        var alert = rule.heading.alert(
            series.windows[place], series, measures, at: time, tenant: symbols.text(account.id),
            subject: subject(rule, key),
            total: nil
        ) { symbols.text($0) }
        for scope in account.alerts?.scopes[key] ?? [] { alert.subject[scope.name] = symbols.text(scope.value) }
        return alert
    }

    private func add(
        together addition: AlertAddition, _ key: AlertKey, _ tenant: Symbol, _ time: Int64, _ raised: inout [Alert]
    ) {
        let found = together.withLock { together -> [Alert] in
            let due = together.add(addition, key, tenant: tenant, at: time)
            return due.compactMap { judge($0, &together) }
        }
        raised += found.sorted(by: Alert.areInOrder)
    }

    /// A window that has ended.
    private func judge(_ due: TogetherAlerts.Due, _ together: inout TogetherAlerts) -> Alert? {
        let index = Int(due.key.values.rule)
        let rule = alertRules[index]
        guard let series = together.series[index][due.key],
            let place = series.windows.lastIndex(where: { $0.start == due.start }), !series.windows[place].isRaised
        else { return nil }
        let window = series.windows[place]
        let total = together.total(index, window.start)
        let measures = rule.rule.criteria.measures(
            window.sums, earlier: series.base(of: place, most: rule.rule.criteria.baseline), total: total,
            limit: nil)
        guard let measures else { return nil }
        series.windows[place].isRaised = true
        return rule.heading.alert(
            window, series, measures, at: window.end,
            tenant: due.key.tenant.isPresent ? symbols.text(due.key.tenant) : nil,
            subject: subject(rule, due.key.values), total: total
        ) { symbols.text($0) }
    }

    /// All alerts since the engine was made, where it gathers them.
    package func takeAlerts() -> GatheredAlerts {
        var gathered = GatheredAlerts()
        gathered.headings = alertRules.map(\.heading)
        for account in allAccounts {
            account.withLock {
                guard let alerts = account.alerts else { return }
                for series in alerts.series.values { series.windows.forEach { alerts.complete($0) } }
                gathered.alerts += alerts.found
            }
        }
        together.withLock { together in
            for (rule, totals) in together.totals.enumerated() {
                for total in totals { gathered.totals[.init(rule: rule, start: total.start)] = total.cost }
            }
            for (rule, table) in together.series.enumerated() {
                for (key, series) in table {
                    let subject = GatheredAlerts.Subject(
                        rule: rule, tenant: key.tenant.isPresent ? symbols.text(key.tenant) : nil,
                        values: self.subject(alertRules[rule], key.values))
                    gathered.together[subject] = series.mapNames { symbols.text($0) }
                }
            }
        }
        return gathered
    }
}

extension AccountAlerts {
    /// A window is over: its alert tells what was spent until its end.
    func complete(_ window: AlertWindow<Symbol>) {
        guard let place = window.alert else { return }
        found[place].alert.cost = window.sums.cost
    }
}

extension Account {
    /// Computes what a counter's window took over, if no decision has needed it yet.
    fileprivate func knowCarry(of row: CompiledPlan.Row, _ counter: Int, _ policySet: PolicySet) {
        guard row.rollover != nil, book.counters[counter].end != .min else { return }
        let since = record >= 0 ? policySet.tenants[Int(record)].since : nil
        _ = book.carried(counter, row.limit, since: row.isShared ? nil : since)
    }
}

extension Alert {
    /// Says how fast the limit is used up that the alert looks at, else the budget of the tenant that is used up fastest.
    mutating func addPace(
        _ reading: LimitReading?, _ limit: String?, of account: Account, _ policySet: PolicySet, now: Int64
    ) {
        var fastest: (rate: Fraction, name: String, endsAt: Int64?)?
        func see(_ reading: LimitReading, _ name: String) {
            guard let rate = reading.burnRate, fastest.map({ rate.compared(to: $0.rate) > 0 }) ?? true else { return }
            fastest = (rate, name, reading.endsAt)
        }
        if let reading, let limit {
            see(reading, limit)
        } else if let plan = account.plan {
            for (index, row) in plan.rows.enumerated() {
                guard row.limit.unit == .spend, row.limit.canBeWatched, row.limit.window.isPeriodic,
                    account.slot(index) >= 0
                else { continue }
                account.knowCarry(of: row, account.slot(index), policySet)
                let counter = account.book.counters[account.slot(index)]
                guard counter.amount >= 0, counter.start <= now, now < counter.end else { continue }
                see(LimitReading(counter, amount: counter.amount, now: now), row.limit.name)
            }
        }
        guard let fastest else { return }
        burnRate = AlertHeading.percentage(fastest.rate)
        burnRateLimit = fastest.name
        endsAt = fastest.endsAt
    }
}
