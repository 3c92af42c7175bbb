extension TextScanner {
    /// Parses a whole action, including `A else B`.
    package mutating func action() throws(ScalarError) -> Action {
        skipSpaces()
        var parts: [Action] = []
        while true {
            let start = position
            parts.append(try simpleAction())
            skipSpaces()
            guard takeWords("else") else { break }
            switch parts[parts.count - 1] {
            case .downgrade, .capOutputToFit: break
            default:
                throw error(
                    "`else` follows `downgrade` or `cap output to fit` only: the other actions cannot fail",
                    from: start)
            }
            guard parts.count < Bounds.actionAlternatives else { throw error("too many alternatives", from: start) }
            skipSpaces()
        }
        try expectEnd(help: "several actions are a list: [notify owner, deny]")
        var action = parts.removeLast()
        while let earlier = parts.popLast() { action = .orElse(earlier, action) }
        return action
    }

    private mutating func simpleAction() throws(ScalarError) -> Action {
        if takeWords("notify") { return .notify(try names("an audience")) }
        if takeWords("cap", "output", "to", "fit") {
            let end = position
            skipSpaces()
            if takeWords("min") {
                try expectSpace()
                return .capOutputToFit(minimum: try count("a number of tokens"))
            }
            position = end
            return .capOutputToFit(minimum: 1)
        }
        if takeWords("cap", "output") { return .capOutput(try tokens()) }
        if takeWords("cap", "input") { return .capInput(try tokens()) }
        if takeWords("cap", "steps") {
            try expectSpace()
            return .capSteps(try count("a number of steps"))
        }
        if takeWords("disable", "tools") { return .disableTools(try patterns()) }
        if takeWords("serve", "cached") { return .serveCached }
        if takeWords("cool", "down") {
            try expectSpace()
            return .coolDown(try duration())
        }
        if takeWords("downgrade") { return try downgrade() }
        if takeWords("throttle") { return try throttle() }
        if takeWords("confirm") { return .confirm }
        if takeWords("approve") { return .approve }
        if takeWords("overage") { return try overage() }
        if takeWords("deny") {
            let end = position
            skipSpaces()
            let seesElse = takeWords("else")
            position = end
            guard !seesElse, !isAtEnd else { return .deny(code: nil) }
            skipSpaces()
            guard !isAtEnd else { return .deny(code: nil) }
            let start = position
            let code = try name("a code")
            skipSpaces()
            if let byte = peek, isNameByte(byte) {
                let words = text(start, bytes.count).split(separator: " ")
                throw ScalarError(
                    "a code is one word", start, bytes.count, help: "write `deny \(words.joined(separator: "_"))`")
            }
            return .deny(code: code)
        }
        let start = position
        let word = word()
        let known = Self.actionForms.map { String($0.prefix { $0 != " " }) }
        let near = Self.otherWords[word.lowercased()] ?? nearestName(to: word, among: known)
        throw word.isEmpty
            ? unexpected("expected an action")
            : error(
                "there is no action `\(word)`", from: start,
                help: near.map { "did you mean `\($0)`?" + ($0.hasPrefix("notify") ? Self.audienceHint : "") }
                    ?? "actions: " + Self.actionForms.joined(separator: ", "))
    }

    private static let audienceHint = " Audiences are declared under `audiences`."

    /// Words of other systems for actions of this one.
    private static let otherWords: [String: String] = {
        let words: [(String, [String])] = [
            ("deny", ["block", "refuse", "reject", "stop", "forbid", "disallow", "fail", "error", "drop", "true"]),
            (
                "notify AUDIENCE",
                ["warn", "alert", "email", "mail", "slack", "log", "webhook", "tell", "report", "page", "sms"]
            ),
            ("cap output 512 tokens", ["truncate", "shorten", "limit", "trim", "max_tokens"]),
            ("downgrade", ["fallback", "switch", "substitute", "degrade", "reroute"]),
            ("throttle 1 requests/minute", ["slow", "ratelimit", "rate", "delay", "queue"]),
            ("overage", ["bill", "charge", "overdraft"]),
            ("confirm", ["ask", "prompt"]),
            ("cool down 30s", ["wait", "pause", "sleep", "cooldown"]),
        ]
        return Dictionary(
            words.flatMap { entry in entry.1.map { ($0, entry.0) } }, uniquingKeysWith: { first, _ in first })
    }()

    static let actionForms = [
        "notify AUDIENCE", "cap output N tokens", "cap output to fit", "cap input N tokens", "disable tools PATTERN",
        "serve cached", "cap steps N", "cool down 30s", "downgrade", "downgrade to MODEL", "throttle N requests/minute",
        "confirm", "approve", "overage", "deny", "deny CODE",
    ]

    private mutating func tokens() throws(ScalarError) -> Int64 {
        try expectSpace()
        let number = try count("a number of tokens")
        guard take(" ") else { throw unexpected("expected a space and `tokens`") }
        skipSpaces()
        guard takeWords("tokens") || takeWords("token") else { throw unexpected("expected `tokens`") }
        return number
    }

    private mutating func names(_ what: String) throws(ScalarError) -> [String] {
        var names: [String] = []
        try expectSpace()
        repeat {
            skipSpaces()
            names.append(try name(what))
            try boundList(names.count)
            skipSpaces()
        } while take(",")
        return names
    }

    private mutating func patterns() throws(ScalarError) -> [Pattern] {
        var patterns: [Pattern] = []
        try expectSpace()
        repeat {
            skipSpaces()
            patterns.append(try pattern("a tool or a pattern of tools"))
            try boundList(patterns.count)
            skipSpaces()
        } while take(",")
        return patterns
    }

    private func boundList(_ count: Int) throws(ScalarError) {
        if count > Bounds.actions { throw error("an action names at most \(Bounds.actions) of them", from: position) }
    }

    private mutating func downgrade() throws(ScalarError) -> Action {
        let end = position
        skipSpaces()
        guard takeWords("to") else {
            position = end
            return .downgrade(to: nil)
        }
        try expectSpace()
        return .downgrade(to: try pattern("a model").text)
    }

    private mutating func throttle() throws(ScalarError) -> Action {
        try expectSpace()
        let start = position
        let number = try count("a number of requests")
        guard take(" ") else { throw unexpected("expected a space and `requests`") }
        skipSpaces()
        guard takeWords("requests") || takeWords("request") else { throw unexpected("expected `requests`") }
        skipSpaces()
        guard take("/") else { throw unexpected("expected `/` and second, minute or hour") }
        skipSpaces()
        let windowStart = position
        guard case .rate(let micros) = try window() else {
            throw error("a throttle is a rate per second, minute or hour", from: windowStart)
        }
        guard number > 0 else {
            throw error("a throttle of zero lets no request through", from: start, help: "write `deny`")
        }
        return .throttle(requests: number, windowMicros: micros)
    }

    private mutating func overage() throws(ScalarError) -> Action {
        var ceiling: MoneyLiteral?
        var rate: Percentage?
        while true {
            let end = position
            skipSpaces()
            if ceiling == nil, takeWords("up", "to") {
                try expectSpace()
                ceiling = try money()
            } else if rate == nil, takeWords("at") {
                try expectSpace()
                rate = try percentage()
            } else {
                position = end
                return .overage(ceiling: ceiling, rate: rate)
            }
        }
    }
}
