import BursarEngine
import RandomPolicies

extension Engine {
    static var randomTenants: [(String, String)] {
        [("acme", "t0"), ("beta", "t1"), ("core", "t0"), ("nobody", "t1"), ("someone", "t0")]
    }

    /// A request whose numbers lie at the edges of what random policies ask for.
    func randomRequest(
        _ number: Int, _ time: Int64, _ random: inout SeededGenerator,
        tenants: [(String, String)] = Engine.randomTenants
    ) -> Request {
        // Counters outlive a change of tier, so promises are for tenants that keep theirs.
        let (name, tier) = random.pick(tenants)
        let tenant = tenant(name)
        var request = Request(
            time: time, tenant: tenant,
            model: symbols.intern(random.pick(["ant", "bee", "cat", "dog", "ant-v7", "ghost", "elk"])))
        request.id = RequestID("r\(number)")
        func maybe(_ slot: AttributeSlot, _ percent: Int, _ values: [String]) {
            if random.chance(percent) { request[slot] = symbols.intern(random.pick(values)) }
        }
        maybe(.feature, 70, ["chat", "search", "batch", "send"])
        maybe(.user, 60, ["u1", "u2", "x"])
        maybe(.workspace, 50, ["w1", "w2"])
        maybe(.group, 30, ["g1", "g2"])
        maybe(.run, 30, ["n1", "n2"])
        request[.tier] = symbols.intern(tier)
        func count(_ percent: Int, _ values: [Int64]) -> Int64 { random.chance(percent) ? random.pick(values) : -1 }
        request.inputTokens = count(80, [0, 1, 9, 10, 11, 19, 20, 21, 60])
        if request.inputTokens > 0 { request.cachedTokens = count(40, [0, 1]) }
        request.maxOutputTokens = count(60, [0, 1, 14, 15, 16, 40])
        request.expectedOutputTokens = count(30, [0, 5, 20])
        request.characters = count(50, [0, 6, 7, 8])
        request.attempt = count(40, [1, 2, 3, 4])
        if random.chance(40) { request.isFallback = random.chance(50) }
        if random.chance(40) {
            request.tools = [random.pick(["db:drop", "pay:card", "find:x", "x"])].map { symbols.intern($0) }
        }
        if random.chance(40) {
            request.labels = [
                Request.Label(
                    key: symbols.intern("team"),
                    value: symbols.intern(random.pick(["red", "blue", "green"])))
            ]
        }
        request.isConfirmed = random.chance(50)
        request.isApproved = random.chance(50)
        request.acceptsDowngrade = random.chance(50)
        return request
    }
}
