import BursarEngine
import BursarPolicy
import BursarSyntax
import Dispatch
import RandomPolicies
import Synchronization
import Testing

/// Alerts as Docs/alerts.md defines them, worked out anew from everything that happened, against those of the engine.
@Suite struct AlertTests {
    private static let hour: Int64 = 3_600_000_000
    private static let day = 24 * hour
    private static let start: Int64 = 1_780_272_000_000_000

    private static let names: [(name: String, text: String)] = [
        ("budget", "{budget: daily, warning: 60%}"),
        ("burning", "{if: burn rate of daily > 150%, at least: 3}"),
        ("left", "{if: time left of daily < 10h, at least: 2}"),
        ("use", "{if: use of count >= 50% and requests > 2}"),
        ("jump", "{if: spend > 150% of baseline and spend > $0.5, window: 6 hours, baseline: 4, at least: 3}"),
        ("drift", "{if: cost per request > 120% of baseline, per: [feature, prompt_version], at least: 2}"),
        ("all-drift", "{if: cost per request > 120% of baseline, per: feature, across tenants: true, at least: 2}"),
        ("share", "{if: share of spend > 40%, window: day, at least: 2}"),
        (
            "feature-share",
            "{if: share of spend > 30%, per: feature, across tenants: true, window: 12 hours, at least: 1}"
        ),
        ("failing", "{if: success ratio < 70%, window: 6 hours, at least: 4}"),
        ("retrying", "{if: retry ratio > 40%, at least: 4, when: feature != \"chat\"}"),
        ("refusing", "{if: refusal ratio >= 30%, at least: 4}"),
        ("falling", "{if: success ratio < 80% of baseline, baseline: 2, at least: 3}"),
        ("tokens", "{if: tokens > 200% of baseline, window: 6 hours, at least: 2}"),
        ("few", "{if: requests <= 2 and spend > $0.2}"),
    ]

    private static func set(
        limits: String = "daily: $6/day, count: {amount: 6 requests/day, per: feature}"
    ) throws -> PolicySet {
        let text = """
            catalog: c
            version: 1
            models: {m: {price: {input: $1/1k, output: $1/1k}}}
            ---
            policy: p
            version: 1
            catalog: c
            default tier: t
            tiers:
              t:
                models: any
                limits: {\(limits)}
            alerts:
            \(names.map { "  \($0.name): \($0.text)" }.joined(separator: "\n"))
            """
        return try PolicySet.compiled(text)
    }

    // MARK: - What happens

    /// One request with all that becomes of it.
    private struct Happening {
        var time: Int64
        var tenant: Int
        var feature: Int
        var version: Int
        var attempt: Int64
        var input: Int64
        var refusedBy: [String] = []
        var isRefused = false
        var output: Int64 = 0
        var cost: Int64 = 0
        var hasFailed = false
    }

    private enum Event { case decided(Int), settled(Int) }

    private static func name(_ kind: String, _ number: Int) -> String { "\(kind)-\(number)" }

    // MARK: - The plain way

    /// What one rule sees, each window worked out from all events so far.
    private struct Reference {
        struct Key: Hashable {
            var rule: String
            var tenant: Int?
            var values: [String]
            var window: Int64
            var state: String
        }

        var happenings: [Happening] = []
        var events: [Event] = []
        var raised: [Key: Int64] = [:]
        var raisedByRefusal: Set<Key> = []

        struct Sums {
            var requests = 0.0, refused = 0.0, retries = 0.0, settled = 0.0, failed = 0.0, cost = 0.0, tokens = 0.0
        }

        /// Sums of windows of a length, by start, of the requests that are meant.
        func windows(_ length: Int64, _ isMeant: (Happening) -> Bool) -> [Int64: Sums] {
            var windows: [Int64: Sums] = [:]
            for event in events {
                switch event {
                case .decided(let index):
                    let happening = happenings[index]
                    guard isMeant(happening) else { continue }
                    let start = happening.time / length * length
                    windows[start, default: Sums()].requests += 1
                    if happening.isRefused { windows[start, default: Sums()].refused += 1 }
                    if happening.attempt > 1 { windows[start, default: Sums()].retries += 1 }
                case .settled(let index):
                    let happening = happenings[index]
                    guard isMeant(happening) else { continue }
                    let start = happening.time / length * length
                    windows[start, default: Sums()].settled += 1
                    if happening.hasFailed { windows[start, default: Sums()].failed += 1 }
                    windows[start, default: Sums()].cost += Double(happening.cost)
                    windows[start, default: Sums()].tokens += Double(happening.input + happening.output)
                }
            }
            return windows
        }

