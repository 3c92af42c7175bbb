import BursarEngine
import BursarPolicy
import BursarSyntax
import FlatLoop

// One decision through the engine, names resolved, beside a loop over flat arrays that compares and adds four numbers.
// usage: engine-bench POLICIES

/// Nanoseconds a call: the median of seven rounds.
func median(_ calls: Int, _ body: (Int) -> Void) -> Double {
    let clock = ContinuousClock()
    var rounds: [Double] = []
    for _ in 0..<7 {
        let time = clock.measure { for index in 0..<calls { body(index) } }
        rounds.append(Double(time.components.attoseconds) / 1e9 / Double(calls) + Double(time.components.seconds) * 1e9 / Double(calls))
    }
    return rounds.sorted()[3]
}

let path = CommandLine.arguments.dropFirst().first ?? "Policies/saas-tiers"
guard let set = Compiler.compile(path).set else {
    print("\(path) does not compile")
    throw CompileFailure()
}
struct CompileFailure: Error {}

for count in [1_000, 1_000_000] {
    let engine = Engine(set)
    let model = engine.symbols.intern("gpt-4o-mini")
    let tier = engine.symbols.intern("enterprise")
    let feature = engine.symbols.intern("chat")
    let tenants = (0..<count).map { engine.tenant("tenant-\($0)") }
    var state: UInt64 = 1
    let order = (0..<1_000_000).map { _ -> Int in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(count))
    }
    var request = Request(time: 1_780_272_000_000_000, tenant: tenants[0], model: model)
    request[.tier] = tier
    request[.feature] = feature
    request.inputTokens = 10
    request.expectedOutputTokens = 10
    var admitted = 0
    let ours = median(order.count) { index in
        request.tenant = tenants[order[index]]
        let decision = engine.decide(request)
        if decision.outcome == .allow { admitted += 1 }
        if let reservation = decision.reservation { try? engine.release(reservation, of: request.tenant) }
    }
    var flat = [flat_tenant](repeating: flat_tenant(), count: count)
    for index in flat.indices { flat[index].bound = (.max / 2, .max / 2, .max / 2, .max / 2) }
    let theirs = flat.withUnsafeMutableBufferPointer { buffer in
        median(order.count) { index in
            admitted += Int(flat_decide(buffer.baseAddress, UInt32(order[index]), 10, 10))
        }
    }
    print("\(count) tenants: decide and release \(Int(ours)) ns, flat loop \(Int(theirs)) ns, \(Int(ours / theirs))x (\(admitted) admitted)")
}
