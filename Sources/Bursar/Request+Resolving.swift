import BursarEngine

extension Engine.Request {
    /// Text attributes that policies can read. The engine derives the tenant, its plan, and the model's class and
    /// provider.
    private var texts: [(slot: AttributeSlot, text: String?)] {
        [
            (.tier, tier), (.group, group), (.workspace, workspace), (.app, app), (.workflow, workflow),
            (.agent, agent),
            (.toolset, toolset), (.run, run), (.session, session), (.user, user), (.apiKey, apiKey),
            (.feature, feature), (.route, route), (.environment, environment), (.requestClass, requestClass),
            (.promptVersion, promptVersion), (.fallbackReason, fallbackReason),
        ]
    }

    private var counts: [(name: String, count: Int?)] {
        [
            ("inputTokens", inputTokens), ("cachedTokens", cachedTokens), ("maxOutputTokens", maxOutputTokens),
            ("expectedOutputTokens", expectedOutputTokens), ("characters", characters), ("attempt", attempt),
        ]
    }

    /// The reason why the request is invalid; nil if it is valid.
    var defect: String? {
        if tenant.isEmpty { return "`tenant` is empty" }
        if model.isEmpty { return "`model` is empty" }
        return counts.first { ($0.count ?? 0) < 0 }.map { "`\($0.name)` is negative" }
    }

    /// The request with the names and numbers of an engine.
    func resolved(in core: BursarEngine.Engine, at time: Timestamp) -> BursarEngine.Request {
        var request = BursarEngine.Request(
            time: time.microsecondsSince1970, tenant: core.tenant(tenant), model: core.symbols.intern(model))
        request.id = id.map { RequestID($0) }
        for (slot, text) in texts {
            guard var text, core.uses(slot) else { continue }
            request[slot] = text.withUTF8 { core.symbol(slot, $0) }
        }
        request.inputTokens = Int64(inputTokens ?? -1)
        request.cachedTokens = Int64(cachedTokens ?? -1)
        request.maxOutputTokens = Int64(maxOutputTokens ?? -1)
        request.expectedOutputTokens = Int64(expectedOutputTokens ?? -1)
        request.characters = Int64(characters ?? -1)
        request.attempt = Int64(attempt ?? -1)
        if !tools.isEmpty { request.tools = tools.map(core.symbols.intern) }
        if !labels.isEmpty {
            request.labels = labels.sorted { $0.key < $1.key }.map {
                BursarEngine.Request.Label(key: core.symbols.intern($0.key), value: core.symbols.intern($0.value))
            }
        }
        request.isFallback = isFallback
        request.isConfirmed = isConfirmed
        request.isApproved = isApproved
        request.acceptsDowngrade = acceptsDowngrade
        return request
    }
}