        /// The window before one, merged; nil where there are too few of them.
        func base(_ windows: [Int64: Sums], before start: Int64, _ most: Int) -> (Sums, Double)? {
            let earlier = windows.keys.filter { $0 < start }.sorted().suffix(most)
            guard earlier.count >= min(3, most) else { return nil }
            var all = Sums()
            for key in earlier {
                let window = windows[key] ?? Sums()
                all.requests += window.requests
                all.settled += window.settled
                all.failed += window.failed
                all.cost += window.cost
                all.tokens += window.tokens
            }
            return (all, Double(earlier.count))
        }

        mutating func raise(_ key: Key, at time: Int64) { if raised[key] == nil { raised[key] = time } }
    }

    /// What each limit of each tenant holds in a day: settled or reserved.
    private static func judge(_ reference: inout Reference, after event: Event, now: [Int: Int64]) {
        let index =
            switch event {
            case .decided(let index), .settled(let index): index
            }
        let own = reference.happenings[index]
        let time = now[own.tenant] ?? own.time
        func tenants(_ other: Happening) -> Bool { other.tenant == own.tenant }

        // Limits: what was admitted in the day, at its cost where it is settled and at its estimate else.
        let dayStart = own.time / day * day
        var settled: Set<Int> = []
        var decided: Set<Int> = []
        for event in reference.events {
            switch event {
            case .decided(let index): decided.insert(index)
            case .settled(let index): settled.insert(index)
            }
        }
        func used(_ isMeant: (Happening) -> Bool, _ amount: (Int) -> Double) -> Double {
            decided.reduce(0.0) { sum, index in
                let other = reference.happenings[index]
                guard tenants(other), other.time / day * day == dayStart, !other.isRefused, isMeant(other) else {
                    return sum
                }
                return sum + amount(index)
            }
        }
        let isCurrent = time / day * day == dayStart
        let requests = reference.windows(day, tenants)[dayStart]?.requests ?? 0
        var daily = used({ _ in true }) { index in
            let other = reference.happenings[index]
            return settled.contains(index) ? Double(other.cost) : Double(other.input + 10) * 1_000_000
        }
        let plainDaily = daily
        if case .decided = event, own.refusedBy.contains("daily") { daily += Double(own.input + 10) * 1_000_000 }
        if isCurrent {
            let share = daily / 6e9
            for (state, bound) in [("warning", 0.6), ("exceeded", 1.0)] {
                let key = Reference.Key(rule: "budget", tenant: own.tenant, values: [], window: dayStart, state: state)
                if share >= bound - 1e-12 {
                    if reference.raised[key] == nil, daily != plainDaily { reference.raisedByRefusal.insert(key) }
                    reference.raise(key, at: time)
                } else if reference.raised[key] != nil, !reference.raisedByRefusal.contains(key) {
                    var taken = key
                    taken.state = "ok of \(state)"
                    reference.raise(taken, at: time)
                }
            }
            let elapsed = Double(time - dayStart)
            if elapsed >= Double(day) / 20 {
                let burn = share / (elapsed / Double(day))
                if burn > 1.5, requests >= 3 {
                    reference.raise(
                        .init(rule: "burning", tenant: own.tenant, values: [], window: dayStart, state: ""), at: time)
                }
                let left = max(0, 6e9 - daily) * elapsed / daily
                if daily > 0, left < Double(day) - elapsed, left < Double(10 * hour), requests >= 2 {
                    reference.raise(
                        .init(rule: "left", tenant: own.tenant, values: [], window: dayStart, state: ""), at: time)
                }
            }
            var featureRequests = used({ $0.feature == own.feature }) { _ in 1 }
            if case .decided = event, own.refusedBy.contains("count") { featureRequests += 1 }
            let all = reference.windows(day) { tenants($0) && $0.feature == own.feature }[dayStart]?.requests ?? 0
            if featureRequests >= 3, all > 2 {
                reference.raise(
                    .init(rule: "use", tenant: own.tenant, values: ["\(own.feature)"], window: dayStart, state: ""),
                    at: time)
            }
        }

        func check(
            _ rule: String, _ length: Int64, _ values: [String] = [], isTogether: Bool = false, least: Double,
            base most: Int = 0, meant: @escaping (Happening) -> Bool = { _ in true },
            _ holds: (Reference.Sums, (Reference.Sums, Double)?) -> Bool
        ) {
            guard meant(own) else { return }
            let windows = reference.windows(length) { (isTogether || tenants($0)) && meant($0) }
            let window = own.time / length * length
            guard let sums = windows[window], sums.requests >= least else { return }
            // What is settled more than one window late is counted and not judged.
            if most > 0, windows.keys.count(where: { $0 > window }) > 1 { return }
            let base = most > 0 ? reference.base(windows, before: window, most) : nil
            if most > 0, base == nil { return }
            guard holds(sums, base) else { return }
            reference.raise(
                .init(rule: rule, tenant: isTogether ? nil : own.tenant, values: values, window: window, state: ""),
                at: isTogether ? window + length : time)
        }
        check("jump", 6 * hour, least: 3, base: 4) { $0.cost > 1.5 * $1!.0.cost / $1!.1 && $0.cost > 0.5e9 }
        check(
            "drift", day, ["\(own.feature)", "\(own.version)"], least: 2, base: 7,
            meant: { $0.feature == own.feature && $0.version == own.version }
        ) {
            $0.settled > 0 && $1!.0.settled > 0 && $0.cost / $0.settled > 1.2 * $1!.0.cost / $1!.0.settled
        }
        check("failing", 6 * hour, least: 4) { sums, _ in
            sums.settled > 0 && (sums.settled - sums.failed) / sums.settled < 0.7
        }
        check("retrying", day, least: 4, meant: { $0.feature != 0 }) { sums, _ in sums.retries / sums.requests > 0.4 }
        check("refusing", day, least: 4) { sums, _ in sums.refused / sums.requests >= 0.3 }
        check("falling", day, least: 3, base: 2) {
            $0.settled > 0 && $1!.0.settled > 0
                && ($0.settled - $0.failed) / $0.settled < 0.8 * ($1!.0.settled - $1!.0.failed) / $1!.0.settled
        }
        check("tokens", 6 * hour, least: 2, base: 7) { $0.tokens > 2 * $1!.0.tokens / $1!.1 }
        check("few", day, least: 1) { sums, _ in sums.requests <= 2 && sums.cost > 0.2e9 }
    }

