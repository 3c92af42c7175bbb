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
        "catalog": "A version of a catalog: models and their prices.",
        "tenants": "Tenants with their tier and their own keys.",
        "tests": "Requests and the expected decisions.",
    ]

    private static let versioned: KeyGroup = [
        "version": "The version. Runs of digits compare as numbers: `1.10` is after `1.9`.",
        "effective": "The start of its time in force: a date or an RFC 3339 instant.",
        "currency": "The currency of all money, such as USD.",
    ]

    package static let policy =
        ["policy": "The id of the policy, and the first key of the document."] + versioned + [
            "until": "The end of its time in force.",
            "timezone": "The IANA time zone of days, weeks and months.",
            "catalog": "The id of the catalog that prices models.",
            "mode": "`enforce`; `shadow`: decide and count, but refuse nothing; `frozen`: refuse everything.",
            "default tier": "The tier of tenants that no document lists; without it they are denied.",
            "unpriced": "The decision for models without a known price: `deny` or `allow`.",
            "estimate": "The estimate for requests that do not state their output.",
            "retry window": "The time within which a repeated request id means the same request.",
            "audiences": "The names of those who can be notified.",
            "features": "Features; `critical` marks some of them.",
            "limits": "Limits for every tenant, independent of its tier.",
            "rules": "Access, decided without counters.",
            "tools": "Tools that are denied, need approval, or are allowed.",
            "tiers": "Tiers by name.",
            "alerts": "Notifications about budgets and traffic; decisions do not depend on them.",
            "checks": "The severity of findings by code: `off`, `note`, `warning`, `error`.",
        ] + .description

    package static let estimate: KeyGroup = [
        "output": "The expected number of output tokens, such as `1k tokens`.",
        "by": "The reserved output: `expected`, the caller's estimate, or `max`, the upper bound of the answer.",
    ]

    package static let feature =
        ["critical": "`true`: conditions can exempt the feature with `feature.critical`."] + KeyGroup.description

    package static let rule =
        [
            "when": "The requests that the rule applies to.",
            "deny": "Refuses the requests, with this code.",
            "confirm": "Requires confirmation of the requests, with this code.",
            "approve": "Requires approval of the requests, with this code.",
        ] + KeyGroup.description

    package static let alert =
        [
            "if": "The condition, such as `spend > 200% of baseline and spend > $5`.",
            "budget": "A limit whose state changes are reported: `warning`, `exceeded`, and `ok` afterwards.",
            "warning": "The used share at which the state becomes `warning`; default: 80%.",
            "exceeded": "The used share at which the state becomes `exceeded`; default: 100%.",
            "window": "The window of the sums; default: `day`. The alert is raised once per window.",
            "per": "Dimensions that split the alert within a tenant, such as `feature` or `prompt_version`.",
            "across tenants": "`true`: all tenants count together, and the alert is evaluated when the window ends.",
            "when": "The requests that count.",
            "at least": "The minimum number of requests in a window.",
            "baseline": "The number of earlier windows with requests in the baseline; default: 7.",
            "notify": "The audiences to notify.",
        ] + KeyGroup.description

    package static let tools: KeyGroup = [
        "deny": "Patterns of tools that are refused.",
        "approve": "Patterns of tools that need approval.",
        "allow": "Patterns of tools that are allowed.",
        "default": "The decision for other tools: `allow`, `approve` or `deny`.",
    ]

    private static let plan: KeyGroup = [
        "models": "Classes, models or patterns; `any` for all.",
        "downgrade": "Chains from expensive to cheap: `gpt-4o -> gpt-4o-mini`, or {chains, consent}.",
        "block": "Features that are refused.",
        "limits": "Limits by name; those of an extended tier merge by name.",
        "weights": "Shares of one limit by feature: {of: daily, chat: 40%, other: 5%}.",
        "upgrade": "The next tier for refused tenants: {to: TIER, url: …}.",
    ]

    package static let tier =
        [
            "extends": "The inherited tier; limits merge by name, other keys replace the inherited ones.",
            "price": "The monthly price of the tier, such as `$29/month`.",
        ] + plan + .description

    package static let upgrade: KeyGroup = [
        "to": "The next tier.", "url": "The page where a customer changes the tier.",
    ]

    package static let limit =
        [
            "amount": "The amount, unit and window: `$25/day`, `50 requests/day`.",
            "per": "The scopes of the counter; default: `tenant`.",
            "when": "The requests that the limit applies to.",
            "at": "Thresholds and their actions; default: `{100%: deny}`.",
            "rollover": "The share of the amount that unused budget may carry into the next window.",
            "burst": "The maximum that a rate admits at once.",
            "mode": "`shadow`: the limit is evaluated and reported, but does not refuse.",
            "prepaid": "`true`: the amount is the tenant's prepaid balance.",
        ] + KeyGroup.description

    package static let rollover: KeyGroup = [
        "cap": "The maximum carry-over, as a share of the amount.",
        "compounding": "`true`: carry-over can be carried over again.",
    ]

    package static let action: KeyGroup = ["do": "The action.", "when": "The requests that the action applies to."]

    package static let weights: KeyGroup = [
        "of": "The limit that is divided.",
        "share": "The base of the shares: the `whole` amount, or the `remaining` amount.",
        "other": "The share of each feature that is not named.",
    ]

    package static let downgrade: KeyGroup = [
        "chains": "Chains from expensive to cheap.",
        "consent": "The consent that a substitute requires: `plan`, `tenant` or `request`.",
    ]

    package static let catalog =
        ["catalog": "The id of the catalog, and the first key of the document."] + versioned + [
            "classes": "Classes of models, from cheapest to best.",
            "models": "Models by name.",
        ] + .description

    package static let model =
        [
            "class": "The class of the model.",
            "provider": "The provider that serves the model.",
            "aliases": "Other names and patterns that requests use.",
            "price": "The price: {input: $2.50/1M, cached: $1.25/1M, output: $10/1M}.",
            "context": "The maximum number of tokens of a request and its output.",
        ] + KeyGroup.description

    package static let price: KeyGroup = [
        "input": "The price of input tokens: `$2.50/1M`.",
        "cached": "The price of cached input tokens; default: the price of `input`.",
        "output": "The price of output tokens.",
        "request": "A fee for each request.",
    ]

    package static let tenants = ["tenants": "Tenants by id."] + KeyGroup.description

    package static let tenant =
        [
            "tier": "The tenant's tier.",
            "status": "`active`, or `suspended`: every request is refused.",
            "accepts": "The tenant's consent: `downgrade`.",
            "prepaid": "The prepaid balance.",
            "grants": "Parts of a prepaid balance, with dates and priorities.",
            "group": "The group; tenants of a group share limits that count per group.",
            "since": "The start of the tenant; earlier windows have no carry-over.",
        ] + plan + [
            "scopes": "A tree of scopes with limits, below the tenant.",
            "exceptions": "Approved exceptions from limits, each with an end and a reason.",
        ] + .description

    package static let grant: KeyGroup = [
        "amount": "The amount of money.", "from": "The start of the grant.", "until": "The end of the grant.",
        "priority": "Lower numbers are spent first.", "kind": "`granted` or `bought`.",
    ]

    package static let exception: KeyGroup = [
        "limit": "The overridden limit.", "amount": "The new amount.", "until": "The end of the exception.",
        "reason": "The reason for the approval.", "approved by": "The approver.",
    ]

    package static let tests = ["tests": "Tests by name."] + KeyGroup.description

    package static let step: KeyGroup = [
        "at": "An instant, or a time after the previous step such as `+5m`.",
        "request": "Fields of the request.",
        "repeat": "The number of times that the request is made.",
        "every": "The time between repetitions.",
        "expect": "An outcome, or any fields of a decision.",
        "settle": "The actual usage.",
        "release": "`true`: cancels the reservation; the request was never made.",
        "alerts": "The names of the alerts that the step raises; `[]` means none.",
    ]

    package static let test =
        step + [
            "given": "The usage of limits before the first request, by name.",
            "steps": "Requests in order.",
            "each": "Variations; the test runs once for each.",
        ] + .description

    package static let testCase: KeyGroup = [
        "name": "The name of the variation.", "request": "Additional fields of the request.",
        "given": "Additional usage.",
        "expect": "The expectation for the first request.",
    ]
}
