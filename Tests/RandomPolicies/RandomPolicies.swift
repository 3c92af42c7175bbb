/// A generator whose sequence follows from its seed alone (SplitMix64).
public struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    public mutating func below(_ count: Int) -> Int { Int(next() % UInt64(max(1, count))) }
    public mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
    public mutating func pick<Element>(_ items: [Element]) -> Element { items[below(items.count)] }
}

/// Writes random policy sets that use every construct, with amounts so small that requests meet their edges.
public struct RandomPolicies: Sendable {
    public var random: SeededGenerator

    public static let models = ["ant", "bee", "cat", "dog"]
    public static let features = ["chat", "search", "batch"]

    private var zone = "UTC"
    /// Without limits that anyone could reach, what is decided follows from the request alone.
    public var hasLimits = true
    /// Amounts and prices reach from the smallest to the largest that the language allows.
    public var isExtreme = false

    public init(random: SeededGenerator) { self.random = random }

    public mutating func policySet() -> String {
        zone = random.pick(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
        var text = catalog(version: 1, effective: nil)
        if random.chance(25) { text += "---\n" + catalog(version: 2, effective: "2026-06-04") }
        text += "---\n" + policy(version: 1, effective: nil)
        if random.chance(30) { text += "---\n" + policy(version: 2, effective: "2026-06-03T12:00:00Z") }
        return text + "---\n" + tenants()
    }

    private mutating func catalog(version: Int, effective: String?) -> String {
        var text = "catalog: c\nversion: \(version)\n"
        if let effective { text += "effective: \(effective)\n" }
        text += "classes: [cheap, dear]\nmodels:\n"
        for (index, model) in Self.models.enumerated() {
            text +=
                "  \(model):\n    class: \(index < 2 ? "dear" : "cheap")\n    provider: \(index % 2 == 0 ? "even" : "odd")\n"
            if index == 0 { text += "    aliases: [\(model)-latest, \(model)-v*]\n" }
            // Money per token in whole cents and parts of a nano, so that rounding shows.
            let scale = random.pick(["1", "3", "7"])
            let input = index == 3 && random.chance(50) ? "0" : "\(4 - index).00000000\(scale)"
            let output = index == 3 && random.chance(50) ? "0" : "\(8 - 2 * index)"
            if isExtreme {
                let prices = ["0", "0.000001", "0.15", "10", "1000", "9000000000"]
                text += "    price: {input: $\(random.pick(prices))/1M, output: $\(random.pick(prices))/1M"
                text += random.chance(20) ? ", request: $\(random.pick(prices))}\n" : "}\n"
                continue
            }
            text += "    price: {input: $\(input)/1k, "
            if random.chance(50) { text += "cached: $0.5/1k, " }
            text += "output: $\(output)/1k"
            if random.chance(20) { text += ", request: $0.001" }
            text += "}\n"
        }
        return text + "  ghost: {class: cheap}\n"
    }

    // MARK: - Policy

    private mutating func policy(version: Int, effective: String?) -> String {
        var text = "policy: p\nversion: \(version)\n"
        if let effective { text += "effective: \(effective)\n" }
        text += "timezone: \(zone)\n"
        text += "catalog: c\n"
        if random.chance(12) { text += "mode: \(random.pick(["shadow", "shadow", "frozen"]))\n" }
        if random.chance(80) { text += "default tier: t0\n" }
        if random.chance(50) { text += "unpriced: \(random.pick(["allow", "deny"]))\n" }
        let isByMost = text.utf8.count % 4 == 0
        if random.chance(50) {
            text += "estimate: {output: \(random.below(30)) tokens\(isByMost ? ", by: max" : "")}\n"
        } else if isByMost {
            text += "estimate: {by: max}\n"
        }
        if random.chance(50) { text += "retry window: \(random.pick(["1s", "5m", "2h"]))\n" }
        text += "audiences: {owner: someone, ops: others}\nfeatures: {chat: {critical: true}, search: {}}\n"
        if random.chance(40) { text += "limits:\n" + limits("g", 1 + random.below(2), indent: "  ") }
        if random.chance(50) {
            text += "rules:\n"
            for index in 0..<(1 + random.below(3)) {
                let effect = random.pick(["deny", "confirm", "approve"])
                text += "  r\(index): {"
                if random.chance(95) { text += "when: '\(condition())', " }
                text += "\(effect): code_\(effect)_\(index)}\n"
            }
        }
        if random.chance(30) {
            text += "tools:\n  deny: [\"db:*\"]\n  approve: [\"pay:*\"]\n  allow: [\"find:*\"]\n"
            if random.chance(50) { text += "  default: \(random.pick(["allow", "approve", "deny"]))\n" }
        }
        text += "tiers:\n"
        for index in 0..<(1 + random.below(2)) {
            text += "  t\(index):\n"
            if index > 0 { text += "    extends: t0\n" }
            text += tierKeys(indent: "    ", index: index)
        }
        return text + alerts(UInt64(text.utf8.count))
    }

    /// With numbers of their own, so that what else a seed makes stays as it is.
    private func alerts(_ seed: UInt64) -> String {
        var random = SeededGenerator(seed: seed)
        if random.chance(isExtreme ? 20 : 50) { return "" }
        let extremes = ["share of spend > 20%", "spend > $0.000000001", "spend > $1000000"]
        let comparisons =
            [
                "spend > $0.05", "spend >= 150% of baseline", "cost per request > $0.001", "p95 tokens > 20",
                "p99 tokens > 120% of baseline", "requests > 3", "success ratio < 90%", "retry ratio >= 10%",
                "refusal ratio > 12.5%", "tokens <= 1k tokens",
            ] + (isExtreme ? extremes : [])
        var text = "alerts:\n"
        for index in 0..<(1 + random.below(4)) {
            var keys = ["if: " + random.pick(comparisons)]
            if random.chance(40) { keys[0] += " and " + random.pick(comparisons) }
            if random.chance(60) {
                keys.append("window: " + random.pick(["hour", "15 minutes", "day", "week", "month"]))
            }
            if random.chance(40) { keys.append("per: " + random.pick(["feature", "[user, prompt_version]", "run"])) }
            if random.chance(25) { keys.append("across tenants: true") }
            if random.chance(30) { keys.append("when: 'feature == \"chat\" || input_tokens > 5'") }
            if random.chance(50) { keys.append("at least: \(1 + random.below(4)) requests") }
            if random.chance(30) { keys.append("baseline: \(1 + random.below(4))") }
            if random.chance(50) { keys.append("notify: [owner, ops]") }
            text += "  a\(index): {\(keys.joined(separator: ", "))}\n"
        }
        return text
    }

    private mutating func tierKeys(indent: String, index: Int) -> String {
        var text = "\(indent)price: $\(random.below(100))/month\n"
        if random.chance(60) {
            let lists = ["[cheap]", "[cheap, ant]", "any", "[dear]", "[\"*t\", bee]", "[cheap, dear, \"gh*\"]"]
            text += "\(indent)models: \(random.pick(lists))\n"
        }
        if random.chance(70) { text += "\(indent)downgrade: \(chains())\n" }
        if random.chance(20) { text += "\(indent)block: [\(random.pick(Self.features))]\n" }
        let count = 1 + random.below(4)
        text += "\(indent)limits:\n" + limits(index == 0 ? "l" : "m", count, indent: indent + "  ")
        if hasLimits, index > 0, random.chance(50) { text += "\(indent)  l0: \(override())\n" }
        if hasLimits, index == 0, random.chance(40) {
            text += "\(indent)weights: {of: l0, chat: \(random.below(50))%, search: \(random.below(30))%"
            if random.chance(60) { text += ", other: \(random.below(20))%" }
            if random.chance(40) { text += ", share: remaining" }
            text += "}\n"
        }
        return text
    }

    private mutating func chains() -> String {
        let chain = random.pick([
            "ant -> bee -> cat -> dog", "ant -> cat", "[ant -> dog, bee -> cat -> dog]", "bee -> dog",
        ])
        guard random.chance(30) else { return chain }
        return "{chains: \(chain), consent: \(random.pick(["plan", "tenant", "request"]))}"
    }

    public mutating func condition(_ depth: Int = 0) -> String {
        if depth < 2, random.chance(35) {
            let inner = condition(depth + 1)
            switch random.below(3) {
            case 0: return "!(\(inner))"
            case 1: return "(\(inner) && \(condition(depth + 1)))"
            default: return "(\(inner) || \(condition(depth + 1)))"
            }
        }
        return random.pick([
            "tier == \"t0\"", "model == \"ant\"", "model.class == \"dear\"", "model.provider != \"odd\"",
            "feature == \"chat\"", "feature in [\"chat\", \"search\"]", "feature.critical", "has(feature)",
            "feature.startsWith(\"se\")", "user.endsWith(\"2\")", "input_tokens > 20", "input_tokens <= 10",
            "max_output_tokens >= 15", "characters != 7", "attempt in [2, 3]", "fallback", "!fallback",
            "fallback == false", "has(fallback)", "hour < 12", "weekday in [\"sat\", \"sunday\"]", "weekday == 3",
            "\"pay:card\" in tools", "tools.exists(t, t.startsWith(\"db:\"))", "has(tools)",
            "labels[\"team\"] == \"red\"",
            "labels[\"team\"].startsWith(\"b\")", "has(labels[\"team\"])", "group == \"g1\"", "workspace == \"w1\"",
            "user in [\"u1\"]", "cached_tokens > 0", "tenant == \"acme\"", "true", "has(workspace)",
        ])
    }

    // MARK: - Limits

    private mutating func limits(_ prefix: String, _ count: Int, indent: String) -> String {
        if !hasLimits { return "\(indent)\(prefix)0: 1B requests/day\n" }
        return (0..<count).map { "\(indent)\(prefix)\($0): \(limit())\n" }.joined()
    }

    /// Changes a limit that was taken over, in a way that fits whatever it counts.
    private mutating func override() -> String {
        random.pick([
            "none", "{mode: shadow}", "{mode: enforce}", "{at: {60%: notify ops, 100%: downgrade else deny}}",
            "{per: user}", "{when: '\(condition())'}",
        ])
    }

    private mutating func limit() -> String {
        let isSpend = random.chance(50)
        var unit = ""
        var amount = ""
        if isSpend {
            amount = "$0.\(["02", "05", "1", "30"][random.below(4)])"
        } else {
            unit = random.pick([
                "tokens", "input tokens", "output tokens", "requests", "requests", "attempts", "runs", "characters",
                "tool calls",
                "concurrent requests",
            ])
            amount =
                unit.hasSuffix("tokens") || unit == "characters"
                ? "\(10 + random.below(120))" : "\(1 + random.below(5))"
        }
        if isExtreme, random.chance(60) {
            amount =
                isSpend
                ? "$" + random.pick(["0.000000001", "1", "100", "1000000", "9223372036.854775807"])
                : random.pick(["1", "10", "1000", "1000000", "1000000000000", "9000000000000000000"])
        }
        var window = ""
        var isRate = false
        var isPeriodic = false
        if unit != "concurrent requests" {
            switch random.below(12) {
            case 0, 1: (window, isRate) = ("/" + random.pick(["second", "minute", "15 minutes", "hour"]), true)
            case 2, 3, 4: (window, isPeriodic) = ("/day", true)
            case 5:
                (window, isPeriodic) = ("/" + random.pick(["week", "month", "month from 31", "quarter", "year"]), true)
            case 6: window = "/rolling \(random.pick(["1 hours", "24 hours", "2 days"]))"
            case 7: window = "/\(random.pick(["5 hours", "90 minutes"])) from first use"
            case 8: (window, isPeriodic) = ("/every \(random.pick(["12 hours", "3 days"])) from 2026-01-15", true)
            case 9, 10: window = "/request"
            default: window = ""
            }
        }
        var text = "{amount: \(amount)\(unit.isEmpty ? "" : " " + unit)\(window)"
        if random.chance(30) {
            let per = random.pick([
                "user", "workspace", "model", "feature", "run", "group", "[workspace, user]", "[group, feature]",
            ])
            text += ", per: \(per == "group" && text.utf8.count % 3 == 0 ? "[tenant, group]" : per)"
        }
        if random.chance(25) { text += ", when: '\(condition())'" }
        if isPeriodic, random.chance(60) {
            text +=
                random.chance(50)
                ? ", rollover: \(25 + random.below(100))%"
                : ", rollover: {cap: \(50 + random.below(150))%, compounding: true}"
        }
        if isRate, random.chance(50) { text += ", burst: \(isSpend ? "$0.2" : "\(1 + random.below(60))")" }
        if random.chance(12) { text += ", mode: \(random.pick(["shadow", "enforce"]))" }
        if random.chance(75) { text += ", at: \(thresholds(isSpend, unit))" }
        return text + "}"
    }

    private mutating func thresholds(_ isSpend: Bool, _ unit: String) -> String {
        var parts: [String] = []
        let levels = random.pick([
            ["100%"], ["50%", "100%"], ["33.3%", "80%", "120%"], [isSpend ? "$0.04" : "20", "100%"], ["0%", "100%"],
        ])
        for level in levels {
            let actions = (0..<(1 + random.below(2))).map { _ -> String in
                let action = self.action(isSpend, unit)
                guard random.chance(20) else { return "'\(action)'" }
                return "{do: '\(action)', when: '\(condition())'}"
            }
            parts.append("\(level): [\(actions.joined(separator: ", "))]")
        }
        return "{\(parts.joined(separator: ", "))}"
    }

    private mutating func action(_ isSpend: Bool, _ unit: String) -> String {
        let canFit = isSpend || unit == "tokens" || unit == "output tokens"
        var simple = [
            "notify owner", "notify owner, ops", "cap output 5 tokens", "cap input 9 tokens", "disable tools db:*, x",
            "serve cached", "cap steps 3", "cool down 30s", "throttle 2 requests/minute", "confirm", "approve", "deny",
            "deny own_code", "overage", "overage at 120%", "deny",
        ]
        if isSpend { simple += ["overage up to $0.05", "overage up to $0.02 at 150%"] }
        switch random.below(canFit ? 6 : 4) {
        case 0:
            return "downgrade else "
                + random.pick(["deny", "deny", "throttle 1 requests/minute", "confirm", "cap output 4 tokens"])
        case 1: return random.pick(["downgrade", "downgrade to dog", "downgrade to cat else deny", "downgrade to bee"])
        case 4:
            return "cap output to fit" + random.pick(["", " min 3"])
                + random.pick(["", " else deny", " else deny too_long"])
        case 5: return "downgrade else cap output to fit else deny"
        default: return random.pick(simple)
        }
    }

    // MARK: - Tenants

    private mutating func tenants() -> String {
        var text = "tenants:\n"
        for name in ["acme", "beta", "core"] {
            text += "  \(name):\n"
            var keys = ""
            if random.chance(70) { keys += "    tier: t0\n" }
            if random.chance(5) { keys += "    status: suspended\n" }
            if random.chance(50) { keys += "    group: g\(1 + random.below(2))\n" }
            if random.chance(40) { keys += "    accepts: [downgrade]\n" }
            if random.chance(30) { keys += "    since: 2026-06-0\(1 + random.below(4))T07:00:00Z\n" }
            if random.chance(30) { keys += "    models: [cheap, ant]\n" }
            var limits = ""
            if random.chance(40) { limits += "      l0: \(override())\n" }
            // An exception changes the amount, so what it changes must be counted alike.
            let hasException = random.chance(25)
            if hasException {
                limits += "      own: {amount: $0.1/day, rollover: 50%, at: {100%: downgrade else deny}}\n"
            } else if random.chance(40) {
                limits += "      own: \(limit())\n"
            }
            if random.chance(40) {
                limits +=
                    "      balance: {prepaid: true\(random.chance(50) ? ", at: {50%: notify owner, 100%: \"cap output to fit else deny\"}" : "")}\n"
                if random.chance(50) { keys += "    prepaid: $0.\(1 + random.below(9))\n" }
                keys += "    grants:\n      - {amount: $0.1, until: 2026-06-03, priority: \(random.below(2))}\n"
                keys += "      - {amount: $0.2, from: 2026-06-02, until: 2026-06-05T12:00:00Z}\n"
            }
            if !limits.isEmpty { keys += "    limits:\n" + limits }
            if random.chance(30) {
                keys += "    scopes:\n      workspace w1:\n        limits:\n          sub: \(limit())\n"
                keys += "        user u1: {limits: {l1: \(limit())}}\n"
            }
            if hasException {
                keys += "    exceptions:\n      - {limit: own, amount: $0.5/day, until: 2026-06-03, reason: launch}\n"
                keys += "      - {limit: own, amount: $0.3/day, until: 2026-06-04, reason: landing}\n"
            }
            text += keys.isEmpty ? "    {}\n" : keys
        }
        return text
    }
}