    /// What is judged once everything is known.
    private static func judgeTogether(_ reference: inout Reference, tenants: Int, features: Int) {
        for feature in 0..<features {
            let windows = reference.windows(day) { $0.feature == feature }
            for (start, sums) in windows where sums.requests >= 2 {
                guard let base = reference.base(windows, before: start, 7), sums.settled > 0, base.0.settled > 0 else {
                    continue
                }
                if sums.cost / sums.settled > 1.2 * base.0.cost / base.0.settled {
                    reference.raise(
                        .init(rule: "all-drift", tenant: nil, values: ["\(feature)"], window: start, state: ""),
                        at: start + day)
                }
            }
            let halves = reference.windows(12 * hour) { $0.feature == feature }
            let totals = reference.windows(12 * hour) { _ in true }
            for (start, sums) in halves where sums.requests >= 1 {
                if let total = totals[start]?.cost, total > 0, sums.cost / total > 0.3 {
                    reference.raise(
                        .init(rule: "feature-share", tenant: nil, values: ["\(feature)"], window: start, state: ""),
                        at: start + 12 * hour)
                }
            }
        }
        let totals = reference.windows(day) { _ in true }
        for tenant in 0..<tenants {
            for (start, sums) in reference.windows(day, { $0.tenant == tenant }) where sums.requests >= 2 {
                if let total = totals[start]?.cost, total > 0, sums.cost / total > 0.4 {
                    reference.raise(
                        .init(rule: "share", tenant: tenant, values: [], window: start, state: ""), at: start + day)
                }
            }
        }
    }

    // MARK: - Both

