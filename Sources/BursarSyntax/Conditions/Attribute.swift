/// A property of a request that conditions can read.
package enum Attribute: Hashable, Sendable {
    case tenant, tier, group, workspace, app, workflow, agent, toolset, run, session, user
    case apiKey, feature, route, environment, requestClass, promptVersion
    case model, modelClass, modelProvider
    case fallback, fallbackReason
    case inputTokens, cachedTokens, maxOutputTokens, characters, attempt
    case tools
    case label(String)
    case hour, weekday
    case featureCritical

    package enum Kind: String, Sendable {
        case text = "text"
        case number = "a number"
        case boolean = "true or false"
        case list = "a list"
        case weekday = "a day of the week"
    }

    package var kind: Kind {
        switch self {
        case .fallback, .featureCritical: .boolean
        case .inputTokens, .cachedTokens, .maxOutputTokens, .characters, .attempt, .hour: .number
        case .weekday: .weekday
        case .tools: .list
        default: .text
        }
    }

    /// The attributes by their names in conditions, except `labels["…"]`.
    package static let named: [String: Attribute] = [
        "tenant": .tenant, "tier": .tier, "group": .group, "workspace": .workspace, "app": .app,
        "workflow": .workflow, "agent": .agent, "toolset": .toolset, "run": .run, "session": .session, "user": .user,
        "api_key": .apiKey, "feature": .feature, "route": .route, "environment": .environment,
        "request_class": .requestClass, "prompt_version": .promptVersion, "model": .model,
        "model.class": .modelClass, "model.provider": .modelProvider, "fallback": .fallback,
        "fallback_reason": .fallbackReason, "input_tokens": .inputTokens, "cached_tokens": .cachedTokens,
        "max_output_tokens": .maxOutputTokens, "characters": .characters, "attempt": .attempt, "tools": .tools,
        "hour": .hour, "weekday": .weekday, "feature.critical": .featureCritical,
    ]

    /// Words that people write for attributes.
    private static let otherWords = [
        "plan": "tier", "customer": "tenant", "organization": "tenant", "org": "tenant", "account": "tenant",
        "team": "workspace", "project": "workspace", "env": "environment", "stage": "environment",
        "tokens": "input_tokens", "prompt_tokens": "input_tokens", "max_tokens": "max_output_tokens",
        "completion_tokens": "max_output_tokens", "key": "api_key", "token": "api_key", "endpoint": "route",
        "path": "route", "provider": "model.provider", "class": "model.class", "day": "weekday", "time": "hour",
        "retry": "attempt", "label": "labels", "tags": "labels", "metadata": "labels",
    ]

    /// Help for a name that is not an attribute: the nearest one, else all.
    static func help(for name: String) -> String {
        let all = named.keys.sorted() + ["labels[\"…\"]"]
        if let near = otherWords[name.lowercased()] ?? nearestName(to: name, among: all) {
            return "did you mean `\(near == "labels" ? "labels[\"…\"]" : near)`?"
        }
        return "attributes: " + all.joined(separator: ", ")
    }

    private static let names: [Attribute: String] = Dictionary(uniqueKeysWithValues: named.map { ($1, $0) })

    package var name: String {
        if case .label(let key) = self { "labels[\"\(key)\"]" } else { Attribute.names[self] ?? "" }
    }
}

/// The names of the days of the week in conditions, numbered from 1 (Monday) as in ISO 8601.
package enum Weekday {
    static let names = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

    static func number(_ text: String) -> Int64? {
        names.firstIndex { $0 == text || $0.prefix(3) == text }.map { Int64($0 + 1) }
    }
}
