/// A key that a map may have, with its description.
package struct DocumentKey: Sendable {
    package let name: String
    package let summary: String
}

/// The keys of one kind of map.
package struct KeyGroup: Sendable {
    package let keys: [DocumentKey]
    package var names: [String] { keys.map(\.name) }

    fileprivate init(_ keys: [DocumentKey]) { self.keys = keys }

    package subscript(_ name: String) -> DocumentKey? { keys.first { $0.name == name } }

    fileprivate static let description: KeyGroup = ["description": "Free text."]
}

extension KeyGroup: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, String)...) {
        keys = elements.map { DocumentKey(name: $0.0, summary: $0.1) }
    }

    fileprivate static func + (left: KeyGroup, right: KeyGroup) -> KeyGroup { KeyGroup(left.keys + right.keys) }
}

/// Every key of the language. The reader accepts these keys, and editors complete and explain them.
package enum Keys {
    package static let kinds: KeyGroup = [
        "policy": "A version of a policy: tiers, limits, rules.",
        "catalog": "A version of a catalog: models and what they cost.",
        "tenants": "Tenants with their tier and what is theirs alone.",
        "tests": "Requests, and the decisions that are expected.",
    ]

    private static let versioned: KeyGroup = [
        "version": "Ordered by comparing runs of digits as numbers: `1.10` is after `1.9`.",
        "effective": "The first instant at which it holds: a date or an RFC 3339 instant.",
        "currency": "The currency of its money, such as USD.",
    ]

    package static let policy =
        ["policy": "The id of the policy, and the first key of the document."] + versioned + [
            "until": "The instant at which it ends.",
            "timezone": "The IANA time zone of days, weeks and months.",
            "catalog": "The id of the catalog that prices models.",
            "mode": "`enforce`; `shadow`: decide and count, refuse nothing; `frozen`: refuse everything.",
            "default tier": "The tier of tenants that no document lists; without it they are denied.",
            "unpriced": "Whether a model without a known price is denied or allowed: `deny` or `allow`.",
            "estimate": "What a request is expected to produce where it does not say.",
            "retry window": "How long a repeated request id is the same request.",
            "audiences": "Who can be notified, by name.",
            "features": "Features, and which of them are critical.",
            "limits": "Limits for every tenant, whatever its tier.",
            "rules": "Access, decided without counters.",
            "tools": "Tools that are denied, need approval, or are allowed.",
            "tiers": "Tiers by name.",
            "alerts": "Notifications on live traffic; decisions do not depend on them.",
            "checks": "The severity of findings by code: `off`, `note`, `warning`, `error`.",
        ] + .description

    package static let estimate: KeyGroup = [
        "output": "Tokens that an answer is expected to have, as `1k tokens`.",
        "by": "What is reserved: `expected`, what the caller expects; `max`, the most that the answer may have.",
    ]

    package static let feature =
        ["critical": "`true`: conditions may spare it with `feature.critical`."] + KeyGroup.description

    package static let rule =
        [
            "when": "The requests that the rule is about.",
            "deny": "Refuses them, with this code.",
            "confirm": "Lets them through once they are confirmed, with this code.",
            "approve": "Lets them through once they are approved, with this code.",
        ] + KeyGroup.description

    package static let alert =
        [
            "if": "What raises it, as `spend > 200% of baseline and spend > $5`.",
            "budget": "A limit that raises `warning` and `exceeded`, and `ok` after them.",
            "warning": "The used share at which the budget's state is `warning`; 80% by default.",
            "exceeded": "The used share at which the budget's state is `exceeded`; 100% by default.",
            "window": "The window that it is counted over, `day` by default. It is raised once per window.",
            "per": "The parts of the tenant that are counted apart, as `feature` or `prompt_version`.",
            "across tenants": "`true`: tenants are counted together, and judged when the window ends.",
            "when": "The requests that it counts.",
            "at least": "Requests that a window must have before it is judged.",
            "baseline": "Earlier windows with requests that a baseline is made of; 7 by default.",
            "notify": "The audiences to notify.",
        ] + KeyGroup.description

    package static let tools: KeyGroup = [
        "deny": "Patterns of tools that are refused.",
        "approve": "Patterns of tools that need approval.",
        "allow": "Patterns of tools that are allowed.",
        "default": "What becomes of other tools: `allow`, `approve` or `deny`.",
    ]

    private static let plan: KeyGroup = [
        "models": "Classes, models or patterns; `any` for all.",
        "downgrade": "Chains from expensive to cheap, as `gpt-4o -> gpt-4o-mini`, or {chains, consent}.",
        "block": "Features that are refused.",
        "limits": "Limits by name; those of an extended tier merge by name.",
        "weights": "Shares of one limit by feature: {of: daily, chat: 40%, other: 5%}.",
        "upgrade": "Where to go for more: {to: TIER, url: …}.",
    ]

    package static let tier =
        [
            "extends": "The tier from which everything is taken over; limits merge by name, all else is replaced.",
            "price": "What the tier costs a month, as `$29/month`.",
        ] + plan + .description

    package static let upgrade: KeyGroup = ["to": "The next tier.", "url": "Where a customer changes it."]

    package static let limit =
        [
            "amount": "How much of what in which window: `$25/day`, `50 requests/day`.",
            "per": "The scope that it is counted for; `tenant` by default.",
            "when": "The requests that it counts and judges.",
            "at": "Thresholds and their actions; `{100%: deny}` by default.",
            "rollover": "What unused budget may carry into the next window.",
            "burst": "The most that a rate lets through at once.",
            "mode": "`shadow`: judged and reported, and nothing is refused by it.",
            "prepaid": "`true`: the amount is the tenant's prepaid balance.",
        ] + KeyGroup.description

    package static let rollover: KeyGroup = [
        "cap": "The share of the amount that may be carried over.",
        "compounding": "`true`: what was carried carries again.",
    ]

    package static let action: KeyGroup = ["do": "The action.", "when": "The requests that it is for."]

    package static let weights: KeyGroup = [
        "of": "The limit that is divided.",
        "share": "`whole` of the amount, or of what is `remaining`.",
        "other": "The share of each feature that is not named.",
    ]

    package static let downgrade: KeyGroup = [
        "chains": "Chains from expensive to cheap.",
        "consent": "Whose consent a substitute needs: `plan`, `tenant` or `request`.",
    ]

    package static let catalog =
        ["catalog": "The id of the catalog, and the first key of the document."] + versioned + [
            "classes": "Classes of models, from cheapest to best.",
            "models": "Models by name.",
        ] + .description

    package static let model =
        [
            "class": "The class of the model.",
            "provider": "Who serves it.",
            "aliases": "Other names and patterns that requests use.",
            "price": "What it costs: {input: $2.50/1M, cached: $1.25/1M, output: $10/1M}.",
            "context": "Tokens that fit into a request and its answer.",
        ] + KeyGroup.description

    package static let price: KeyGroup = [
        "input": "Money per input tokens: `$2.50/1M`.",
        "cached": "Money per cached input tokens; the price of input by default.",
        "output": "Money per output tokens.",
        "request": "A fee for each request.",
    ]

    package static let tenants = ["tenants": "Tenants by id."] + KeyGroup.description

    package static let tenant =
        [
            "tier": "The tenant's tier.",
            "status": "`active`, or `suspended`: refused, whatever is left.",
            "accepts": "What the tenant consents to: `downgrade`.",
            "prepaid": "The prepaid balance.",
            "grants": "Parts of a prepaid balance, with dates and priorities.",
            "group": "Tenants of one group share limits that are counted per group.",
            "since": "When the tenant began: nothing is carried over from before.",
        ] + plan + [
            "scopes": "A tree of budgets below the tenant.",
            "exceptions": "Approved overruns: dated, with a reason.",
        ] + .description

    package static let grant: KeyGroup = [
        "amount": "How much.", "from": "When it begins to hold.", "until": "When it lapses.",
        "priority": "Lower numbers are spent first.", "kind": "`granted` or `bought`.",
    ]

    package static let exception: KeyGroup = [
        "limit": "The limit that is overridden.", "amount": "What holds instead.", "until": "When it ends.",
        "reason": "Why it was approved.", "approved by": "Who approved it.",
    ]

    package static let tests = ["tests": "Tests by name."] + KeyGroup.description

    package static let step: KeyGroup = [
        "at": "An instant, or `+5m` after the step before.",
        "request": "Fields of the request.",
        "repeat": "How often it is made.",
        "every": "The time between repetitions.",
        "expect": "An outcome, or any fields of the decision.",
        "settle": "What was really used.",
        "release": "`true`: the request was never made.",
        "alerts": "The names of the alerts that the step raises; `[]` where it must raise none.",
    ]

    package static let test =
        step + [
            "given": "What limits had used before, by name.",
            "steps": "Requests in their order.",
            "each": "Variations: the test is run once for each.",
        ] + .description

    package static let testCase: KeyGroup = [
        "name": "The name of the variation.", "request": "Fields that are added.", "given": "Usage that is added.",
        "expect": "What is expected first.",
    ]
}