    private static func key(_ alert: Alert) -> Reference.Key {
        let values = ["feature", "prompt_version"].compactMap { alert.subject[$0] }
            .compactMap { $0 == "chat" ? "0" : $0.split(separator: "-").last.map(String.init) }
        var state = alert.state ?? ""
        if state == "ok" {
            state = alert.measures.first?.bound == "< 60%" ? "ok of warning" : "ok of exceeded"
        }
        return Reference.Key(
            rule: alert.name, tenant: alert.tenant.flatMap { $0.split(separator: "-").last.flatMap { Int($0) } },
            values: values, window: alert.windowStart, state: state)
    }

    @Test(arguments: 1...40) func `the engine raises what a plain account of everything raises`(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let set = try Self.set()
        let live = Mutex<[Alert]>([])
        let engine = Engine(
            set, reservationLifetime: .max, onAlert: { alert in live.withLock { $0.append(alert) } },
            gathersAlerts: seed % 2 == 0)
        var reference = Reference()
        var now: [Int: Int64] = [:]
        var time = Self.start
        var open: [(index: Int, reservation: ReservationID)] = []
        let tenants = 3
        func settle(_ place: Int) throws {
            let (index, reservation) = open.remove(at: place)
            reference.happenings[index].output = Int64(random.below(40))
            reference.happenings[index].cost =
                Int64(random.below(reference.happenings[index].version == 2 ? 500 : 200)) * 1_000_000
            reference.happenings[index].hasFailed = random.below(5) == 0
            let happening = reference.happenings[index]
            try engine.settle(
                reservation, of: engine.tenant(Self.name("t", happening.tenant)),
                usage: Usage(
                    inputTokens: happening.input, outputTokens: happening.output, cost: happening.cost,
                    hasFailed: happening.hasFailed))
            reference.events.append(.settled(index))
            Self.judge(&reference, after: .settled(index), now: now)
        }
        for _ in 0..<260 {
            time += Int64(random.below(90)) * 60_000_000
            let happening = Happening(
                time: time, tenant: random.below(tenants), feature: random.below(3), version: random.below(3),
                attempt: Int64(1 + random.below(3) / 2 * 2), input: Int64(random.below(300)))
            var request = Request(
                time: time, tenant: engine.tenant(Self.name("t", happening.tenant)), model: engine.symbols.intern("m"))
            request[.feature] = engine.symbols.intern(
                happening.feature == 0 ? "chat" : Self.name("f", happening.feature))
            request[.promptVersion] = engine.symbols.intern(Self.name("v", happening.version))
            request.inputTokens = happening.input
            request.expectedOutputTokens = 10
            request.attempt = happening.attempt
            let decision = engine.decide(request, detail: random.below(2) == 0 ? .brief : .reasons)
            let index = reference.happenings.count
            reference.happenings.append(happening)
            reference.happenings[index].isRefused = decision.outcome.isRefused
            reference.happenings[index].refusedBy = decision.reasons.compactMap(\.limit)
            reference.events.append(.decided(index))
            now[happening.tenant] = max(now[happening.tenant] ?? .min, time)
            Self.judge(&reference, after: .decided(index), now: now)
            if let reservation = decision.reservation { open.append((index, reservation)) }
            while let first = open.first, reference.happenings[first.index].time < time - 9 * Self.hour {
                try settle(0)
            }
            if random.below(4) > 0, !open.isEmpty {
                try settle(random.below(3) == 0 ? random.below(open.count) : open.count - 1)
            }
        }
        while !open.isEmpty { try settle(0) }
        let together: Set = ["all-drift", "feature-share", "share"]
        let found: [Alert]
        if seed % 2 == 0 {
            Self.judgeTogether(&reference, tenants: tenants, features: 3)
            found = engine.takeAlerts().judged()
        } else {
            // Live, alerts of all tenants come as their windows end; the plain account knows only the end.
            found = live.withLock { $0 }.filter { !together.contains($0.name) }
        }
        let expected = reference.raised.map { "\($0.key) at \($0.value)" }.sorted()
        let got = found.map { "\(Self.key($0)) at \($0.time)" }.sorted()
        #expect(Set(got).count == got.count, "one is raised twice")
        let missing = Set(expected).subtracting(got).sorted()
        #expect(missing.isEmpty, "missing: \(missing.first ?? "")")
        let surplus = Set(got).subtracting(expected).sorted()
        #expect(surplus.isEmpty, "too many: \(surplus.first ?? "")")
        #expect(got.count > 20)
    }

    @Test func `alerts of all tenants come live as their windows end`() throws {
        let live = Mutex<[Alert]>([])
        let engines = [
            Engine(try Self.set(), onAlert: { alert in live.withLock { $0.append(alert) } }),
            Engine(try Self.set(), gathersAlerts: true),
        ]
        var last = Int64.min
        for engine in engines {
            var random = SeededGenerator(seed: 5)
            var time = Self.start
            for _ in 0..<400 {
                time += Int64(random.below(90)) * 60_000_000
                let tenant = engine.tenant(Self.name("t", random.below(3)))
                var request = Request(time: time, tenant: tenant, model: engine.symbols.intern("m"))
                request[.feature] = engine.symbols.intern(Self.name("f", random.below(3)))
                request.inputTokens = Int64(random.below(300))
                request.expectedOutputTokens = 10
                guard let reservation = engine.decide(request).reservation else { continue }
                let usage = Usage(
                    inputTokens: 10, outputTokens: 10,
                    cost: Int64(random.below(300)) * Int64(1 + random.below(3)) * 1_000_000)
                try engine.settle(reservation, of: tenant, usage: usage)
            }
            last = time
        }
        let together: Set = ["all-drift", "feature-share", "share"]
        func texts(_ alerts: [Alert]) -> [String] {
            alerts.filter { together.contains($0.name) && $0.windowEnd <= last }
                .map { "\(Self.key($0)) \($0.measures.map(\.value)) \($0.cost) of \($0.totalCost ?? -1)" }.sorted()
        }
        let expected = texts(engines[1].takeAlerts().judged())
        let got = texts(live.withLock { $0 })
        let differing = Set(expected).symmetricDifference(got).sorted()
        #expect(differing.isEmpty, "\(differing.prefix(4).joined(separator: "; "))")
        #expect(got.count == expected.count)
        #expect(expected.count > 20)
    }

    @Test func `what nobody settles counts as it was expected`() throws {
        let live = Mutex<[Alert]>([])
        let engine = Engine(
            try Self.set(), reservationLifetime: Self.hour, onAlert: { alert in live.withLock { $0.append(alert) } })
        let tenant = engine.tenant("t-0")
        func ask(at minutes: Int64) {
            var request = Request(
                time: Self.start + minutes * 60_000_000, tenant: tenant, model: engine.symbols.intern("m"))
            request[.feature] = engine.symbols.intern("f-1")
            request.inputTokens = 290
            request.expectedOutputTokens = 10
            _ = engine.decide(request)
        }
        // $0.30 that nobody settles: nothing is spent until an hour has passed.
        ask(at: 0)
        ask(at: 59)
        #expect(live.withLock { $0 }.isEmpty)
        ask(at: 61)
        // Three requests by now, so `few` is not met any more; share and spend have what the first one was expected to cost.
        #expect(engine.takeAlerts().totals(of: "few") == [300_000_000])
        ask(at: 180)
        #expect(engine.takeAlerts().totals(of: "few") == [900_000_000])
    }

    @Test func `many threads at once raise an alert once in a window`() throws {
        let live = Mutex<[Alert]>([])
        let limits = "daily: $1/day, count: {amount: 100k requests/day, per: feature}"
        let engine = Engine(try Self.set(limits: limits), onAlert: { alert in live.withLock { $0.append(alert) } })
        let tenants = (0..<3).map { engine.tenant(Self.name("t", $0)) }
        let model = engine.symbols.intern("m")
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            for number in 0..<2_000 {
                let tenant = tenants[(thread + number) % 3]
                var request = Request(time: Self.start + Int64(number) * 40_000_000, tenant: tenant, model: model)
                request[.feature] = engine.symbols.intern(Self.name("f", number % 3))
                request.inputTokens = Int64(number % 50)
                request.expectedOutputTokens = 10
                guard let reservation = engine.decide(request).reservation else { continue }
                let usage = Usage(inputTokens: 5, outputTokens: 5, cost: 1_000_000, hasFailed: number % 7 == 0)
                _ = try? engine.settle(reservation, of: tenant, usage: usage)
            }
        }
        let raised = live.withLock { $0 }
        let keys = raised.map { "\(Self.key($0))" }
        #expect(Set(keys).count == keys.count)
        // Each of the three tenants passed its budget on the one day that there was.
        #expect(raised.count { $0.name == "budget" && $0.state == "exceeded" } == 3)
    }
}
